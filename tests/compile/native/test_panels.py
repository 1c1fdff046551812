"""Nests that are carried out panel by panel, sums that follow from others, and arrays that change part by part."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.compile import capture
from minigrad.compile.native import fusion, lowering, panels
from tests.compile.native.programs import built, run

SHAPES = [(2, 16), (3, 17), (1, 40), (100, 33), (60, 100), (17, 48), (128, 64), (33, 130), (9, 7)]
KINDS = [*((shape, "float32") for shape in SHAPES), ((60, 100), "float64"), ((3, 17), "float64")]
EPS = 1e-5


def layer(shape, dtype):
    """BatchNorm with an activation, an input with a gradient, and the function that gives all that follows from it."""
    random = np.random.default_rng(shape[1])
    bn = nn.BatchNorm1d(shape[1], momentum=0.3).to(dtype)
    bn.train(shape[0] > 1)
    bn.weight.data = mg.tensor(random.uniform(-2, 2, shape[1]).astype(dtype))
    bn.bias.data = mg.tensor(random.standard_normal(shape[1]).astype(dtype))

    def step(x, bias, dy):
        x = (x.T if is_turned(shape) else x).detach().requires_grad_()
        y = mg.sigmoid(bn(x + bias))
        return y.detach(), *mg.grad(y, [x, bn.weight, bn.bias], dy)

    x, dy = (random.standard_normal(shape).astype(dtype) for _ in range(2))
    return (
        bn,
        step,
        (np.ascontiguousarray(x.T) if is_turned(shape) else x, random.standard_normal(shape[1]).astype(dtype), dy),
    )


def is_turned(shape):
    """Whether the columns of the input are not next to each other in memory."""
    return shape[0] in (3, 33)


def expected(bn, x, bias, dy):
    """The same by formulas in float64."""
    weight, beta, mean, var = (
        array.numpy().astype(float) for array in (bn.weight, bn.bias, bn.running_mean, bn.running_var)
    )
    x, dy = (x.T if is_turned(dy.shape) else x).astype(float) + bias, dy.astype(float)
    mean, var = (x.mean(0), x.var(0)) if bn.training else (mean, var)
    inverse = 1 / np.sqrt(var + EPS)
    xhat = (x - mean) * inverse
    y = 1 / (1 + np.exp(-(xhat * weight + beta)))
    g = dy * y * (1 - y)
    own = g - g.mean(0) - xhat * (g * xhat).mean(0) if bn.training else g
    return y, own * weight * inverse, (g * xhat).sum(0), g.sum(0)


@pytest.mark.parametrize(("are_there", "lanes"), [(True, 4), (True, 16), (False, 8)])
def test_batch_norm_and_its_derivative_are_what_formulas_say(are_there, lanes, monkeypatch):
    if not are_there:
        monkeypatch.setattr(fusion, "CHANGES", [])
        monkeypatch.setattr(lowering, "REWRITES", [])
    layers = [layer(*kind) for kind in KINDS]
    programs = [capture(step, *map(mg.tensor, arrays), state=[bn])[0] for bn, step, arrays in layers]
    executions = built(programs, "-O0", lanes=lanes)
    for (shape, dtype), (bn, _, arrays), execution in zip(KINDS, layers, executions):
        grouped = [step for step in execution.plan.steps if isinstance(step, panels.Panel)]
        if shape[1] < panels.NARROW or not (are_there and bn.training):
            assert not grouped
        elif not is_turned(shape):
            assert grouped
        found = run(execution, *map(mg.tensor, arrays))
        tolerance = 2e-5 if dtype == "float32" else 1e-12
        for y, right in zip(found, expected(bn, *arrays), strict=True):
            np.testing.assert_allclose(y, right, rtol=tolerance, atol=tolerance * max(1, abs(right).max()))


def test_rows_that_do_not_fit_into_the_cache_are_no_panels():
    bn, step, arrays = layer((panels.LARGEST // 16 + 1, 16), "float32")
    (execution,) = built([capture(step, *map(mg.tensor, arrays), state=[bn])[0]], "-O1")
    assert not any(isinstance(each, panels.Panel) for each in execution.plan.steps)


# -- what is read from elsewhere in a panel ---------------------------------------------------------


ELSEWHERE = {
    "the same place": lambda xp, d: d,
    "rows turned around": lambda xp, d: xp.flip(d, (0,)),
    "columns turned around": lambda xp, d: xp.flip(d, (1,)),
    "columns as rows": lambda xp, d: d.T,
    "the first row": lambda xp, d: d[:1],
    "the first column": lambda xp, d: d[:, :1],
    "the last column": lambda xp, d: d[:, 39:],
}


@pytest.mark.parametrize("where", ELSEWHERE)
def test_nests_that_read_other_rows_or_columns(where):
    def step(xp, x):
        d = x - x.sum(0)
        e = d * 2 - ELSEWHERE[where](xp, d) * (d * d).sum(0)
        return e, e.sum(0)

    x = np.random.default_rng(0).standard_normal((40, 40)).astype(np.float32)
    (execution,) = built([capture(lambda x: step(mg, x), mg.tensor(x))[0]])
    for y, right in zip(run(execution, mg.tensor(x)), step(np, x.astype(float)), strict=True):
        np.testing.assert_allclose(y, right, rtol=1e-4, atol=1e-4 * abs(right).max())


def test_a_state_that_changes_in_a_panel_is_read_as_it_was():
    def step(x, state, change):
        total = x.sum(0)
        double = state * 2  # computed where it is used
        change(state * 0.5 + total)
        d = x - total
        return d, (d * d).sum(0) + double

    random = np.random.default_rng(0)
    x, first = random.standard_normal((20, 40)).astype(np.float32), random.standard_normal(40).astype(np.float32)
    buffer, right = nn.Buffer(mg.tensor(first)), first.astype(float)
    program, _ = capture(lambda x: step(x, buffer, buffer.copy_), mg.tensor(x), state=[buffer])
    (execution,) = built([program])
    assert any(isinstance(each, panels.Panel) for each in execution.plan.steps)
    for scale in (1, 2, 3):
        expected = step(x.astype(float) * scale, right.copy(), lambda new: np.copyto(right, new))
        if scale > 1:  # the first was the capture
            for y, each in zip(run(execution, mg.tensor(x * scale)), expected, strict=True):
                np.testing.assert_allclose(y, each, rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(buffer.numpy(), right, rtol=1e-4)


# -- sums ------------------------------------------------------------------------------------------


def wide(x):
    """A sum over rows in float64, as a number of the array's dtype."""
    return x.sum(0, dtype=mg.float64).float()


