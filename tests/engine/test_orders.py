"""Derivatives of higher order."""

import numpy as np
import pytest

import minigrad as mg
from tests.engine.leaves import leaf, values

ANALYTIC = {
    "x**4": (lambda x: x**4, [lambda x: 4 * x**3, lambda x: 12 * x**2, lambda x: 24 * x]),
    "exp": (mg.exp, [np.exp, np.exp, np.exp]),
    "sin": (mg.sin, [np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)]),
    "log": (mg.log, [lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3]),
    "1/x": (lambda x: 1 / x, [lambda x: -1 / x**2, lambda x: 2 / x**3, lambda x: -6 / x**4]),
    "sqrt": (mg.sqrt, [lambda x: x**-0.5 / 2, lambda x: -(x**-1.5) / 4, lambda x: 3 * x**-2.5 / 8]),
    "x*exp(x)": (lambda x: x * mg.exp(x), [lambda x, k=k: (x + k) * np.exp(x) for k in (1, 2, 3)]),
    "sigmoid": (
        mg.sigmoid,
        [
            lambda x: (s := 1 / (1 + np.exp(-x))) * (1 - s),
            lambda x: (s := 1 / (1 + np.exp(-x))) * (1 - s) * (1 - 2 * s),
            lambda x: (s := 1 / (1 + np.exp(-x))) * (1 - s) * (1 - 6 * s + 6 * s * s),
        ],
    ),
}


@pytest.mark.parametrize("name", ANALYTIC)
def test_derivatives_to_third_order(name):
    function, derivatives = ANALYTIC[name]
    x = leaf(0.3, 0.8, 1.7)
    y = function(x)
    for derivative in derivatives:
        (y,) = mg.grad(y.sum(), x, create_graph=True)
        np.testing.assert_allclose(y.numpy(), derivative(x.numpy()), rtol=1e-12)


def test_mixed_second_derivatives():
    x, y = leaf(2.0), leaf(3.0)
    f = x * x * y + y**3
    dx, dy = mg.grad(f, [x, y], create_graph=True)
    assert values(*mg.grad(dx, [x, y], retain_graph=True)) == [[6.0], [4.0]]
    assert values(*mg.grad(dy, [x, y])) == [[4.0], [18.0]]


def test_a_gradient_penalty_trains_through_the_gradient():
    w, x = leaf(2.0), leaf(3.0)
    (dx,) = mg.grad(w * w * x, x, create_graph=True)
    ((dx - 1) ** 2).backward()
    assert w.grad.tolist() == [2 * (4 - 1) * 2 * 2.0]


def test_without_create_graph_a_gradient_is_a_constant():
    x = leaf(3.0)
    (dx,) = mg.grad(x**3, x)
    assert not dx.requires_grad
    assert dx.grad_fn is None


def test_create_graph_records_also_under_no_grad():
    x = leaf(3.0)
    y = x**3
    with mg.no_grad():
        (dx,) = mg.grad(y, x, create_graph=True)
    assert values(*mg.grad(dx, x)) == [[18.0]]
    y = x**3
    with mg.no_grad():
        y.backward(create_graph=True)
    assert values(*mg.grad(x.grad, x)) == [[18.0]]


def test_what_a_hook_computes_is_recorded_only_with_create_graph():
    x, recorded = leaf(3.0), []
    x.register_hook(lambda g: recorded.append((g * x).requires_grad))
    (x * 1).backward()
    (x * 1).backward(create_graph=True)
    assert recorded == [False, True]
