"""Optimisers in common programs."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


def parameter(*values: float) -> nn.Parameter:
    return nn.Parameter(mg.tensor(np.array(values)))


def step_with(optimizer: optim.Optimizer, p: nn.Parameter, *gradient: float) -> None:
    p.grad = mg.tensor(np.array(gradient))
    optimizer.step()


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_adams_first_step_is_the_learning_rate_whatever_the_size_of_the_gradient(scale):
    p = parameter(0.0, 0.0, 5.0)
    step_with(optim.Adam([p], lr=0.01), p, scale, -scale, 0.0)
    expected = 0.01 * scale / (scale + 1e-8)
    np.testing.assert_allclose(p.numpy(), [-expected, expected, 5.0], rtol=1e-12)


def test_a_gradient_of_zero_is_a_step_along_the_averages():
    """It is not the same as no gradient: the averages go on to decay, and move the parameter on."""
    p, m, v, x = parameter(0.0), 0.0, 0.0, 0.0
    optimizer = optim.Adam([p], lr=0.1)
    for t, g in enumerate((1.0, 0.0, 0.0, 0.0), 1):
        step_with(optimizer, p, g)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        x -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(p.numpy(), [x], rtol=1e-13)
    q = parameter(0.0)
    optimizer = optim.SGD([q], lr=0.1, momentum=0.5)
    for g in (1.0, 0.0, 0.0):
        step_with(optimizer, q, g)
    np.testing.assert_allclose(q.numpy(), [-0.1 * (1 + 0.5 + 0.25)], rtol=1e-15)


def test_loading_keeps_the_group_that_a_schedule_has_hold_of():
    p = parameter(1.0)
    optimizer = optim.SGD([p], lr=0.1)
    groups, group = optimizer.param_groups, optimizer.param_groups[0]
    optimizer.load_state_dict(optimizer.state_dict())
    group["lr"] = 0.5
    step_with(optimizer, p, 1.0)
    assert optimizer.param_groups is groups and optimizer.param_groups[0] is group
    assert p.tolist() == [0.5]


def test_a_state_may_be_loaded_before_a_step_and_between_backward_and_step():
    """Also of a model with layers that have no parameters."""
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 1))
    first = optim.Adam(net.parameters(), lr=0.1)
    first.load_state_dict(first.state_dict())
    (net(mg.ones(3, 2)) ** 2).sum().backward()
    first.step()
    second = optim.Adam(net.parameters(), lr=0.5)
    second.load_state_dict(first.state_dict())
    second.step()
    assert second.param_groups[0]["lr"] == 0.1
    assert {key: entry["step"] for key, entry in second.state_dict()["state"].items()} == dict.fromkeys(range(4), 2)
