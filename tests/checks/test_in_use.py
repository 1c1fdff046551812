"""What people run into with gradient checks: tiny gradients, kinks, inputs of every kind, checks that check nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from tests.helpers.inputs import leaf


def half_as_steep(x: Any) -> Any:
    """Has the value x, and half its gradient."""
    return x.detach() + (x - x.detach()) * 0.5


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e-9, 1e-12, 1e-30, 1e-100])
def test_a_wrong_gradient_is_found_however_small_it_is(scale):
    """Below 1e-15, the absolute tolerance, the user has to ask for it."""
    x = leaf(np.random.default_rng(0).standard_normal(4))
    tolerance = {} if scale > 1e-13 else {"atol": 0.0}
    assert mg.gradcheck(lambda x: x * x * scale, x, **tolerance)
    with pytest.raises(mg.GradcheckError, match=r"derivative times 0\.5"):
        mg.gradcheck(lambda x: half_as_steep(x * x) * scale, x, **tolerance)


KINKS: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "relu at 0": (mg.relu, [0.0, 1.0, -1.0]),
    "relu at a subnormal number": (mg.relu, [1e-310, 1.0, -2.0]),
    "clamp at its bound": (lambda x: mg.clamp(x, 0, 1), [1.0, 0.5, 3.0]),
}


@pytest.mark.parametrize("name", KINKS)
def test_a_kink_is_called_a_kink_not_a_wrong_derivative(name):
    function, x = KINKS[name]
    with pytest.raises(mg.GradcheckError, match=r"worst at index \(0,\)(.|\n)*kink"):
        mg.gradcheck(function, leaf(x))


VACUOUS: dict[str, tuple[Callable[[Any], Any], Callable[[], Any]]] = {
    "no input requires grad": (lambda x: x * 2, lambda: mg.randn(3)),
    "integers": (lambda x: x * 2, lambda: mg.arange(3)),
    "an array": (lambda x: x * 2, lambda: np.ones(3)),
    "a detached output": (lambda x: x.detach() * 2, lambda: leaf([1.0])),
    "nothing returned": (lambda x: None, lambda: leaf([1.0])),
    "no outputs": (lambda x: (), lambda: leaf([1.0])),
    "a number returned": (lambda x: x.sum().item(), lambda: leaf([1.0])),
    "an array returned": (lambda x: x.detach().numpy(), lambda: leaf([1.0])),
    "no elements": (lambda x: x * 2, lambda: leaf(np.zeros(0))),
}


@pytest.mark.parametrize("name", VACUOUS)
def test_a_check_of_nothing_is_refused(name):
    function, make = VACUOUS[name]
    with pytest.raises((ValueError, TypeError, mg.GradcheckError)):
        mg.gradcheck(function, make())


DRAWS: dict[str, Callable[[], float]] = {
    "NumPy's global state": lambda: float(np.random.rand()),
    "Python's global state": random.random,
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_draw_from_a_foreign_random_state_is_called_non_deterministic(name):
    with pytest.raises(mg.GradcheckError, match="non-deterministic"):
        mg.gradcheck(lambda x: x * (DRAWS[name]() + 1), leaf(np.ones(6)))


def test_dropout_in_a_module_is_checked_with_one_mask():
    mg.manual_seed(0)
    assert mg.gradcheck(nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.5)), mg.randn(2, 6))


INPUTS: dict[str, tuple[Callable[..., Any], Callable[[], Any]]] = {
    "one tensor twice": (lambda a, b: a * b, lambda: [leaf([0.5, -1.5])] * 2),
    "an expanded one": (lambda x: x * x, lambda: mg.ones(3, 1).expand(3, 4).requires_grad_()),
    "a number beside it": (lambda x, k: x * k, lambda: [leaf([0.5, -1.5]), 3.0]),
    "float16, two outputs": (lambda x: (x.exp(), x.sum()), lambda: leaf([0.5, -1.5], np.float16)),
    "an outer product with itself": (lambda x: x.reshape(3, 1) @ x.reshape(1, 3), lambda: leaf([0.5, -1.5, 2])),
}


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_of_every_kind_are_checked_and_left_alone(name):
    function, make = INPUTS[name]
    inputs = make()
    tensors = [x for x in (inputs if isinstance(inputs, list) else [inputs]) if isinstance(x, mg.Tensor)]
    before = [(x.tolist(), x.dtype, x.requires_grad) for x in tensors]
    with mg.no_grad():
        assert mg.gradcheck(function, inputs)
    assert [(x.tolist(), x.dtype, x.requires_grad) for x in tensors] == before
    assert all(x.grad is None for x in tensors)


class Summed(nn.Module):
    """Its gradient by the input and by the weight is exactly 0."""

    def __init__(self):
        self.bn = nn.BatchNorm1d(3)

    def forward(self, x):
        return self.bn(x).sum()


def test_a_gradient_that_is_exactly_zero_passes_far_from_zero_too():
    x = leaf(np.random.default_rng(0).standard_normal((5, 3)) * 100 + 1000, np.float32)
    model = Summed()
    assert mg.gradcheck(model, x) and mg.gradcheck(nn.BatchNorm1d(3), x)
    assert mg.gradcheck(lambda x: F.batch_norm(x, None, None, training=True).sum(), x)
    assert model.bn.num_batches_tracked.item() == 0 and model.bn.running_mean.tolist() == [0, 0, 0]
