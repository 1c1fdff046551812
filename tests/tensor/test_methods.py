"""Operators and methods of tensors."""

import inspect
import pydoc

import numpy as np
import pytest

import minigrad as mg

A, B = np.array([[0.5, 2.0], [1.5, 3.0]]), np.array([2.0, 0.5])

OPERATORS = {
    "+": (lambda a, b: a + b),
    "-": (lambda a, b: a - b),
    "*": (lambda a, b: a * b),
    "/": (lambda a, b: a / b),
    "**": (lambda a, b: a**b),
    "@": (lambda a, b: a @ b),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_on_both_sides(name):
    op = OPERATORS[name]
    expected = op(A, B)
    a, b = mg.tensor(A, requires_grad=True), mg.tensor(B, requires_grad=True)
    for left, right in ((a, b), (a, B), (A, b)):
        result = op(left, right)
        assert isinstance(result, mg.Tensor)
        assert result.requires_grad
        np.testing.assert_allclose(result.numpy(), expected)
    if name != "@":
        np.testing.assert_allclose(op(a, 2.0).numpy(), op(A, 2.0))
        np.testing.assert_allclose(op(2.0, a).numpy(), op(2.0, A))
        np.testing.assert_allclose(op(np.float64(2.0), a).numpy(), op(2.0, A))
        np.testing.assert_allclose(op(b, [1.0, 3.0]).numpy(), op(B, np.array([1.0, 3.0])))


@pytest.mark.parametrize("name", OPERATORS)
def test_gradients_of_operators_by_finite_differences(name):
    op, h = OPERATORS[name], 1e-6
    a, b = mg.tensor(A, requires_grad=True), mg.tensor(B, requires_grad=True)
    y = op(a, b)
    weights = np.cos(np.arange(y.numel())).reshape(y.shape)
    y.backward(weights)
    for t, at in ((a, lambda d: (op(A + d, B) * weights).sum()), (b, lambda d: (op(A, B + d) * weights).sum())):
        for index in np.ndindex(t.shape):
            d = np.zeros(t.shape)
            d[index] = h
            np.testing.assert_allclose(t.grad.numpy()[index], (at(d) - at(-d)) / (2 * h), rtol=1e-6)


METHODS = [
    ("add", (B,), {}, A + B),
    ("add", (B,), {"alpha": 2}, A + 2 * B),
    ("sub", (B,), {}, A - B),
    ("sub", ([1.0, 2.0],), {"alpha": 2}, A - np.array([2.0, 4.0])),
    ("mul", (B,), {}, A * B),
    ("div", (B,), {}, A / B),
    ("pow", (2,), {}, A**2),
    ("maximum", (1.0,), {}, np.maximum(A, 1)),
    ("minimum", (1.0,), {}, np.minimum(A, 1)),
    ("neg", (), {}, -A),
    ("abs", (), {}, A),
    ("exp", (), {}, np.exp(A)),
    ("log", (), {}, np.log(A)),
    ("sqrt", (), {}, np.sqrt(A)),
    ("square", (), {}, A * A),
    ("reciprocal", (), {}, 1 / A),
    ("sin", (), {}, np.sin(A)),
    ("cos", (), {}, np.cos(A)),
    ("tanh", (), {}, np.tanh(A)),
    ("sigmoid", (), {}, 1 / (1 + np.exp(-A))),
    ("relu", (), {}, A),
    ("sign", (), {}, np.sign(A)),
    ("isnan", (), {}, np.isnan(A)),
    ("isinf", (), {}, np.isinf(A)),
    ("isfinite", (), {}, np.isfinite(A)),
    ("clamp", (1.0,), {"max": 2.5}, np.clip(A, 1, 2.5)),
    ("where", (A > 1, 0.0), {}, np.where(A > 1, A, 0)),
    ("sum", (), {}, A.sum()),
    ("sum", (1,), {"keepdim": True}, A.sum(1, keepdims=True)),
    ("sum", (), {"axis": (0, 1)}, A.sum()),
    ("mean", (), {"axis": 0, "keepdims": True}, A.mean(0, keepdims=True)),
    ("prod", (1,), {}, A.prod(1)),
    ("amax", (1,), {}, A.max(1)),
    ("amin", (), {"dim": 1}, A.min(1)),
    ("max", (), {}, A.max()),
    ("min", (), {}, A.min()),
    ("argmax", (1,), {}, A.argmax(1)),
    ("argmin", (), {}, A.argmin()),
    ("logsumexp", (1,), {}, np.log(np.exp(A).sum(1))),
    ("var", (0,), {}, A.var(0, ddof=1)),
    ("var", (), {"unbiased": False}, A.var()),
    ("std", (1,), {"correction": 0}, A.std(1)),
    ("softmax", (1,), {}, np.exp(A) / np.exp(A).sum(1, keepdims=True)),
    ("log_softmax", (), {"axis": 0}, A - np.log(np.exp(A).sum(0))),
    ("matmul", (B,), {}, A @ B),
    ("reshape", (4,), {}, A.reshape(4)),
    ("reshape", ((1, -1),), {}, A.reshape(1, 4)),
    ("view", (1, 4), {}, A.reshape(1, 4)),
    ("flatten", (), {}, A.ravel()),
    ("transpose", (0, 1), {}, A.T),
    ("swapaxes", (0, -1), {}, A.T),
    ("permute", (1, 0), {}, A.T),
    ("unsqueeze", (1,), {}, A[:, None]),
    ("squeeze", (), {}, A),
    ("expand", (3, -1, 2), {}, np.broadcast_to(A, (3, 2, 2))),
    ("clone", (), {}, A),
    ("copy", (), {}, A),
    ("detach", (), {}, A),
]


@pytest.mark.parametrize(("name", "args", "kwargs", "expected"), METHODS)
def test_methods(name, args, kwargs, expected):
    t = mg.tensor(A, requires_grad=True)
    result = getattr(t, name)(*args, **kwargs)
    assert isinstance(result, mg.Tensor)
    assert result.shape == np.shape(expected)
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-14)


