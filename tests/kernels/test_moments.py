"""Deviations, means and variances of every layout against their formulas."""

import math

import numpy as np
import pytest

from minigrad.kernels import layouts
from minigrad.kernels.layouts import row_sums
from minigrad.kernels.moments import InBlocks, InMemory
from minigrad.kernels.tuning import PIECE
from tests.kernels.batches import batch, every_shape


def per_channel(vector, ndim):
    return vector.reshape(-1, *(1,) * (ndim - 2))


@every_shape
@pytest.mark.parametrize("mean", [0.0, 1e4], ids=["around 0", "far from 0"])
@pytest.mark.parametrize("kind", [InMemory, InBlocks])
def test_deviations_follow_their_formulas(shape, mean, kind, small_blocks):
    assert_follows_formulas(kind, shape, mean)


def assert_follows_formulas(kind, shape, mean):
    """Deviations of this kind, from the batch's own mean or a given one, are what plain NumPy computes."""
    x, dy = batch(shape, mean), batch(shape)[::-1]
    rng = np.random.default_rng(0)
    constant, slope, scale = rng.standard_normal((3, shape[1]))
    axes, n = (0, *range(2, x.ndim)), x.size // shape[1]
    given = rng.standard_normal(shape[1])
    for d, center in ((kind(x), x.mean(axes)), (kind(x, given), given)):
        expected = x - per_channel(center, x.ndim)
        close = {"rtol": 0, "atol": 1e-10 * max(1, abs(expected).max())}
        np.testing.assert_allclose(d.mean, center, rtol=1e-13, atol=1e-13)
        assert d.n == n
        y = d.scaled(scale, constant)
        np.testing.assert_allclose(y, expected * per_channel(scale, x.ndim) + per_channel(constant, x.ndim), **close)
        np.testing.assert_allclose(d.scaled(scale, None), expected * per_channel(scale, x.ndim), **close)
        total, product = d.sums(dy)
        np.testing.assert_allclose(total, dy.sum(axes), rtol=0, atol=1e-10)
        np.testing.assert_allclose(product, (dy * expected).sum(axes), rtol=0, atol=n * close["atol"])
        dx = dy - per_channel(constant, x.ndim) - expected * per_channel(slope, x.ndim)
        np.testing.assert_allclose(d.gradient(dy, constant, slope, scale), dx * per_channel(scale, x.ndim), **close)
    np.testing.assert_allclose(kind(x).var, x.var(axes), rtol=1e-11)


JOINED = {
    (30, 7): (6, 35),
    (300, 7): (60, 35),
    (36, 4, 2): (6, 48),
    (8, 33): (8, 33),
    (31, 7): (31, 7),
    (30, 7, 0): (30, 0),
    (30, 3, 64): (30, 192),
    (30, 1, 16): (10, 48),
    (3, 2, 70): (3, 140),
}
"""The shapes of batches, and how they are worked on where a long row has more than 32 elements."""


@pytest.fixture
def rows_are_joined(monkeypatch):
    monkeypatch.setattr(layouts, "LONG_ROW", 64)
    monkeypatch.setattr(layouts, "WORTH_JOINING", 1)
    layouts.layout.cache_clear()
    yield
    layouts.layout.cache_clear()


@pytest.mark.parametrize("mean", [0.0, 1e4], ids=["around 0", "far from 0"])
@pytest.mark.parametrize("shape", [shape for shape in JOINED if 0 not in shape], ids=str)
def test_joined_rows_change_nothing(shape, mean, rows_are_joined):
    assert_follows_formulas(InMemory, shape, mean)


@pytest.mark.parametrize("shape", JOINED, ids=str)
def test_short_rows_are_joined_if_that_makes_long_ones(shape, rows_are_joined):
    assert InMemory(np.ones(shape)).layout.shape == JOINED[shape]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((512, 1, 64), (4, 8192)), ((3, 2, 300), (3, 600)), ((2, 2, 300), (2, 2, 300)), ((2, 2, 255), (2, 510)),
     ((5, 2, 8192), (5, 2, 8192)), ((5, 2, 8191), (5, 16382)), ((1, 3, 20, 20), (1, 3, 400))],
)  # fmt: skip
@pytest.mark.parametrize("mean", [0.0, 1e4], ids=["around 0", "far from 0"])
def test_long_channels_are_rows_where_a_row_for_a_sample_would_not_pay(shape, expected, mean):
    assert_follows_formulas(InMemory, shape, mean)
    assert_follows_formulas(InBlocks, shape, mean)
    assert InMemory(np.ones(shape)).layout.shape == expected
    assert (len(InBlocks(np.ones(shape)).row) == 2) == (len(expected) == 3)


@pytest.mark.parametrize("length", [0, 1, *(k * PIECE + rest for k in (1, 3) for rest in (-1, 0, 1))])
def test_sums_of_rows(length):
    a, b = np.random.default_rng(length).standard_normal((2, 3, 4, length))
    np.testing.assert_allclose(row_sums(a, b), (a * b).sum(-1), rtol=0, atol=1e-10)
    np.testing.assert_allclose(row_sums(a[:, 1:3]), a[:, 1:3].sum(-1), rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", [(1, 1, 1 << 22), (1400, 1, 300), (1, 4, 5000)], ids=str)
def test_sums_of_many_long_channels_are_accurate(shape):
    values = np.linspace(0, 1, math.prod(shape), dtype=np.float32).reshape(shape)
    exact = values.astype(np.float64).sum((0, 2))
    np.testing.assert_allclose(InMemory(values).layout.sum(values), exact, rtol=2e-7)
