"""Hooks of tensors and retained gradients."""

import numpy as np
import pytest

import minigrad as mg
from tests.engine.leaves import assert_private, leaf, values


@pytest.mark.parametrize("create_graph", [False, True])
def test_hooks_run_in_order_and_replace(create_graph):
    x = leaf(1.0, 2.0)
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(("first", g.tolist())))
    y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: seen.append(("last", g.tolist())))
    x.register_hook(lambda g: g + 1)
    y.sum().backward(create_graph=create_graph)
    assert seen == [("first", [1.0, 1.0]), ("last", [10.0, 10.0])]
    assert x.grad.tolist() == [31.0, 31.0]


def test_a_hook_sees_the_whole_gradient_once():
    x = leaf(2.0)
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * y + y).backward()
    assert seen == [[5.0]]


def test_hooks_of_graph_gradients_can_be_differentiated():
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    (dx,) = mg.grad(y * 3, x, create_graph=True)
    assert dx.tolist() == [3 * 2 * 2 * 2.0]
    assert values(*mg.grad(dx, x)) == [[3 * 2 * 2 * 2.0]]


def test_removed_hooks_do_not_run():
    x = leaf(1.0)
    seen = []

    def hook(g):
        seen.append(g.tolist())

    handles = [x.register_hook(hook), x.register_hook(hook)]
    handles[0].remove()
    handles[0].remove()
    (x * 2).backward()
    assert seen == [[2.0]]
    handles[1].remove()
    (x * 2).backward()
    assert len(seen) == 1


def test_a_hook_may_remove_itself():
    x = leaf(1.0)
    seen = []

    def once(g):
        seen.append(g.tolist())
        handle.remove()

    handle = x.register_hook(once)
    x.register_hook(lambda g: seen.append("other"))
    (x * 2).backward()
    (x * 2).backward()
    assert seen == [[2.0], "other", "other"]


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_hook_that_changes_its_gradient_changes_no_other(create_graph):
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)

    def double(g):
        with mg.no_grad():
            g.mul_(2)

    a.register_hook(double)
    given = mg.tensor([1.0, 10.0], dtype=np.float64)
    (a + b).backward(given, create_graph=create_graph)
    assert values(a.grad, b.grad, given) == [[2.0, 20.0], [1.0, 10.0], [1.0, 10.0]]


@pytest.mark.parametrize("hooked", [0, 1])
def test_a_hook_on_a_result_changes_no_gradient_that_waits(hooked):
    leaves = [leaf(1.0, 2.0), leaf(3.0, 4.0)]
    results = [x * 1 for x in leaves]
    results[hooked].register_hook(lambda g: g.mul_(2))
    (results[0] + results[1]).backward(mg.tensor([1.0, 10.0], dtype=np.float64))
    assert values(leaves[hooked].grad, leaves[1 - hooked].grad) == [[2.0, 20.0], [1.0, 10.0]]


def test_what_a_hook_keeps_does_not_change_later():
    x = leaf(1.0)
    kept = []
    x.register_hook(kept.append)
    (x * 2).backward()
    (x * 3).backward()
    assert values(*kept, x.grad) == [[2.0], [3.0], [5.0]]
    assert_private([x.grad], [k.array for k in kept])


@pytest.mark.parametrize("on", [lambda x: x, lambda x: x * 1], ids=["leaf", "result"])
def test_what_a_hook_changes_does_not_spoil_the_gradients_own_graph(on):
    """The rule of sqrt saves the gradient it returns; what is done to it under no_grad is not differentiated."""
    x = leaf(1.0, 4.0)
    z = on(x)

    def double(g):
        with mg.no_grad():
            g.mul_(2)

    z.register_hook(double)
    z.sqrt().sum().backward(create_graph=True)
    first, x.grad = x.grad, None
    assert first.tolist() == [1.0, 0.5]
    first.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [-0.25 * 2, -0.03125 * 2])


def test_what_a_hook_keeps_is_not_the_retained_gradient():
    x, kept = leaf(1.0), []
    y = x * 2
    y.retain_grad()
    y.register_hook(kept.append)
    (y * 3 + y * 4).sum().backward()
    assert values(*kept, y.grad, x.grad) == [[7.0], [7.0], [14.0]]
    assert_private([y.grad, x.grad], [k.array for k in kept])


def test_a_hook_keeps_the_dtype():
    x = mg.tensor([1.0], requires_grad=True)
    x.register_hook(lambda g: g.double() * 2)
    (x * 3).backward()
    assert (x.grad.dtype, x.grad.tolist()) == (np.float32, [6.0])


@pytest.mark.parametrize("wrong", [1.0, np.ones(2), mg.ones(3)])
def test_a_hook_that_returns_something_else_is_refused(wrong):
    x = leaf(1.0, 2.0)
    y = x * 2
    y.register_hook(lambda g: wrong)
    with pytest.raises(RuntimeError, match=r"a hook on mul returned .*, expected a tensor \(2,\) or None"):
        y.sum().backward()


def test_constants_take_no_hooks():
    with pytest.raises(RuntimeError, match="does not require grad"):
        mg.ones(2).register_hook(print)
    with pytest.raises(RuntimeError, match="does not require grad"):
        mg.ones(2).retain_grad()


@pytest.mark.parametrize("create_graph", [False, True])
def test_retain_grad(create_graph):
    x = leaf(2.0)
    y = x * x
    y.retain_grad()
    y.retain_grad()
    x.retain_grad()
    z = y * 3
    z.backward(retain_graph=True, create_graph=create_graph)
    assert values(x.grad, y.grad, z.grad) == [[12.0], [3.0], None]
    z.backward(create_graph=create_graph)
    assert values(x.grad, y.grad) == [[24.0], [6.0]]
    assert_private([x.grad, y.grad], [x.array, y.array])


def test_retained_is_what_hooks_made_of_it():
    x = leaf(2.0)
    y = x * x
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    (y * 3).backward()
    assert values(x.grad, y.grad) == [[120.0], [30.0]]


def test_grad_retains_nothing():
    x = leaf(2.0)
    y = x * x
    y.retain_grad()
    mg.grad(y * 3, x)
    assert y.grad is None


def test_a_backward_inside_a_hook():
    x, w = leaf(2.0), leaf(5.0)

    @mg.enable_grad
    def hook(g):
        (w * w).backward()

    x.register_hook(hook)
    (x * x).backward()
    assert values(x.grad, w.grad) == [[4.0], [10.0]]
