"""Distances beyond their table of samples: small ones, float16, infinities, nothing, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.helpers.inputs import cotangent, leaf
from tests.helpers.refusals import check_refused


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).standard_normal(shape)


def test_gradients_of_the_largest_difference_in_float16():
    """The distance is rounded to float16, and no difference equals it then."""
    a, b = leaf([[1000.0, 0.1]], np.float16), leaf([[0.0999, 0.0]], np.float16)
    assert [dx.tolist() for dx in mg.grad(mg.cdist(a, b, np.inf).sum(), (a, b))] == [[[1, 0]], [[-1, 0]]]


def exact_distances(a, b):
    d = a.astype(np.longdouble)[:, None] - b.astype(np.longdouble)
    return np.sqrt((d * d).sum(-1)), d


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 2e-6), (np.float64, 4e-15)])
@pytest.mark.parametrize("offset, spread", [(0, 1), (1000, 1), (1000, 1e-3), (0, 1e-6)])
def test_distances_of_rows_near_each_other_lose_no_digits(offset, spread, dtype, tolerance):
    """A product of matrices alone would: of 1000 and a spread of 1e-3 in float32 all distances would be 0."""
    a = (offset + normal(90, 12)).astype(dtype)
    b = (a + spread * normal(12, 90).T).astype(dtype)
    y = leaf(a), leaf(b)
    found = mg.cdist(*y)
    expected, d = exact_distances(a, b)
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=tolerance)
    dy = cotangent(found.shape).astype(dtype)
    slopes = dy[..., None] * d / expected[..., None]
    scale = np.abs(dy).sum(1).max()
    for dx, right in zip(mg.grad(found, y, mg.tensor(dy)), (slopes.sum(1), -slopes.sum(0))):
        np.testing.assert_allclose(dx.numpy(), right.astype(np.float64), atol=scale * tolerance)


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, 8, np.inf])
@pytest.mark.parametrize("spread", [0, 1])
def test_distances_from_itself_are_exactly_zero(p, spread):
    x = leaf(1000 + spread * normal(60, 5), np.float32)
    y = mg.cdist(x, x, p)
    assert (np.diagonal(y.detach().numpy()) == 0).all()
    (dx,) = mg.grad(y, x, mg.eye(60))
    assert (dx.numpy() == 0).all()


def test_powers_of_distances_do_not_overflow():
    for scale in (1e30, 1e-30):
        a, b = np.array([[3, 4]], np.float32) * np.float32(scale), np.zeros((1, 2), np.float32)
        np.testing.assert_allclose(mg.cdist(a, b, 3), [[91 ** (1 / 3) * scale]], rtol=1e-6)


def test_distances_of_infinities_as_in_pytorch():
    a = np.array([[np.inf, 0.0], [np.nan, 1.0], [0.0, 1.0]] + [[0.0, 0.0]] * 60)
    b = np.array([[0.0, 0.0], [np.inf, 0.0]] + [[0.0, 0.0]] * 60)
    with np.errstate(invalid="ignore"):
        y = mg.cdist(np.repeat(a, 3, 1), np.repeat(b, 3, 1))
    np.testing.assert_allclose(y[:3, :2], [[np.inf, np.nan], [np.nan, np.nan], [np.sqrt(3), np.inf]])


@pytest.mark.parametrize(
    "shapes, shape", [(((2, 0), (3, 0)), (2, 3)), (((0, 2), (3, 2)), (0, 3)), (((2, 2), (0, 2)), (2, 0))]
)
@pytest.mark.parametrize("p", [0, 1, 2, 3, np.inf])
def test_distances_of_nothing(shapes, shape, p):
    y = mg.cdist(*(leaf(np.ones(each)) for each in shapes), p)
    assert y.shape == shape and (y.detach().numpy() == 0).all()
    assert mg.pdist(mg.ones(1, 2), p).shape == (0,)


A = mg.ones(2, 3)
INTS = mg.tensor([[1, 2], [3, 4]])

REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], list[str]]] = {
    "vectors": (lambda: mg.cdist(mg.ones(3), mg.ones(3)), ValueError, ["cdist", "(3,) and (3,)", "unsqueeze"]),
    "lengths": (
        lambda: mg.cdist(mg.ones(3, 2), mg.ones(3, 4)),
        ValueError,
        ["rows of one length", "(3, 2) and (3, 4)"],
    ),
    "negative p": (lambda: mg.cdist(A, A, -1), ValueError, ["p must be from 0 to infinity", "-1"]),
    "p of nan": (lambda: mg.pdist(A, np.nan), ValueError, ["pdist: p", "nan"]),
    "p of text": (lambda: mg.cdist(A, A, "2"), TypeError, ["p must be a number", "'2'"]),
    "mode": (lambda: mg.cdist(A, A, compute_mode="mm"), ValueError, ["compute_mode is one of", "'mm'"]),
    "ints": (lambda: mg.cdist(INTS, INTS), TypeError, ["cdist", "(2, 2) int64", "x.float()"]),
    "two floats": (lambda: mg.cdist(A, A.double()), TypeError, ["float32", "float64"]),
    "batches": (lambda: mg.cdist(mg.ones(2, 2, 3), mg.ones(3, 2, 3)), ValueError, ["cdist", "(2, 2, 3)", "(3, 2, 3)"]),
    "pdist of a batch": (lambda: mg.pdist(mg.ones(1, 2, 2)), ValueError, ["pdist", "(1, 2, 2)", "cdist takes batches"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_cure(name):
    check_refused(*REFUSED[name])
