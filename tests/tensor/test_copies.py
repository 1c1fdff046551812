"""Copies and pickles of tensors."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.tensor.dtypes import check, f8

KEPT = {
    "tensor": lambda: mg.tensor([[1.0, 2.0], [3.0, 4.0]]),
    "leaf": lambda: mg.tensor([1.0, 2.0], dtype=f8, requires_grad=True),
    "integers": lambda: mg.arange(3),
    "0-d": lambda: mg.tensor(2.5),
    "empty": lambda: mg.zeros(0, 3),
    "view": lambda: mg.arange(6).reshape(2, 3).T[1:],
    "Parameter": lambda: nn.Parameter(mg.ones(2)),
    "frozen Parameter": lambda: nn.Parameter(mg.ones(2), requires_grad=False),
    "Buffer": lambda: nn.Buffer(mg.zeros(3)),
}

COPIES = {
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": lambda t, n=n: pickle.loads(pickle.dumps(t, n)) for n in range(2, pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("what", KEPT)
def test_deep_copies_and_pickles(what, how):
    t = KEPT[what]()
    copied = COPIES[how](t)
    assert type(copied) is type(t)
    check(copied, t.numpy(), t.dtype)
    assert (copied.requires_grad, copied.is_leaf, copied.grad) == (t.requires_grad, True, None)
    assert not np.shares_memory(copied.array, t.array)
    with mg.no_grad():
        copied += 1
    np.testing.assert_array_equal(copied.numpy(), t.numpy() + 1)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("how", COPIES)
def test_copies_keep_the_gradient(how, create_graph):
    p = nn.Parameter(mg.tensor([0.0, 2.0, 3.0]))
    (p * p * p).sum().backward(create_graph=create_graph)
    copied = COPIES[how](p)
    assert copied.grad.tolist() == [0.0, 12.0, 27.0]
    assert not copied.grad.requires_grad
    assert not np.shares_memory(copied.grad.array, p.grad.array)
    (copied * 2).sum().backward()
    assert (copied.grad.tolist(), p.grad.tolist()) == ([2.0, 14.0, 29.0], [0.0, 12.0, 27.0])


@pytest.mark.parametrize("how", COPIES)
def test_copies_keep_what_is_shared(how):
    shared = mg.ones(2)
    copied = COPIES[how]([shared, {"again": shared}])
    assert copied[0] is copied[1]["again"]


@pytest.mark.parametrize("how", COPIES)
def test_modules_are_copied_with_their_gradients(how):
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    x = mg.randn(4, 2)
    (net(x) ** 2).sum().backward()
    copied = COPIES[how](net)
    for (name, p), (other, q) in zip(net.named_parameters(), copied.named_parameters(), strict=True):
        assert name == other
        np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy())
    np.testing.assert_array_equal(copied.eval()(x).numpy(), net.eval()(x).numpy())


@pytest.mark.parametrize("how", COPIES)
def test_a_computed_tensor_is_not_copied_with_its_graph(how):
    y = mg.tensor([1.0], requires_grad=True) * 2
    with pytest.raises(RuntimeError, match=r"with its graph: .*x\.detach\(\)"):
        COPIES[how](y)
    assert COPIES[how](y.detach()).tolist() == [2.0]


def test_a_shallow_copy_shares_the_memory_but_not_the_gradient():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    (x * 3).sum().backward()
    other = copy.copy(x)
    assert other is not x
    assert other.requires_grad
    assert other.grad is None
    assert np.shares_memory(other.array, x.array)
    (other * 2).sum().backward()
    assert (x.grad.tolist(), other.grad.tolist()) == ([3.0, 3.0], [2.0, 2.0])


def test_clone_is_a_copy_gradients_flow_through():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x.clone()
    assert not np.shares_memory(x.array, y.array)
    (y * y).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
