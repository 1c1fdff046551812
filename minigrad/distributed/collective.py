"""Exchanges of tensors in place, and which rank this is."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import a_type
from ..engine.node import describe
from ..groups.default import default_group
from ..groups.group import Group, ReduceOp
from ..ops.exchange import all_reduce as sum_over_ranks
from ..ops.exchange import group_of
from ..tensor.tensor import Tensor


def is_initialized() -> bool:
    """Whether there is a default group.

    >>> mg.distributed.is_initialized()
    False
    """
    return default_group() is not None


def get_rank(group: Group | None = None) -> int:
    """The number of this rank in a group, from 0; -1 if it does not belong to it.

    Other than in PyTorch it is 0 where there is no default group: a program for several ranks runs as one, too.

    >>> mg.distributed.ThreadGroup.run(3, lambda _: mg.distributed.get_rank())
    [0, 1, 2]
    """
    return group.rank() if isinstance(group, Group) else group_of("get_rank", group).rank()


def get_world_size(group: Group | None = None) -> int:
    """How many ranks a group has; 1 where there is no default group, -1 if this rank does not belong to it.

    >>> mg.distributed.get_world_size()
    1
    """
    return group.size() if isinstance(group, Group) else group_of("get_world_size", group).size()


def barrier(group: Group | None = None) -> None:
    """Wait until all ranks of a group are here.

    Args:
        group: the ranks, the default group unless given.

    >>> def rank(group):
    ...     if group.rank() == 0:
    ...         np.save("prepared.npy", np.arange(3))
    ...     mg.distributed.barrier()  # nobody reads before it is written
    ...     return np.load("prepared.npy").sum().item()
    >>> mg.distributed.ThreadGroup.run(2, rank)
    [3, 3]
    """
    group_of("barrier", group).barrier()


def new_group(ranks: Sequence[int] | None = None) -> Group:
    """The group of some ranks of the default group, numbered anew in their order; all unless given.

    All ranks must call it. Those that do not belong to it get a group of which their rank is -1.

    >>> mg.distributed.ThreadGroup.run(3, lambda _: mg.distributed.new_group([0, 2]).rank())
    [0, -1, 1]
    """
    world = group_of("new_group")
    return world.subgroup(range(world.size()) if ranks is None else sorted(ranks))


def all_reduce(tensor: Tensor, op: str = ReduceOp.SUM, group: Group | None = None, async_op: bool = False) -> None:
    """Replace a tensor by the sum of those of all ranks, in place, as PyTorch's function does.

    ``distributed.nn.functional.all_reduce`` returns the sum as a new tensor. Of a tensor in a graph the derivative is
    recorded, which PyTorch loses.

    Args:
        tensor: of one shape and dtype on all ranks.
        op: ``ReduceOp.SUM``, ``AVG``, ``MAX``, ``MIN`` or ``PRODUCT``.
        group: the ranks, the default group unless given.
        async_op: False: the sum is there when the call returns.

    >>> def rank(group):
    ...     x = mg.tensor([1.0, group.rank()])
    ...     mg.distributed.all_reduce(x)
    ...     return x.tolist()
    >>> mg.distributed.ThreadGroup.run(2, rank)
    [[2.0, 1.0], [2.0, 1.0]]
    """
    one_tensor("all_reduce", tensor, async_op)._in_place(sum_over_ranks, op, group)


def all_gather(tensor_list: list[Tensor], tensor: Tensor, group: Group | None = None, async_op: bool = False) -> None:
    """Fill a list of tensors with those of all ranks, in their order.

    ``distributed.nn.functional.all_gather`` returns them as new tensors, and has a derivative.

    Args:
        tensor_list: a tensor for each rank, of the shape and dtype of ``tensor``.
        tensor: of one shape and dtype on all ranks.
        group: the ranks, the default group unless given.
        async_op: False: the values are there when the call returns.

    >>> def rank(group):
    ...     found = [mg.zeros(1) for _ in range(group.size())]
    ...     mg.distributed.all_gather(found, mg.tensor([1.0 + group.rank()]))
    ...     return [x.item() for x in found]
    >>> mg.distributed.ThreadGroup.run(2, rank)
    [[1.0, 2.0], [1.0, 2.0]]
    """
    group = group_of("all_gather", group)
    array = one_tensor("all_gather", tensor, async_op).detach().numpy()
    fill(one_for_each("all_gather", tensor_list, tensor, group), group.gather(array))


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Group | None = None, async_op: bool = False
) -> None:
    """Fill a tensor with those of all ranks: along its first axis, or along a first axis of its own.

    Args:
        output_tensor: of shape ``(size * n, ...)`` or ``(size, n, ...)`` for tensors ``(n, ...)`` of the ranks.
        input_tensor, group, async_op: as of ``all_gather``.

    >>> def rank(group):
    ...     found = mg.zeros(2)
    ...     mg.distributed.all_gather_into_tensor(found, mg.tensor([1.0 + group.rank()]))
    ...     return found.tolist()
    >>> mg.distributed.ThreadGroup.run(2, rank)
    [[1.0, 2.0], [1.0, 2.0]]
    """
    group = group_of("all_gather_into_tensor", group)
    array = one_tensor("all_gather_into_tensor", input_tensor, async_op).detach().numpy()
    stacked = (group.size(), *array.shape)
    joined = (group.size() * array.shape[0], *array.shape[1:]) if array.ndim else stacked
    if one_tensor("all_gather_into_tensor", output_tensor, False).shape not in (stacked, joined):
        raise ValueError(
            f"all_gather_into_tensor: output_tensor must be {joined} or {stacked}, got {describe(output_tensor)}."
        )
    output_tensor.copy_(Tensor(group.gather(array).reshape(output_tensor.shape)))


def reduce(
    tensor: Tensor, dst: int = 0, op: str = ReduceOp.SUM, group: Group | None = None, async_op: bool = False
) -> None:
    """Replace the tensor of one rank by the sum of those of all ranks, in place; the others keep theirs.

    Args:
        tensor, op, group, async_op: as of ``all_reduce``.
        dst: the rank in the group that gets the sum; in PyTorch that in the default group.

    >>> def rank(group):
    ...     x = mg.tensor(1.0 + group.rank())
    ...     mg.distributed.reduce(x, dst=0)
    ...     return x.item()
    >>> mg.distributed.ThreadGroup.run(2, rank)
    [3.0, 2.0]
    """
    group = group_of("reduce", group)
    summed = sum_over_ranks(one_tensor("reduce", tensor, async_op).detach(), op, group)
    if group.rank() == one_rank("reduce", "dst", dst, group):
        tensor.copy_(summed)


def gather(
    tensor: Tensor, gather_list: list[Tensor] | None = None, dst: int = 0, group: Group | None = None,
    async_op: bool = False,
) -> None:  # fmt: skip
    """Fill a list of tensors of one rank with those of all ranks, in their order.

    Args:
        tensor, group, async_op: as of ``all_gather``.
        gather_list: on rank ``dst`` a tensor for each rank, None on the others.
        dst: the rank in the group that gets them.

    >>> def rank(group):
    ...     found = [mg.zeros(1), mg.zeros(1)] if group.rank() == 0 else None
    ...     mg.distributed.gather(mg.tensor([1.0 + group.rank()]), found)
    ...     return found
    >>> mg.distributed.ThreadGroup.run(2, rank)
    [[tensor([1.]), tensor([2.])], None]
    """
    group = group_of("gather", group)
    array = one_tensor("gather", tensor, async_op).detach().numpy()
    places = ends_here("gather", "gather_list", gather_list, tensor, one_rank("gather", "dst", dst, group), group)
    parts = group.gather(array)
    if places is not None:
        fill(places, parts)


def scatter(
    tensor: Tensor, scatter_list: list[Tensor] | None = None, src: int = 0, group: Group | None = None,
    async_op: bool = False,
) -> None:  # fmt: skip
    """Replace the tensor of each rank by its part of a list that one rank has, in place.

    Args:
        tensor: of one shape and dtype on all ranks.
        scatter_list: on rank ``src`` a tensor for each rank, None on the others.
        src: the rank in the group that has the list.
        group, async_op: as of ``all_gather``.

    >>> def rank(group):
    ...     x = mg.zeros(1)
    ...     mg.distributed.scatter(x, [mg.tensor([1.0]), mg.tensor([2.0])] if group.rank() == 0 else None)
    ...     return x.item()
    >>> mg.distributed.ThreadGroup.run(2, rank)
    [1.0, 2.0]
    """
    group = group_of("scatter", group)
    array = one_tensor("scatter", tensor, async_op).detach().numpy()
    parts = np.zeros((group.size(), *array.shape), array.dtype)
    given = ends_here("scatter", "scatter_list", scatter_list, tensor, one_rank("scatter", "src", src, group), group)
    for part, own in zip(parts, given or ()):
        part[...] = own.detach().numpy()
    tensor.copy_(Tensor(group.broadcast(parts, src)[group.rank()]))


def broadcast(tensor: Tensor, src: int = 0, group: Group | None = None, async_op: bool = False) -> None:
    """Replace a tensor by that of one rank, in place.

    Args:
        tensor: of one shape and dtype on all ranks; it must not require grad, except under ``no_grad``.
        src: the rank in the group whose tensor it is; in PyTorch that in the default group.
        group: the ranks, the default group unless given.
        async_op: False: the values are there when the call returns.

    >>> def rank(group):
    ...     x = mg.full((2,), float(group.rank()))
    ...     mg.distributed.broadcast(x, src=1)
    ...     return x.tolist()
    >>> mg.distributed.ThreadGroup.run(2, rank)
    [[1.0, 1.0], [1.0, 1.0]]
    """
    group = group_of("broadcast", group)
    array = one_tensor("broadcast", tensor, async_op).detach().numpy()
    tensor.copy_(Tensor(group.broadcast(array, one_rank("broadcast", "src", src, group))))


def one_tensor(operation: str, tensor: Any, async_op: bool) -> Tensor:
    """The tensor, if it is one, and if nothing is to go on in the background."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{operation}: expected a tensor, got {a_type(tensor)}.")
    if async_op:
        raise NotImplementedError(f"{operation}: async_op=True is not supported: the call waits for all ranks.")
    return tensor


