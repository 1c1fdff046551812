"""Operations opened into their parts."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.engine.op import Op
from minigrad.engine.shown import Part, Shown, histogram_text
from tests.graph.parsed import parsed


@pytest.fixture
def norm():
    """A BatchNorm with scale and shift, that has seen two batches."""
    rng = np.random.default_rng(0)
    norm = nn.BatchNorm1d(3, dtype=np.float64)
    state = {"weight": rng.uniform(-2, 2, 3), "bias": rng.normal(size=3)}
    norm.load_state_dict({**norm.state_dict(), **state})
    for _ in range(2):
        norm(mg.tensor(rng.normal(size=(8, 3))))
    return norm, rng.normal(size=(8, 3)) * 2 + 1


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("backward", [True, False])
def test_the_formula_has_the_numbers_of_the_call(norm, training, backward):
    norm, x = norm
    norm.train(training)
    loss = norm(mg.tensor(x)).sum()
    mean, var = (x.mean(0), x.var(0)) if training else (norm.running_mean.numpy(), norm.running_var.numpy())
    if backward:
        loss.backward()
    (line,) = [line for line in parsed(loss, expand=True).box("scale and shift").lines if "first value" in line]
    *numbers, result = (float(text) for text in re.findall(r"-?\d+\.?\d*(?:e-\d+)?", line.partition(": ")[2]))
    expected = [x[0, 0], mean[0], var[0], 1e-5, norm.weight[0].item(), norm.bias[0].item()]
    np.testing.assert_allclose(np.abs(numbers), np.abs(expected), rtol=6e-3)
    xhat = (x[0, 0] - mean[0]) / np.sqrt(var[0] + 1e-5)
    np.testing.assert_allclose(result, xhat * expected[4] + expected[5], rtol=6e-3)


def test_the_parts_in_training_write_what_they_compute(net, x):
    picture = parsed(net, x, expand="bn1")
    arrows = {(a, b) for a, b, _ in picture.arrows("solid")}
    assert {("linear", "mean"), ("linear", "variance"), ("linear", "normalise"), ("mean", "variance"),
            ("mean", "normalise"), ("variance", "normalise"), ("normalise", "scale and shift"),
            ("scale and shift", "act: relu"), ("bn1.weight (gamma)", "scale and shift")} <= arrows  # fmt: skip
    assert {(a, b) for a, b, _ in picture.arrows("dashed")} == {
        ("mean", "bn1.running_mean"), ("variance", "bn1.running_var"), ("mean", "bn1.num_batches_tracked")
    }  # fmt: skip
    title = "[TRAIN: batch statistics]"
    assert picture.cluster("mean") == [f"bn1: BatchNorm1d(8)  {title}", f"batch_norm, opened  {title}"]
    assert not picture.titles()["batch_norm"]
    lines = picture.box("scale and shift").lines
    assert "out (16, 8) float32" in lines and any(line.startswith("saves x") for line in lines)


def test_in_evaluation_the_statistics_are_read(net, x):
    picture = parsed(net.eval(), x, expand=nn.BatchNorm1d)
    assert picture.arrows("dashed") == {(f"bn1.running_{name}", "normalise", "reads") for name in ("mean", "var")}
    assert {line.split(" ")[0] for line in picture.box("normalise").lines} == {"(x", "before", "after"}


def test_a_mask_and_more_axes(x):
    norm = nn.BatchNorm2d(2)
    batch = mg.randn(3, 2, 4, 4)
    assert parsed(norm, batch, expand="batch_norm").titles()["normalise"] == 1
    y = norm(batch, mask=mg.tensor([True, True, False]))
    line = parsed(y, expand=True).box("normalise").lines[1]
    assert line.endswith(f"in [{batch[:2].min().item():.3g}, {batch[:2].max().item():.3g}]")


def test_a_histogram_has_a_block_for_each_part_of_the_range():
    assert histogram_text(np.array([0.0, 0.0, 0.0, 0.0, 1.0])) == "█" + "▁" * 14 + "▃"
    assert histogram_text(np.ones(3)) == histogram_text(np.zeros(0)) == ""
    assert len(histogram_text(np.array([np.nan, 1.0, 2.0, np.inf]))) == 16


def test_parts_are_those_of_the_entry_whoever_has_defined_it(monkeypatch):
    monkeypatch.setattr(Op, "registry", dict(Op.registry))
    parts = [Part("double", ["2 x"], ("x",)), Part("add one", [], ("double", "x"))]

    def made(operands):
        return [*parts, Part("end", [str(operands[0])], ["add one"])]

    op = Op("twice", lambda x: 2 * x + 1, lambda dy, _y, _x: 2 * dy,
            shows=lambda node: Shown(parts=made))  # fmt: skip
    w = mg.tensor(2.0, requires_grad=True)
    picture = parsed(op(w), expand="twice")
    assert picture.arrows("solid") == {
        ("leaf", "double", None), ("double", "add one", None), ("leaf", "add one", None), ("add one", "end", None)
    }  # fmt: skip
    assert picture.box("end").lines == ["2.0", "out () float32 = 5"]


@pytest.mark.parametrize(
    ("expand", "error", "message"),
    [
        ("relu", ValueError, r"^draw: expand='relu' names no operation here that has parts to show: batch_norm has\.$"),
        (3, TypeError, r"^draw: expand takes paths of modules, classes and names of operations, or True, got 3\.$"),
    ],
)
def test_what_has_no_parts_is_refused(net, x, expand, error, message):
    with pytest.raises(error, match=message):
        mg.draw(net, x, expand=expand)
