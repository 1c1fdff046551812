"""Special functions to the last digits, and GELU at PyTorch's values."""

from __future__ import annotations

import math
import sys
from statistics import NormalDist

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.ops.special.error import inverse_mills
from tests.helpers.differences import check_derivatives

inf, nan = np.inf, np.nan

C_LIBRARY = {"erf": (math.erf, 3), "erfc": (math.erfc, 5)}
"""The function of the C library, which is wrong by 1 unit in the last place itself, and units that are allowed."""


@pytest.mark.parametrize("name", C_LIBRARY)
def test_the_error_functions_are_those_of_the_c_library(name):
    exact_function, units = C_LIBRARY[name]
    x = np.concatenate([np.linspace(-6, 26, 20_001), np.logspace(-300, 0, 301), -np.logspace(-300, 0, 301)])
    exact = np.array([exact_function(value) for value in x])
    assert (abs(getattr(mg, name)(x) - exact) <= units * np.spacing(abs(exact))).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("name", C_LIBRARY)
def test_in_coarser_dtypes_they_are_rounded_once(name, dtype):
    x = np.linspace(-4, 4, 10_001).astype(dtype)
    exact = np.array([C_LIBRARY[name][0](value) for value in x.astype(float)])
    y = getattr(mg, name)(x)
    assert y.dtype == dtype
    assert (abs(y - exact) <= 0.52 * np.spacing(abs(exact).astype(dtype)).astype(float)).all()


# mpmath with 30 digits
GOLDEN = {
    "erfinv": {
        1e-30: 8.8622692545275809e-31,
        1e-09: 8.8622692545275807e-10,
        0.25: 0.2253120550121781,
        0.5: 0.47693627620446987,
        0.84: 0.99353562834730419,
        0.99: 1.8213863677184495,
        0.9999990463256836: 3.4655050258033307,
        0.9999999999999999: 5.8635847487551679,
    },
    "ndtr": {
        -37.5: 4.6053530095819548e-308,
        -20.0: 2.7536241186062337e-89,
        -8.0: 6.2209605742717841e-16,
        -1.0: 0.15865525393145705,
        -1e-09: 0.49999999960105772,
        0.5: 0.6914624612740131,
        3.0: 0.99865010196836991,
    },
    "log_ndtr": {
        -10000000000.0: -5.0e19,
        -1000.0: -500007.82669481218,
        -20.0: -203.91715537109726,
        -1.5: -2.7059444008238898,
        -0.5: -1.1759117615936186,
        1.0: -0.17275377902344989,
        6.0: -9.8658764552437573e-10,
        10.0: -7.6198530241605261e-24,
        30.0: -4.9067139271481871e-198,
    },
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_values(name):
    function = getattr(mg.special, name)
    x, expected = np.array(list(GOLDEN[name].items())).T
    np.testing.assert_allclose(function(x), expected, rtol=1.5e-15, atol=0)
    single = function(mg.tensor(x, dtype=np.float32)).numpy()
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_allclose(
            single[1:-1], function(x.astype(np.float32).astype(float))[1:-1], rtol=6e-8, atol=1e-45
        )


# mpmath with 30 digits: where a quotient of polynomials alone is wrong by 4 units in the last place and more
INVERSES = {
    0.03377952289381747: 0.029945271143879662, 0.25143056986517576: 0.22664628902465114,
    0.41003512582616375: 0.38105060452563387, 0.4876842766734427: 0.46332192439126571,
    0.497516641913941: 0.47417695718622692, 0.4417710569082759: 0.41399274174418468,
}  # fmt: skip


def test_erfinv_is_right_to_two_units_in_the_last_place():
    x, expected = np.array(list(INVERSES.items())).T
    assert (abs(mg.erfinv(x) - expected) <= 2 * np.spacing(expected)).all()


def test_erfinv_is_the_quantile_of_the_normal_distribution():
    x = np.linspace(-0.999, 0.999, 2001)
    quantiles = np.array([NormalDist().inv_cdf((1 + value) / 2) for value in x]) / math.sqrt(2)
    np.testing.assert_allclose(mg.erfinv(x), quantiles, rtol=1e-12, atol=1e-15)


ENDS = {
    "erf": ([-inf, -40, -0.0, inf, nan], [-1, -1, -0.0, 1, nan]),
    "erfc": ([-inf, -40, 0, 40, inf, nan], [2, 2, 1, 0, 0, nan]),
    "erfinv": ([-1, -0.0, 1, 1.5, -inf, nan], [-inf, -0.0, inf, nan, nan, nan]),
    "ndtr": ([-inf, -40, 0, 40, inf, nan], [0, 0, 0.5, 1, 1, nan]),
    "log_ndtr": ([-inf, 40, inf, nan], [-inf, 0, 0, nan]),
    "entr": ([0, 1, -1, nan], [0, 0, -inf, nan]),
    "sinc": ([-2, -0.0, 1, 1000, nan], [0, 1, 0, 0, nan]),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ENDS)
def test_values_at_the_ends_come_without_a_warning(name, dtype):
    x, expected = (np.array(values, dtype) for values in ENDS[name])
    y = getattr(mg.special, name)(mg.tensor(x)).numpy()
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, expected)
    if name in ("erf", "erfinv"):
        assert np.signbit(y[x == 0]).all()


