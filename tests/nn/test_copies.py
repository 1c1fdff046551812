"""Copies and pickles of modules."""

import copy
import pickle

import numpy as np
import pytest

from minigrad import nn
from tests.nn.nets import Net, assert_values, train_a_little, values_of


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])
@pytest.mark.parametrize("with_gradients", [False, True])
def test_copies_are_equal_and_independent(x, duplicate, with_gradients):
    model = Net()
    model.net.eval()
    model.stem.weight.requires_grad_(False)
    if with_gradients:
        model(x).sum().backward()
    twin = duplicate(model)
    assert repr(twin) == repr(model)
    assert [m.training for m in twin.modules()] == [m.training for m in model.modules()]
    assert [(n, p.requires_grad) for n, p in twin.named_parameters()] == [
        (n, p.requires_grad) for n, p in model.named_parameters()
    ]
    assert [type(b) for b in twin.buffers()] == [nn.Buffer] * len(list(model.buffers()))
    for mine, its in zip(model.parameters(), twin.parameters()):
        assert (mine.grad is None) == (its.grad is None)
        if mine.grad is not None:
            np.testing.assert_array_equal(mine.grad.numpy(), its.grad.numpy())
    before = values_of(model)
    assert_values(twin, before)
    train_a_little(twin, x)
    assert_values(model, before)
    assert not np.array_equal(twin.net[0].weight.numpy(), before["net.0.weight"])
