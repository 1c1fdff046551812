"""The edges of the operations: kinks, ties and zeros, nothing at all, the huge, and what is refused."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import ops
from minigrad.kernels import constants as arrays
from minigrad.kernels import sums
from tests.helpers import (
    REDUCE,
    check_derivatives,
    cotangent,
    cross_entropy_formula,
    gradients,
    leaf,
    leaves,
    softmax_formula,
    values,
)

inf, nan = np.inf, np.nan
both_ways = pytest.mark.parametrize("create_graph", [False, True])


def both(*arrays: Any, dtype: Any = np.float64) -> list[np.ndarray]:
    return [np.array(array, dtype) for array in arrays]


# -- kinks and ties ------------------------------------------------------------------------------

KINKS: dict[str, tuple[Callable[..., Any], list[Any], list[Any]]] = {
    # the function of the inputs, the inputs, and the gradient of the sum by each
    "relu": (mg.relu, [[0.0, -0.0, 1.0, -1.0]], [[0, 0, 1, 0]]),
    "abs": (mg.abs, [[0.0, -0.0, 2.0, -3.0]], [[0, 0, 1, -1]]),
    "clamp": (lambda x: mg.clamp(x, -1, 2), [[-1.0, 2.0, -1.5, 2.5, 0.0]], [[0, 0, 0, 0, 1]]),
    "clamp to a point": (lambda x: mg.clamp(x, 1, 1), [[0.0, 1.0, 2.0]], [[0, 0, 0]]),
    "clamp, bounds crossed": (lambda x: mg.clamp(x, 1, -1), [[-2.0, 0.0, 2.0]], [[0, 0, 0]]),
    "maximum": (mg.maximum, [[1.0, 2.0, 3.0], [1.0, 3.0, 2.0]], [[0.5, 0, 1], [0.5, 1, 0]]),
    "minimum": (mg.minimum, [[1.0, 2.0, 3.0], [1.0, 3.0, 2.0]], [[0.5, 1, 0], [0.5, 0, 1]]),
    "maximum with a number": (lambda x: mg.maximum(x, 0.0), [[0.0, 1.0, -1.0]], [[0.5, 1, 0]]),
    "maximum of infinities": (mg.maximum, [[inf, -inf], [inf, 0.0]], [[0.5, 0], [0.5, 1]]),
    "clamp by tensors": (mg.clamp, [[1.0, 0.0], [1.0, 1.0], [2.0, 2.0]], [[0.5, 0], [0.5, 1], [0, 0]]),
    "amax": (lambda x: mg.amax(x, 1), [[[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]], [[[0, 1 / 2, 1 / 2], [1 / 3] * 3]]),
    "amin": (lambda x: mg.amin(x, 0), [[[1.0, 3.0], [1.0, 2.0]]], [[[0.5, 0], [0.5, 1]]]),
    "amax of all": (mg.amax, [[[1.0, 3.0], [3.0, 2.0]]], [[[0, 0.5], [0.5, 0]]]),
    "max of all": (mg.max, [[[1.0, 3.0], [3.0, 2.0]]], [[[0, 0.5], [0.5, 0]]]),
    "min of all": (mg.min, [[[1.0, 1.0], [3.0, 2.0]]], [[[0.5, 0.5], [0, 0]]]),
    "max along an axis": (
        lambda x: mg.max(x, 1).values,
        [[[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]],
        [[[0, 1, 0], [1, 0, 0]]],
    ),
    "min along an axis": (lambda x: mg.min(x, 0).values, [[[1.0, 3.0], [1.0, 2.0]]], [[[1, 0], [0, 1]]]),
    "l1_loss": (lambda x, t: F.l1_loss(x, t, "sum"), [[1.0, 2.0], [1.0, 3.0]], [[0, -1], [0, 1]]),
    "where": (lambda x: mg.where(x > 0, x, 0), [[0.0, 1.0]], [[0, 1]]),
}


@pytest.mark.parametrize("name", KINKS)
@both_ways
def test_kinks_and_ties(name, create_graph):
    function, inputs, expected = KINKS[name]
    for dx, right in zip(
        gradients(lambda *xs: function(*xs).sum(), both(*inputs), create_graph, np.ones(())), expected
    ):
        np.testing.assert_allclose(dx, right, rtol=1e-15)


def test_max_and_min_of_two_tensors_are_elementwise():
    a, b = both([1.0, 5.0], [2.0, 3.0])
    np.testing.assert_array_equal(mg.max(leaf(a), leaf(b)).detach().numpy(), [2, 5])
    np.testing.assert_array_equal(mg.min(leaf(a), b).detach().numpy(), [1, 3])


def test_indices_at_a_tie_are_the_first():
    x = leaf([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    assert mg.max(x, 1).indices.tolist() == mg.argmax(x, 1).tolist() == [1, 0]
    assert mg.min(x, 1).indices.tolist() == mg.argmin(x, 1).tolist() == [0, 0]


# -- zeros ---------------------------------------------------------------------------------------

POWERS_AT_ZERO: list[tuple[float, float, float]] = [
    # the exponent, the value and the derivative at 0
    (0, 1, 0),
    (1, 0, 1),
    (2, 0, 0),
    (3, 0, 0),
    (0.5, 0, inf),
    (1.5, 0, 0),
]


@pytest.mark.parametrize(("exponent", "value", "slope"), POWERS_AT_ZERO)
@both_ways
def test_pow_at_zero(exponent, value, slope, create_graph):
    exponents = [exponent, float(exponent), mg.tensor(float(exponent)), leaf(float(exponent))]
    exponents += [mg.tensor(int(exponent))] * (exponent == int(exponent))
    for p in exponents:
        x = leaf([0.0])
        y = x**p
        with np.errstate(divide="ignore"):
            (dx,) = mg.grad(y.sum(), x, create_graph=create_graph)
        assert (y.item(), dx.item()) == (value, slope), p


@both_ways
def test_pow_at_zero_by_the_exponent(create_graph):
    """x ** p * log(x) is taken as its limit, 0, at x = 0 for every exponent that is not negative."""
    bases, p = [leaf(np.zeros(4)), np.zeros(4), 0, 0.0], leaf([0.0, 1.0, 2.0, 0.5], np.float64)
    for base in bases:
        (dp,) = mg.grad((base**p).sum(), p, create_graph=create_graph)
        assert dp.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("exponent", [1, 2, 3, 4])
def test_second_derivative_of_pow_at_zero(exponent):
    x = leaf([0.0, 2.0], np.float64)
    (dx,) = mg.grad((x**exponent).sum(), x, create_graph=True)
    (ddx,) = mg.grad(dx.sum(), x)
    expected = exponent * (exponent - 1) * np.array([0.0, 2.0]) ** max(exponent - 2, 0)
    np.testing.assert_allclose(ddx.numpy(), expected)


def test_pow_of_a_negative_base():
    x = leaf([-2.0, -1.0])
    (dx,) = mg.grad((x**3).sum(), x)
    assert dx.tolist() == [12, 3]
    (dx,) = mg.grad((x ** mg.tensor([3, -1])).sum(), x)
    assert dx.tolist() == [12, -1]


@both_ways
def test_sqrt_at_zero_is_infinitely_steep(create_graph):
    x = leaf([0.0, 4.0])
    y = mg.sqrt(x)
    with np.errstate(divide="ignore"):
        (dx,) = mg.grad(y.sum(), x, create_graph=create_graph)
    assert dx.tolist() == [inf, 0.25]


ROWS_WITH_ZEROS = [[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [1.0, 2.0, -3.0]]


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("axis", [0, 1, None])
def test_prod_with_zeros(axis, order):
    """With one, two and three zeros in a row: a product is a polynomial, its derivatives exist everywhere."""
    x = np.array(ROWS_WITH_ZEROS) + np.zeros((1, 1))
    check_derivatives(lambda x: mg.prod(x[:, 1:] if axis is None else x, axis), [x], order)


@both_ways
def test_gradient_of_prod_with_zeros(create_graph):
    (dx,) = gradients(lambda x: mg.prod(x, 1).sum(), both(ROWS_WITH_ZEROS), create_graph, np.ones(()))
    assert dx.tolist() == [[6, 0, 0], [0, 0, 0], [0, 0, 0], [-6, -3, 2]]


@pytest.mark.parametrize("constant", [0.0, 1.0, 0.1, -3e5])
def test_std_of_constants(constant):
    """The derivative where all elements are equal is taken as 0, and the second one, too."""
    x = leaf(np.full((2, 4), constant))
    y = mg.std(x, 1)
    (dx,) = mg.grad(y.sum(), x, create_graph=True)
    (ddx,) = mg.grad((dx * cotangent(dx.shape)).sum(), x)
    for tensor in (y, dx, ddx):
        np.testing.assert_array_equal(tensor.detach().numpy(), 0)


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("correction", [1, 2])
def test_variance_without_freedom_is_nan(name, correction):
    y = getattr(mg, name)(leaf([[1.0], [2.0]]), 1, correction=correction)
    assert np.isnan(y.detach().numpy()).all()


def test_unbiased_is_another_name_of_the_correction():
    x = leaf([1.0, 2.0, 4.0])
    for name in ("var", "std"):
        function = getattr(mg, name)
        assert function(x, unbiased=False).item() == function(x, correction=0).item()
        assert function(x, unbiased=True).item() == function(x).item() != function(x, correction=0).item()


# -- nothing -------------------------------------------------------------------------------------

Shape = tuple[int, ...]

SUMS = ("sum", "mean", "prod", "var", "std", "logsumexp")


def along(name: str, dim: int) -> Callable[..., Any]:
    return lambda x: getattr(mg, name)(x, dim)


EMPTY: dict[str, tuple[Callable[..., Any], list[Shape], Shape]] = {
    # the function, the shapes of its inputs, the shape of its output
    **{name: (getattr(mg, name), [(0, 3)], (0, 3)) for name in ("exp", "log", "relu", "sigmoid", "abs", "sqrt")},
    "add": (mg.add, [(0, 3), (3,)], (0, 3)),
    "mul by one row": (mg.mul, [(0, 3), (1, 3)], (0, 3)),
    "div": (mg.div, [(2, 0), (2, 1)], (2, 0)),
    "pow": (mg.pow, [(0,), ()], (0,)),
    "maximum": (mg.maximum, [(0, 3), (3,)], (0, 3)),
    "clamp": (lambda x: mg.clamp(x, 0, 1), [(0,)], (0,)),
    "where": (lambda x, y: mg.where(x > 0, x, y), [(0, 3), ()], (0, 3)),
    **{f"{name} of rows": (along(name, 1), [(0, 3)], (0,)) for name in (*SUMS, "amax", "amin")},
    **{f"{name} of nothing": (along(name, 0), [(0, 3)], (3,)) for name in SUMS},
    "max of rows": (lambda x: mg.max(x, 1).values, [(0, 3)], (0,)),
    **{f"{name} of all nothing": (getattr(mg, name), [(0, 3)], ()) for name in SUMS},
    "softmax": (lambda x: mg.softmax(x, 1), [(0, 3)], (0, 3)),
    "softmax of nothing": (lambda x: mg.softmax(x, 1), [(3, 0)], (3, 0)),
    "log_softmax": (lambda x: mg.log_softmax(x, -1), [(2, 0, 3)], (2, 0, 3)),
    "reshape": (lambda x: mg.reshape(x, 3, 0), [(0, 2)], (3, 0)),
    "permute": (lambda x: mg.permute(x, 1, 0), [(0, 2)], (2, 0)),
    "expand": (lambda x: mg.expand(x, 0, 3), [(1, 3)], (0, 3)),
    "flatten": (mg.flatten, [(2, 0, 3)], (0,)),
    "cat": (lambda x, y: mg.cat([x, y]), [(0, 3), (2, 3)], (2, 3)),
    "stack": (lambda x, y: mg.stack([x, y]), [(0,), (0,)], (2, 0)),
    "empty slice": (lambda x: x[3:], [(2, 3)], (0, 3)),
    "empty list": (lambda x: x[[]], [(2, 3)], (0, 3)),
    "empty mask": (lambda x: x[np.zeros((2, 3), bool)], [(2, 3)], (0,)),
    "matmul": (mg.matmul, [(0, 3), (3, 2)], (0, 2)),
    "matmul of nothing": (mg.matmul, [(2, 0), (0, 3)], (2, 3)),
    "matmul of batches": (mg.matmul, [(0, 2, 3), (3,)], (0, 2)),
    "linear": (F.linear, [(0, 3), (2, 3), (2,)], (0, 2)),
    "linear of sequences": (F.linear, [(2, 0, 3), (2, 3), (2,)], (2, 0, 2)),
    "linear without inputs": (F.linear, [(2, 4, 0), (3, 0), (3,)], (2, 4, 3)),
    "linear without outputs": (F.linear, [(2, 4, 3), (0, 3), (0,)], (2, 4, 0)),
    "mse_loss": (lambda x, t: F.mse_loss(x, t, "none"), [(0, 3), (0, 3)], (0, 3)),
    "mse_loss mean": (F.mse_loss, [(0,), (0,)], ()),
    "bce mean": (F.binary_cross_entropy, [(0,), (0,)], ()),
    "bce_with_logits mean": (F.binary_cross_entropy_with_logits, [(0,), (0,)], ()),
    "cross_entropy": (lambda x: F.cross_entropy(x, np.zeros(0, int)), [(0, 3)], ()),
    "cross_entropy sum": (lambda x: F.cross_entropy(x, np.zeros(0, int), reduction="sum"), [(0, 3)], ()),
    "cross_entropy of sequences": (lambda x: F.cross_entropy(x, np.zeros((2, 0), int)), [(2, 3, 0)], ()),
    "cross_entropy of probabilities": (F.cross_entropy, [(0, 3), (0, 3)], ()),
    "nll_loss": (lambda x: F.nll_loss(x, np.zeros(0, int), reduction="none"), [(0, 3)], (0,)),
    "dropout": (lambda x: ops.dropout(x, 0.5, np.random.default_rng(0)), [(0, 3)], (0, 3)),
}


@pytest.mark.parametrize("name", EMPTY)
@both_ways
def test_empty_tensors(name, create_graph):
    """They work, forward and backward, without a warning; what does not depend on nothing gets zeros."""
    function, shapes, expected = EMPTY[name]
    inputs = leaves([np.ones(shape) for shape in shapes])
    y = function(*inputs)
    assert y.shape == expected
    found = mg.grad(y, inputs, mg.ones_like(y), create_graph=create_graph)
    for x, dx in zip(inputs, found):
        assert (dx.shape, dx.dtype) == (x.shape, x.dtype)
        if y.detach().numpy().size == 0:
            np.testing.assert_array_equal(dx.detach().numpy(), 0)


def test_reductions_of_nothing():
    nothing = leaf(np.zeros(0))
    assert mg.sum(nothing).item() == 0
    assert mg.prod(nothing).item() == 1
    assert mg.logsumexp(nothing).item() == -inf
    losses = [F.mse_loss(nothing, []), F.cross_entropy(leaf(np.zeros((0, 3))), np.zeros(0, int))]
    for y in (mg.mean(nothing), mg.var(nothing), mg.std(nothing), *losses):
        assert np.isnan(y.item())


# -- the huge and the infinite -------------------------------------------------------------------

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


# -- class losses --------------------------------------------------------------------------------

IGNORING = [{}, {"weight": np.array([0.5, 2.0, 1.25])}, {"label_smoothing": 0.2}]


@pytest.mark.parametrize("options", IGNORING)
@both_ways
def test_all_targets_ignored(options, create_graph):
    """Their mean is NaN, as in PyTorch, but no parameter is spoiled by it."""
    x = leaf(np.random.default_rng(0).standard_normal((2, 3)))
    for reduction, expected in [("mean", nan), ("sum", 0), ("none", [0, 0])]:
        y = F.cross_entropy(x, [-100, -100], reduction=reduction, **options)
        np.testing.assert_array_equal(y.detach().numpy(), expected)
        (dx,) = mg.grad(y.sum(), x, create_graph=create_graph)
        np.testing.assert_array_equal(dx.detach().numpy(), 0)


@pytest.mark.parametrize("options", IGNORING[:2])
@both_ways
def test_what_an_ignored_target_would_have_cost_does_not_matter(options, create_graph):
    """Also where its scores exclude the first class."""
    x = np.array([[-inf, 0.0, 1.0], [0.5, 0.0, 1.0]])
    target = np.array([-100, 2])
    found = F.cross_entropy(x, target, **options)
    np.testing.assert_allclose(found, cross_entropy_formula(x[1:], target[1:], **options))
    (dx,) = gradients(lambda x: F.cross_entropy(x, target, **options), [x], create_graph)
    np.testing.assert_array_equal(dx[0], 0)
    assert np.isfinite(dx[1]).all()


@pytest.mark.parametrize("reduction", REDUCE)
def test_the_fused_cross_entropy_is_the_composed_one(reduction):
    """An extra row that is ignored makes it take the other way."""
    x = np.random.default_rng(0).standard_normal((4, 3))
    target, more = np.array([0, 2, 1, 2]), np.array([0, 2, 1, 2, -100])
    fused, composed = leaf(x), leaf(np.concatenate([x, np.ones((1, 3))]))
    y, also_y = (
        F.cross_entropy(fused, target, reduction=reduction),
        F.cross_entropy(composed, more, reduction=reduction),
    )
    assert y.grad_fn.op.name == "cross_entropy" != also_y.grad_fn.op.name
    dy = cotangent(y.shape)
    y.backward(dy)
    also_y.backward(np.append(dy, 0) if reduction == "none" else dy)
    np.testing.assert_allclose(y.sum().item(), also_y.sum().item(), rtol=1e-14)
    np.testing.assert_allclose(fused.grad.numpy(), composed.grad.numpy()[:4], rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", [np.dtype(c).name for c in "bhilBHIL"] + ["list", "tensor"])
def test_targets_of_any_integer_kind(kind):
    """Also where the row numbers are larger than the targets' dtype can hold."""
    random = np.random.default_rng(0)
    logits, target = random.standard_normal((300, 3)), random.integers(0, 3, 300)
    given = {"list": target.tolist(), "tensor": mg.tensor(target)}.get(kind)
    x = leaf(logits)
    y = F.cross_entropy(x, target.astype(kind) if given is None else given)
    np.testing.assert_allclose(y.item(), cross_entropy_formula(logits, target))
    y.backward()
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(x.grad.numpy(), (p - np.eye(3)[target]) / 300, rtol=0, atol=1e-15)


