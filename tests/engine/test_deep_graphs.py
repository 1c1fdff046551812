"""Long chains need no recursion, neither forward nor backward nor when they are freed."""

import sys
import weakref

import numpy as np
import pytest

import minigrad as mg
from tests.engine.leaves import leaf, values, without_collector


@pytest.mark.slow
def test_a_long_chain_needs_no_recursion():
    length = 300_000
    assert sys.getrecursionlimit() < length / 100
    x = leaf(3.0)
    with without_collector():
        y = x
        for _ in range(length):
            y = y + 1.0
        y.backward()
        assert y.tolist() == [3.0 + length]
        assert x.grad.tolist() == [1.0]
        node = weakref.ref(y.node.inputs[0])
        del y
        assert node() is None


@pytest.mark.slow
def test_a_long_chain_of_graph_gradients_needs_no_recursion():
    x = leaf(2.0)
    y = x
    for _ in range(10_000):
        y = y + x
    (dx,) = mg.grad(y * y, x, create_graph=True)
    (ddx,) = mg.grad(dx, x)
    assert values(dx, ddx) == [[2 * 10_001**2 * 2.0], [2 * 10_001**2]]


@pytest.mark.parametrize("program", [lambda x: x * 3, lambda x: x * x * x, lambda x: mg.exp(x * 2)])
def test_the_gradient_of_a_single_number_is_a_tensor(program):
    """NumPy makes numbers of 0-d arrays wherever it can."""
    x = mg.tensor(2.0, dtype=np.float64, requires_grad=True)
    h = 1e-6
    expected = (float(program(x.numpy() + h)) - float(program(x.numpy() - h))) / (2 * h)
    for times in (1, 2):
        program(x).backward()
        assert isinstance(x.grad, mg.Tensor) and x.grad.shape == ()
        assert x.grad.item() == pytest.approx(times * expected, rel=1e-6)
    x.grad = None
    program(x).backward()
    mg.optim.SGD([x], lr=0.5).step()
    assert x.item() == pytest.approx(2 - 0.5 * expected, rel=1e-6)


def test_shared_subexpressions_are_visited_once():
    x = leaf(1.0)
    y = x
    for _ in range(200):
        y = y + y
    y.backward()
    assert values(y, x.grad) == [[2.0**200], [2.0**200]]