def test_every_public_method_is_documented_and_visible():
    names = [name for name in dir(mg.tensor(1.0)) if not name.startswith("_")]
    assert {name for name, *_ in METHODS} <= set(names)
    assert {"backward", "grad", "register_hook", "retain_grad", "requires_grad_", "item", "numpy", "add_"} <= set(names)
    for name in names:
        assert inspect.getdoc(getattr(mg.Tensor, name)), name


@pytest.mark.parametrize("name", ["exp", "where", "sum", "batch_norm", "tensor", "no_grad", "Tensor", "randint", "cat"])
def test_help_says_what_a_name_does(name):
    thing = getattr(mg, name)
    text = pydoc.plain(pydoc.render_doc(thing))
    assert thing.__doc__
    assert thing.__doc__.splitlines()[0] in text


def test_unknown_keywords_are_type_errors():
    for call in (
        lambda: mg.tensor([1.0], devise="cpu"),
        lambda: mg.zeros(2, sizes=3),
        lambda: mg.ones(2).sum(dims=0),
        lambda: mg.ones(2).backward(keep=True),
        lambda: mg.exp(mg.ones(2), axis=0),
    ):
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            call()


def test_detach_in_place_leaves_the_graph_of_others_alone():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    z = y * 3
    assert [t.retains_grad for t in (x, y, z)] == [False] * 3
    y.retain_grad()
    assert y.retains_grad and not z.retains_grad
    assert y.detach_() is y and y.is_leaf and not y.requires_grad
    z.sum().backward()
    assert x.grad.tolist() == [6, 6]
    assert not x.detach_().requires_grad


def test_detach_shares_memory_and_leaves_the_graph():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    d = y.detach()
    assert (d.requires_grad, d.is_leaf, d.grad_fn) == (False, True, None)
    assert np.shares_memory(d.array, y.array)
    assert (y.requires_grad, y.is_leaf, x.is_leaf, y.grad_fn.op.name) == (True, False, True, "mul")


def test_requires_grad_of_views_and_copies():
    x = mg.tensor([1.0, 2.0])
    assert not (x * 2).requires_grad
    x.requires_grad = True
    assert (x * 2).requires_grad
    assert x.requires_grad_() is x
    assert x.clone().requires_grad
    x.requires_grad = False
    assert not (x * 2).requires_grad
