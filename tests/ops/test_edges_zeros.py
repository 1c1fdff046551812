"""Derivatives at zero."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from tests.helpers.differences import check_derivatives, gradients
from tests.helpers.inputs import cotangent, leaf
from tests.ops.edges import both, both_ways, inf

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
