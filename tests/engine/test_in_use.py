"""Gradients in common programs: reuse, ties, memory and refusals."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from tests.engine.leaves import without_collector
from tests.helpers.inputs import leaf


@pytest.mark.parametrize("create_graph", [False, True])
def test_an_intermediate_used_as_a_whole_in_parts_and_transposed_gets_all_gradients(create_graph):
    z = leaf(np.random.default_rng(0).standard_normal((3, 2)))
    h = mg.tanh(z)
    loss = h.sum() + (h * h).sum() + h[0].sum() + h.reshape(6)[1:3].sum() + h.T.amax(0).sum()
    (dz,) = mg.grad(loss, z, create_graph=create_graph)
    t = np.tanh(z.detach().numpy())
    dh = 1 + 2 * t
    dh[0] += 1
    dh.reshape(6)[1:3] += 1
    dh += t == t.max(1, keepdims=True)
    np.testing.assert_allclose(dz.detach().numpy(), dh * (1 - t * t), rtol=1e-13)


def test_second_derivatives_add_up_where_an_index_names_an_element_again():
    """The sum of cubes of x[0], x[0], x[1], x[3], x[3]."""
    x = leaf([1.0, 2.0, 3.0, 4.0])
    (dx,) = mg.grad((x[mg.tensor([0, 0, 1, 3, -1])] ** 3).sum(), x, create_graph=True)
    (ddx,) = mg.grad(dx.sum(), x)
    assert dx.tolist() == [2 * 3, 12, 0, 2 * 48]
    assert ddx.tolist() == [2 * 6, 12, 0, 2 * 24]


CUTS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    # a function, and its gradient if the detached part is a constant
    "detach": (lambda x: (x.detach() * x).sum(), lambda x: x),
    "no_grad": (lambda x: (doubled_without_a_graph(x) * x).sum(), lambda x: 2 * x),
    "item": (lambda x: (x * x.sum().item()).sum(), lambda x: 0 * x + x.sum()),
    "comparison": (lambda x: ((x > 0) * x).sum(), lambda x: 1.0 * (x > 0)),
    "argmax": (lambda x: x[x.argmax()] * 2, lambda x: 2.0 * (x == x.max())),
}


def doubled_without_a_graph(x: Any) -> Any:
    with mg.no_grad():
        return x * 2


@pytest.mark.parametrize("name", CUTS)
def test_what_is_cut_from_the_graph_is_a_constant(name):
    function, gradient = CUTS[name]
    x = np.array([1.5, -2.0, 0.5])
    (dx,) = mg.grad(function(t := leaf(x)), t)
    np.testing.assert_allclose(dx.numpy(), gradient(x), rtol=1e-14)


def test_a_gradient_shared_by_very_many_ties_is_not_lost_in_float16():
    """1 / 70,000 is subnormal there, and 70,000 itself is infinite."""
    x = mg.ones(70_000, dtype=mg.float16, requires_grad=True)
    y = mg.ones(70_000, 2, dtype=mg.float16, requires_grad=True)
    for loss, tensor in ((x.max(), x), (y.amin(0).sum(), y)):
        loss.backward()
        np.testing.assert_allclose(tensor.grad.numpy().astype(np.float64), 1 / 70_000, rtol=0.01)


def test_the_deviation_of_one_number_without_a_correction_has_gradient_0():
    x = leaf([2.0])
    y = x.std(correction=0)
    y.backward()
    assert (y.item(), x.grad.tolist()) == (0, [0])


CONSTANTS: dict[str, Callable[[Any], Any]] = {
    "of a constant": lambda x: mg.ones(2).sum(),
    "of a detached tensor": lambda x: x.detach().sum(),
    "of a comparison": lambda x: (x > 1).sum(),
    "of an index": lambda x: x.argmax(),
    "of what no_grad computed": lambda x: doubled_without_a_graph(x).sum(),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_backward_from_a_constant_is_refused(name):
    x = leaf([1.0, 2.0])
    y = CONSTANTS[name](x)
    assert not y.requires_grad
    with pytest.raises(RuntimeError, match=r"does not require grad|nothing to differentiate"):
        y.backward()
    assert x.grad is None


@pytest.mark.slow
def test_losses_that_are_kept_keep_nothing_else():
    """A list of losses, as people collect them to draw a curve, holds no activation of any step."""
    net = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 3))
    x, target = mg.randn(16, 8), mg.tensor(np.arange(16) % 3)
    losses, activations = [], []
    with without_collector():
        for _ in range(3):
            net.zero_grad()
            hidden = x
            for layer in net:
                hidden = layer(hidden)
                activations.append(weakref.ref(hidden.array))
            losses.append(F.cross_entropy(hidden, target))
            del hidden
            losses[-1].backward()
        assert [ref() for ref in activations] == [None] * 12
    assert len({loss.item() for loss in losses}) == 1


def test_a_gradient_with_a_graph_is_freed_without_the_collector():
    with without_collector():
        x = mg.ones(1, requires_grad=True)
        y = mg.tanh(x)
        y.backward(mg.ones(1), create_graph=True)
        alive = weakref.ref(y.grad_fn), weakref.ref(x)
        del x, y
        assert [ref() for ref in alive] == [None, None]
