"""Infinities, NaN, the smallest numbers and saturation: values and first derivatives where formulas reach them.

Expected values are limits of the formulas, written down by hand. What has no warning here gives none: every
warning is an error in these tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.inputs import leaf, leaves
from tests.helpers.oracles import softmax_formula

inf, nan = np.inf, np.nan

both_ways = pytest.mark.parametrize("create_graph", [False, True])
PRECISIONS = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def assert_derivative(function: Callable[..., Any], x: Any, value: Any, slope: Any, create_graph: bool) -> None:
    """The values of an elementwise function and of its derivative, at each element of x."""
    x = leaf(x)
    y = function(x)
    np.testing.assert_allclose(y.detach().numpy(), value, rtol=1e-6)
    (dx,) = mg.grad(y, x, mg.ones_like(y), create_graph=create_graph)
    np.testing.assert_allclose(dx.detach().numpy(), slope, rtol=1e-6)


# -- infinities ----------------------------------------------------------------------------------

AT_INFINITY: dict[str, tuple[Callable[..., Any], list[float], list[float], list[float]]] = {
    # the function, its arguments, its values and its slopes there
    "neg": (mg.neg, [-inf, inf], [inf, -inf], [-1, -1]),
    "abs": (mg.abs, [-inf, inf], [inf, inf], [-1, 1]),
    "exp": (mg.exp, [-inf, inf], [0, inf], [0, inf]),
    "log": (mg.log, [inf], [inf], [0]),
    "sqrt": (mg.sqrt, [inf], [inf], [0]),
    "square": (mg.square, [-inf, inf], [inf, inf], [-inf, inf]),
    "reciprocal": (mg.reciprocal, [-inf, inf], [0, 0], [0, 0]),
    "tanh": (mg.tanh, [-inf, inf], [-1, 1], [0, 0]),
    "softplus": (F.softplus, [-inf, inf], [0, inf], [0, 1]),
    "sigmoid": (mg.sigmoid, [-inf, inf], [0, 1], [0, 0]),
    "relu": (mg.relu, [-inf, inf], [0, inf], [0, 1]),
    "exp2": (mg.exp2, [-inf, inf], [0, inf], [0, inf]),
    "expm1": (mg.expm1, [-inf, inf], [-1, inf], [0, inf]),
    "log2": (mg.log2, [inf], [inf], [0]),
    "log10": (mg.log10, [inf], [inf], [0]),
    "log1p": (mg.log1p, [inf], [inf], [0]),
    "rsqrt": (mg.rsqrt, [inf], [0], [0]),
    "atan": (mg.atan, [-inf, inf], [-np.pi / 2, np.pi / 2], [0, 0]),
    "sinh": (mg.sinh, [-inf, inf], [-inf, inf], [inf, inf]),
    "cosh": (mg.cosh, [-inf, inf], [inf, inf], [-inf, inf]),
    "asinh": (mg.asinh, [-inf, inf], [-inf, inf], [0, 0]),
    "acosh": (mg.acosh, [inf], [inf], [0]),
    "floor": (mg.floor, [-inf, inf], [-inf, inf], [0, 0]),
    "round": (mg.round, [-inf, inf], [-inf, inf], [0, 0]),
    "angle": (mg.angle, [-inf, inf], [np.pi, 0], [0, 0]),
    "erf": (mg.erf, [-inf, inf], [-1, 1], [0, 0]),
    "erfc": (mg.erfc, [-inf, inf], [2, 0], [0, 0]),
    "ndtr": (mg.special.ndtr, [-inf, inf], [0, 1], [0, 0]),
    "log_ndtr": (mg.special.log_ndtr, [-inf, inf], [-inf, 0], [inf, 0]),
    "hypot with a number": (lambda x: mg.hypot(x, 1e30), [0], [1e30], [0]),
    "atan2 with a number": (lambda x: mg.atan2(x, 1.0), [0], [0], [1]),
    "add a number": (lambda x: x + 1, [-inf, inf], [-inf, inf], [1, 1]),
    "times a number": (lambda x: x * -2, [-inf, inf], [inf, -inf], [-2, -2]),
    "divide by it": (lambda x: 3 / x, [-inf, inf], [0, 0], [0, 0]),
    "the cube": (lambda x: x**3, [-inf, inf], [-inf, inf], [inf, inf]),
    "clamp": (lambda x: mg.clamp(x, -1, 1), [-inf, inf], [-1, 1], [0, 0]),
    "maximum": (lambda x: mg.maximum(x, 2.0), [-inf, inf], [2, inf], [0, 1]),
    "minimum": (lambda x: mg.minimum(x, 2.0), [-inf, inf], [-inf, 2], [1, 0]),
}


@pytest.mark.parametrize("name", AT_INFINITY)
@PRECISIONS
@both_ways
def test_functions_at_infinity_take_their_limits(name, dtype, create_graph):
    function, *expected = AT_INFINITY[name]
    assert_derivative(function, *(np.array(values, dtype) for values in expected), create_graph)


@pytest.mark.parametrize("name", sorted(AT_INFINITY.keys() - {"clamp", "minimum", "maximum"}))
def test_nan_stays_nan(name):
    x = np.array([nan, 1.0, nan])
    y = AT_INFINITY[name][0](leaf(x))
    assert np.isnan(y.detach().numpy()).tolist() == [True, False, True]


REDUCTIONS: dict[str, tuple[Callable[..., Any], list[float], float]] = {
    "sum": (mg.sum, [1, inf], inf),
    "mean": (mg.mean, [1, -inf], -inf),
    "amax": (mg.amax, [-inf, 3, -inf], 3),
    "amin": (mg.amin, [inf, 3], 3),
    "max of only -inf": (mg.amax, [-inf, -inf], -inf),
    "prod": (mg.prod, [2, inf], inf),
    "logsumexp": (lambda x: mg.logsumexp(x, 0), [-inf, 2], 2),
    "logsumexp of inf": (lambda x: mg.logsumexp(x, 0), [inf, 2], inf),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@PRECISIONS
def test_reductions_over_infinities(name, dtype):
    function, values, expected = REDUCTIONS[name]
    y = function(mg.tensor(np.array(values, dtype)))
    assert (y.item(), y.dtype) == (expected, dtype)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "amax", "amin", "max", "min", "var", "std"])
def test_a_reduction_with_nan_is_nan(name):
    assert np.isnan(getattr(mg, name)(mg.tensor([1.0, nan, 2.0])).item())


def test_nan_in_one_row_stays_in_that_row():
    x = leaf([[nan, 1.0, 2.0], [0.5, 1.0, 2.0]])
    for function in (lambda x: mg.softmax(x, 1), lambda x: mg.log_softmax(x, 1), lambda x: mg.var(x, 1)):
        y = function(x)
        (dx,) = mg.grad(y, x, np.arange(1.0, 1 + y.numel()).reshape(y.shape))
        for tensor in (y, dx):
            good = np.isfinite(tensor.detach().numpy()).reshape(2, -1)
            assert good[1].all() and not good[0].any()


# -- the smallest and the largest numbers ----------------------------------------------------------

TINY = {np.float32: np.float32(1e-45), np.float64: np.float64(5e-324)}


@PRECISIONS
@both_ways
def test_subnormal_numbers_are_numbers(dtype, create_graph):
    """They are neither taken for 0 nor flushed to it."""
    tiny = TINY[dtype]
    assert 0 < tiny < np.finfo(dtype).tiny
    x = np.array([tiny, -tiny], dtype)
    same = ([tiny, -tiny], [1, 1])
    for function in (lambda x: x + 0, lambda x: x * 1, mg.tanh, lambda x: mg.clamp(x, -1, 1)):
        assert_derivative(function, x, *same, create_graph)
    assert_derivative(mg.relu, x, [tiny, 0], [1, 0], create_graph)
    assert_derivative(mg.abs, x, [tiny, tiny], [1, -1], create_graph)
    assert_derivative(mg.exp, x, [1, 1], [1, 1], create_graph)
    assert_derivative(mg.sigmoid, x, [0.5, 0.5], [0.25, 0.25], create_graph)


@PRECISIONS
def test_a_sum_of_subnormal_numbers_is_exact(dtype):
    x = leaf(np.full((4, 3), TINY[dtype]))
    assert mg.sum(x).item() == TINY[dtype] * 12
    assert mg.sum(x, 0).tolist() == [TINY[dtype] * 4] * 3


@pytest.mark.parametrize("largest", [0, 1024, -2048])
@PRECISIONS
@both_ways
def test_a_softmax_of_very_different_scores_has_no_nan(dtype, create_graph, largest):
    """The smaller probabilities are 0 or subnormal, and their gradients are, too; only differences count."""
    scores = np.array([[0, -80, -110, -800, -1e30, -inf]], dtype)
    p = softmax_formula(scores.astype(np.float64), 1)
    x = leaf(scores + dtype(largest))
    y = mg.softmax(x, 1)
    dy = np.array([[1.0, 2, -1, 3, 1, 2]], dtype)
    (dx,) = mg.grad(y, x, dy, create_graph=create_graph)
    np.testing.assert_allclose(y.detach().numpy(), p, rtol=1e-5, atol=1e-44)
    np.testing.assert_allclose(dx.detach().numpy(), p * (dy - (p * dy).sum()), rtol=1e-5, atol=1e-7)
    loss = F.cross_entropy(x, [1])
    np.testing.assert_allclose(loss.item(), 80, rtol=1e-6)


# -- saturation ----------------------------------------------------------------------------------

SATURATED: dict[str, tuple[Callable[..., Any], list[float], list[float], list[float]]] = {
    "tanh": (mg.tanh, [-1e4, -40, 40, 1e4], [-1, -1, 1, 1], [0, 0, 0, 0]),
    "sigmoid": (mg.sigmoid, [-1e4, 1e4], [0, 1], [0, 0]),
    "exp": (mg.exp, [-1e4], [0], [0]),
    "tanh of relu": (lambda x: mg.tanh(mg.relu(x)), [-1e4, 1e4], [0, 1], [0, 0]),
    "erf": (mg.erf, [-1e4, -1e30, 1e4, 1e30], [-1, -1, 1, 1], [0, 0, 0, 0]),
    "erfc": (mg.erfc, [-1e4, -1e30, 1e4, 1e30], [2, 2, 0, 0], [0, 0, 0, 0]),
    "ndtr": (mg.special.ndtr, [-1e4, -1e30, 1e4, 1e30], [0, 0, 1, 1], [0, 0, 0, 0]),
    "log_ndtr": (mg.special.log_ndtr, [-1e4, 1e4, 1e30], [-5e7, 0, 0], [1e4, 0, 0]),
    "asinh": (mg.asinh, [-1e30, 1e30], [-np.log(2e30), np.log(2e30)], [1e-30, 1e-30]),
    "logaddexp": (lambda x: mg.logaddexp(x, 0.0), [-1e4, 1e4], [0, 1e4], [0, 1]),
    "atan2": (lambda x: mg.atan2(x, 1e30), [-1e30, 1e30], [-np.pi / 4, np.pi / 4], [0.5e-30, 0.5e-30]),
    "atan2 of tiny numbers": (lambda x: mg.atan2(x, 1e-30), [1e-30], [np.pi / 4], [0.5e30]),
    "softplus": (F.softplus, [-1e4, 1e4], [0, 1e4], [0, 1]),
    "softplus without a threshold": (lambda x: F.softplus(x, threshold=inf), [-1e4, 1e4], [0, 1e4], [0, 1]),
    "softplus of huge products": (lambda x: F.softplus(x, 1e38), [-1e4, 1e4], [0, 1e4], [0, 1]),
    "softplus by logsumexp": (lambda x: mg.logsumexp(mg.stack([0 * x, x]), 0), [-1e4, 1e4], [0, 1e4], [0, 1]),
}


@pytest.mark.parametrize("name", SATURATED)
@PRECISIONS
@both_ways
def test_a_saturated_function_has_the_slope_of_its_asymptote(name, dtype, create_graph):
    function, *expected = SATURATED[name]
    assert_derivative(function, *(np.array(values, dtype) for values in expected), create_graph)


@PRECISIONS
def test_the_slope_of_sigmoid_is_accurate_far_into_its_tails(dtype):
    """Where sigmoid is almost 0, s * (1 - s) is exp(x) to the last digit."""
    x = np.array([-20.0, -50, -85], dtype)
    y = mg.sigmoid(z := leaf(x))
    (dx,) = mg.grad(y.sum(), z)
    np.testing.assert_allclose(dx.numpy(), np.exp(x), rtol=1e-5)


@PRECISIONS
def test_a_saturated_layer_passes_no_gradient_and_no_nan(dtype):
    x, w = leaves([np.array([[1e3, -1e3]], dtype), np.array([[5.0, 1.0], [-2.0, 1.0]], dtype)])
    for squash in (mg.tanh, mg.sigmoid):
        for dx in mg.grad(squash(F.linear(x, w)).sum(), [x, w]):
            np.testing.assert_array_equal(dx.numpy(), 0)


# -- training on what is not finite ---------------------------------------------------------------


def test_nan_in_a_batch_is_not_an_error_of_the_layers():
    """The loss says that the batch was bad; only the weights that it met get a gradient of NaN."""
    x = np.ones((4, 3), np.float32)
    x[1, 2] = nan
    w = mg.ones(2, 3, requires_grad=True)
    y = F.linear(mg.tensor(x), w)
    assert np.isnan(F.mse_loss(y, mg.zeros(4, 2)).item())
    y[[0, 2, 3]].sum().backward()
    assert np.isnan(w.grad.numpy()).tolist() == [[False, False, True]] * 2


def test_an_infinity_met_on_the_way_back_is_named_by_anomaly_detection():
    """The length of a zero vector: its root is infinitely steep there."""
    x = leaf(np.zeros(3))
    length = mg.sqrt(mg.sum(mg.square(x)))
    with np.errstate(all="ignore"):
        with mg.detect_anomaly(), pytest.raises(RuntimeError, match=r"sqrt.* returned inf"):
            mg.sqrt(mg.sum(mg.square(x))).backward()
        (dx,) = mg.grad(length, x)
        assert np.isnan(dx.numpy()).all()
    (dx,) = mg.grad(mg.sqrt(mg.sum(mg.square(x)) + 1e-12), x)
    np.testing.assert_array_equal(dx.numpy(), 0)
