"""Each gradient has memory of its own."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.paths import reachable
from tests.engine.leaves import assert_private, leaf, values

PROGRAMS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "clone": lambda a, b: a.clone() + b,
    "reshape": lambda a, b: (a.reshape(3, 2) + b.reshape(3, 2)).reshape(2, 3),
    "transpose": lambda a, b: a.T.T + b.T.T,
    "expand": lambda a, b: a.sum().expand(2, 3) + b.mean().expand(2, 3),
    "index": lambda a, b: mg.cat([a[:1], b[1:]]),
    "cat": lambda a, b: mg.cat([a, b])[1:3],
    "stack": lambda a, b: mg.stack([a, b])[1],
    "where": lambda a, b: mg.where(np.array([[True, False, True]] * 2), a, b),
    "maximum": lambda a, b: mg.maximum(a, b),
    "sum": lambda a, b: a.sum() + b.sum(dim=0) + mg.zeros(2, 3),
    "matmul": lambda a, b: a @ b.T @ np.ones((2, 3), a.dtype),
    "same twice": lambda a, b: a + a + b + b,
    "one is the output": lambda a, b: a,
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_share_memory_with_nothing(name, create_graph):
    a, b = leaf(*range(6)).detach().reshape(2, 3).clone(), mg.ones(2, 3, dtype=np.float64)
    a.requires_grad_(), b.requires_grad_()
    y = PROGRAMS[name](a, b)
    saved = [s for node in reachable([y.node]) for s in node.saved or () if isinstance(s, np.ndarray)]
    given = mg.tensor(np.arange(6.0).reshape(2, 3))
    y.backward(given, retain_graph=True, create_graph=create_graph)
    grads = [t.grad for t in (a, b) if t.grad is not None]
    assert_private(grads, [a.array, b.array, y.array, given.array, *saved])
    before = [g.numpy().copy() for g in grads]
    y.backward(given, create_graph=create_graph)
    for grad, once in zip((t.grad for t in (a, b) if t.grad is not None), before):
        np.testing.assert_array_equal(grad.numpy(), 2 * once)
    np.testing.assert_array_equal(given.numpy(), np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_grad_returns_shares_memory_with_nothing(name, create_graph):
    a, b = mg.randn(2, 3, requires_grad=True), mg.randn(2, 3, requires_grad=True)
    y = PROGRAMS[name](a, b)
    given = mg.ones_like(y)
    inputs = [a, y, b, a, y]
    found = mg.grad(y, inputs, given, create_graph=create_graph, allow_unused=True)
    found = [g for g in found if g is not None]
    assert len(set(map(id, found))) == len(found)
    assert_private(found, [a.array, b.array, y.array, given.array])


def test_changing_one_gradient_changes_no_other():
    a, b = leaf(1.0), leaf(2.0)
    (a + b).backward(create_graph=True)
    with mg.no_grad():
        a.grad.zero_()
    assert values(a.grad, b.grad) == [[0.0], [1.0]]


def test_accumulation_goes_into_the_same_grad():
    x = leaf(1.0)
    (x * 2).backward()
    held = x.grad
    (x * 3).backward()
    assert x.grad is held
    assert held.tolist() == [5.0]


def test_a_gradient_in_use_is_not_changed_unnoticed():
    x, w = leaf(1.0), leaf(2.0)
    (x * 2).backward()
    later = w * x.grad
    (x * 3).backward()
    with pytest.raises(RuntimeError, match=r"mul: operand 1, .*changed in place"):
        later.backward()


def test_a_graph_gradient_is_added_to_as_a_graph():
    x = leaf(3.0)
    (x * x).backward(create_graph=True)
    (x * x * x).backward(create_graph=True)
    assert x.grad.requires_grad
    (d2,) = mg.grad(x.grad, x)
    assert values(x.grad, d2) == [[6 + 27.0], [2 + 18.0]]
    held = x.grad
    (x * 1.0).backward()
    assert values(x.grad, held) == [[34.0], [33.0]]


def test_grad_must_fit_its_tensor():
    x = leaf(1.0, 2.0)
    x.grad = mg.zeros(2, dtype=np.float64)
    x.grad = None
    for wrong in (mg.zeros(2), mg.zeros(3, dtype=np.float64), 1.0, np.zeros(2)):
        with pytest.raises(TypeError, match=r"grad must be None or a tensor \(2,\) float64"):
            x.grad = wrong


def test_a_leaf_frozen_for_a_while_still_gets_its_gradient():
    x, frozen = leaf(1.0), leaf(2.0)
    y = x * frozen
    for t in (x, frozen):
        t.requires_grad_(False)
    x.requires_grad_(True)
    y.backward()
    assert values(x.grad, frozen.grad) == [[2.0], None]
