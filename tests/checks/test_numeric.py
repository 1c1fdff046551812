"""Finite differences: stencils, steps and the estimated uncertainty."""

import numpy as np
import pytest

from minigrad.checks import numeric
from minigrad.nn import functional as F
from tests.checks.inputs import SCALES


@pytest.mark.parametrize(
    ("stencil", "degree"),
    [(numeric.CENTRAL, 4), (numeric.LEFT, 2), (numeric.RIGHT, 2)],
    ids=["central", "left", "right"],
)
def test_a_stencil_is_exact_for_polynomials_up_to_its_order(stencil, degree):
    x = np.array([0.7, -1.3])
    for power in range(degree + 2):
        slopes = numeric.derivative(lambda v, power=power: v**power, x, (1,), 0.25, stencil)
        exact = power * x[1] ** (power - 1)
        assert slopes[0] == 0
        assert np.isclose(slopes[1], exact, rtol=1e-12, atol=1e-12) == (power <= degree)


def test_one_sided_stencils_see_one_side_only():
    x = np.array([0.0])
    assert numeric.derivative(abs, x, (0,), 1e-3, numeric.LEFT) == pytest.approx(-1)
    assert numeric.derivative(abs, x, (0,), 1e-3, numeric.RIGHT) == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "size"), [([1, -1, 3, -3], 5**0.5), ([2e-5], 2e-5), ([0.1] * 7, 0.1), ([0, 0], 1), ([1e4, 1e4 + 2], 1)]
)
def test_the_step_follows_the_spread_then_the_size_of_the_input(values, size):
    assert numeric.step_size(np.array(values, float)) == pytest.approx(1e-3 * size, rel=1e-9)


def batch_norm_gradient(x, weight, dy, eps):
    """The derivative of batch normalisation by its input, as a formula."""
    inverse = 1 / np.sqrt(x.var(0) + eps)
    xhat = (x - x.mean(0)) * inverse
    return weight * inverse * (dy - dy.mean(0) - xhat * (dy * xhat).mean(0))


@pytest.mark.parametrize("scale", SCALES)
def test_finite_differences_of_batch_norm_are_exact_to_2e_11_at_every_scale(scale):
    random = np.random.default_rng(3)
    x, weight, dy = random.standard_normal((16, 4)) * scale, random.standard_normal(4), random.standard_normal((16, 4))
    step = numeric.step_size(x)

    def function(value):
        return (dy * F.batch_norm(value, None, None, weight, training=True, eps=1e-12 * scale**2)).ravel()

    found = np.array([numeric.derivative(function, x, index, step).sum() for index in np.ndindex(x.shape)])
    exact = batch_norm_gradient(x, weight, dy, 1e-12 * scale**2).ravel()
    assert abs(found - exact).max() < 2e-11 * abs(exact).max()


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("offset", [0, 1e3])
@pytest.mark.parametrize("function", [np.mean, np.std, lambda x: ((x - x.mean(0)) / x.std(0)).sum()])
def test_the_estimated_uncertainty_bounds_the_error(function, offset, scale):
    x = np.random.default_rng(1).standard_normal((6, 3)) * scale + offset * scale
    step = numeric.step_size(x)
    exact = {np.mean: np.full(x.shape, 1 / x.size), np.std: (x - x.mean()) / (x.size * x.std())}
    for index in np.ndindex(x.shape):
        value, uncertainty = numeric.estimate(lambda v: np.atleast_1d(function(v)), x, index, step, 0.0)
        error = abs(value - exact.get(function, np.zeros(x.shape))[index])
        assert error < 4 * uncertainty < 1e-9 * (1 + offset) * (1 if function in exact else 1 / scale)


@pytest.mark.parametrize("x", [1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize(("function", "exact"), [(np.reciprocal, lambda x: -1 / x**2), (np.log, lambda x: 1 / x)])
def test_an_estimate_takes_the_step_that_suits_the_function(function, exact, x):
    with np.errstate(all="ignore"):
        value, uncertainty = numeric.estimate(function, np.array([x]), (0,), 1e-3, 1e-16)
    assert abs(value - exact(x)) < 4 * uncertainty < 1e-6 * abs(exact(x))


def test_an_estimate_distrusts_steps_that_miss_the_function():
    width, x = 1e-5, 5e-6
    value, uncertainty = numeric.estimate(lambda v: np.exp(-((v / width) ** 2)), np.array([x]), (0,), 1e-3, 1e-16)
    assert value == pytest.approx(-2 * x / width**2 * np.exp(-0.25), rel=1e-4)
    assert uncertainty < 1e-4 * abs(value)


def test_an_estimate_is_not_deceived_by_values_that_are_rounded_alike():
    slope = 100.004 * 64
    value, uncertainty = numeric.estimate(lambda v: np.round(v * slope), np.array([0.0]), (0,), 1.0, 1e-30)
    assert abs(value - slope) < 4 * uncertainty


def test_rounding_ignores_the_size_of_constants():
    x = np.array([1.0, 2.0])
    assert numeric.rounding(lambda v: np.append(v, -1e30), x, 1e-3) < 1e-14
    assert numeric.rounding(lambda v: v + 1e6, x, 1e-3) > 1e-11