@pytest.mark.parametrize("name", ["erf", "ndtr", "log_ndtr", "erfinv"])
def test_they_are_monotonous(name):
    x = np.linspace(-0.9999, 0.9999, 100_001) * (1 if name == "erfinv" else 8)
    y = getattr(mg.special, name)(x)
    assert (np.diff(y) > -4 * np.spacing(abs(y[1:]))).all()


def test_the_derivative_of_log_ndtr_follows_the_line_far_below():
    """``inverse_mills(x)`` is ``-x + 1 / -x - ...``."""
    x = np.array([-1e3, -1e10, -1e300])
    np.testing.assert_allclose(inverse_mills(x), -x - 1 / x, rtol=1e-10)


@pytest.mark.parametrize("at", [0.0, 1e-9, 1e-3, -0.25])
@pytest.mark.parametrize("order", range(1, 7))
def test_derivatives_of_sinc_near_0_are_those_of_its_series(order, at):
    """``sinc(x)`` is the sum of ``(-1)**k (pi x)**(2 k) / (2 k + 1)!``."""
    x = mg.tensor(np.array([at]), requires_grad=True)
    y = mg.sinc(x)
    for _ in range(order):
        (y,) = mg.grad(y.sum(), x, create_graph=True)
    terms = [
        (-1) ** k * math.pi ** (2 * k) / math.factorial(2 * k + 1) * math.perm(2 * k, order) * at ** (2 * k - order)
        for k in range((order + 1) // 2, 20)
    ]
    np.testing.assert_allclose(y.item(), math.fsum(terms), rtol=1e-13)


def test_logarithms_of_odds_near_a_half_keep_their_digits():
    x = 0.5 + 2.0 ** -np.arange(3, 52)
    np.testing.assert_allclose(mg.logit(x), 2 * np.arctanh(2 * x - 1), rtol=1e-15)


# -- what SciPy computes ---------------------------------------------------------------------------

NEED_SCIPY = {
    "lgamma": lambda x: mg.lgamma(x),
    "digamma": lambda x: x.digamma(),
    "polygamma": lambda x: mg.polygamma(1, x),
    "gammaln": lambda x: mg.special.gammaln(x),
    "psi": lambda x: mg.special.psi(x),
}


@pytest.mark.parametrize("name", NEED_SCIPY)
def test_without_scipy_they_are_refused_with_the_cure(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r'SciPy, which is not there: pip install "minigrad\[special\]"\.$'):
        NEED_SCIPY[name](mg.ones(2))


class TestWithSciPy:
    @pytest.fixture(autouse=True)
    def scipy(self):
        pytest.importorskip("scipy", reason="lgamma, digamma and polygamma are computed by SciPy")

    def test_values(self):
        x = mg.tensor(np.array([0.5, 1.0, 4.5]))
        np.testing.assert_allclose(
            mg.lgamma(x).numpy(), [math.lgamma(v) for v in (0.5, 1, 4.5)], rtol=1e-14, atol=1e-15
        )
        euler = 0.57721566490153286
        expected = [-euler - 2 * math.log(2), -euler, -euler - 2 * math.log(2) + 2 * (1 + 1 / 3 + 1 / 5 + 1 / 7)]
        np.testing.assert_allclose(x.digamma().numpy(), expected, rtol=1e-13)
        np.testing.assert_allclose(x.polygamma(1).numpy()[:2], [math.pi**2 / 2, math.pi**2 / 6], rtol=1e-13)
        assert mg.special.psi is mg.digamma and mg.special.gammaln is mg.lgamma

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
    def test_other_dtypes(self, dtype):
        y = mg.lgamma(mg.tensor(np.array([1, 3, 5], dtype)))
        assert y.dtype == (np.float32 if dtype is np.int64 else dtype)
        np.testing.assert_allclose(y.numpy(), np.log([1, 2, 24]), rtol=1e-3)

    def test_derivatives_to_the_third_order(self):
        check_derivatives(mg.lgamma, [np.array([0.7, 1.3, 3.5])], order=3)

    def test_an_order_below_0_is_refused(self):
        with pytest.raises(ValueError, match=r"polygamma.*n must be an integer of at least 0, got -1"):
            mg.polygamma(-1, mg.ones(2))


# -- GELU ------------------------------------------------------------------------------------------

X = np.array([-2.0, -0.5, 0.0, 1.0, 3.0])
GELU = {
    "none": [-0.04550026389635842, -0.15426876936299344, 0.0, 0.841344746068543, 2.99595030590511],
    "tanh": [-0.04540230591222494, -0.15428599017485606, 0.0, 0.8411919906082768, 2.996362607918227],
}
"""PyTorch 2.13.0, float64."""


@pytest.mark.parametrize("approximate", GELU)
def test_gelu_at_golden_values(approximate):
    y = F.gelu(mg.tensor(X), approximate=approximate).numpy()
    np.testing.assert_allclose(y, GELU[approximate], rtol=1e-14)


def test_the_layer_says_its_form_and_another_one_is_refused():
    assert repr(nn.GELU()) == "GELU(approximate='none')" and repr(nn.GELU("tanh")) == "GELU(approximate='tanh')"
    assert nn.GELU(approximate="tanh")(mg.ones(1)).tolist() == F.gelu(mg.ones(1), approximate="tanh").tolist()
    with pytest.raises(ValueError, match="approximate must be 'none' or 'tanh', got 'sigmoid'"):
        nn.GELU("sigmoid")(mg.ones(1))
