"""What a picture shows of gradients and of the state of a pass."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from tests.graph.parsed import Parsed, parsed


def test_gradients_are_shown_by_their_root_mean_square(net, x, target):
    loss = F.cross_entropy(net(x), target)
    assert not any("grad" in line for box in parsed(loss).boxes.values() for line in box.lines)
    loss.backward()
    picture = parsed(loss)
    for name, parameter in net.named_parameters():
        rms = np.sqrt(np.mean(parameter.grad.numpy().astype(np.float64) ** 2))
        cancelled = " (cancelled by bn1: BatchNorm1d)" if name == "fc1.bias" else ""
        (box,) = [box for box in picture.boxes.values() if picture.name(box).split(" ")[0] == name]
        assert box.lines[-1] == f"|grad| rms {rms:.2g}{cancelled}"


@pytest.mark.parametrize(
    "gradient, text, red",
    [
        ([3.0, 4.0], "3.5", False),
        ([0.0, 0.0], "0", True),
        ([np.nan, 1.0], "nan", True),
        ([np.inf, 1.0], "inf", True),
        ([3e300, 4e300], "3.5e+300", False),
        ([1e-320, 0.0], "7.1e-321", False),
    ],
)
def test_a_gradient_nothing_can_be_learned_from_is_red(gradient, text, red):
    w = mg.tensor(np.ones(2), requires_grad=True)
    loss = (w * 2).sum()
    w.grad = mg.tensor(np.array(gradient))
    source = mg.draw(loss).source
    line = f"|grad| rms {text}"
    assert (f'<FONT COLOR="#c00000">⚠ {line}</FONT>' in source) is red
    assert Parsed(source).box("leaf").lines[-1] == line
    mermaid = mg.draw(loss).to_mermaid()
    assert ("⚠" in mermaid) is red


def cancels(net, x, target):
    return F.cross_entropy(net(x), target)


def in_eval_it_does_not(net, x, target):
    return F.cross_entropy(net.eval()(x), target)


def used_elsewhere_too(net, x, target):
    return F.cross_entropy(net(x), target) + net.fc1.bias.sum()


def read_before_the_norm_too(net, x, target):
    h = net.fc1(x)
    return net.bn1(h).exp().mean() + h.mean()


def of_three_axes(net, x, target):
    return nn.BatchNorm1d(4)(net.fc1(x.reshape(4, 4, 4))).exp().mean()


@pytest.mark.parametrize(
    "compute, cancelled",
    [(cancels, True), (in_eval_it_does_not, False), (used_elsewhere_too, False), (read_before_the_norm_too, False),
     (of_three_axes, False)],
)  # fmt: skip
def test_a_bias_is_called_cancelled_exactly_when_its_gradient_is_zero(net, x, target, compute, cancelled):
    loss = compute(net, x, target)
    loss.backward()
    line = parsed(loss, model=net).box("fc1.bias").lines[-1]
    assert ("cancelled by" in line) is cancelled
    assert bool((net.fc1.bias.grad.abs() < 1e-6).all()) is cancelled
    net.fc1.bias.grad = mg.zeros(8)
    assert ("cancelled by" in parsed(loss, model=net).box("fc1.bias").lines[-1]) is cancelled


def test_a_bias_whose_layer_is_an_output_is_not_cancelled(net, x):
    hidden = net.fc1(x)
    loss = net.bn1(hidden).exp().sum()
    loss.backward()
    assert "cancelled by bn1" in parsed(loss, model=net).box("fc1.bias").lines[-1]
    assert "cancelled" not in parsed([loss, hidden], model=net).box("fc1.bias").lines[-1]


def test_a_gradient_of_an_earlier_graph_is_not_called_cancelled(net, x, target):
    F.cross_entropy(net.eval()(x), target).backward()
    assert "cancelled" not in parsed(net.train(), x).box("fc1.bias").lines[-1]


@pytest.mark.parametrize("value, red", [(0.0, False), (np.nan, True)])
def test_a_cancelled_gradient_is_red_only_if_it_is_not_finite(net, x, value, red):
    net.fc1.bias.grad = mg.full((8,), value)
    assert (
        f'<FONT COLOR="#c00000">⚠ |grad| rms {value:.2g} (cancelled by bn1: BatchNorm1d)' in mg.draw(net(x)).source
    ) is red


def test_the_graph_of_a_gradient_is_a_graph(net, x, target):
    (dw,) = mg.grad(F.cross_entropy(net(x), target), net.fc1.weight, create_graph=True)
    picture = parsed(dw.square().sum())
    assert len(picture.boxes) > 40 and picture.titles()["fc1.weight"] == 1
    assert picture.cluster("bn1.running_mean") == ["bn1: BatchNorm1d(8)  [TRAIN: batch statistics]"]
    assert "peripheries=2" in picture.boxes[max(picture.boxes)].look


def test_the_header_counts_and_says_whether_backward_is_done(net, x, target):
    loss = F.cross_entropy(net(x), target)
    counts = f"74 parameters (74 trainable), 17 buffer values   loss={loss.item():.4g}"
    assert parsed(loss).header == f"MLP   mode=train   {counts}   backward: not done, 2,368 bytes saved for it"
    loss.backward(retain_graph=True)
    assert parsed(loss).header.endswith("backward: gradients present, graph not freed, 2,368 bytes saved for it")
    loss.backward()
    assert parsed(loss).header.endswith("backward: done")
    net.fc1.requires_grad_(False)
    net.eval()
    header = parsed(net, x).header
    assert header.startswith(
        "MLP   mode=eval   74 parameters (34 trainable), 17 buffer values   "
        "backward: not done, 1,856 bytes saved for it, gradients are of an earlier pass\nof a pass of its own"
    )
    net.act.train()
    assert "mode=mixed (1 of 5 modules in train)" in parsed(net, x).header
    assert parsed(x.requires_grad_().exp().sum()).header.startswith("2 operations   output=")
