"""Values added at an index: as ``np.add.at`` in float64 has it, for every kind of index."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.kernels.adding import added_along, added_at, slices_added, taken_along
from minigrad.kernels.tuning import FEW_ELEMENTS, LONG_SLICE, MANY_ROWS

SHAPE = (7, 5, 6)
rng = np.random.default_rng(0)
rows, columns = rng.integers(-7, 7, 300), rng.integers(-5, 5, 300)

INDICES = {
    "rows": (rows,),
    "pairs": (rows, columns),
    "elements": (rows, columns, rng.integers(-6, 6, 300)),
    "elements, broadcast": (rows[:, None], columns[:20], np.array(3)),
    "unsigned": (rng.integers(0, 7, 300).astype(np.uint8), columns, np.zeros(300, np.int32)),
    "behind a slice": (slice(1, 6, 2), columns),
    "around a slice": (rows, slice(None, None, -1), rows % 6),
    "an ellipsis": (..., columns, rows % 6),
    "a new axis": (None, rows, None, columns),
    "a mask": (rng.random((7, 5)) < 0.5, rows[:1]),
    "a number": (rows, 2),
    "none": (rows[:0],),
}


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_kind_of_index(name, dtype):
    index = INDICES[name]
    values = rng.uniform(0.5, 1, np.zeros(SHAPE)[index].shape).astype(dtype)
    expected = np.zeros(SHAPE)
    np.add.at(expected, index, values)
    found = added_at(SHAPE, index, values)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32])
@pytest.mark.parametrize("targets", ["two", "equal"])
def test_gradients_of_repeated_elements_add_up_exactly(dtype, targets):
    """300,000 of them, which a float32 that is added to one by one would miss by 1e-3."""
    n = 300_000
    index = np.arange(n) % 2 if targets == "two" else np.zeros(n, int)
    p = mg.ones(2, dtype=dtype, requires_grad=True)
    p[mg.tensor(index)].backward(mg.full((n,), 0.1, dtype=dtype))
    right = np.bincount(index, minlength=2) * float(np.asarray(0.1, dtype))
    np.testing.assert_allclose(p.grad.numpy(), right, rtol=np.finfo(dtype).eps)


@pytest.mark.parametrize("loss", [
    lambda x, t, w: F.nll_loss(x, t, weight=w, reduction="none"),
    lambda x, t, w: F.cross_entropy(x, t, weight=w, reduction="none"),
    lambda x, t, w: F.cross_entropy(x, t, weight=w, reduction="none", label_smoothing=1e-9),
])  # fmt: skip
def test_gradients_of_class_weights_add_up_exactly(loss):
    n = 300_000
    w = mg.ones(2, requires_grad=True)
    x = mg.full((n, 2), -np.log(2), dtype=mg.float32)
    loss(x, mg.tensor(np.arange(n) % 2), w).backward(mg.full((n,), 0.1))
    np.testing.assert_allclose(w.grad.numpy() / (0.05 * n * np.log(2)), 1, rtol=2e-6)


def test_the_gradient_of_class_weights_in_a_weighted_mean():
    """The derivative of ``sum(w[t] l) / sum(w[t])`` by ``w``, in float64."""
    n = 300_000
    target = rng.integers(0, 3, n)
    x = rng.standard_normal((n, 3)).astype(np.float32)
    values = np.array([0.5, 1, 2])
    w = mg.tensor(values, dtype=mg.float32, requires_grad=True)
    F.cross_entropy(mg.tensor(x), target, weight=w).backward()
    x = x.astype(np.float64)
    losses = np.log(np.exp(x).sum(1)) - x[np.arange(n), target]
    total = values[target].sum()
    mean = (values[target] * losses).sum() / total
    right = np.bincount(target, losses - mean) / total
    np.testing.assert_allclose(w.grad.numpy(), right, atol=2e-6 * np.bincount(target, losses).max() / total)


# -- along an axis -------------------------------------------------------------------------------

DTYPES = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.uint8, np.bool_])


def grid(index, axis, shape):
    """An index along an axis as one of elements."""
    places = list(np.indices(shape))
    places[axis] = np.broadcast_to(index, shape)
    return tuple(places)


@DTYPES
@pytest.mark.parametrize(
    ("reach", "shape", "axis"),
    [
        ((30, 20), (7, 20), 0), ((30, 20), (30, 7), 1), ((5, 6, 7), (6, 9, 7), 1), ((5, 6, 7), (5, 6, 50), 2),
        ((300, 40), (7, 41), 0), ((MANY_ROWS + 1, 9), (5, 9), 0), ((9, MANY_ROWS + 1), (9, 5), 1), ((2000,), (3,), 0),
        ((0, 4), (3, 4), 0), ((4, 0), (4, 0), 1),
    ],
)  # fmt: skip
def test_elements_along_an_axis(reach, shape, axis, dtype):
    index = rng.integers(0, max(shape[axis], 1), reach)
    values = (rng.uniform(0.5, 1, reach) if np.dtype(dtype).kind == "f" else rng.integers(0, 2, reach)).astype(dtype)
    expected = np.zeros(shape, np.float64 if np.dtype(dtype).kind == "f" else dtype)
    np.add.at(expected, grid(index, axis, reach), values)
    found = added_along(values, index.astype(np.int32), shape, axis)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=2e-6 if dtype == np.float32 else 2 * np.finfo(np.float16).eps)
    if values.size:
        np.testing.assert_array_equal(taken_along(found, index, axis), found[grid(index, axis, reach)])


@DTYPES
@pytest.mark.parametrize(
    ("reach", "axis"),
    [((30, 20), 0), ((30, 20), 1), ((5, 6, 7), 1), ((40, LONG_SLICE), 0), ((40, 2, LONG_SLICE), 0),
     ((8, LONG_SLICE), 1), ((MANY_ROWS + 1, LONG_SLICE), 0), ((2 * MANY_ROWS, 3), 0), ((5,), 0),
     ((FEW_ELEMENTS, 2), 1), ((0, 4), 0)],
)  # fmt: skip
def test_slices_along_an_axis(reach, axis, dtype):
    index = rng.integers(0, 4, reach[axis])
    values = (rng.uniform(0.5, 1, reach) if np.dtype(dtype).kind == "f" else rng.integers(0, 2, reach)).astype(dtype)
    expected = np.zeros((*reach[:axis], 4, *reach[axis + 1 :]), np.float64 if np.dtype(dtype).kind == "f" else dtype)
    np.add.at(expected, (*(slice(None),) * axis, index), values)
    found = slices_added(values, index, 4, axis)
    assert (found.dtype, found.shape) == (dtype, expected.shape)
    np.testing.assert_allclose(found, expected, rtol=2e-6 if dtype == np.float32 else 2 * np.finfo(np.float16).eps)


@pytest.mark.parametrize("call", [
    lambda p, index: p.gather(0, index),
    lambda p, index: p.index_select(0, index),
    lambda p, index: p[:, None].gather(0, index[:, None]),
    lambda p, index: p[:, None].expand(2, LONG_SLICE).index_select(0, index)[:, 0],
])  # fmt: skip
@pytest.mark.parametrize("dtype", [mg.float16, mg.float32])
def test_gradients_of_elements_taken_many_times_add_up_exactly(call, dtype):
    """20,000 of them for each element, which a float32 that is added to one by one would miss by 1e-4."""
    n = 40_000
    p = mg.ones(2, dtype=dtype, requires_grad=True)
    call(p, mg.tensor(np.arange(n) % 2)).backward(
        mg.full((n, 1) if call(p, mg.tensor([0])).ndim == 2 else (n,), 0.1, dtype=dtype)
    )
    right = n / 2 * float(np.asarray(0.1, dtype))
    np.testing.assert_allclose(p.grad.numpy(), right, rtol=np.finfo(dtype).eps)
