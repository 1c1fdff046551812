"""C finds, puts and adds elements at places that are computed, adds up windows, and goes along axes as NumPy does."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import capture
from minigrad.kernels.windows import Windows
from minigrad.ops.along import add_elements, add_slices
from minigrad.ops.assigning import with_elements
from minigrad.ops.indexing import put
from minigrad.ops.windows import added_windows
from tests.compile.native.programs import built, run
from tests.helpers.inputs import flat

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.standard_normal((9, 37)).astype(np.float32)
HOLED = ROWS.copy()
HOLED[3, 4] = HOLED[3, 20] = HOLED[5, 0] = HOLED[7, 36] = np.nan
TIES = np.round(ROWS)
INDEX = RANDOM.integers(-9, 9, (9, 37))
MANY = RANDOM.integers(0, 5, 2000)
VALUES = RANDOM.standard_normal(2000).astype(np.float32)
LONG = RANDOM.standard_normal((3, 5000)).astype(np.float32)
OVERLAPPING = Windows((7, 6), (4, 6), (3, 3), (2, 1), (1, 1), (1, 1))
SIDE_BY_SIDE = Windows((6, 4), (3, 2), (2, 2), (2, 2), (0, 0), (1, 1))
WITH_GAPS = Windows((8,), (2,), (2,), (4,), (0,), (2,))


def set_by_arrays(x, i):
    y = x * 1
    y[i[0], np.arange(37)] = x[0]
    y[:, 3] = 5
    np.put_along_axis(y, np.abs(i[:, :2]), np.float32(7), 1)
    return y


def shifted_onto_itself(x):
    y = x * 1
    y[1:] = y[:-1] * 2
    y[:, :-1] += y[:, 1:]
    return y


def places(x):
    return [f(x, a) for f in (np.argmax, np.argmin) for a in (0, 1, None)]


def values_of(windows, channels=3):
    return np.arange(2 * channels * windows.size * windows.number, dtype=np.float32).reshape(
        2, channels, *windows.kernel, *windows.counts
    )


CALLS = {
    "places": (places, (ROWS,)),
    "places with ties": (places, (TIES,)),
    "places with NaN": (places, (HOLED,)),
    "places along short axes": (lambda x: [places(part) for part in (x[:, :4], x[:3].T, x[:, :1])], (HOLED,)),
    "places of infinities": (lambda x: places(np.where(x > 0, np.float32(-np.inf), np.float32(np.inf))), (ROWS,)),
    "places of integers and booleans": (lambda x: [*places(x.astype(np.int32)), *places(x > 1)], (ROWS,)),
    "sums up to each": (lambda x: [np.cumsum(x, a) for a in (0, 1, None)], (ROWS,)),
    "sums in float64": (lambda x: [np.cumsum(x, a, np.float64) for a in (0, 1)], (LONG,)),
    "products up to each": (lambda x: [np.cumprod(x, a) for a in (0, 1)], (ROWS,)),
    "other scans": (
        lambda x: [f.accumulate(x, a) for f in (np.maximum, np.minimum, np.logaddexp) for a in (0, 1)], (HOLED,)
    ),
    "of integers": (lambda x: (np.cumsum(x > 0, 1), np.cumsum(x.astype(np.int32), 0)), (ROWS,)),
    "added": (lambda v, i: (put(v, (5,), (i,)), put(v, (9, 5), (i % 9, i))), (VALUES, MANY)),
    "added, few": (lambda v, i: put(v[:50], (5,), (i[:50],)), (VALUES, MANY)),
    "added rows": (lambda v, i: put(v.reshape(250, 8), (5, 8), (i[:250],)), (VALUES, MANY)),
    "added between slices": (
        lambda v, i: put(v.reshape(50, 5, 8), (50, 6, 8), (slice(None), i[:5])), (VALUES, MANY)
    ),
    "added apart": (lambda v, i: put(v[:60].reshape(20, 3), (5, 3, 4), (i[:20], slice(None), 2)), (VALUES, MANY)),
    "added along": (
        lambda v, i: [add_elements(v, np.abs(i), (9, 37), 1), add_elements(v.T, np.abs(i).T, (37, 9), 0)],
        (ROWS, INDEX),
    ),
    "put along": (lambda v, i: add_elements(v, np.argsort(i, 1), (9, 40), 1, True), (ROWS, INDEX)),
    "added slices": (
        lambda v, i: (add_slices(v, i, 40, 1), add_slices(v, i[:9] % 4, 4, 0)), (ROWS, np.arange(37) * 7 % 40)
    ),
    "replaced": (lambda x, i: with_elements(x, x[0, 0], (i[:, 0],)), (ROWS, INDEX)),
    "replaced several times": (lambda x, i: with_elements(x, x[0], (i[0], np.arange(37))), (ROWS, INDEX % 2)),
    "set by arrays": (set_by_arrays, (ROWS, INDEX)),
    "onto itself": (shifted_onto_itself, (ROWS,)),
    "taken by slices and arrays": (lambda x, i: (x[2:, i[0]], x[i[:, 0], ::2], x.reshape(3, 3, 37)[i[0] % 3, :, 1]),
                                   (ROWS, INDEX)),
    "taken": (lambda x, i: (np.take(x, i), np.take(x, i[0], -1), np.take_along_axis(x, i, 0)), (ROWS, INDEX)),
    "overlapping windows": (lambda v: added_windows(v, OVERLAPPING), (values_of(OVERLAPPING),)),
    "windows of an expression": (lambda v: added_windows(v.swapaxes(0, 1) * 2, OVERLAPPING), (values_of(OVERLAPPING),)),
    "windows side by side": (lambda v: added_windows(v, SIDE_BY_SIDE), (values_of(SIDE_BY_SIDE),)),
    "windows with gaps": (lambda v: added_windows(v, WITH_GAPS), (values_of(WITH_GAPS),)),
    "rolled and clipped": (lambda x: (np.roll(x, 2, 0), np.roll(x, -3, 1), np.clip(x, -1, 0.5), np.clip(x, None, 0)),
                           (HOLED,)),
    "sums of long rows": (lambda x: (np.add.reduce(x, 0), np.maximum.reduce(x, 0), np.cumsum(x, 0)), (LONG,)),
    "sums around the middle": (
        lambda x: [f.reduce(x.reshape(3, 3, 37), (0, 2)) for f in (np.add, np.maximum, np.multiply)], (HOLED,)
    ),
    "of scalars": (lambda x: (np.argmax(x[0, :1]), x[0, 0] + np.argmin(x[:, 0])), (ROWS,)),
}  # fmt: skip


@functools.cache
def executions():
    with np.errstate(all="ignore"):
        programs = [capture(function, *map(np.copy, inputs))[0] for function, inputs in CALLS.values()]
    return dict(zip(CALLS, built(programs)))


IN_PYTHON = {"put along": "argsort"}
"""Calls that have no C, beside those that are tested."""


@pytest.mark.parametrize("name", CALLS)
def test_c_computes_what_numpy_computes(name):
    function, inputs = CALLS[name]
    execution = executions()[name]
    assert {call.attribute.function.__name__ for call in execution.written.calls} <= {IN_PYTHON.get(name)}
    for given in (inputs, [np.roll(array, 1, 0) for array in inputs]):
        with np.errstate(all="ignore"):
            expected = list(flat(function(*map(np.copy, given))))
        for y, right in zip(run(execution, *given), expected, strict=True):
            assert (y.shape, y.dtype) == (np.shape(right), np.asarray(right).dtype)
            tolerance = 1e-5 if y.dtype.kind == "f" else 0
            np.testing.assert_allclose(y, right, rtol=tolerance, atol=tolerance)


def step_with(look_up):
    """A model, and a step in which elements are looked up behind a BatchNorm."""
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Linear(6, 4))
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x, index):
        optimizer.zero_grad()
        loss = look_up(model(x), index).mean()
        loss.backward()
        optimizer.step()
        return loss

    return model, mg.compile(step, state=[optimizer], backend="c")


LOOKUPS = {
    "from outside": (lambda y, i: y[mg.arange(8), i], {"num_batches_tracked", "running_mean", "running_var"}),
    "a part of what comes from outside": (
        lambda y, i: y[mg.arange(4), i[::2]], {"num_batches_tracked", "running_mean", "running_var"}
    ),
    "computed": (lambda y, i: y[mg.arange(8), i + 0 * mg.argmax(y, 1)], set()),
}  # fmt: skip


@pytest.mark.parametrize("kind", LOOKUPS)
@pytest.mark.usefixtures("gcc")
def test_an_index_out_of_bounds_leaves_the_parameters_as_they_were(kind):
    look_up, forward = LOOKUPS[kind]
    model, step = step_with(look_up)
    x, index = mg.randn(8, 3), mg.tensor([0, 1, 2, 3, 3, 2, 1, 0])
    for _ in range(4):
        step(x, index)
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    with pytest.raises(IndexError, match="out of bounds"):
        step(x, mg.tensor([0, 1, 4, 3, 3, 2, 1, 0]))
    changed = {n.rpartition(".")[2] for n, v in model.state_dict().items() if not np.array_equal(v.numpy(), before[n])}
    assert changed == forward  # by the forward of eager, which raises the error where C sees it first
    assert np.isfinite(step(x, index).item())


@pytest.mark.usefixtures("gcc")
def test_sums_of_more_columns_than_a_stack_holds():
    x = mg.ones(2, 1_200_000)
    total = mg.compile(lambda x: mg.sum(x * 2, 0), backend="c")
    for _ in range(3):
        y = total(x)
    assert y.shape == (1_200_000,) and (y == 4).all().item()
