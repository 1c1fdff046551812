"""Sums over the ranks of a group, differentiable to any order.

What is differentiated is the sum over all ranks of what each computes. The values of all ranks in one vector,
``all_reduce`` is a symmetric matrix of ones: its own derivative. What all ranks compute alike would count as often as
there are ranks; the pair ``copied`` and ``total``, each the other's derivative, tells one value that all hold from a
value on each rank, and ``all_reduce(x) = copied(total(x))``.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

from ..engine.faces import public
from ..engine.host import writer_here
from ..engine.node import Node, describe
from ..engine.op import Op
from ..engine.scope import call_path
from ..engine.shown import Shown
from ..engine.walk import walk
from ..groups.default import default_group
from ..groups.group import Alone, Group, ReduceOp
from .indexing import getitem
from .prod import prod
from .reductions import amax, amin
from .shapes import astype
from .splitting import unbind

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

ALONE = Alone()
OF_GATHERED = {ReduceOp.MAX: amax, ReduceOp.MIN: amin, ReduceOp.PRODUCT: prod}
OPS = (ReduceOp.SUM, ReduceOp.AVG, *OF_GATHERED)


def place_here() -> str:
    """`` in net.2 (BatchNorm1d)`` in a module's call, or where a walk back differentiates it, else nothing.

    The walk tells no rule which node it is at, which each node of each backward would pay for; an error may ask its
    frame.
    """
    inside = call_path()
    frame: FrameType | None = sys._getframe(1)
    while not inside and frame is not None:
        node = frame.f_locals["node"] if frame.f_code is walk.__code__ else None
        inside = f" in {node.scope}" if node is not None and node.scope else ""
        frame = frame.f_back
    return inside


Group.place = staticmethod(place_here)


def checked_group(operation: str, group: Any) -> Group:
    """The group, refused if it is none, if this rank is outside, or in a step that is being captured."""
    if not isinstance(group, Group):
        raise TypeError(f"{operation}{call_path()}: group must be one of minigrad.distributed, got {describe(group)}.")
    if group.size() < 0:
        raise ValueError(f"{operation}{call_path()}: this rank does not belong to the group, so it must not call this.")
    if group.size() > 1 and writer_here() is not None:
        raise NotImplementedError(
            f"{operation}{call_path()}: a step that exchanges arrays with other ranks cannot be captured: run it "
            "without compile."
        )
    return group


def group_of(operation: str, group: Any = None) -> Group:
    """The group that is meant: the default group unless one is given, or one rank alone if there is none."""
    group = default_group() if group is None else group
    return ALONE if group is None else checked_group(operation, group)


def over_ranks(node: Node) -> Shown:
    """How many there are, in a picture."""
    group, *count = node.attributes
    lines = [*(f"of {number:g} losses" for number in count), f"over {group.size()} {group.ranks_are}"]
    return Shown(lines=lines, described=("group", "count"))


all_reduce_op: Op = Op(
    "all_reduce",
    lambda input, group: group.sum(input),
    lambda dy, _y, _input, group: all_reduce_op(dy, group),
    widens=True,
    shows=over_ranks,
    doc="``sum of input over all ranks``, on each of them",
)

total_op: Op = Op(
    "total",
    lambda input, group: group.sum(input),
    lambda dy, _y, _input, group: copied_op(dy, group),
    widens=True,
    shows=over_ranks,
    doc="``sum of input over all ranks``, one value that all hold",
)

copied_op: Op = Op(
    "copied",
    lambda input, group: input.copy(),
    lambda dy, _y, _input, group: total_op(dy, group),
    widens=True,
    shows=over_ranks,
    doc="``input``, one value that all ranks hold, as a copy for each",
)


all_gather_op: Op = Op(
    "all_gather",
    lambda input, group: group.gather(input),
    lambda dy, _y, _input, group: getitem(all_reduce_op(dy, group), group.rank()),
    shows=over_ranks,
    doc="``input`` of all ranks, along a first axis for them",
)

mean_over_ranks_op: Op = Op(
    "mean_over_ranks",
    lambda input, group, count: input * (group.size() / count),
    lambda dy, _y, _input, group, count: mean_over_ranks_op(dy, group, count),
    widens=True,
    shows=over_ranks,
    doc="``input * size / count``, whose average over ranks is the mean of ``count`` losses of all; it says in a graph "
    "where losses were weighed",
)


@public("distributed")
def all_reduce(tensor: Any, op: str = ReduceOp.SUM, group: Group | None = None) -> Tensor:
    """The sum of a tensor of each rank, on all of them, as a new tensor: ``sum of tensor over all ranks``.

    The derivative of the sum is itself: what is differentiated is the sum over all ranks of what each computes, so that
    a loss that all compute alike counts on each of them; see ``total``.

    Args:
        tensor: of one shape and dtype on all ranks. float16 is added in float32.
        op: ``ReduceOp.SUM``, ``AVG``, the sum divided by the number of ranks, ``MAX``, ``MIN`` (equal ones share their
            gradient, as of ``amax``) or ``PRODUCT``.
        group: the ranks, the default group unless given. All must call this, and walk back through it, in one order.

    >>> def rank(group):
    ...     return mg.distributed.nn.functional.all_reduce(mg.tensor([1.0, group.rank()])).tolist()
    >>> mg.distributed.ThreadGroup.run(3, rank)
    [[3.0, 3.0], [3.0, 3.0], [3.0, 3.0]]
    """
    if op not in OPS:
        raise TypeError(f"all_reduce: op must be ReduceOp.SUM, AVG, MAX, MIN or PRODUCT, got {describe(op)}.")
    group = group_of("all_reduce", group)
    if op in OF_GATHERED:
        return astype(OF_GATHERED[op](all_gather_op(tensor, group), 0), tensor.dtype)
    summed = all_reduce_op(tensor, group)
    return summed if op == ReduceOp.SUM else summed / group.size()


@public("distributed")
def all_gather(tensor: Any, group: Group | None = None) -> tuple[Tensor, ...]:
    """The tensors of all ranks, in their order, as new tensors; ``distributed.all_gather`` fills a list instead.

    Its derivative adds up, over all ranks, the gradients of this rank's tensor.

    Args:
        tensor, group: as of ``all_reduce``.

    >>> def rank(group):
    ...     return [x.item() for x in mg.distributed.nn.functional.all_gather(mg.tensor(group.rank()))]
    >>> mg.distributed.ThreadGroup.run(2, rank)
    [[0, 1], [0, 1]]
    """
    return unbind(all_gather_op(tensor, group_of("all_gather", group)))


@public("distributed")
def total(tensor: Any, group: Group | None = None) -> Tensor:
    """The sum of a tensor of each rank, as one value that all hold: the loss of the whole batch, say.

    Its derivative is ``copied``, and the other way round. With parameters that enter as ``copied(parameter)`` and a
    loss that leaves as ``total(loss)`` every rank has the gradient of the whole loss after ``backward``.

    Args:
        tensor, group: as of ``all_reduce``.

    >>> def rank(group):
    ...     w = mg.tensor(3.0, requires_grad=True)
    ...     loss = mg.distributed.total(group.rank() * mg.distributed.copied(w) ** 2)
    ...     loss.backward()
    ...     return loss.item(), w.grad.item()
    >>> mg.distributed.ThreadGroup.run(3, rank)
    [(27.0, 18.0), (27.0, 18.0), (27.0, 18.0)]
    """
    return total_op(tensor, group_of("total", group))


@public("distributed")
def copied(tensor: Any, group: Group | None = None) -> Tensor:
    """One value that all ranks hold, a parameter say, as a copy for each; see ``total``, which is its derivative.

    Args:
        tensor, group: as of ``all_reduce``.

    >>> def rank(group):
    ...     w = mg.tensor(3.0, requires_grad=True)
    ...     (10**group.rank() * mg.distributed.copied(w)).backward()
    ...     return w.grad.item()
    >>> mg.distributed.ThreadGroup.run(3, rank)  # each has 1 + 10 + 100, the gradient of the sum of all
    [111.0, 111.0, 111.0]
    """
    return copied_op(tensor, group_of("copied", group))