def sums(x, c, m):
    """Sums that follow from others: of products with a factor in common, and of differences from the same number."""
    return wide(x), wide(x * c), wide(c * x * m), wide(x - m), wide(x * x * c), wide(x * x), wide((x - m) * c)


def test_sums_that_follow_from_others():
    random = np.random.default_rng(0)
    x, c, m = (random.standard_normal(shape).astype(np.float32) for shape in ((50, 20), 20, 20))
    program, _ = capture(sums, *map(mg.tensor, (x, c, m)))
    (execution,) = built([program])
    added = [node for node in execution.plan.nodes if node.kind == "reduce"]
    assert len(added) == 2  # of x, and of its squares
    right = sums(*(RightSum(array.astype(float)) for array in (x, c, m)))
    for y, expected in zip(run(execution, *map(mg.tensor, (x, c, m))), right, strict=True):
        np.testing.assert_allclose(y, expected.array, rtol=1e-5, atol=2e-6)


class RightSum:
    """An array in float64 with what ``sums`` asks for."""

    def __init__(self, array):
        self.array = array

    def __mul__(self, other):
        return RightSum(self.array * other.array)

    def __sub__(self, other):
        return RightSum(self.array - other.array)

    def sum(self, axis, dtype):
        return RightSum(self.array.sum(axis))

    def float(self):
        return self


def test_a_sum_in_float64_of_float64_is_added_up_as_it_is():
    x = 1e12 + np.arange(12.0).reshape(4, 3)

    def step(x):
        mean = x.sum(0) / 4
        return (x - mean).sum(0), mean

    (execution,) = built([capture(step, mg.tensor(x))[0]])
    assert sum(node.kind == "reduce" for node in execution.plan.nodes) == 2
    np.testing.assert_array_equal(run(execution, mg.tensor(x))[0], [0, 0, 0])


# -- arrays that change part by part ---------------------------------------------------------------


def apart(buffer, x):
    buffer[:4] -= x[:4]
    buffer[4:] -= x[4:] * buffer[4:]


def crossed(buffer, x):
    old = buffer[2:6] * 2
    buffer[:4] += x[:4]
    buffer[4:] += old


def shifted(buffer, x):
    buffer[1:5] = buffer[:4] + x[:4]
    buffer[5:] = buffer[4:7] * 2


def read_later(buffer, x):
    old = buffer.clone()
    buffer[:4] = x[:4]
    buffer[4:] = x[4:]
    buffer[:2] += old[2:4] + old[6:]


def all_of_it(buffer, x):
    buffer[:4] = x[4:]
    buffer[4:] = buffer.sum() + x[:4]


@pytest.mark.parametrize("change", [apart, crossed, shifted, read_later, all_of_it])
def test_parts_that_change_are_read_as_they_were_then(change):
    random = np.random.default_rng(1)
    first, *later = random.standard_normal((4, 8)).astype(np.float32)
    buffer, right = nn.Buffer(mg.tensor(first)), first.copy()
    program, _ = capture(lambda x: change(buffer, x), mg.tensor(first), state=[buffer])
    (execution,) = built([program])
    right = Rows(right)
    change(right, first)
    for x in later:
        run(execution, mg.tensor(x))
        change(right, x)
        np.testing.assert_allclose(buffer.numpy(), right.array, rtol=1e-5)


class Rows:
    """An array with ``clone``."""

    def __init__(self, array):
        self.array = array

    def __getitem__(self, part):
        return self.array[part].copy()

    def __setitem__(self, part, value):
        self.array[part] = value

    def clone(self):
        return self.array.copy()

    def sum(self):
        return self.array.sum()
