"""Exchanges of tensors in place, and which rank this is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..engine.arguments import a_type
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
        op: ``ReduceOp.SUM``, or ``ReduceOp.AVG`` for the sum divided by the number of ranks.
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
    if isinstance(src, bool) or not isinstance(src, int) or not 0 <= src < group.size():
        raise ValueError(f"broadcast: src must be a rank of the group, 0 to {group.size() - 1}, got {src!r}.")
    tensor.copy_(Tensor(group.broadcast(array, src)))


def one_tensor(operation: str, tensor: Any, async_op: bool) -> Tensor:
    """The tensor, if it is one, and if nothing is to go on in the background."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{operation}: expected a tensor, got {a_type(tensor)}.")
    if async_op:
        raise NotImplementedError(f"{operation}: async_op=True is not supported: the call waits for all ranks.")
    return tensor
