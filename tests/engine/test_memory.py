"""What a graph keeps alive, and when it is freed."""

import contextlib
import weakref

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.engine.paths import reachable
from tests.engine.leaves import leaf, without_collector


class Keeps(nn.Module):
    """A module that stores what it computes, and its input."""

    def __init__(self):
        self.inner = nn.Linear(2, 2)
        self.norm = nn.BatchNorm1d(2)

    def forward(self, x):
        self.seen = x
        self.made = self.norm(self.inner(x))
        return self.made


def train_step(net, x):
    return (net(x) ** 2).sum()


def graph_step():
    x = leaf(1.0, 2.0)
    loss = (mg.exp(x) * x).sum()
    (dx,) = mg.grad(loss, x, create_graph=True)
    (ddx,) = mg.grad(dx.sum(), x, create_graph=True)
    return [x, loss, dx, ddx]


def graph_in_grad():
    x = leaf(1.0, 2.0)
    loss = (mg.exp(x) * x).sum()
    loss.backward(create_graph=True)
    return [x, loss, x.grad]


def hooked():
    x = leaf(1.0, 2.0)
    y = mg.exp(x)
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    y.sum().backward()
    return [x, y, y.grad]


def rebound():
    x = leaf(1.0, 2.0)
    y = x * 2
    y += x
    y *= y
    y.sum().backward(retain_graph=True)
    return [x, y]


def refused():
    x = leaf(1.0, 2.0)
    y = x * x
    y.sum().backward()
    with contextlib.suppress(RuntimeError):
        y.sum().backward()
    return [x, y]


def stored():
    net = Keeps()
    x = mg.randn(3, 2, requires_grad=True)
    loss = train_step(net, x)
    loss.backward()
    train_step(net, net(x))
    return [net, x, loss]


def plain():
    x = leaf(1.0, 2.0)
    y = mg.where(x > 1, x, x[0]) @ x
    return [x, y, mg.stack([x, x]).T.reshape(-1)]


@pytest.mark.parametrize("program", [plain, graph_step, graph_in_grad, hooked, rebound, refused, stored])
def test_a_dropped_graph_is_freed_at_once(program):
    with without_collector():
        held = program()
        roots = [t.node for t in held if isinstance(t, mg.Tensor) and t.node]
        if isinstance(held[0], Keeps):
            roots.append(held[0].made.node)
        watched = [weakref.ref(node) for node in reachable(roots)]
        watched += [weakref.ref(t.array) for t in held if isinstance(t, mg.Tensor)]
        assert len(watched) >= 4
        del roots
        held.clear()
        assert [ref() for ref in watched if ref() is not None] == []


def test_backward_frees_what_was_saved_as_it_walks():
    x = leaf(1.0, 2.0)
    hidden = mg.exp(x)
    loss = (hidden * hidden).sum()
    array = weakref.ref(hidden.array)
    del hidden
    assert array() is not None
    loss.backward()
    assert array() is None


def test_arrays_no_derivative_needs_are_not_kept():
    x = leaf(1.0, 2.0)
    hidden = x + 1
    loss = (hidden + 2).sum()
    array = weakref.ref(hidden.array)
    del hidden
    assert array() is None
    loss.backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_module_dies_with_its_last_reference_though_its_graph_lives():
    with without_collector():
        net = Keeps()
        loss = train_step(net, mg.randn(3, 2))
        module = weakref.ref(net)
        del net
        assert module() is None
        loss.backward()


def test_a_hook_is_freed_with_its_graph():
    class Callable:
        def __call__(self, gradient):
            return None

    hook = Callable()
    alive = weakref.ref(hook)
    with without_collector():
        y = leaf(1.0) * 2
        y.register_hook(hook)
        del hook, y
        assert alive() is None
