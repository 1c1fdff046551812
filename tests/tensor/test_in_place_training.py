"""In-place updates in training loops."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.tensor.changes import START, leaf


def test_a_parameter_is_updated_in_place_under_no_grad():
    p = nn.Parameter(START.copy())
    array, other_name = p.array, p
    (p * p).sum().backward()
    with mg.no_grad():
        p -= 0.1 * p.grad
    assert other_name is p
    assert p.array is array
    assert p.is_leaf
    assert p.requires_grad
    np.testing.assert_allclose(p.numpy(), START - 0.1 * 2 * START)


def test_an_update_between_forward_and_backward_is_refused():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    x = mg.ones(5, 3)
    net(x).sum().backward()
    late = net(x).sum()
    optimizer.step()
    with pytest.raises(
        RuntimeError, match=r"linear in 2 \(Linear\): operand 1, \(2, 4\) float32, was changed in place"
    ):
        late.backward()


def test_running_sums_do_not_hold_the_graph():
    x, total = leaf(), mg.zeros(())
    for _ in range(3):
        total += (x * x).sum().item()
    assert not total.requires_grad
    assert total.item() == pytest.approx(3 * np.sum(START**2))