def test_a_target_changed_in_place_is_noticed():
    x, target = leaf(np.zeros((2, 3))), mg.tensor([0, 2])
    y = F.cross_entropy(x, target)
    target += 0
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()
    (x, given) = leaf(np.zeros((2, 3))), np.array([0, 2])
    y = F.cross_entropy(x, given)
    given[:] = 1
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), (1 / 3 - np.eye(3)[[0, 2]]) / 2)


# -- indices -------------------------------------------------------------------------------------

INDEXED: dict[str, tuple[Any, list[Any]]] = {
    # the index, and how often it names each element of (2, 3)
    "twice the same row": ([0, 0], [[2, 2, 2], [0, 0, 0]]),
    "three times an element": (([0, 0, 0, 1], [1, 1, 1, 2]), [[0, 3, 0], [0, 0, 1]]),
    "a tuple in a tuple": (((1, 1),), [[0, 0, 0], [2, 2, 2]]),
    "counted from both ends": ((slice(None), [2, -1]), [[0, 0, 2], [0, 0, 2]]),
    "broadcast": (([[0], [0]], [0, 1]), [[2, 2, 0], [0, 0, 0]]),
    "tensor": (mg.tensor([1, 1]), [[0, 0, 0], [2, 2, 2]]),
    "mask": (np.array([[True, False, True], [False, False, True]]), [[1, 0, 1], [0, 0, 1]]),
    "mask as a tensor": (mg.tensor([True, False]), [[1, 1, 1], [0, 0, 0]]),
    "new axes": ((None, 1, None, ...), [[0, 0, 0], [1, 1, 1]]),
    "ellipsis": ((..., 1), [[0, 1, 0], [0, 1, 0]]),
    "negative step": ((slice(None, None, -1), slice(None, None, -2)), [[1, 0, 1], [1, 0, 1]]),
    "nothing": (slice(2, None), [[0, 0, 0], [0, 0, 0]]),
}


