"""The derivative of a product of elements, computed without division."""

from __future__ import annotations

import math
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

import minigrad as mg
from tests.helpers.differences import check_derivatives


def product_formula(x: np.ndarray) -> tuple[float, list[float]]:
    """Value and gradient, exact until they are rounded."""
    factors = [Fraction(v) for v in x.tolist()]
    others = [math.prod(factors[:i] + factors[i + 1 :]) for i in range(len(factors))]
    return float(math.prod(factors)), [float(v) for v in others]


FACTORS = {
    "some": np.linspace(-2, 2.1, 9),
    "a zero": np.array([3.0, 0, 2, 5]),
    "two zeros": np.array([3.0, 0, 2, 0]),
    "one": np.array([3.0]),
    "two": np.array([3.0, 5.0]),
    "64": np.linspace(0.5, 1.5, 64),
    "65": np.linspace(0.5, 1.5, 65),
    "129": np.linspace(-1.5, 1.5, 129),
    "300, a zero": np.linspace(-1.5, 1.49, 300).round(2),
    "tiny": np.array([1e-200, 1e-200, 3.0]),
    "tiny and huge": np.array([1e-200, 1e-200, 1e200, 1e200]),
    "subnormal": np.array([5e-324, 2.0**1000, 3.0]),
    "many tiny and huge": np.concatenate([np.full(40, 1e-300), np.full(40, 1e300)]),
}


@pytest.mark.slow
@pytest.mark.parametrize("create_graph", [False, True], ids=["arrays", "graphs"])
@pytest.mark.parametrize("name", FACTORS)
def test_products_of_the_others(name, create_graph):
    values = FACTORS[name]
    x = mg.tensor(values, requires_grad=True)
    y = x.prod()
    (dx,) = mg.grad(y, x, create_graph=create_graph)
    value, gradient = product_formula(values)
    np.testing.assert_allclose(y.item(), value, rtol=1e-13)
    np.testing.assert_allclose(dx.detach().numpy(), gradient, rtol=1e-13)


@pytest.mark.parametrize("shape", [(3, 70, 2), (70, 2, 1)])
@pytest.mark.parametrize("axes", [(), (0,), (1,), (2,), (0, 2), (2, 1), None])
@pytest.mark.parametrize("keepdim", [False, True])
def test_products_over_any_axes(shape, axes, keepdim):
    values = np.random.default_rng(0).uniform(0.5, 1.5, shape)
    x = mg.tensor(values, requires_grad=True)
    y = x.prod(axes, keepdim)
    y.sum().backward()
    axes = axes if axes else None  # no axes are all, as in PyTorch's sums
    expected = values.prod(axes, keepdims=True)
    np.testing.assert_allclose(y.detach().numpy(), values.prod(axes, keepdims=keepdim), rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), expected / values, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("values", [[2.0, 0.0, 3.0], [0.0, 0.0, 3.0, 2.0], np.linspace(0.9, 1.1, 67)])
def test_higher_derivatives_of_products(values, order):
    check_derivatives(mg.prod, [np.array(values)], order)


def test_the_third_derivative_of_a_product_of_three_is_one():
    x = mg.tensor([2.0, 0.0, 3.0], requires_grad=True)
    y = x.prod()
    for i in range(3):
        (dx,) = mg.grad(y, x, create_graph=True)
        y = dx[i]
    assert y.item() == 1


def test_the_derivative_of_a_product_takes_memory_in_proportion():
    x = mg.tensor(np.r_[0.0, np.ones(20_000)], requires_grad=True)
    y = x.prod()
    tracemalloc.start()
    y.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50 * x.numpy().nbytes
    assert x.grad.numpy()[0] == 1 and not x.grad.numpy()[1:].any()
