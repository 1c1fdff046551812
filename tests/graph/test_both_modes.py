"""Training and evaluation in one picture."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph.appearance import THEMES
from minigrad.graph.pages.details import details
from tests.graph.parsed import MLP, Parsed, needs_renderer, parsed
from tests.graph.test_drawing_modules import Restless, state_of


class Net(nn.Module):
    def __init__(self):
        self.fc, self.bn, self.drop = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5)
        self.out = nn.Linear(8, 2)

    def forward(self, x):
        return self.out(self.drop(self.bn(self.fc(x))))


@pytest.fixture
def both():
    mg.manual_seed(0)
    net = Net()
    x = mg.randn(16, 4)
    for _ in range(2):
        net(x)
    return net, x


def test_buffers_are_written_in_one_mode_and_read_in_the_other(both):
    picture = parsed(*both, modes="both")
    assert picture.arrows("dashed") == {
        ("batch_norm", "bn.running_mean", "train: writes 0.1"), ("bn.running_mean", "batch_norm", "eval: reads"),
        ("batch_norm", "bn.running_var", "train: writes 0.1"), ("bn.running_var", "batch_norm", "eval: reads"),
        ("batch_norm", "bn.num_batches_tracked", "train: +1"),
    }  # fmt: skip
    (cluster,) = picture.cluster("batch_norm")
    assert cluster == "bn: BatchNorm1d(8)  [TRAIN: batch statistics, EVAL: running statistics]"
    modes = THEMES["light"].modes
    assert f"{modes['train'].inside}:{modes['eval'].inside}" in picture.box("batch_norm").look
    lines = picture.box("batch_norm").lines
    assert [line for line in lines if line.startswith(("train: batch mean in", "eval: running mean in"))]
    assert "out (16, 8) float32" in lines and "eval: out (16, 8) float32" not in lines


def test_what_is_in_one_mode_only_is_marked_and_goes_around_in_the_other(both):
    picture = parsed(*both, modes="both")
    dropout = picture.box("drop: dropout")
    assert dropout.lines[-1] == "in train only" and "dashed" in dropout.look
    solid = picture.arrows("solid")
    assert {("batch_norm", "drop: dropout", "train"), ("drop: dropout", "linear", "train")} <= solid
    assert ("batch_norm", "linear", "eval") in solid and ("fc.weight", "linear", None) in solid


def test_the_line_above_says_how_far_the_outputs_differ_and_why(both):
    net, x = both
    header = parsed(net, x, modes="both").header
    assert header.splitlines()[0].startswith("Net   train and eval, a pass of its own in each   ")
    assert header.endswith("; why: running statistics of 2 batches; drop: dropout in train only")
    net.drop.p = 0.0
    header = parsed(net, x, modes="both").header
    rms, largest = (float(text) for text in re.search(r"differ by (\S+) \(rms\), at most (\S+);", header).groups())
    train = net(x).numpy()  # moves the statistics a third time
    state = net.state_dict()
    net.eval()
    net.bn.running_mean[:] = (state["bn.running_mean"] - 0.1 * mg.tensor(net.fc(x).numpy().mean(0))) / 0.9
    net.bn.running_var[:] = (state["bn.running_var"] - 0.1 * mg.tensor(net.fc(x).numpy().var(0, ddof=1))) / 0.9
    apart = np.abs(train - net(x).numpy())
    np.testing.assert_allclose([rms, largest], [np.sqrt((apart**2).mean()), apart.max()], rtol=0.06)


@pytest.mark.parametrize(
    ("prepare", "text"),
    [
        (lambda net: None, "; why: running statistics of 0 batches, still mean 0 and variance 1"),
        (lambda net: net.bn1.freeze(), "the outputs are the same"),
    ],
)
def test_statistics_of_no_batch_and_frozen_ones(net, x, prepare, text):
    prepare(net)
    assert parsed(net, x, modes="both").header.endswith(text)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_afterwards_as_it_was(training, x):
    for model in (MLP(), Restless()):
        model.train(training)
        before = state_of(model)
        mg.draw(model, x, modes="both")
        assert state_of(model) == before


def test_boxes_have_the_numbers_that_they_have_in_training(both):
    net, x = both
    alone = {box.number: box.title for box in mg.draw(net, x).picture.content.all_boxes()}
    assert {box.number: box.title for box in mg.draw(net, x, modes="both").picture.content.all_boxes()} == alone


class Trained(nn.Module):
    """A net with its loss, a scale that only training uses, and a shift that only evaluation does."""

    def __init__(self):
        self.net, self.scale, self.shift = Net(), nn.Parameter(mg.ones(1)), nn.Parameter(mg.ones(1))

    def forward(self, x, target):
        out = self.net(x)
        return nn.functional.cross_entropy(out * self.scale if self.training else out + self.shift, target)


def width(picture, source, target):
    """How thick an arrow is."""
    (look,) = (
        look for a, b, look in picture.edges if (picture.boxes[a].title, picture.boxes[b].title) == (source, target)
    )
    return float(re.search(r"penwidth=(\S+)", look)[1])


def test_values_gradients_and_names_are_said_of_each_mode(x, target):
    mg.manual_seed(0)
    model = Trained()
    model(x, target).backward()
    names = {"points": x, "gamma": model.net.bn.weight, "factor": model.scale, "offset": model.shift}
    drawn = mg.draw(model, x, target, modes="both", values=True, grads=True, names=names)
    picture = Parsed(drawn.source)
    into_norm = []
    for training in (True, False):
        model.train(training)
        alone = parsed(model, x, target, values=True, grads=True)
        into_norm.append(width(alone, "linear", "batch_norm"))
        mode = "train" if training else "eval"
        for title in ("batch_norm", "cross_entropy"):
            for line in alone.box(title).lines[:3]:
                if line not in picture.box(title).lines:
                    assert f"{mode}: {line}" in picture.box(title).lines
        assert f"{mode}: {alone.box('net.fc.weight').lines[2]}" in picture.box("net.fc.weight").lines
    assert {"points", "net.bn.gamma", "factor"} <= picture.titles().keys()
    assert picture.box("factor").lines[-1] == "in train only" and picture.box("offset").lines[-1] == "in eval only"
    losses = re.search("the loss is (.*) in train and (.*) in eval; why: ", picture.header).groups()
    assert [f"train: value {losses[0]}", f"eval: value {losses[1]}"] == picture.box("cross_entropy").lines[:2]
    assert into_norm[0] != into_norm[1] and width(picture, "linear", "batch_norm") == max(into_norm)
    assert "color=" in next(look for *_, look in picture.edges if "train" in look)
    facts = details(drawn.picture)["boxes"]
    number = next(box.number for box in drawn.picture.content.all_boxes() if box.operation == "batch_norm")
    assert [some["name"] for some in facts[number]["tensors"]] == [
        f"{what} in {mode}" for mode in ("train", "eval") for what in ("values", "gradient")
    ]


def test_gradients_of_a_pass_of_its_own_are_not_those_of_an_earlier_one(x, target):
    model = Trained().eval()
    for parameter in model.parameters():
        parameter.grad = mg.full_like(parameter, 7)
    picture = parsed(model, x, target, grads=True)
    assert "7" not in picture.box("net.out.bias").lines[1] and "backward: done for this picture" in picture.header


def test_a_bias_in_front_of_a_batch_norm_is_cancelled_in_train_only(x, target):
    picture = parsed(Trained(), x, target, modes="both", grads=True)
    lines = {line.partition(":")[0]: line for line in picture.box("net.fc.bias").lines if "gradients" in line}
    assert lines["train"].endswith("(cancelled by net.bn: BatchNorm1d)") and "cancelled" not in lines["eval"]
    assert "⚠" not in str(lines)


def test_operations_are_opened_in_each_mode_and_in_the_one_that_has_them(both):
    picture = parsed(*both, modes="both", expand=nn.BatchNorm1d)
    title = "batch_norm, opened  [TRAIN: batch statistics, EVAL: running statistics]"
    assert picture.cluster("normalise")[-1] == title
    assert picture.box("mean").lines[-1] == "in train only"
    numbers = [line for line in picture.box("scale and shift").lines if "first value of channel 0" in line]
    assert [line.partition(":")[0] for line in numbers] == ["train", "eval"]


@needs_renderer
def test_it_is_drawn_folded_and_in_tables_too(both):
    lines = [line for box in parsed(*both, modes="both", tables=True).boxes.values() for line in box.lines]
    assert "train: writes 0.1 →, ← eval: readsrunning_mean(8,) float32values in" in "".join(lines)
    assert "bn: BatchNorm1d(8)" in mg.draw(*both, modes="both", collapse="bn").source
    assert "linearGradient" in mg.draw(*both, modes="both")._repr_svg_()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (lambda net, x: (net, x), {"modes": "train"}, ValueError, r'modes must be "both", got \'train\''),
        (lambda net, x: (net(x),), {"modes": "both"}, TypeError, r'draw\(model, x, modes="both"\)'),
        (lambda net, x: (net, x), {"modes": "both", "grads": True}, ValueError, "gradients begin at one number"),
        (lambda net, x: (net, x), {"modes": "both", "names": {"a": mg.ones(2)}}, ValueError, "names calls 'a'"),
        (lambda net, x: (net, x), {"modes": "both", "expand": "relu"}, ValueError, "names no operation here that has"),
    ],
)
def test_what_has_no_two_modes_is_refused(net, x, arguments, options, error, message):
    with pytest.raises(error, match=message):
        mg.draw(*arguments(net, x), **options)
