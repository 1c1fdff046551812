"""Snapshots of models: what a call, a training step or a user's code changes is put back."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.nn.snapshot import Snapshot


class Net(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(3, 4)
        self.bn = nn.BatchNorm1d(4)
        self.drop = nn.Dropout()
        self.steps = 0

    def forward(self, x):
        self.steps += 1
        self.last = self.drop(self.bn(self.fc(x)))
        return self.last


def trained_once():
    """A net with gradients, running statistics and an attribute that forward sets; its optimiser, and a batch."""
    mg.manual_seed(0)
    net, x = Net(), mg.randn(8, 3)
    optimizer = optim.Adam(net.parameters(), lr=0.1)
    F.cross_entropy(net(x), mg.tensor([0, 1, 2, 3] * 2)).backward()
    optimizer.step()
    return net, optimizer, x


def state(net):
    """All that can be seen of a net, in plain values, and the random state."""
    tensors = [*net.parameters(), *net.buffers()]
    attributes = {name: dict(vars(module)) for name, module in net.named_modules()}
    values = [(t.numpy().copy(), None if t.grad is None else t.grad.numpy().copy()) for t in tensors]
    places = [(id(t.array), id(t.memory), t.memory.changed, id(t.node), id(t.grad)) for t in tensors]
    return attributes, values, places, mg.get_rng_state()


def assert_same(net, before):
    attributes, values, places, random = state(net)
    for name, kept in before[0].items():
        assert list(attributes[name]) == list(kept), name
        assert all(attributes[name][key] is value for key, value in kept.items()), name
    for pair, kept in zip(values, before[1]):
        for array, old in zip(pair, kept):
            assert (array is None) is (old is None)
            assert array is None or np.array_equal(array, old)
    assert (places, random) == before[2:]


CHANGES = {
    "a call": lambda net, optimizer, x: net(x),
    "a backward pass": lambda net, optimizer, x: net(x).sum().backward(),
    "gradients set to zero": lambda net, optimizer, x: optimizer.zero_grad(set_to_none=False),
    "a training step": lambda net, optimizer, x: (net(x).sum().backward(), optimizer.step()),
    "another dtype": lambda net, optimizer, x: net.double(),
    "modes": lambda net, optimizer, x: net.eval(),
    "frozen": lambda net, optimizer, x: net.requires_grad_(False),
    "attributes": lambda net, optimizer, x: (delattr(net, "steps"), setattr(net, "other", nn.ReLU())),
    "a buffer replaced": lambda net, optimizer, x: setattr(net.bn, "running_mean", mg.ones(4)),
    "values loaded": lambda net, optimizer, x: net.load_state_dict(Net().state_dict()),
    "random numbers": lambda net, optimizer, x: mg.randn(3),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_is_put_back_as_often_as_asked(change):
    net, optimizer, x = trained_once()
    before = state(net)
    snapshot = Snapshot.of(net)
    for _ in range(2):
        CHANGES[change](net, optimizer, x)
        snapshot.restore()
        assert_same(net, before)


def test_the_end_of_a_block_restores_also_after_an_error():
    net, _, x = trained_once()
    before = state(net)
    with pytest.raises(ZeroDivisionError), Snapshot.of(net):
        1 / (net(x).ndim - 2)
    assert_same(net, before)


def test_modes_alone_leave_what_else_has_changed():
    net, _, x = trained_once()
    net.drop.eval()
    with Snapshot(modes=net.modules()):
        net.eval()
        net(x)
    assert (net.steps, net.training, net.bn.training, net.drop.training) == (2, True, True, False)
