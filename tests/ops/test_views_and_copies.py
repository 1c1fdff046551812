"""Which results look at the memory of their operand, as in PyTorch, and which are copies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

VIEWS: dict[str, Callable[[mg.Tensor], Any]] = {
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(1, 1),
    "diagonal": lambda x: x.diagonal(1),
    "linalg.diagonal": lambda x: mg.linalg.diagonal(x),
    "unbind": lambda x: x.unbind(1)[2],
    "split": lambda x: x.split(2, 1)[1],
    "split sections": lambda x: x.split([1, 2], 1)[1],
    "tensor_split": lambda x: x.tensor_split(2, 1)[0],
    "hsplit": lambda x: x.hsplit(3)[1],
    "vsplit": lambda x: x.vsplit(2)[1],
    "chunk": lambda x: x.chunk(2)[1],
    "unsqueeze": lambda x: x.unsqueeze(1),
    "squeeze": lambda x: x[:1].squeeze(0),
    "movedim": lambda x: x.movedim(0, 1),
    "swapdims": lambda x: x.swapdims(0, 1),
    "t": lambda x: x.t(),
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "view": lambda x: x.view(3, 2),
    "view of a part": lambda x: x[:, :2].view(2, 1, 2),
    "view as another dtype": lambda x: x.view(mg.int32),
    "view as its own dtype": lambda x: x.view(x.dtype),
    "view_as": lambda x: x.view_as(mg.zeros(6)),
    "reshape_as": lambda x: x.reshape_as(mg.zeros(6)),
    "unflatten": lambda x: x.unflatten(1, (1, 3)),
    "ravel": lambda x: x.ravel(),
    "atleast_3d": lambda x: mg.atleast_3d(x),
    "detach": lambda x: mg.detach(x),
    "contiguous": lambda x: x.contiguous(),
    "expand": lambda x: x.expand(2, 2, 3),
    "expand_as": lambda x: x.expand_as(mg.zeros(2, 2, 3)),
    "broadcast_to": lambda x: x.broadcast_to((2, 2, 3)),
    "broadcast_tensors": lambda x: mg.broadcast_tensors(x, mg.zeros(2, 1, 1))[0],
    "unfold": lambda x: x.unfold(1, 2, 1),
}

COPIES: dict[str, Callable[[mg.Tensor], Any]] = {
    "contiguous": lambda x: x.T.contiguous(),
    "diag": lambda x: x.diag(),
    "flip": lambda x: x.flip(()),
    "fliplr": lambda x: x.fliplr(),
    "roll": lambda x: x.roll(0),
    "rot90": lambda x: x.rot90(0),
    "repeat": lambda x: x.repeat(1, 1),
    "tile": lambda x: x.tile(1),
    "repeat_interleave": lambda x: x.repeat_interleave(1, 0),
    "tril": lambda x: x.tril(5),
    "gather": lambda x: x.gather(1, [[0, 1, 2]]),
    "index_select": lambda x: x.index_select(0, [0, 1]),
    "take": lambda x: x.take([0, 1]),
    "masked_select": lambda x: x.masked_select(x > -1),
    "an index list": lambda x: x[[0, 1]],
    "scatter": lambda x: x.scatter(1, [[0]], 5),
    "index_put": lambda x: x.index_put(([0],), 5.0),
    "masked_fill": lambda x: x.masked_fill(x > 9, 5),
    "cat": lambda x: mg.cat([x]),
    "hstack": lambda x: mg.hstack([x]),
}

READ_ONLY = {"expand", "expand_as", "broadcast_to", "broadcast_tensors", "unfold"}


def matrix() -> mg.Tensor:
    return mg.arange(6.0).reshape(2, 3).clone()


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_shares_memory_and_the_engine_knows(name: str) -> None:
    x = matrix()
    y = VIEWS[name](x)
    assert np.shares_memory(x.numpy(), y.numpy())
    assert y.memory is x.memory


@pytest.mark.parametrize("name", sorted(set(VIEWS) - READ_ONLY - {"view as another dtype"}))
def test_what_is_written_to_a_view_is_written_to_the_tensor(name: str) -> None:
    x = matrix()
    w = mg.full((2, 3), 2.0, requires_grad=True)
    loss = (x * w).sum()
    VIEWS[name](x).fill_(7)
    assert 7 in x.ravel().tolist()
    with pytest.raises(RuntimeError, match=r"mul: operand 0.*was changed in place"):
        loss.backward()


@pytest.mark.parametrize("name", sorted(READ_ONLY))
def test_a_view_that_names_elements_several_times_cannot_be_written_to(name: str) -> None:
    x = matrix()
    with pytest.raises(RuntimeError, match=r"read-only.*x\.clone\(\)"):
        VIEWS[name](x).fill_(7)
    assert x.tolist() == matrix().tolist()


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_shares_nothing(name: str) -> None:
    x = matrix()
    y = COPIES[name](x)
    assert not np.shares_memory(x.numpy(), y.numpy())
    assert y.memory is not x.memory
    y.fill_(7)
    assert x.tolist() == matrix().tolist()


def test_contiguous_is_the_tensor_itself_where_it_can_be() -> None:
    x = matrix()
    assert x.contiguous() is x
    assert x.T.contiguous().numpy().flags.c_contiguous


def test_bits_read_as_another_dtype() -> None:
    x = mg.tensor([1.0, -2.0], requires_grad=True)
    bits = x.view(mg.int32)
    assert bits.tolist() == [0x3F800000, -0x40000000]
    assert not bits.requires_grad
    assert x.detach().view(mg.uint8).shape == (8,)
    (dx,) = mg.grad(x.view(mg.float32).sum(), x)
    assert dx.tolist() == [1, 1]


def test_an_index_changed_before_backward_is_noticed() -> None:
    x, index = mg.ones(1, 3, requires_grad=True), mg.tensor([[0, 0]])
    y = x.gather(1, index)
    index.fill_(2)
    with pytest.raises(RuntimeError, match=r"gather: operand 1.*changed in place"):
        y.sum().backward()


def test_an_index_of_the_caller_is_kept_as_it_was() -> None:
    for call in (
        lambda x, index: x.gather(0, index),
        lambda x, index: x.index_select(0, index),
        lambda x, index: x.take(index),
        lambda x, index: x.index_copy(0, index, x[:2] * 2),
        lambda x, index: x.scatter_add(0, index, x[:2]),
    ):
        found = []
        for change in (False, True):
            x, index = mg.tensor([1.0, 2.0, 3.0], requires_grad=True), np.array([0, 0])
            y = call(x, index)
            index[:] = 2 if change else 0
            y.sum().backward()
            assert x.grad is not None
            found.append(x.grad.tolist())
        assert found[0] == found[1]