@pytest.mark.parametrize("name", INDEXED)
@both_ways
def test_the_gradient_adds_up_where_an_index_names_an_element_again(name, create_graph):
    index, expected = INDEXED[name]
    (dx,) = gradients(lambda x: x[index].sum(), [np.ones((2, 3))], create_graph, np.ones(()))
    np.testing.assert_array_equal(dx, expected)


def test_an_index_is_kept_as_it_was():
    """Whoever changes an index array afterwards does not change the gradient."""
    for index in (np.array([0, 0]), [0, 0], mg.tensor([0, 0])):
        x = leaf(np.ones(3))
        y = x[index]
        index[:] = 2 if not isinstance(index, list) else [2, 2]
        y.sum().backward()
        assert x.grad.tolist() == [2, 0, 0]


# -- float16 sums --------------------------------------------------------------------------------


def test_sums_in_float16_do_not_stop_growing():
    """Added up in float16, ones stop at 2048, and 300 squared is infinite."""
    x = np.ones((5000, 2), np.float16)
    for array in (x, mg.tensor(x)):
        assert mg.sum(array, 0).tolist() == [5000, 5000]
        assert mg.mean(mg.expand(array[:, :1], 5000, 20)).item() == 1
        np.testing.assert_allclose(np.asarray(mg.softmax(array, 0)), 1 / 5000, rtol=1e-3)
        np.testing.assert_allclose(np.asarray(mg.log_softmax(array, 0)), -np.log(5000), rtol=1e-3)
        np.testing.assert_allclose(np.asarray(mg.logsumexp(array, 0)), 1 + np.log(5000), rtol=1e-3)
    spread_out = np.array([-300, 300] * 2000, np.float16)
    assert mg.std(spread_out, correction=0) == 300
    assert mg.var(spread_out / np.float16(3), correction=0) == 10000
    bias = leaf(np.zeros(2), np.float16)
    F.linear(mg.tensor(x), mg.tensor(np.ones((2, 2), np.float16)), bias).sum().backward()
    assert bias.grad.tolist() == [5000, 5000]


