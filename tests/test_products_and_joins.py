"""The derivative of products without division, and joining of any number of tensors."""

from __future__ import annotations

import math
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.op import Op
from tests.helpers import check_derivatives, distinct

# -- prod ----------------------------------------------------------------------------------------


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


# -- cat and stack -------------------------------------------------------------------------------

JOINS = pytest.mark.parametrize(("join", "numpys"), [(mg.cat, np.concatenate), (mg.stack, np.stack)])


@JOINS
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("count", [1, 2, 3, 9, 12])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_joins_of_any_number(join, numpys, order, count, axis):
    arrays = distinct(*[(2, 3)] * count)
    found = join([mg.tensor(a) for a in arrays], axis).numpy()
    np.testing.assert_array_equal(found, numpys(arrays, axis))
    check_derivatives(lambda *xs: join(xs, axis), arrays, order)


@pytest.mark.parametrize("order", [1, 2])
def test_cat_of_different_lengths(order):
    check_derivatives(lambda *xs: mg.cat(xs, 1), distinct((2, 1), (2, 3), (2, 0), (2, 2)), order)


@JOINS
@pytest.mark.parametrize("create_graph", [False, True])
def test_an_operand_that_is_there_twice_and_constants(join, numpys, create_graph):
    x, y = (mg.tensor(v, requires_grad=True) for v in ([1.0, 2.0], [3.0, 4.0]))
    z = join([x, np.ones(2, np.float32), y, x, mg.zeros(2)])
    dy = mg.tensor(np.arange(10.0, dtype=np.float32).reshape(z.shape))
    dx, dy = mg.grad(z, [x, y], dy, create_graph=create_graph)
    assert dx.tolist() == [6, 8] and dy.tolist() == [4, 5]


@JOINS
def test_joins_of_twenty_thousand(join, numpys):
    """With a rule for each operand that adds up all lengths before it, this took a quarter of a minute."""
    xs = [mg.tensor([float(i), 1.0], requires_grad=True) for i in range(20_000)]
    (join(xs) ** 2).sum().backward()
    assert all(x.grad.tolist() == [2 * i, 2] for i, x in enumerate(xs))


@JOINS
def test_nothing_is_kept_of_a_join(join, numpys):
    registered = len(Op.registry)
    xs = [mg.ones(1, requires_grad=True) for _ in range(400)]
    join(xs[:3]).sum().backward()
    tracemalloc.start()
    for n in range(1, 400):
        join(xs[:n])
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(Op.registry) == registered
    assert kept < 100_000


@JOINS
def test_one_tensor_is_no_list(join, numpys):
    a, b = mg.ones(2), mg.ones(2)
    for call in (lambda: join(a, b), lambda: join(a)):
        with pytest.raises(TypeError, match=rf"{join.__name__}: .*list.*\(2,\) float32.*{join.__name__}\(\[a, b\]\)"):
            call()