def one_rank(operation: str, name: str, rank: Any, group: Group) -> int:
    """A rank of a group, refused if it is none."""
    if isinstance(rank, bool) or not hasattr(rank, "__index__") or not 0 <= operator.index(rank) < group.size():
        raise ValueError(f"{operation}: {name} must be a rank of the group, 0 to {group.size() - 1}, got {rank!r}.")
    return operator.index(rank)


def one_for_each(operation: str, tensors: Any, tensor: Tensor, group: Group) -> list[Tensor]:
    """A list of a tensor for each rank, refused unless all are like ``tensor``."""
    alike = isinstance(tensors, (list, tuple)) and all(
        isinstance(other, Tensor) and other.shape == tensor.shape and other.dtype == tensor.dtype for other in tensors
    )
    if not alike or len(tensors) != group.size():
        given = f"[{', '.join(map(describe, tensors))}]" if isinstance(tensors, (list, tuple)) else a_type(tensors)
        raise ValueError(
            f"{operation}: expected a list of {group.size()} tensors {describe(tensor)}, one for each rank, got "
            f"{given}."
        )
    return list(tensors)


def ends_here(operation: str, name: str, tensors: Any, tensor: Tensor, rank: int, group: Group) -> list[Tensor] | None:
    """The list of the one rank that has it; None, as must be given, on the others."""
    if group.rank() == rank:
        return one_for_each(operation, tensors, tensor, group)
    if tensors:
        raise ValueError(f"{operation}: {name} is for rank {rank} alone: leave it out on rank {group.rank()}.")
    return None


def fill(tensors: list[Tensor], arrays: ndarray) -> None:
    """Overwrite tensors."""
    for tensor, array in zip(tensors, arrays):
        tensor.copy_(Tensor(array))