# -- dropout -------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
@both_ways
def test_dropout_drops_and_scales(p, create_graph):
    """An element is 0 or x / (1 - p), its gradient is the same factor, and about p of them are 0."""
    x = leaf(np.full(20_000, 3.0))
    y = ops.dropout(x, p, np.random.default_rng(5))
    factor = y.detach().numpy() / 3
    assert set(np.unique(factor).round(12)) <= {0.0, np.round(1 / (1 - p), 12) if p < 1 else 0.0}
    assert abs((factor == 0).mean() - p) < 0.02
    (dx,) = mg.grad(y.sum(), x, create_graph=create_graph)
    np.testing.assert_allclose(dx.detach().numpy(), factor)


# -- what is refused -----------------------------------------------------------------------------


def ones(*shape: int, dtype: Any = np.float32) -> mg.Tensor:
    return mg.tensor(np.ones(shape, dtype), requires_grad=np.dtype(dtype).kind == "f")


TWO_NAMES = ["dim and axis", "give only one"]

REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], list[str]]] = {
    "add": (lambda: ones(2, 3) + ones(4), ValueError, ["add", "(2, 3) float32", "(4,) float32"]),
    "add a string": (lambda: ones(2) + "a", TypeError, ["add", "(2,) float32", "str"]),
    "where": (lambda: mg.where(ones(2) > 0, ones(2), ones(3)), ValueError, ["where", "(2,) bool", "(3,) float32"]),
    "eq": (lambda: ones(2) == ones(3), ValueError, ["eq", "(2,) float32", "(3,) float32"]),
    "and of floats": (lambda: ones(2) & ones(2), TypeError, ["bitwise_and", "(2,) float32"]),
    "negative power of ints": (lambda: ones(2, dtype=int) ** -1, ValueError, ["pow", "(2,) int64", "-1"]),
    "matmul": (lambda: ones(2, 3) @ ones(2, 3), ValueError, ["(2, 3) @ (2, 3)", "3, must equal", "x.T"]),
    "matmul vector": (lambda: ones(2, 3) @ ones(2), ValueError, ["(2, 3) @ (2,)", "the length of the right one, 2"]),
    "matmul number": (lambda: ones(2, 3) @ ones(), ValueError, ["(2, 3) @ ()", "a * b"]),
    "matmul batches": (lambda: ones(2, 2, 3) @ ones(3, 3, 2), ValueError, ["matmul", "(2, 2, 3)", "(3, 3, 2)"]),
    "matmul list": (lambda: ones(2, 3) @ [1, 2, 3], TypeError, ["list", "mg.tensor"]),
    "linear": (lambda: F.linear(ones(4, 3), ones(5, 2)), ValueError, ["(..., 2)", "(4, 3)", "(5, 2)"]),
    "linear number": (lambda: F.linear(ones(), ones(5, 2)), ValueError, ["(..., 2)", "applied to () float32"]),
    "linear weight": (lambda: F.linear(ones(4, 3), ones(3)), ValueError, ["(out, in)", "(3,)"]),
    "linear bias": (
        lambda: F.linear(ones(4, 3), ones(5, 3), ones(3)),
        ValueError,
        ["the bias must be (5,)", "and (3,) float32"],
    ),
    "linear bias of rows": (
        lambda: F.linear(ones(4, 3), ones(5, 3), ones(4, 5)),
        ValueError,
        ["(5,)", "(4, 5) float32"],
    ),
    "sum of a list": (lambda: mg.sum([1, 2]), TypeError, ["expected a tensor", "list", "mg.tensor"]),
    "reshape of a list": (lambda: mg.reshape([1, 2], 2), TypeError, ["expected a tensor", "list"]),
    "dim": (lambda: ones(2, 3).sum(2), IndexError, ["dim 2", "2 dimensions", "-2 to 1"]),
    "dim of a number": (lambda: ones().sum(1), IndexError, ["dim 1", "0 dimensions", "-1 to 0"]),
    "dims": (lambda: ones(2, 3).sum((0, -3)), IndexError, ["dim -3"]),
    "dim of softmax": (lambda: ones(2, 3).softmax(-3), IndexError, ["dim -3"]),
    "dim of squeeze": (lambda: mg.squeeze(ones(2, 3), 5), IndexError, ["dim 5"]),
    "dim of unsqueeze": (lambda: mg.unsqueeze(ones(2, 3), 4), IndexError, ["dim 4"]),
    "dim of cat": (lambda: mg.cat([ones(2)], 1), IndexError, ["dim 1"]),
    "dim twice": (lambda: ones(2, 3).sum((0, -2)), ValueError, ["(0, -2)", "twice"]),
    "no dim": (lambda: ones(2, 3).softmax(), TypeError, ["softmax needs dim", "dim=-1"]),
    **{
        f"dim and axis of {function.__name__}": (
            lambda f=function: f(ones(2, 3), dim=0, axis=1),
            TypeError,
            TWO_NAMES,
        )
        for function in (mg.sum, mg.mean, mg.prod, mg.var, mg.amax, mg.argmin, mg.max, mg.softmax, mg.squeeze)
    },
    "dim and axis of cat": (lambda: mg.cat([ones(2, 3)], dim=0, axis=1), TypeError, TWO_NAMES),
    "dim and axis of stack": (lambda: mg.stack([ones(2, 3)], dim=0, axis=1), TypeError, TWO_NAMES),
    "amax of nothing": (lambda: ones(0, 3).amax(0), ValueError, ["amax", "(0, 3) float32"]),
    "max of nothing": (lambda: ones(0, 3).max(0), ValueError, ["argmax", "(0, 3) float32"]),
    "argmin of nothing": (lambda: mg.argmin(ones(0)), ValueError, ["argmin", "(0,) float32"]),
    "softmax of ints": (lambda: ones(2, dtype=int).softmax(0), TypeError, ["softmax", "(2,) int64", "x.float()"]),
    "logsumexp of ints": (lambda: ones(2, dtype=int).logsumexp(), TypeError, ["logsumexp", "int64", "x.float()"]),
    "permute": (lambda: mg.permute(ones(2, 3), 0, 0), ValueError, ["each of the 2 axes once", "(0, 0)"]),
    "permute too few": (lambda: mg.permute(ones(2, 3), 0), ValueError, ["each of the 2 axes once", "(0,)"]),
    "reshape": (lambda: ones(2, 3).reshape(4), ValueError, ["reshape", "(2, 3) float32", "(4,)"]),
    "expand": (lambda: ones(2, 3).expand(2, 4), ValueError, ["expand", "(2, 3) float32", "(2,4)"]),
    "expand to fewer axes": (lambda: ones(2, 3).expand(3), ValueError, ["expand", "(2, 3)", "(3,)"]),
    "expand new axis by -1": (lambda: ones(3).expand(-1, 3), ValueError, ["expand", "(3,)", "(-1, 3)"]),
    "flatten": (lambda: mg.flatten(ones(2, 3), 1, 0), ValueError, ["start_dim 1", "end_dim 0"]),
    "cat": (lambda: mg.cat([ones(2, 3), ones(2, 4)]), ValueError, ["cat", "(2, 3) float32", "(2, 4) float32"]),
    "cat of nothing": (lambda: mg.cat([]), ValueError, ["cat", "at least one tensor"]),
    "cat of numbers": (lambda: mg.cat([ones(2), 3.0]), TypeError, ["cat", "item 1", "float"]),
    "stack": (lambda: mg.stack([ones(2), ones(3)]), ValueError, ["stack", "(2,) float32", "(3,) float32"]),
    "index": (lambda: ones(2, 3)[2], IndexError, ["getitem", "(2, 3) float32", "index 2 is out of bounds"]),
    "index of an array": (lambda: ones(2, 3)[[0, 5]], IndexError, ["getitem", "(2, 3) float32", "index 5"]),
    "too many indices": (lambda: ones(2, 3)[0, 0, 0], IndexError, ["getitem", "(2, 3) float32", "3 were indexed"]),
    "float index": (lambda: ones(2, 3)[1.5], IndexError, ["getitem", "(2, 3) float32", "integers, slices"]),
    "index of floats": (lambda: ones(2, 3)[[0.5]], IndexError, ["integers or booleans", "float64 (1,)"]),
    "mask of another length": (lambda: ones(2, 3)[np.ones(3, bool)], IndexError, ["getitem", "(2, 3) float32", "3"]),
    "clamp": (lambda: mg.clamp(ones(2)), ValueError, ["clamp needs a bound"]),
    "dropout p": (lambda: F.dropout(ones(2), 1.5), ValueError, ["dropout", "from 0 to 1", "1.5"]),
    "dropout of ints": (lambda: F.dropout(ones(2, dtype=int)), TypeError, ["dropout", "(2,) int64", "x.float()"]),
    **{
        f"{function.__name__}": (
            lambda f=function: f(ones(4, 1), ones(4)),
            ValueError,
            ["(4, 1)", "(4,)", "input.squeeze(1)"],
        )
        for function in (F.mse_loss, F.l1_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits)
    },
    "pos_weight": (
        lambda: F.binary_cross_entropy_with_logits(ones(4), ones(4, 1), pos_weight=2.0),
        ValueError,
        ["(4,)", "(4, 1)", "target.unsqueeze(1)"],
    ),
    **{
        f"reduction of {function.__name__}": (
            lambda f=function: f(ones(2, 3), ones(2, 3), reduction="average"),
            ValueError,
            ["'mean', 'sum', 'none'", "'average'"],
        )
        for function in (F.mse_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.cross_entropy)
    },
    "logits as probabilities": (
        lambda: F.binary_cross_entropy(ones(3) * 2, ones(3)),
        ValueError,
        ["from 0 to 1", "from 2 to 2", "binary_cross_entropy_with_logits"],
    ),
    "NaN as a probability": (lambda: F.binary_cross_entropy(ones(1) * nan, ones(1)), ValueError, ["nan"]),
    "class out of range": (lambda: F.cross_entropy(ones(2, 3), [0, 3]), ValueError, ["target 3", "(2, 3)", "0 to 2"]),
    "negative class": (lambda: F.cross_entropy(ones(2, 3), [0, -1]), ValueError, ["target -1", "(2, 3)", "0 to 2"]),
    "nll class out of range": (lambda: F.nll_loss(ones(2, 3), [0, 3]), ValueError, ["nll_loss", "target 3", "0 to 2"]),
    "shape of classes": (lambda: F.cross_entropy(ones(2, 3), [0, 1, 2]), ValueError, ["(2, 3)", "(2,)", "got (3,)"]),
    "classes as floats": (
        lambda: F.cross_entropy(ones(2, 3), np.ones(2)),
        TypeError,
        ["class indices", "float64 (2,)", "target.long()"],
    ),
    "scores as ints": (lambda: F.cross_entropy(ones(2, 3, dtype=int), [0, 1]), TypeError, ["float", "(2, 3) int64"]),
    "score of no class": (lambda: F.cross_entropy(ones(), 0), TypeError, ["(N, C, ...) or (C,)", "() float32"]),
    "class weight": (
        lambda: F.cross_entropy(ones(2, 3), [0, 1], weight=ones(2)),
        ValueError,
        ["(2, 3)", "weight (3,)", "got (2,)"],
    ),
    "class weight of nll": (lambda: F.nll_loss(ones(2, 3), [0, 1], ones(5)), ValueError, ["weight (3,)", "got (5,)"]),
    "label_smoothing": (
        lambda: F.cross_entropy(ones(2, 3), [0, 1], label_smoothing=1.5),
        ValueError,
        ["label_smoothing", "from 0 to 1", "1.5"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_cure(name):
    """In one line, with what was given."""
    call, error, parts = REFUSED[name]
    with pytest.raises(error) as raised:
        call()
    message = str(raised.value)
    assert "\n" not in message
    assert all(part in message for part in parts), message


def test_an_operand_without_a_derivative_is_refused_in_backward():
    condition = leaf([0.0, 1.0])
    with pytest.raises(RuntimeError, match=r"where has no derivative with respect to operand 0.*x\.detach\(\)"):
        mg.where(condition, leaf([1.0, 2.0]), 0.0).sum().backward()


def test_softmax_rows_sum_to_one():
    x = np.random.default_rng(0).standard_normal((50, 7)) * 30
    np.testing.assert_allclose(mg.softmax(x, 1).sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(np.exp(mg.log_softmax(x, 1)), softmax_formula(x, 1), rtol=1e-12)
    assert values([mg.softmax(leaf(x), 1)])[0].dtype == np.float64


def test_a_dtype_that_came_out_of_a_pickle_is_the_same_dtype():
    x = pickle.loads(pickle.dumps(mg.ones(5000, 2, dtype=np.float16)))
    assert x.sum(0).tolist() == [5000, 5000] and x.mean(0).tolist() == [1, 1]


def test_batch_norm_of_an_array_subclass_is_that_of_the_array():
    x = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
    masked = np.ma.array(x)
    expected = mg.batch_norm(x, training=True)
    np.testing.assert_allclose(mg.batch_norm(masked, training=True), expected, rtol=0, atol=1e-6)


def test_a_mask_puts_each_gradient_in_its_place():
    x = mg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    mask = np.array([[True, False, True], [False, True, False]])
    (x[mask] * mg.tensor(np.array([1.0, 2.0, 3.0]))).sum().backward()
    assert x.grad.tolist() == [[1, 0, 2], [0, 3, 0]]


def test_joining_is_registered_before_it_is_used():
    code = "import minigrad; from minigrad.engine.op import Op; assert {'cat', 'stack'} <= set(Op.registry)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, ">i4"])
def test_negative_classes_are_ignored_or_refused_in_every_integer_dtype(dtype):
    x = np.random.default_rng(0).standard_normal((2, 200))
    target = np.array([3, -100], dtype)
    expected = np.log(np.exp(x[0]).sum()) - x[0, 3]
    np.testing.assert_allclose(F.cross_entropy(mg.tensor(x), target).numpy(), expected, rtol=1e-12)
    with pytest.raises(ValueError, match="target -56 is no class"):
        F.cross_entropy(mg.tensor(x), np.array([3, -56], dtype))


def test_a_batch_without_channels_is_normalised():
    mean, var = np.zeros(0), np.ones(0)
    for training in (True, False):
        assert F.batch_norm(np.zeros((4, 0)), mean, var, training=training).shape == (4, 0)


@pytest.mark.parametrize(
    "shape", [(8192,), (8193,), (2, 8192), (24576, 2), (3, 5000), (2, 9000), (128, 2, 64)], ids=str
)
@pytest.mark.parametrize("arrange", [np.ascontiguousarray, np.asfortranarray], ids=["C", "F"])
def test_relu_of_many_elements(shape, arrange):
    x = arrange(np.random.default_rng(0).standard_normal(shape).astype(np.float32))
    leaf = mg.from_numpy(x).requires_grad_()
    y = F.relu(leaf)
    np.testing.assert_array_equal(y.numpy(), np.where(x > 0, x, 0))
    assert y.base is None
    y.backward(mg.full(shape, 3.0))
    np.testing.assert_array_equal(leaf.grad.numpy(), np.where(x > 0, np.float32(3), 0))


def test_relu_takes_what_numpy_takes():
    assert F.relu(-1.5) == 0 and F.relu([-1.0, 2.0]).tolist() == [0.0, 2.0]


def test_sums_of_very_many_rows_are_accurate():
    values = np.full((1 << 20, 4), 0.1, np.float32)
    np.testing.assert_allclose(sums.column_sums(values), values.astype(np.float64).sum(0), rtol=1e-6)


def test_cross_entropy_of_many_rows_in_half_precision():
    loss = F.cross_entropy(mg.zeros(100_000, 2, dtype=np.float16), mg.zeros(100_000, dtype=np.int64))
    assert loss.dtype == np.float16 and abs(loss.item() - np.log(2)) < 1e-3


@pytest.mark.parametrize("n", [0, 1, 5, 256, 257, 1000, 5000])
@pytest.mark.parametrize(("dtype", "error"), [(np.float16, 1e-3), (np.float32, 6e-7), (np.float64, 1e-15)])
def test_sums_of_vectors_and_columns(n, dtype, error):
    values = np.random.default_rng(n).uniform(0.5, 1, (n, 3)).astype(dtype)
    exact = values.astype(np.longdouble).sum(0)
    np.testing.assert_allclose(sums.column_sums(values).astype(np.longdouble), exact, rtol=error)
    for i in range(3):
        total = sums.vector_sum(values[:, i])
        assert abs(total - exact[i]) <= error * exact[i] and total.dtype == max(np.dtype(dtype), np.dtype(np.float32))


@pytest.mark.parametrize(("make", "value"), [(arrays.number, 0.5), (sums.ones, 3), (arrays.small_zeros, (2, 3))])
def test_constants_made_once_cannot_be_changed(make, value):
    constant = make(value, np.dtype(np.float32))
    assert make(value, np.dtype(np.float32)) is constant
    with pytest.raises(ValueError, match="read-only"):
        constant[...] = 2
