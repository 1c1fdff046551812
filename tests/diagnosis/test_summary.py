"""``summary``: what a call of a model shows of its layers, and that it changes nothing."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn.overview import size
from minigrad.reports.table import WIDTH


def small():
    return nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


class Block(nn.Module):
    def __init__(self, channels):
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.bn(self.conv(x))) + x


class Net(nn.Module):
    """Layers in a list, one that is called twice, one in two places, one that is not called, a shared parameter."""

    def __init__(self):
        self.stage = nn.Sequential(Block(3), Block(3))
        self.act = nn.ReLU()
        self.also = self.act
        self.heads = [nn.Linear(3, 3), nn.Linear(3, 3)]
        self.heads[1].weight = self.heads[0].weight
        self.spare, self.unused, self.shifts = nn.Linear(5, 5), nn.ReLU(), nn.ParameterList([mg.ones(3)])

    def forward(self, x, scale=1.0):
        x = self.act(self.act(self.stage(x)).mean(dim=(2, 3))) * scale
        return {"first": self.heads[0](x) + self.shifts[0], "rest": [self.heads[1](x), x]}


def by_path(summary):
    return {row.path: row for row in summary.rows}


def test_rows():
    rows = by_path(mg.summary(small(), mg.ones(32, 4)))
    assert list(rows) == ["", "0", "1", "2", "3"]
    assert [row.output for row in rows.values()] == ["(32, 2)", "(32, 8)", "(32, 8)", "(32, 8)", "(32, 2)"]
    assert [row.parameters for row in rows.values()] == [0, 32, 16, 0, 18]
    assert [row.buffers for row in rows.values()] == [0, 0, 17, 0, 0]
    assert [row.batches for row in rows.values()] == [None, None, 0, None, None]
    assert [row.level for row in rows.values()] == [0, 1, 1, 1, 1]


def test_totals():
    found = mg.summary(small(), mg.ones(32, 4))
    assert (found.parameters, found.trained, found.buffers) == (66, 66, 17)
    assert found.totals.startswith("66 parameters, 17 values in buffers: 336 B. Saved for backward: ")


def test_bytes_saved_are_those_of_the_graph_each_array_once():
    """Linear keeps its input, BatchNorm the output of that and what it derives of it, ReLU its output."""
    n, x = 32, mg.randn(32, 4)
    rows = by_path(mg.summary(small(), x))
    assert rows["0"].saved == x.nbytes
    assert rows["2"].saved == n * 8 * 4 and rows["3"].saved == 0
    vectors = 8 * 4
    assert 2 * n * 8 * 4 <= rows["1"].saved <= 2 * n * 8 * 4 + 6 * vectors
    assert mg.summary(small(), x).saved == sum(row.saved for row in rows.values())


def test_without_gradients_nothing_is_saved():
    model = small().requires_grad_(False)
    found = mg.summary(model, mg.ones(32, 4))
    assert found.saved == 0 and found.trained == 0 and by_path(found)["1"].cells[2] == "(16)"


def test_it_measures_under_no_grad_too():
    with mg.no_grad():
        assert mg.summary(small(), (32, 4)).saved > 0


def test_modes_and_batches():
    model = nn.Sequential(*[nn.BatchNorm1d(3) for _ in range(3)])
    model(mg.randn(4, 3))
    model[0].eval().freeze()
    model[1].eval()
    rows = by_path(mg.summary(model, (4, 3)))
    assert [row.mode for row in rows.values()] == ["train", "frozen", "eval", "train"]
    assert [row.batches for row in rows.values()] == [None, 1, 1, 1]
    assert by_path(mg.summary(model, (4, 3), depth=0))[""].mode == "mixed"


def test_what_is_in_two_places_is_counted_once_and_said():
    found = mg.summary(Net(), (2, 3, 4, 4))
    assert found.parameters == sum(p.numel() for p in Net().parameters())
    assert "also is act: one module in two places." in found.notes
    assert "heads.1.weight is heads.0.weight: one parameter in two places." in found.notes
    assert "act is called 2 times; its output is that of the first call." in found.notes
    assert "Not called: spare, unused." in found.notes
    rows = by_path(found)
    assert rows["heads.1"].parameters == 3 and rows["also"].first is False
    assert rows[""].output == "first: (2, 3), rest: (2, 3), (2, 3)"


def test_depth_adds_up_what_is_inside():
    whole, folded = (mg.summary(Net(), (2, 3, 4, 4), depth=depth) for depth in (None, 1))
    assert "stage.0" in by_path(whole) and list(by_path(folded)) == [
        "", "stage", "act", "also", "heads.0", "heads.1", "spare", "unused", "shifts",
    ]  # fmt: skip
    inside = [row for row in whole.rows if row.path.startswith("stage")]
    for name in ("parameters", "buffers", "saved"):
        assert getattr(by_path(folded)["stage"], name) == sum(getattr(row, name) for row in inside)
    assert folded.totals == whole.totals and folded.saved == whole.saved
    (only,) = mg.summary(Net(), depth=0).rows
    assert only.parameters == whole.parameters


def test_without_a_call_there_are_no_shapes():
    found = mg.summary(small())
    assert found.saved is None and "output" not in str(found) and "saves" not in str(found)
    assert "66 parameters" in str(found)


INPUTS = {
    "a tensor": lambda x: mg.tensor(x),
    "an array": lambda x: x,
    "a tuple": lambda x: (mg.tensor(x),),
    "two arguments": lambda x: (x, 2.0),
    "a dict": lambda x: {"x": mg.tensor(x), "scale": 2.0},
    "a shape": lambda x: x.shape,
    "a list of numbers": lambda x: list(x.shape),
}


@pytest.mark.parametrize("name", INPUTS)
def test_what_it_is_called_with(name):
    x = np.ones((2, 3, 4, 4), np.float32)
    assert by_path(mg.summary(Net(), INPUTS[name](x)))["stage"].output == "(2, 3, 4, 4)"


def test_a_shape_is_of_the_model_s_dtype():
    found = mg.summary(nn.Linear(3, 2, dtype=np.float64), (4, 3))
    assert found.rows[0].saved == 4 * 3 * 8


class Counting(nn.Module):
    """A forward that changes what it can."""

    def __init__(self):
        self.body = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
        self.seen = []
        self.count = 0

    def forward(self, x):
        self.count += 1
        self.seen.append(x)
        return self.body(x)


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_changed(training):
    model = Counting()
    model(mg.randn(6, 4)).sum().backward()
    model.train(training)
    x = mg.randn(6, 4, requires_grad=True)
    state = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    gradients = [p.grad.numpy().copy() for p in model.parameters()]
    random, seen = mg.get_rng_state(), list(model.seen)
    mg.summary(model, x)
    mg.summary(model, (6, 4))
    np.testing.assert_equal({name: value.numpy() for name, value in model.state_dict().items()}, state)
    for p, gradient in zip(model.parameters(), gradients, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), gradient)
    assert mg.get_rng_state() == random and x.grad is None
    assert model.count == 1 and all(a is b for a, b in zip(model.seen, seen, strict=True))
    assert all(module.training is training for module in model.modules())


def test_a_forward_that_fails_says_where_and_changes_nothing():
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Sequential(nn.Linear(4, 4), nn.Linear(5, 1)))
    with pytest.raises(ValueError, match=r"1\.1 \(Linear\)"):
        mg.summary(model, (6, 4))
    assert model[0].num_batches_tracked.item() == 0
    assert not nn.hooks.EVERYWHERE.kinds


SUSPICIOUS = {
    "bias": (lambda: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)), "0.bias", "a bias in front of BatchNorm."),
    "dropout": (
        lambda: nn.Sequential(nn.Linear(4, 4, bias=False), nn.Dropout(), nn.BatchNorm1d(4)), "1 (Dropout)",
        "dropout before 2 (BatchNorm1d).",
    ),
    "momentum": (lambda: nn.BatchNorm1d(4, momentum=0), "BatchNorm1d", "momentum=0."),
    "mixed modes": (
        lambda: nn.Sequential(nn.Linear(4, 4), nn.ReLU().eval()), "1", "in eval mode, the model in train mode.",
    ),
    "mixed modes in evaluation": (
        lambda: nn.Sequential(nn.Identity(), nn.ReLU().train()).eval().append(nn.ReLU()), "2",
        "in train mode, the model in eval mode.",
    ),
    "reuse": (
        lambda: nn.Sequential(bn := nn.BatchNorm1d(4), nn.ReLU(), bn), "0", "one BatchNorm, applied 2 times in a pass.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SUSPICIOUS)
def test_suspicious(name):
    model, where, what = SUSPICIOUS[name]
    found = mg.summary(model(), (6, 4))
    assert [(finding.where, finding.what) for finding in found.findings] == [(where, what)]
    assert what in str(found) and what in found._repr_html_()


@pytest.mark.parametrize(
    "model", [small(), nn.Sequential(nn.BatchNorm1d(4).eval().freeze(), nn.ReLU()), small().eval()]
)
def test_nothing_suspicious(model):
    assert mg.summary(model, (6, 4)).findings == []


@pytest.mark.parametrize("depth", [None, 0, 1])
def test_it_fits_a_terminal(depth):
    lines = str(mg.summary(Net(), (2, 3, 4, 4), depth=depth)).splitlines()
    assert max(map(len, lines)) <= WIDTH


def test_how_it_prints():
    model = small()
    model[3].bias.requires_grad_(False)
    model[1].eval().freeze()
    text = str(mg.summary(model, (32, 4)))
    assert text.splitlines()[3] == "  1: BatchNorm1d  (32, 8)        (16)       17  frozen        0  2.2 kB"
    assert "18*" in text and "In brackets: fixed, not trained.\n*: some of them are fixed." in text
    assert "66 parameters (48 trained, 18 fixed)" in text


def test_in_notebooks_it_is_a_table_in_the_colours_of_the_page():
    page = mg.summary(nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)), (6, 4))._repr_html_()
    assert page.count("<table") == 2 and "\u20031: BatchNorm1d" in page and "background" not in page
    assert set(re.findall(r"color:([^;]*)", page)) <= {"rgba(128,128,128,0.4)"}


def test_modules_show_as_their_layers_in_notebooks():
    page = small()._repr_html_()
    assert page.count("<tr>") == 6 and "66 parameters" in page and "output" not in page


@pytest.mark.parametrize(
    ("arguments", "named", "error", "text"),
    [
        ((3,), {}, TypeError, "summary expects a module, got"),
        ((nn.ReLU(),), {"depth": -1}, ValueError, "depth must be an integer of at least 0, or None for all"),
        ((nn.ReLU(),), {"depth": "all"}, (TypeError, ValueError), "depth must be an integer"),
    ],
)
def test_what_is_refused(arguments, named, error, text):
    with pytest.raises(error, match=text):
        mg.summary(*arguments, **named)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1550, "1.6 kB"), (23_400_000, "23 MB"), (999_600, "1.0 MB")],
)
def test_sizes(count, text):
    assert size(count) == text
