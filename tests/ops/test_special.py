"""The normal distribution to the last digits, and GELU at PyTorch's values."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.ops.special import complementary_error_function, normal_cdf


def test_the_complementary_error_function_is_that_of_the_c_library():
    x = np.concatenate([np.linspace(-6, 26, 20_001), np.logspace(-300, 0, 301)])
    exact = np.array([math.erfc(value) for value in x])
    assert (abs(complementary_error_function(x) - exact) <= 6 * np.spacing(exact)).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_distribution_is_monotonous_at_its_ends(dtype):
    x = np.array([-np.inf, -40.0, -1.0, 0.0, 1.0, 40.0, np.inf, np.nan], dtype)
    y = normal_cdf(mg.tensor(x)).numpy()
    expected = [0, 0, 0.158655253931457, 0.5, 0.841344746068543, 1, 1, np.nan]
    assert y.dtype == dtype
    np.testing.assert_allclose(y.astype(float), expected, atol=float(np.finfo(dtype).eps))


X = np.array([-2.0, -0.5, 0.0, 1.0, 3.0])
GOLDEN = {
    "none": [-0.04550026389635842, -0.15426876936299344, 0.0, 0.841344746068543, 2.99595030590511],
    "tanh": [-0.04540230591222494, -0.15428599017485606, 0.0, 0.8411919906082768, 2.996362607918227],
}
"""PyTorch 2.13.0, float64."""


@pytest.mark.parametrize("approximate", GOLDEN)
def test_gelu_at_golden_values(approximate):
    y = F.gelu(mg.tensor(X), approximate=approximate).numpy()
    np.testing.assert_allclose(y, GOLDEN[approximate], rtol=1e-14)


def test_the_layer_says_its_form_and_another_one_is_refused():
    assert repr(nn.GELU()) == "GELU(approximate='none')" and repr(nn.GELU("tanh")) == "GELU(approximate='tanh')"
    assert nn.GELU(approximate="tanh")(mg.ones(1)).tolist() == F.gelu(mg.ones(1), approximate="tanh").tolist()
    with pytest.raises(ValueError, match="approximate must be 'none' or 'tanh', got 'sigmoid'"):
        nn.GELU("sigmoid")(mg.ones(1))
