"""Operations on very large numbers and infinities."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.differences import gradients
from tests.helpers.inputs import leaf, values
from tests.helpers.oracles import softmax_formula
from tests.ops.edges import both, both_ways, inf

PRECISIONS = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])

SCORES: list[tuple[list[float], list[float]]] = [
    # a row of scores, its softmax
    ([1000, -1000, 0], [1, 0, 0]),
    ([3e4, 3e4, -3e4], [0.5, 0.5, 0]),
    ([-3e4, -3e4, -3e4], [1 / 3] * 3),
    ([-inf, 0, 0], [0, 0.5, 0.5]),
    ([-inf, -inf, 2], [0, 0, 1]),
]


@pytest.mark.parametrize(("row", "expected"), SCORES)
@PRECISIONS
def test_softmax_of_huge_scores(row, expected, dtype):
    """No overflow, no warning, and no NaN in the gradients."""
    (x,) = both(row, dtype=dtype)
    p, log_p, total = mg.softmax(x, 0), mg.log_softmax(x, 0), mg.logsumexp(x)
    largest = x.max()
    np.testing.assert_allclose(p, expected, rtol=1e-3)
    np.testing.assert_allclose(total, largest + np.log((x == largest).sum()), rtol=1e-3)
    np.testing.assert_allclose(log_p, x.astype(np.float64) - float(largest) - np.log((x == largest).sum()), rtol=1e-3)
    dy, right = np.array([0.5, -1.0, 2.0]), np.array(expected)
    for create_graph in (False, True):
        (by_softmax,) = gradients(lambda x: mg.softmax(x, 0), [x], create_graph, dy)
        (by_log_softmax,) = gradients(lambda x: mg.log_softmax(x, 0), [x], create_graph, dy)
        (by_logsumexp,) = gradients(mg.logsumexp, [x], create_graph, np.ones(()))
        np.testing.assert_allclose(by_softmax, right * (dy - (dy * right).sum()), rtol=0, atol=2e-3)
        np.testing.assert_allclose(by_log_softmax, dy - right * dy.sum(), rtol=0, atol=2e-3)
        np.testing.assert_allclose(by_logsumexp, right, rtol=0, atol=2e-3)


def test_softmax_of_nothing_but_minus_infinity():
    """There is no such distribution: NaN. Its sum is 0, the logarithm of which is -inf."""
    x = np.full((1, 3), -inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        assert np.isnan(mg.softmax(x, 1)).all()
        assert np.isnan(mg.log_softmax(x, 1)).all()
    assert mg.logsumexp(x).item() == -inf
    assert mg.logsumexp(np.array([inf, 0.0])).item() == inf


def test_softmax_of_one_number():
    for dim in (0, -1):
        assert mg.softmax(leaf(3.0), dim).item() == 1
        assert mg.log_softmax(leaf(3.0), dim).item() == 0
        assert mg.logsumexp(leaf(3.0), dim).item() == 3


@PRECISIONS
@both_ways
def test_sigmoid_saturates_quietly(dtype, create_graph):
    x = leaf([-inf, -6e4, -1000, 0, 1000, 6e4, inf], dtype)
    y = mg.sigmoid(x)
    (dx,) = mg.grad(y.sum(), x, create_graph=create_graph)
    assert y.tolist() == [0, 0, 0, 0.5, 1, 1, 1]
    assert dx.tolist() == [0, 0, 0, 0.25, 0, 0, 0]


@both_ways
def test_bce_with_logits_of_any_size(create_graph):
    x, t = both([-1000.0, 1000.0, 1000.0, -1000.0, 0.0], [0.0, 1.0, 0.0, 1.0, 0.5])
    for options in ({}, {"pos_weight": 2.0}):
        y = F.binary_cross_entropy_with_logits(x, t, reduction="none", **options)
        weight = options.get("pos_weight", 1)
        np.testing.assert_allclose(y, [0, 0, 1000, weight * 1000, np.log(2) * (0.5 + 0.5 * weight)])
        (dx,) = gradients(
            lambda x, options=options: F.binary_cross_entropy_with_logits(x, t, reduction="sum", **options),
            [x],
            create_graph,
            np.ones(()),
        )
        np.testing.assert_allclose(dx, [0, 0, 1, -weight, 0.25 - 0.25 * weight])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@both_ways
def test_bce_at_certainty(dtype, create_graph):
    """A wrong certainty costs 100, not everything; a right one nothing."""
    p, t = both([0.0, 1.0, 0.0, 1.0, 0.5], [0.0, 1.0, 1.0, 0.0, 0.5], dtype=dtype)
    y = F.binary_cross_entropy(p, t, reduction="none")
    np.testing.assert_allclose(y, [0, 0, 100, 100, np.log(2)], rtol=1e-6)
    loss = lambda p: F.binary_cross_entropy(p, t, reduction="sum")  # noqa: E731
    (dp,) = gradients(loss, [p], create_graph, np.ones((), dtype))
    np.testing.assert_allclose(dp, [0, 0, -1e12, 1e12, 0], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_of_huge_scores(dtype):
    (x,) = both([[1e4, 0, -1e4], [-inf, 0, 0], [0, 1e4, -inf]], dtype=dtype)
    target = np.array([0, 1, 0])
    for options in ({}, {"ignore_index": 2}, {"weight": np.ones(3, dtype)}):
        y = F.cross_entropy(x, target, reduction="none", **options)
        np.testing.assert_allclose(y, [0, np.log(2), 1e4], rtol=1e-6)
    (dx,) = gradients(lambda x: F.cross_entropy(x, target, reduction="sum"), [x], dy=np.ones((), dtype))
    np.testing.assert_allclose(dx, [[0, 0, 0], [0, -0.5, 0.5], [-1, 1, 0]], rtol=1e-6)


def test_softmax_rows_sum_to_one():
    x = np.random.default_rng(0).standard_normal((50, 7)) * 30
    np.testing.assert_allclose(mg.softmax(x, 1).sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(np.exp(mg.log_softmax(x, 1)), softmax_formula(x, 1), rtol=1e-12)
    assert values([mg.softmax(leaf(x), 1)])[0].dtype == np.float64
