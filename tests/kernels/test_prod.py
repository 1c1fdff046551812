"""Products computed directly: as right as by mantissas, and given up where a partial product loses digits."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import minigrad as mg
from minigrad.kernels.prod import direct_others, direct_product

FACTORS = {
    "usual": [1.5, -2.25, 3.1, 0.7],
    "a subnormal partial product": [1.1e-20, 1.3e-20, 1.7e30],
    "a partial product of 0": [1.1e-30, 1.3e-30, 1.7e35],
    "an infinite partial product": [1.1e30, 1.3e30, 1.7e-35],
    "a subnormal partial product in float64": [1.1e-30] * 11 + [1.3e30] * 11,
    "an infinite partial product in float64": [1.3e30] * 11 + [1.1e-30] * 11,
    "an exact subnormal factor": [2.0**-140, 3.0],
    "a zero": [1.5, 0.0, 2.0],
    "two zeros": [1.5, 0.0, 2.0, 0.0],
    "a small product of small others": [1.1e-20, 1.3e-20],
}


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # where a derivative is infinite in float32
@pytest.mark.parametrize("name", FACTORS)
@pytest.mark.parametrize("layout", ["row", "column", "many columns"])
def test_products_in_float32(name, layout):
    """Also where one of many columns, which are computed together, is unusual."""
    values = np.array(FACTORS[name], np.float32)
    factors = [Fraction(v) for v in values.tolist()]
    others = [math.prod(factors[:i] + factors[i + 1 :]) for i in range(len(factors))]
    columns = {"row": 1, "column": 1, "many columns": 300}[layout]
    array = np.ones((len(values), columns), np.float32)
    array[:, columns // 2] = values
    x = mg.tensor(array.T if layout == "row" else array, requires_grad=True)
    axis = 1 if layout == "row" else 0
    y = x.prod(axis)
    y.sum().backward()
    np.testing.assert_allclose(y.detach().numpy()[columns // 2], float(math.prod(factors)), rtol=1e-5, atol=1e-45)
    gradient = (x.grad.numpy().T if layout == "row" else x.grad.numpy())[:, columns // 2]
    with np.errstate(over="ignore"):
        expected = np.array([float(v) for v in others]).astype(np.float32)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-45)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_cannot_be_computed_directly_is_given_up(dtype):
    tiny, dy = np.full(40, 1e-30, dtype), np.ones(1, dtype)
    assert direct_product(tiny, (0,), False) is None
    assert direct_others(dy, tiny, (0,)) is None
    assert direct_others(dy, np.array([0, 1], dtype), (0,)) is None
    usual = np.array([2, 3, 4], dtype)
    assert direct_product(usual, (0,), False) == 24
    np.testing.assert_allclose(direct_others(dy, usual, (0,)), [12, 8, 6], rtol=1e-6)


@pytest.mark.filterwarnings("ignore:invalid value")  # 0 * inf
@pytest.mark.parametrize("values, product", [([np.inf, 2], np.inf), ([np.inf, 0], np.nan), ([np.nan, 2], np.nan)])
def test_products_of_what_is_not_finite(values, product):
    x = mg.tensor(values, requires_grad=True)
    y = x.prod()
    y.backward()
    np.testing.assert_equal(y.item(), product)
    np.testing.assert_equal(x.grad.numpy(), values[::-1])
