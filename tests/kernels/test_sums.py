"""Sums over any axes: as exact as pairwise summation, whatever the length and layout."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.kernels import sums

MILLION = 1_000_000
ACCURATE = 1e-6
"""The relative error of a float32 sum of a million equal terms; one after the other they reach 1e-2."""


def subsets(n: int) -> list[tuple[int, ...]]:
    return [axes for k in range(n + 1) for axes in itertools.combinations(range(n), k)]


LAYOUTS: dict[str, Any] = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "first axis last": lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0),
    "every second": lambda x: np.repeat(x, 2, -1)[..., ::2],
    "every second of the first": lambda x: np.repeat(x, 2, 0)[::2],
    "reversed": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "equal elements": lambda x: np.broadcast_to(x[:1], x.shape),
    "equal elements last": lambda x: np.broadcast_to(x[..., :1], x.shape),
}
SHAPES = [(5,), (300,), (300, 3), (3, 300), (200, 1), (1, 200), (150, 2, 3), (2, 150, 3), (2, 3, 150), (20, 20, 20, 2)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, ">f4", np.int32, bool])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_shape_layout_and_choice_of_axes(shape, layout, dtype):
    """Small integers: every order of adding gives the same sum, and each axis counts differently."""
    values = np.random.default_rng(0).integers(0, 3, shape).astype(dtype)
    x = LAYOUTS[layout](values)
    for axes, keepdims in itertools.product(subsets(x.ndim), [False, True]):
        found = sums.sum_over(x, axes, keepdims)
        expected = np.asarray(x, np.int64).sum(axes, keepdims=keepdims)
        assert np.shape(found) == expected.shape
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == (np.int64 if np.dtype(dtype).kind in "ib" else max(np.dtype(dtype), np.dtype("f4")))


@pytest.mark.parametrize("shape", [(5,), (300,), (1000, 3), (3, 1000), (2, 3, 150)], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_long_runs_are_added_up_in_pieces(shape, layout, monkeypatch):
    """However long a run may be: the sums of integers are exact."""
    monkeypatch.setattr(sums, "LONG_RUN", 20)
    sums.summer.cache_clear()
    x = LAYOUTS[layout](np.random.default_rng(0).integers(0, 3, shape).astype(np.float32))
    for axes, keepdims in itertools.product(subsets(x.ndim), [False, True]):
        np.testing.assert_array_equal(sums.sum_over(x, axes, keepdims), x.sum(axes, keepdims=keepdims))
    assert sums.vector_sum(x.reshape(-1)) == x.sum()
    sums.summer.cache_clear()


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3, 0)], ids=str)
def test_nothing_and_single_numbers(shape):
    x = np.ones(shape, np.float32)
    for axes in subsets(len(shape)):
        np.testing.assert_array_equal(sums.sum_over(x, axes), x.sum(axes))


LONG: dict[str, tuple[Any, tuple[int, ...]]] = {
    "rows": (lambda: tenths(MILLION, 2), (0,)),
    "one column": (lambda: tenths(MILLION, 1), (0,)),
    "columns of Fortran order": (lambda: np.asfortranarray(tenths(MILLION, 2)), (0,)),
    "rows of a slice": (lambda: tenths(MILLION, 4)[:, ::2], (0,)),
    "rows in reverse": (lambda: tenths(MILLION, 2)[::-1], (0,)),
    "all of a slice": (lambda: tenths(MILLION, 4)[:, ::2], (0, 1)),
    "long rows": (lambda: tenths(2, MILLION), (1,)),
    "a middle axis": (lambda: tenths(2, MILLION, 2), (1,)),
    "a middle axis of many": (lambda: tenths(1000, 1000, 2), (1,)),
    "the first and the last": (lambda: tenths(MILLION // 2, 3, 2), (0, 2)),
    "two in front": (lambda: tenths(1000, 1000, 2), (0, 1)),
    "two behind": (lambda: tenths(2, 1000, 1000), (1, 2)),
    "two of a transposed array": (lambda: tenths(1000, 2, 1000).transpose(2, 0, 1), (0, 1)),
    "all": (lambda: tenths(1000, 1000), (0, 1)),
    "an odd number": (lambda: tenths(999_983, 2), (0,)),
    "an odd number of a slice": (lambda: tenths(999_983, 4)[:, ::2], (0,)),
    "equal elements": (lambda: np.broadcast_to(np.float32(0.1), (MILLION, 2)), (0,)),
    "four millions": (lambda: tenths(4 * MILLION), (0,)),
    "four millions in a row": (lambda: tenths(1, 4 * MILLION), (1,)),
}


def tenths(*shape: int) -> np.ndarray:
    return np.full(shape, 0.1, np.float32)


@pytest.mark.parametrize("name", LONG)
def test_a_million_terms(name):
    make, axes = LONG[name]
    x = make()
    n = x.size / np.prod([m for i, m in enumerate(x.shape) if i not in axes])
    for total in (mg.sum(mg.tensor(x), axes).numpy() / n, mg.mean(mg.tensor(x), axes).numpy(), x_gradient(x, axes) / n):
        np.testing.assert_allclose(total, np.float64(np.float32(0.1)), rtol=ACCURATE)


def x_gradient(dy: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """The gradient of an operand that was broadcast along axes: the engine adds ``dy`` up."""
    shape = tuple(1 if i in axes else n for i, n in enumerate(dy.shape))
    x = mg.zeros(shape, requires_grad=True)
    (mg.zeros(dy.shape) + x).backward(mg.tensor(dy))
    return x.grad.numpy()


@pytest.mark.slow
def test_a_million_rows_of_other_functions():
    x = mg.zeros(MILLION, 2)
    np.testing.assert_allclose(mg.softmax(x, 0).numpy() * MILLION, 1, rtol=ACCURATE)
    np.testing.assert_allclose(mg.logsumexp(x, 0).numpy(), np.log(MILLION), rtol=ACCURATE)
    values = np.random.default_rng(0).random((MILLION, 2), np.float32) + 10
    exact = values.astype(np.float64)
    np.testing.assert_allclose(mg.var(mg.tensor(values), 0).numpy(), exact.var(0, ddof=1), rtol=ACCURATE)
    np.testing.assert_allclose(mg.std(mg.tensor(values), 0).numpy(), exact.std(0, ddof=1), rtol=ACCURATE)


@pytest.mark.parametrize("n", [5, 100, 5000])
@pytest.mark.parametrize("layout", ["C", "Fortran", "every second"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinities_and_nan_stay_in_their_column(n, layout, dtype):
    x = np.ones((n, 6), dtype)
    x[1, 0], x[2, 1], x[3, 2] = np.inf, -np.inf, np.nan
    x[0, 3], x[4, 3] = np.inf, -np.inf
    x[:, 4] = 0
    for axes in subsets(2):
        with np.errstate(invalid="ignore"):
            found, expected = sums.sum_over(LAYOUTS[layout](x), axes), x.sum(axes)
        np.testing.assert_array_equal(found, expected)
