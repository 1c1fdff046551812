"""``squeeze_`` and the like: the tensor itself gets another shape, over the same memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile import Refusal, capture

START = np.arange(6.0).reshape(2, 1, 3) + 1

CHANGES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "squeeze_": (lambda x: x.squeeze_(), lambda a: a[:, 0]),
    "squeeze_ dim": (lambda x: x.squeeze_(1), lambda a: a[:, 0]),
    "squeeze_ of a longer axis": (lambda x: x.squeeze_(0), lambda a: a),
    "unsqueeze_": (lambda x: x.unsqueeze_(-1), lambda a: a[..., None]),
    "transpose_": (lambda x: x.transpose_(0, 2), lambda a: a.T),
    "swapaxes_": (lambda x: x.swapaxes_(axis0=0, axis1=-1), lambda a: a.T),
    "swapdims_": (lambda x: x.swapdims_(0, 2), lambda a: a.T),
    "t_": (lambda x: x.squeeze_(1).t_(), lambda a: a[:, 0].T),
}
each_change = pytest.mark.parametrize("name", CHANGES)


@each_change
def test_a_constant(name: str) -> None:
    change, formula = CHANGES[name]
    x = mg.tensor(START)
    seen, memory = x.view(6), x.memory
    assert change(x) is x
    np.testing.assert_array_equal(x.numpy(), formula(START))
    assert x.memory is memory and np.shares_memory(seen.numpy(), x.numpy())
    x.fill_(9)
    assert seen.tolist() == [9] * 6


@each_change
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_result_of_a_graph(name: str, create_graph: bool) -> None:
    change, formula = CHANGES[name]
    x = mg.tensor(START, requires_grad=True)
    y = x * x
    assert change(y) is y and y.grad_fn is not None and y.grad_fn.output() is y
    weights = np.cos(np.arange(6)).reshape(y.shape)
    (dx,) = mg.grad((y * mg.tensor(weights)).sum(), x, create_graph=create_graph)
    expected = np.zeros_like(START)
    formula(expected)[...] = weights
    np.testing.assert_allclose(dx.detach().numpy(), 2 * START * expected)
    if create_graph:
        np.testing.assert_allclose(mg.grad(dx.sum(), x)[0].numpy(), 2 * expected)


def test_another_change_may_follow() -> None:
    x = mg.tensor(START, requires_grad=True)
    y = (x * 2).squeeze_().t_()
    y.mul_(3).unsqueeze_(0).add_(1)
    assert y.shape == (1, 3, 2)
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == np.full(START.shape, 6.0).tolist()


def test_a_gradient_is_retained_in_the_new_shape() -> None:
    y = mg.tensor(START, requires_grad=True) * 2
    y.retain_grad()
    y.squeeze_().sum().backward()
    assert y.grad is not None and y.grad.shape == y.shape == (2, 3)


@each_change
def test_a_tensor_whose_gradient_has_its_shape_is_refused(name: str) -> None:
    change = CHANGES[name][0]
    x = mg.tensor(START, requires_grad=True)
    y = x * 2
    for tensor, words, mode in [
        (x, "a leaf that", mg.no_grad),
        (x, "a leaf", mg.enable_grad),
        (y, "not recorded", mg.no_grad),
    ]:
        with mode(), pytest.raises(RuntimeError, match=f"in place: .*{words}.*use the new tensor"):
            change(tensor)
        assert tensor.shape == START.shape


def test_bad_arguments_change_nothing() -> None:
    for x in (mg.tensor(START), mg.tensor(START, requires_grad=True) * 1):
        for call in (
            lambda x: x.squeeze_(3),
            lambda x: x.unsqueeze_(4),
            lambda x: x.t_(),
            lambda x: x.transpose_(0, 3),
        ):
            with pytest.raises((IndexError, ValueError)):
                call(x)
            assert x.shape == START.shape


def test_detach_() -> None:
    x = mg.tensor(START, requires_grad=True)
    y = x * 2
    z = y * 3
    assert y.detach_() is y and not y.requires_grad and y.is_leaf
    z.sum().backward()
    assert x.grad is not None and x.grad.tolist() == np.full(START.shape, 6.0).tolist()
    assert x.detach_() is x and not x.requires_grad
    assert not mg.ones(2).detach_().requires_grad


def test_a_captured_step_may_not_change_the_shape_of_its_state() -> None:
    x = mg.tensor(START)
    with pytest.raises(Refusal, match="cannot change shapes"):
        capture(lambda: x.squeeze_(), state=[x])
    assert x.shape == START.shape


def test_a_captured_step_changes_shapes_of_its_own_tensors() -> None:
    program, _ = capture(lambda x: (x * 2).squeeze_().t_(), mg.tensor(START))
    (found,) = [program.run(mg.tensor(START + 1))]
    np.testing.assert_array_equal(found.numpy(), 2 * (START + 1)[:, 0].T)
