"""``mg.autograd.functional``: derivatives at a point, graphs where asked for, ``strict``."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.autograd import functional

A = np.array([[1.0, 2.0, -1.0], [0.5, -0.5, 3.0]])
X = np.array([0.5, -1.0, 2.0])
T = np.array([1.0, 0.5, -2.0])


def of(x, dtype=np.float64, requires_grad=False):
    return mg.tensor(np.asarray(x, dtype), requires_grad=requires_grad)


def affine(x):
    return mg.matmul(mg.tensor(A.astype(x.dtype)), x)


def cubes(x):
    return (x**3).sum()


def product(a, b):
    return (a * b * b).sum()


CASES = {
    "jacobian": (lambda x, **k: functional.jacobian(affine, x, **k), A),
    "jacobian forward": (lambda x, **k: functional.jacobian(affine, x, strategy="forward-mode", **k), A),
    "jacobian vectorized": (lambda x, **k: functional.jacobian(affine, x, vectorize=True, **k), A),
    "hessian": (lambda x, **k: functional.hessian(cubes, x, **k), np.diag(6 * X)),
    "hessian forward": (
        lambda x, **k: functional.hessian(cubes, x, outer_jacobian_strategy="forward-mode", **k), np.diag(6 * X),
    ),
    "vjp": (lambda x, **k: functional.vjp(affine, x, of([1.0, -2.0], x.dtype), **k)[1], A.T @ [1.0, -2.0]),
    "jvp": (lambda x, **k: functional.jvp(affine, x, of(T, x.dtype), **k)[1], A @ T),
    "vhp": (lambda x, **k: functional.vhp(cubes, x, of(T, x.dtype), **k)[1], 6 * X * T),
    "hvp": (lambda x, **k: functional.hvp(cubes, x, of(T, x.dtype), **k)[1], 6 * X * T),
    "vjp of one value": (lambda x, **k: functional.vjp(cubes, x, **k)[1], 3 * X**2),
    "jvp of one value": (lambda x, **k: functional.jvp(lambda t: t * of(X, t.dtype), x.sum(), **k)[1], X),
}  # fmt: skip


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float16, 2e-2), (np.float32, 1e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize("name", CASES)
def test_derivatives_at_a_point(name, dtype, rtol):
    function, expected = CASES[name]
    for requires_grad in (False, True):
        found = function(of(X, dtype, requires_grad))
        assert found.dtype == dtype and not found.requires_grad
        np.testing.assert_allclose(found.numpy(), expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", CASES)
def test_with_create_graph_results_are_graphs(name):
    function, expected = CASES[name]
    x = of(X, requires_grad=True)
    found = function(x, create_graph=True)
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-12)
    assert found.requires_grad or name.startswith(("vjp", "jvp", "jacobian"))
    third = {"hessian": 6.0 * np.ones(3), "hvp": 6 * T, "vhp": 6 * T, "vjp of one value": 6 * X}
    for start, derivative in third.items():
        if name.startswith(start):
            np.testing.assert_allclose(mg.grad(found.sum(), x)[0].numpy(), derivative, rtol=1e-12)


def test_structures_are_those_of_outputs_and_inputs():
    a, b = of([1.0, 2.0]), of([3.0, 4.0])
    jacobian = functional.jacobian(lambda a, b: (a * b, a.sum()), (a, b))
    assert [[part.shape for part in row] for row in jacobian] == [[(2, 2), (2, 2)], [(2,), (2,)]]
    hessian = functional.hessian(product, (a, b))
    assert hessian[0][1].tolist() == [[6, 0], [0, 8]] and hessian[1][1].tolist() == [[2, 0], [0, 4]]
    output, products = functional.hvp(product, (a, b), (b, a))
    assert output.item() == 41 and [p.tolist() for p in products] == [[6, 16], [20, 40]]
    assert [p.tolist() for p in functional.vhp(product, (a, b), (b, a))[1]] == [[6, 16], [20, 40]]
    named = functional.jacobian(lambda tree: {"y": tree["a"] * tree["b"][0]}, {"a": a, "b": [b]})
    assert named["y"]["b"][0].tolist() == [[1, 0], [0, 2]]
    outputs, gradients = functional.vjp(lambda a, rest: [a * rest["b"]], (a, {"b": b}), [of([1.0, 10.0])])
    assert outputs[0].tolist() == [3, 8] and gradients[1]["b"].tolist() == [1, 20]


def test_of_a_module():
    mg.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(3, 2), nn.Tanh()), mg.randn(3)
    jacobian = functional.jacobian(net, x)
    y = net(x).detach().numpy()
    np.testing.assert_allclose(jacobian.numpy(), (1 - y**2)[:, None] * net[0].weight.detach().numpy(), rtol=1e-5)
    assert not jacobian.requires_grad and net[0].weight.grad is None


def constant(x):
    return of([1.0, 2.0])


STRICT = {
    "jacobian of a constant": (functional.jacobian, constant, "output 0 of the function does not require grad"),
    "vjp of a constant": (lambda f, x, **k: functional.vjp(f, x, of([1.0, 1.0]), **k), constant, "not require"),
    "jvp of a constant": (lambda f, x, **k: functional.jvp(f, x, x, **k), constant, "does not require grad"),
    "hessian of a sum": (functional.hessian, lambda x: x.sum(), "linear|independent"),
    "hvp of a sum": (lambda f, x, **k: functional.hvp(f, x, x, **k), lambda x: x.sum(), "the gradient is independent"),
    "jacobian of two": (
        lambda f, x, **k: functional.jacobian(f, (x, x), **k), lambda x, _: x * 2,
        "output 0 of the function is independent of input 1",
    ),
    "graph of a linear function": (
        lambda f, x, **k: functional.jacobian(f, x, create_graph=True, **k), lambda x: x * 2, "independent of input 0"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STRICT)
def test_strict_refuses_what_is_0_otherwise(name):
    derive, function, words = STRICT[name]
    x = of([3.0, 4.0])
    derive(function, x)
    with pytest.raises(RuntimeError, match=words):
        derive(function, x, strict=True)


REFUSED = {
    "v": (lambda x: functional.vjp(affine, x), RuntimeError, "v can be left out only for a single value"),
    "v of inputs": (lambda x: functional.jvp(affine, x), RuntimeError, "v can be left out only for a single value"),
    "shape of v": (lambda x: functional.vjp(affine, x, x), RuntimeError, r"v must be of shape \(2,\)"),
    "count of v": (lambda x: functional.hvp(cubes, x, (x, x)), RuntimeError, "v must be nested as one tensor"),
    "hessian": (lambda x: functional.hessian(affine, x), RuntimeError, r"a single value, got \(2,\) float64"),
    "vhp": (lambda x: functional.vhp(affine, x, x), RuntimeError, "a single value"),
    "inputs": (lambda x: functional.jacobian(affine, (x, 3.0)), TypeError, "expected tensors .*, got 3.0"),
    "outputs": (lambda x: functional.jacobian(lambda x: 3.0, x), TypeError, "must return tensors, got 3.0"),
    "strategy": (lambda x: functional.jacobian(affine, x, strategy="sideways"), ValueError, "got 'sideways'"),
    "strict and vectorized": (
        lambda x: functional.jacobian(affine, x, strict=True, vectorize=True), RuntimeError, "goes only with"
    ),
    "strict and forward": (
        lambda x: functional.hessian(cubes, x, False, True, False, "forward-mode"), RuntimeError, "strict"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_said(name):
    act, error, words = REFUSED[name]
    with pytest.raises(error, match=words) as caught:
        act(of(X))
    assert isinstance(caught.value, (RuntimeError, ValueError)) and "\n" not in str(caught.value)
