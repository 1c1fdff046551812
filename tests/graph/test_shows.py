"""A picture takes what an operation or a module shows from its own entry, whoever has defined it."""

import ast
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import graph, nn
from minigrad.engine.op import Op
from minigrad.engine.shown import ModuleShown, Shown, range_text
from minigrad.graph.appearance import MODES
from tests.graph.parsed import parsed


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    """Operations are defined for one test only."""
    monkeypatch.setattr(Op, "registry", dict(Op.registry))


def scaled(shows=None):
    """``x * factor``, in a mode."""
    return Op("scaled", lambda x, factor, mode: x * factor, lambda dy, _y, x, factor, mode: dy * factor, shows=shows)


def shifted(adds):
    """``x + shift``, which says that it adds operand ``adds`` to each channel."""
    return Op("shifted", lambda x, shift: x + shift, lambda dy, _y, _x, _shift: dy,
              lambda dy, _y, _x, _shift: dy.sum(0), shows=lambda node: Shown(adds=adds))  # fmt: skip


def centred(cancels):
    """``x - mean(x)`` of each channel."""
    return Op("centred", lambda x: x - x.mean(0), lambda dy, _y, _x: dy - dy.mean(0),
              shows=lambda node: Shown(cancels=cancels))  # fmt: skip


def batch(*shape):
    return mg.tensor(np.random.default_rng(0).normal(size=shape))


# -- operations --------------------------------------------------------------------------------


def test_an_operation_without_shows_has_a_plain_box():
    x = batch(3, 2).requires_grad_()
    box = parsed(scaled()(x, 2.5, "eval")).box("scaled")
    assert box.lines == ["out (3, 2) float64", "factor=2.5  mode=eval", "saves 48 bytes"]


def test_lines_follow_the_attributes_they_do_not_describe():
    op = scaled(lambda node: Shown([f"by {node.attributes[0]}", f"all {range_text(np.arange(3.0))}"], "", ["factor"]))
    box = parsed(op(batch(3, 2).requires_grad_(), 2.5, "eval")).box("scaled")
    assert box.lines == ["out (3, 2) float64", "mode=eval", "by 2.5", "all in [0, 2]", "saves 48 bytes"]


@pytest.mark.parametrize("mode", MODES)
def test_the_mode_of_a_call_has_its_colours(mode):
    op = scaled(lambda node: Shown(mode=node.attributes[1]))
    picture = mg.draw(op(batch(3, 2).requires_grad_(), 2.5, mode)).picture
    (box,) = [box for box in picture.content.all_boxes() if box.title == "scaled"]
    assert (box.mode, box.colours) == (mode, MODES[mode].colours)


def test_a_mode_without_colours_is_refused():
    y = scaled(lambda node: Shown(mode="trian"))(batch(3, 2).requires_grad_(), 2.5, "eval")
    with pytest.raises(ValueError, match=r"^scaled: shows returned the mode 'trian': it must be one of train, eval"):
        mg.draw(y)


def test_what_is_kept_is_counted_until_backward_frees_it():
    op = scaled(lambda node: Shown(keeps={"x": np.zeros(5), "mask": np.zeros(3, bool), "n": None}))
    y = op(batch(3, 2).requires_grad_(), 2.5, "eval")
    assert parsed(y).box("scaled").lines[-1] == "saves x, mask, n (43 bytes)"
    y.sum().backward()
    assert parsed(y).box("scaled").lines[-1] == "saved values: freed by backward"


@pytest.mark.parametrize(("adds", "cancels"), [(1, True), (0, True), (None, True), (1, False)])
def test_a_gradient_is_explained_if_what_is_added_is_taken_away(adds, cancels):
    shift = nn.Parameter(batch(2))
    y = centred(cancels)(shifted(adds)(batch(5, 2), shift))
    (y * batch(5, 2)).sum().backward()
    assert np.abs(shift.grad.numpy()).max() < 1e-12
    line = parsed(y).box("leaf").lines[-1]
    assert line.endswith("(cancelled by centred)") is (adds == 1 and cancels)


@pytest.mark.parametrize(("factor", "explained"), [(1.0, True), (1e9, False)])
def test_a_gradient_beside_a_much_smaller_one_is_of_another_graph(factor, explained):
    x, shift = nn.Parameter(batch(5, 2)), nn.Parameter(batch(2))
    y = centred(True)(shifted(1)(x, shift))
    (y * batch(5, 2)).sum().backward()
    shift.grad = mg.full((2,), 1e-9 * factor, dtype=np.float64)
    lines = [box.lines[-1] for box in parsed(y).boxes.values()]
    assert any("cancelled" in line for line in lines) is explained


def test_arguments_that_batch_norm_describes_are_its_own():
    bn = nn.BatchNorm1d(2)
    node = bn(batch(4, 2).float()).node
    assert set(node.op.shows(node).described) <= set(node.op.__signature__.parameters)


# -- modules -----------------------------------------------------------------------------------


class Scaled(nn.Module):
    """Calls an operation; ``shown`` is what it adds to a picture."""

    def __init__(self, op, shown):
        self.op, self.shown = op, shown
        self.slope = nn.Parameter(mg.ones(2, dtype=np.float64))

    def _shows(self):
        return self.shown

    def forward(self, x):
        return self.op(x * self.slope, 2.0, "eval")


class Bare(Scaled):
    """Without parameters."""

    def __init__(self, op, shown):
        self.op, self.shown = op, shown

    def forward(self, x):
        return self.op(x, 2.0, "eval")


@pytest.mark.parametrize(
    ("shown", "title", "cluster", "box"),
    [
        (None, "slope", "", "eval"),
        (ModuleShown(), "slope", "eval", "eval"),
        (ModuleShown("frozen"), "slope", "frozen_eval", "frozen_eval"),
        (ModuleShown(symbols={"slope": "kappa"}), "slope (kappa)", "eval", "eval"),
    ],
)
def test_a_module_adds_its_mode_and_the_symbols_of_its_parameters(shown, title, cluster, box):
    module = Scaled(scaled(lambda node: Shown(mode=node.attributes[1])), shown)
    content = mg.draw(module, batch(3, 2)).picture.content
    (call,) = content.clusters
    boxes = {made.title: made for made in content.all_boxes()}
    assert title in boxes
    assert (call.mode, boxes["scaled"].mode, boxes["mul"].mode) == (cluster, box, "")


@pytest.mark.parametrize("shown", [None, ModuleShown()])
def test_a_call_of_one_operation_has_a_cluster_only_if_its_module_shows_something(shown):
    content = mg.draw(Bare(scaled(), shown), batch(3, 2)).picture.content
    assert [cluster.title for cluster in content.clusters] == ["Bare()"] * (shown is not None)
    assert {box.title for box in content.all_boxes()} >= {"scaled" if shown else "Bare: scaled"}


# -- the code ----------------------------------------------------------------------------------


def test_the_code_of_pictures_imports_no_layer_and_no_operation():
    """Nor does it name one in its programs; the legend's examples are the only texts with such names."""
    for path in Path(graph.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert not [name for name in modules if name.startswith(("ops", "kernels", "nn.layers"))], path
        compared = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
        texts = {part.value for node in compared for part in ast.walk(node) if isinstance(part, ast.Constant)}
        assert not texts & set(Op.registry), path
