"""``mg.func``: derivatives of functions over nested tensors, inside of each other, and of modules."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import minigrad as mg
from minigrad import func, nn
from tests.helpers.differences import check_derivatives
from tests.helpers.inputs import distinct

A = np.array([[1.0, 2.0, -1.0], [0.5, -0.5, 3.0]])
X = np.array([0.5, -1.0, 2.0])
HESSIAN = 2 * A.T @ A
"""Of ``|A x|^2``."""


def affine(x):
    """The product with ``A``: its Jacobian is ``A``."""
    return mg.matmul(mg.tensor(A.astype(x.dtype)), x)


def squared_length(x):
    y = affine(x)
    return (y * y).sum()


def of(x, dtype=np.float64):
    return mg.tensor(np.asarray(x, dtype))


def assert_equal(found, expected, rtol=1e-12):
    assert isinstance(found, mg.Tensor) and not found.requires_grad
    np.testing.assert_allclose(found.numpy(), expected, rtol=rtol, atol=rtol)


DTYPES = [(np.float16, 2e-2), (np.float32, 1e-5), (np.float64, 1e-12)]


@pytest.mark.parametrize(("dtype", "rtol"), DTYPES)
def test_of_a_quadratic_function(dtype, rtol):
    x, t = of(X, dtype), of([1.0, 0.5, -2.0], dtype)
    gradient = HESSIAN @ X
    assert_equal(func.grad(squared_length)(x), gradient, rtol)
    dx, value = func.grad_and_value(squared_length)(x)
    assert_equal(dx, gradient, rtol)
    assert_equal(value, (A @ X) @ (A @ X), rtol)
    for jacobian in (func.jacrev(affine), func.jacfwd(affine)):
        assert_equal(jacobian(x), A, rtol)
    for hessian in (
        func.hessian(squared_length),
        func.jacfwd(func.jacrev(squared_length)),
        func.jacrev(func.jacfwd(squared_length)),
        func.jacrev(func.grad(squared_length)),
        func.jacfwd(func.jacfwd(squared_length)),
    ):
        assert_equal(hessian(x), HESSIAN, rtol)
    output, change = func.jvp(affine, (x,), (t,))
    assert_equal(output, A @ X, rtol)
    assert_equal(change, A @ t.numpy().astype(np.float64), rtol)
    _, jvp_fn = func.linearize(affine, x)
    assert_equal(jvp_fn(t), A @ t.numpy().astype(np.float64), rtol)
    _, vjp_fn = func.vjp(affine, x)
    for v in ([1.0, -2.0], [0.5, 3.0]):
        assert_equal(vjp_fn(of(v, dtype))[0], A.T @ v, rtol)
    assert {z.dtype for z in (output, change, dx, value)} == {np.dtype(dtype)}


@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_can_be_differentiated(order):
    def function(x):
        if not isinstance(x, mg.Tensor):
            return 3 * x**2 * np.cos(x**3) + np.cos(x).sum() * np.ones(3)
        column = func.jacfwd(lambda z: mg.sin(z).sum())(x).sum()
        return func.grad(lambda z: mg.sin(z**3).sum())(x) + column

    check_derivatives(function, distinct((3,)), order=order)


def test_nested_functions_differentiate_by_their_own_argument_only():
    x = of(3.0)
    assert func.grad(lambda x: x * func.grad(lambda y: x * y)(x))(x).item() == 6
    assert func.grad(lambda x: func.grad(lambda y: y * y * x)(x * 2.0))(x).item() == 24
    assert func.grad(func.grad(func.grad(lambda x: x**4)))(x).item() == 24 * 3
    inner = func.jvp(lambda a: func.jvp(lambda b: b**3, (a,), (of(1.0),))[1], (x,), (of(1.0),))
    assert [z.item() for z in inner] == [27, 18]
    assert func.grad(lambda c: func.vjp(lambda a: a * a, x)[1](c)[0])(x).item() == 6


Pair = collections.namedtuple("Pair", "a b")


def test_trees_come_back_as_they_went_in():
    def function(tree):
        return {"product": tree["p"].a * tree["p"].b[0], "sum": [tree["p"].a.sum()]}

    tree = {"p": Pair(of([1.0, 2.0]), (of([3.0, 4.0]), of(1.0)))}
    for jacobian in (func.jacrev(function)(tree), func.jacfwd(function)(tree)):
        assert list(jacobian) == ["product", "sum"]
        part = jacobian["product"]["p"]
        assert isinstance(part, Pair) and isinstance(part.b, tuple)
        assert part.a.tolist() == [[3, 0], [0, 4]] and part.b[0].tolist() == [[1, 0], [0, 2]]
        assert part.b[1].tolist() == [0, 0] and jacobian["sum"][0]["p"].a.tolist() == [1, 1]
    gradient = func.grad(lambda tree: function(tree)["product"].sum())(tree)
    assert gradient["p"].b[0].tolist() == [1, 2] and gradient["p"].b[1].item() == 0
    _, vjp_fn = func.vjp(function, tree)
    (found,) = vjp_fn({"product": of([1.0, 10.0]), "sum": [of(100.0)]})
    assert found["p"].a.tolist() == [103, 140]
    _, change = func.jvp(function, (tree,), (func.grad(lambda t: sum(t["p"].b[0]) + t["p"].b[1])(tree),))
    assert change["product"].tolist() == [1, 2] and change["sum"][0].item() == 0


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [(0, 12.0), (1, 9.0), (-1, 9.0), ((0, 1), (12.0, 9.0)), ((1,), (9.0,)), ((1, 0), (9.0, 12.0))],
)
def test_argnums(argnums, expected):
    found = func.grad(lambda x, y, *, k: x * x * y * k, argnums)(of(3.0), of(2.0), k=1.0)
    assert (tuple(g.item() for g in found) if isinstance(argnums, tuple) else found.item()) == expected
    for jacobian in (func.jacrev, func.jacfwd):
        found = jacobian(lambda x, y, k=1.0: x * x * y * k, argnums)(of(3.0), of(2.0))
        assert (tuple(g.item() for g in found) if isinstance(argnums, tuple) else found.item()) == expected


def test_aux_is_passed_on_outside_of_the_graph():
    def function(x):
        return x * x, {"twice": x * 2, "name": "aux"}

    x = of(3.0)
    for found, aux in (func.grad(function, has_aux=True)(x), func.jacrev(function, has_aux=True)(x),
                       func.jacfwd(function, has_aux=True)(x)):  # fmt: skip
        assert found.item() == 6 and aux["name"] == "aux" and not aux["twice"].requires_grad
    gradient, (value, aux) = func.grad_and_value(function, has_aux=True)(x)
    assert (gradient.item(), value.item(), aux["twice"].item()) == (6, 9, 6)
    output, vjp_fn, aux = func.vjp(function, x, has_aux=True)
    assert (output.item(), vjp_fn(of(1.0))[0].item(), aux["twice"].item()) == (9, 6, 6)
    output, change, aux = func.jvp(function, (x,), (of(1.0),), has_aux=True)
    assert (output.item(), change.item(), aux["twice"].item()) == (9, 6, 6)


def test_results_are_in_a_graph_only_of_what_requires_grad_outside():
    x, w = of(3.0), mg.tensor(2.0, dtype=np.float64, requires_grad=True)
    own = mg.tensor(3.0, dtype=np.float64, requires_grad=True)
    cases = [
        lambda x, w: func.grad(lambda x: x * x * w)(x),
        lambda x, w: func.jacrev(lambda x: x * x * w)(x),
        lambda x, w: func.jacfwd(lambda x: x * x * w)(x),
        lambda x, w: func.vjp(lambda x: x * x * w, x)[1](of(1.0))[0],
        lambda x, w: func.jvp(lambda x: x * x * w, (x,), (of(1.0),))[1],
        lambda x, w: func.linearize(lambda x: x * x * w, x)[1](of(1.0)),
        lambda x, w: func.grad(func.grad(lambda x: x**3 / 3 * w))(x),
    ]
    for case in cases:
        assert not case(x, of(2.0)).requires_grad
        dy = case(x, w)
        assert dy.requires_grad and mg.grad(dy, w)[0].item() == 6
        assert mg.grad(case(own, of(2.0)), own)[0].item() == 4
        with mg.no_grad():
            assert case(own, w).item() == 12 and not case(own, w).requires_grad
    assert own.grad is None and w.grad is None


def test_a_module_is_a_function():
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    parameters, x = dict(net.named_parameters()), mg.randn(5, 3, dtype=np.float64)

    def loss(parameters):
        return (func.functional_call(net, parameters, x) ** 2).mean()

    found = func.grad(loss)(parameters)
    (net(x) ** 2).mean().backward()
    for name, parameter in net.named_parameters():
        np.testing.assert_array_equal(found[name].detach().numpy(), parameter.grad.numpy())
    assert func.jacrev(net)(x[0]).shape == (1, 3)
    constants = {name: parameter.detach() for name, parameter in parameters.items()}
    hessian = func.hessian(loss)(constants)
    assert hessian["0.weight"]["2.bias"].shape == (4, 3, 1) and not hessian["0.weight"]["2.bias"].requires_grad
    np.testing.assert_allclose(
        hessian["0.weight"]["2.weight"].numpy(), np.moveaxis(hessian["2.weight"]["0.weight"].numpy(), (0, 1), (2, 3)),
        rtol=1e-10, atol=1e-12,
    )  # fmt: skip


def test_a_function_that_changes_its_argument_changes_its_own():
    def function(x):
        x[0] = x[1] * 3
        x *= 2
        return (x * x).sum()

    x = of([1.0, 2.0])
    assert func.grad(function)(x).tolist() == [0, 8 * (9 + 1) * 2]
    assert x.tolist() == [1, 2]


REFUSED = {
    "several": (lambda: func.grad(lambda x: x * 2)(of([1.0, 2.0])), RuntimeError, "number, got .*vjp or jacrev"),
    "tuple": (lambda: func.grad(lambda x: (x, x))(of(1.0)), RuntimeError, "a single number"),
    "number": (lambda: func.grad(lambda x: 3.0)(of(1.0)), RuntimeError, "must return tensors, got 3.0"),
    "no aux": (lambda: func.grad(lambda x: x, has_aux=True)(of(1.0)), RuntimeError, r"must return \(output, aux\)"),
    "argnums": (lambda: func.grad(lambda x: x, 1)(of(1.0)), RuntimeError, "argnums 1 is out of range: there are 1"),
    "argnums twice": (lambda: func.grad(lambda x: x, (0, 0))(of(1.0)), RuntimeError, "must be different"),
    "no argnums": (lambda: func.grad(lambda x: x, ())(of(1.0)), RuntimeError, "an int or a tuple of ints"),
    "argnums 'a'": (lambda: func.grad(lambda x: x, "a")(of(1.0)), RuntimeError, "an int or a tuple of ints, got 'a'"),
    "no tensor": (lambda: func.grad(lambda x: x)(3.0), ValueError, "expected tensors to differentiate by, got 3.0"),
    "integers": (lambda: func.grad(lambda x: x)(mg.tensor(3)), RuntimeError, "only floating point tensors"),
    "cotangents": (lambda: func.vjp(lambda x: {"o": x}, of(1.0))[1](of(1.0)), RuntimeError, "nested as dict"),
    "cotangent": (lambda: func.vjp(lambda x: x, of(1.0))[1](of([1.0])), RuntimeError, r"of shape \(\)"),
    "primals": (lambda: func.jvp(lambda x: x, of(1.0), of(1.0)), RuntimeError, "primals must be a tuple"),
    "tangents": (lambda: func.jvp(lambda x: x, (of(1.0),), (of(1.0), of(1.0))), RuntimeError, "must be nested"),
    "tangent": (lambda: func.jvp(lambda x: x, (of(1.0),), (of([1.0]),)), RuntimeError, r"of shape \(\)"),
    "strict": (lambda: func.jvp(lambda x: of(1.0), (of(1.0),), (of(1.0),), strict=True), RuntimeError, "not depend"),
    "linearize": (lambda: func.linearize(lambda x: x, of(1.0))[1](of(1.0), of(1.0)), RuntimeError, "must be nested"),
    "chunks": (lambda: func.jacrev(lambda x: x, chunk_size=0), ValueError, "chunk_size must be greater than 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_said(name):
    act, error, words = REFUSED[name]
    with pytest.raises(error, match=words) as caught:
        act()
    assert "\n" not in str(caught.value)


def test_what_does_not_depend_on_the_input_has_derivative_0():
    x, c = of([1.0, 2.0]), of(5.0)
    assert func.grad(lambda x: c)(x).tolist() == [0, 0]
    assert func.grad(lambda x: x.detach().sum())(x).tolist() == [0, 0]
    assert func.jacrev(lambda x: c)(x).tolist() == func.jacfwd(lambda x: c)(x).tolist() == [0, 0]
    assert func.jvp(lambda x: c, (x,), (x,))[1].item() == 0
    assert func.jacrev(lambda x: x[:0])(x).shape == func.jacfwd(lambda x: x[:0])(x).shape == (0, 2)
    assert func.jacrev(lambda x: mg.argmax(x))(x).tolist() == [0, 0]
