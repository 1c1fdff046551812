"""Boxes and edges of each kind: operations, parameters, buffers, inputs and outputs."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.engine.shown import range_text
from minigrad.graph.description import MODES
from minigrad.nn import functional as F
from tests.graph.parsed import parsed


def test_there_is_a_box_for_each_record_and_each_constant_and_an_edge_for_each_use(net, x, target):
    loss = F.cross_entropy(net(x), target) + net.fc1.weight.square().mean()
    things, uses, stack = {id(loss.node)}, 0, [loss.node]
    while stack:
        for operand in stack.pop().inputs:
            if isinstance(operand, mg.engine.node.Node) and id(operand) not in things:
                stack.append(operand)
            uses += isinstance(operand, (mg.engine.node.Node, mg.Tensor))
            if isinstance(operand, (mg.engine.node.Node, mg.Tensor)):
                things.add(id(operand))
    picture = parsed(loss)
    assert len(picture.boxes) == len(things) + 3
    assert len(picture.edges) == uses + 3
    assert sorted(picture.boxes) == list(range(len(picture.boxes)))


def test_numbers_are_topological(net, x, target):
    picture = parsed(F.cross_entropy(net(x), target))
    assert all(a < b for a, b, look in picture.edges if "dashed" not in look)


def test_parallel_edges_are_kept_and_operands_told_apart():
    w = mg.tensor(2.0, requires_grad=True)
    picture = parsed(w + w)
    assert [(a, b) for a, b, _ in picture.edges] == [(0, 1), (0, 1)]
    y = w.exp()
    labels = [re.search("label=<(.+?)>", look)[1] for _, _, look in parsed(y - y.log()).edges[-2:]]
    assert labels == ["input", "other"]


@pytest.mark.parametrize("kind", [float, np.float32, np.float64])
def test_a_box_says_the_number_that_was_added(net, x, kind):
    assert parsed((net(x) + kind(2.5)).sum()).box("add").lines == ["out (16, 2) float32", "other=2.5"]


def test_what_boxes_say(net, x, target):
    loss = F.cross_entropy(net(x) * 2.5, target)
    picture = parsed(loss)
    assert picture.box("mul").lines == ["out (16, 2) float32", "other=2.5", "saves 128 bytes"]
    assert picture.box("cross_entropy").lines[:2] == [f"out () float32 = {loss.item():.4g}", "reduction=mean"]
    assert "peripheries=2" in picture.box("cross_entropy").look
    assert picture.box("fc2.bias").lines == ["(2,) float32"]
    assert "dashed" not in picture.box("fc2.bias").look
    assert picture.arrows("dotted") == {("target", "cross_entropy", None)}
    assert "rounded" in picture.box("target").look
    mean = picture.box("bn1.running_mean").lines[1]
    low, high = (float(v) for v in re.fullmatch(r"values in \[(.*), (.*)\]", mean).groups())
    np.testing.assert_allclose(
        [low, high], [net.bn1.running_mean.min().item(), net.bn1.running_mean.max().item()], 5e-3
    )
    assert picture.box("bn1.num_batches_tracked").lines == ["() int64 = 1"]


def test_attributes_that_are_off_are_left_out():
    w = mg.ones(2, 3, requires_grad=True)
    assert parsed(w.sum(0)).box("sum").lines == ["out (3,) float32", "axes=(0,)"]
    assert parsed(w.sum(0, keepdim=True)).box("sum").lines[1] == "axes=(0,)  keepdims=True"
    assert parsed(w.clamp(min=0.123456)).box("clamp").lines[1] == "low=0.1235"


def test_a_frozen_parameter_is_dashed(net, x):
    net.fc1.weight.requires_grad_(False)
    picture = parsed(net(x))
    assert "dashed" in picture.box("fc1.weight").look and "dashed" not in picture.box("fc1.bias").look
    assert picture.cluster("fc1.weight") == ["fc1: Linear(4, 8)"]


def test_a_batch_norm_says_the_statistics_it_used_and_what_it_keeps_until_backward(net, x):
    before = net.fc1(x).numpy().astype(np.float64)
    y = net(x)
    lines = parsed(y).box("batch_norm").lines
    assert lines[:2] == ["out (16, 8) float32", "eps=1e-05  momentum=0.1"]
    for line, values in ((lines[2], before.mean(0)), (lines[3], before.var(0))):
        low, high = re.search(r"in \[(.*), (.*)\]", line).groups()
        np.testing.assert_allclose([float(low), float(high)], [values.min(), values.max()], rtol=1e-2)
    assert lines[3].endswith("  n=16")
    kept = 16 * 8 * 4 * 2 + 2 * 8 * 4
    assert lines[7] == f"saves x, x - mean, std, scale ({kept:,} bytes)"
    y.sum().backward()
    assert parsed(y).box("batch_norm").lines[7] == "saved values: freed by backward"


def mean_and_deviation(values):
    """Of channels, as a box says them."""
    return f"mean {range_text(values.mean(0))}, deviation {range_text(values.std(0))}"


@pytest.mark.parametrize("training", [True, False])
def test_a_batch_norm_says_mean_and_deviation_before_and_after_each_of_its_steps(training):
    rng = np.random.default_rng(0)
    x, scale, shift = 3 * rng.normal(size=(16, 4)) + 1, rng.uniform(-2, 2, 4), rng.normal(size=4)
    norm = nn.BatchNorm1d(4, dtype=np.float64).train(training)
    norm.load_state_dict({**norm.state_dict(), "weight": scale, "bias": shift, "running_mean": shift})
    lines = parsed(norm(mg.tensor(x))).box("batch_norm").lines
    mean, var = (x.mean(0), x.var(0)) if training else (shift, np.ones(4))
    xhat = (x - mean) / np.sqrt(var + 1e-5)
    before = f"batch deviation {range_text(x.std(0))}" if training else f"batch {mean_and_deviation(x)}  n=16"
    normalised, shifted = (text.split("in [", 1)[0] for text in lines[5:7])
    assert lines[4] == before and (normalised, shifted) == ("normalised: mean ", "scaled, shifted: mean ")
    for line, values in ((lines[5], xhat), (lines[6], xhat * scale + shift)):
        found = [float(text) for text in re.findall(r"-?\d[\d.e-]*", line)]
        expected = [values.mean(0).min(), values.mean(0).max(), values.std(0).min(), values.std(0).max()]
        np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-6)


def test_what_scale_and_shift_did_is_not_said_once_they_have_changed(net, x):
    y = net(x)
    with mg.no_grad():
        net.bn1.bias += 1
    assert "scaled and shifted before weight or bias changed" in parsed(y).box("batch_norm").lines


def test_an_array_that_two_operations_save_is_counted_once():
    w = mg.ones(8, 4, requires_grad=True)
    y = w.exp()
    picture = parsed((y.log() + y.sqrt()).sum())
    assert [picture.box(name).lines[-1] for name in ("exp", "log")] == ["saves 128 bytes", "saves 128 bytes, shared"]
    assert picture.header.endswith("backward: not done, 256 bytes saved for it")


def test_parameters_are_there_anyway_and_are_not_counted():
    net = nn.Linear(4, 2, bias=False)
    picture = parsed(net, mg.ones(8, 4))
    assert picture.box("linear").lines[-1] == "saves 128 bytes"
    assert "backward: not done, 128 bytes saved for it" in picture.header


def test_channels_protected_from_nan_are_counted_and_nothing_is_written_where_nothing_was():
    norm = nn.BatchNorm1d(3)
    x = np.ones((4, 3), np.float32) * np.arange(4, dtype=np.float32)[:, None]
    x[1, 2] = np.nan
    with pytest.warns(UserWarning, match="1 of 3 channels"):
        picture = parsed(norm(mg.tensor(x)))
    assert picture.box("batch_norm").lines[-1] == "1 of 3 channels not finite: running statistics left alone"
    assert ("batch_norm", "running_mean", "writes 0.1 in 2 of 3 channels") in picture.arrows("dashed")
    with pytest.warns(UserWarning, match="3 of 3 channels"):
        picture = parsed(norm(mg.tensor(x * np.nan)))
    assert {name for _, name, _ in picture.arrows("dashed")} == {"num_batches_tracked"}


def test_a_cumulative_average_says_the_weight_of_this_batch():
    norm = nn.BatchNorm1d(3, momentum=None)
    for _ in range(3):
        y = norm(mg.randn(4, 3))
    labels = {label for _, _, label in parsed(y).arrows("dashed")}
    assert labels == {"writes 1/3 (cumulative)", "+1 to 3"}


MANY = 1 << 17
"""Rows of four: a batch that is normalised in blocks."""


@pytest.mark.parametrize(("mean", "saved"), [(0, "x"), (9, "x, x - mean")])
def test_a_large_batch_is_saved_once_unless_its_mean_is_far_from_0(mean, saved):
    x = mg.tensor(np.random.default_rng(0).standard_normal((MANY, 4)) + mean).requires_grad_()
    kept = MANY * 4 * 8 * len(saved.split(", ")) + 2 * 4 * 8
    y = F.batch_norm(x, None, None, training=True)
    assert parsed(y).box("batch_norm").lines[-1] == f"saves {saved}, std, scale ({kept:,} bytes)"


def test_a_large_batch_in_another_order_is_saved_as_a_copy():
    x = mg.tensor(np.random.default_rng(0).standard_normal((4, MANY))).T.requires_grad_()
    y = F.batch_norm(x, None, None, training=True)
    assert (
        parsed(y).box("batch_norm").lines[-1]
        == f"saves x, copy of x, std, scale ({2 * MANY * 4 * 8 + 2 * 4 * 8:,} bytes)"
    )


def test_functional_batch_norm_shows_its_mode_and_its_buffers():
    x, mean, var = mg.randn(4, 3, requires_grad=True), mg.zeros(3), mg.ones(3)
    for training, mode, sources in ((True, "train", 1), (False, "eval", 3)):
        picture = parsed(F.batch_norm(x, mean, var, training=training))
        box = picture.box("batch_norm")
        assert f'fillcolor="{MODES[mode].colours.inside}"' in box.look
        assert picture.titles()["buffer"] == 2 and not picture.clusters
        assert sum(picture.boxes[b].title == "batch_norm" for _, b, _ in picture.edges) == sources
