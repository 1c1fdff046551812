"""The product of two tensors, summed over some of the axes they share: what ``einsum`` and ``tensordot`` consist of.

Axes have labels, one character each. A label is in at least two of the three: the operands and the result. So the
gradient by an operand is such a product of the other operand and of the result's gradient.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..engine.op import Op
from .reductions import narrowed, widened


class Plan(NamedTuple):
    """How the product is computed.

    Without labels to sum over both operands are brought to the order of the result, with axes of length 1 inserted.
    With them it is a product of matrices (batch..., left, summed) and (batch..., summed, right), whose axes in front
    are the labels that all three have.
    """

    swaps: bool
    orders: tuple[tuple[int, ...] | None, ...]
    inserts: tuple[tuple[Any, ...], ...] | None
    batch: int
    summed: int
    result: tuple[int, ...] | None


def unless_sorted(order: Sequence[int]) -> tuple[int, ...] | None:
    """An order of axes; None if they have it already."""
    order = tuple(order)
    return None if order == tuple(range(len(order))) else order


@functools.lru_cache(maxsize=1024)
def plan(labels: str) -> Plan:
    """The plan of ``"ij,jk->ik"``."""
    operands, y = labels.split("->")
    a, b = operands.split(",")
    summed = [label for label in a if label in b and label not in y]
    if not summed:
        orders = tuple(unless_sorted([x.index(label) for label in y if label in x]) for x in (a, b))
        inserts = tuple(tuple(slice(None) if label in x else None for label in y) for x in (a, b))
        return Plan(False, orders, inserts, 0, 0, None)
    batch = [label for label in y if label in a and label in b]
    left, right = ([label for label in x if label in y and label not in batch] for x in (a, b))
    swaps = bool(left and right) and y.index(right[0]) < y.index(left[0])  # the result is then in order in memory
    if swaps:
        a, b, left, right = b, a, right, left
    orders = tuple(
        unless_sorted([x.index(label) for label in own])
        for x, own in ((a, batch + left + summed), (b, batch + summed + right))
    )
    together = batch + left + right
    return Plan(swaps, orders, None, len(batch), len(summed), unless_sorted([together.index(label) for label in y]))


def in_order(x: Any, order: tuple[int, ...] | None) -> Any:
    """The axes in another order; None leaves them."""
    return x if order is None else x.transpose(order)


def contracted(input: Any, other: Any, labels: str) -> Any:
    """``sum(input * other)`` over the labels that the result has not."""
    how = plan(labels)
    order_a, order_b = how.orders
    if how.inserts is not None:
        index_a, index_b = how.inserts
        return in_order(input, order_a)[index_a] * in_order(other, order_b)[index_b]
    if input.dtype.kind == "b" or other.dtype.kind == "b":
        raise TypeError("sums of products of booleans are not defined: convert them, x.long() or x.float().")
    a, b = (other, input) if how.swaps else (input, other)
    a, b = in_order(widened(a), order_a), in_order(widened(b), order_b)
    n, k = how.batch, how.summed
    front, left, summed, right = a.shape[:n], a.shape[n:-k], a.shape[-k:], b.shape[n + k :]
    if len(left) != 1 or k != 1:
        a = a.reshape((*front, math.prod(left), math.prod(summed)))
    if len(right) != 1 or k != 1:
        b = b.reshape((*front, math.prod(summed), math.prod(right)))
    y = a @ b
    if len(left) != 1 or len(right) != 1:
        y = y.reshape((*front, *left, *right))
    return narrowed(in_order(y, how.result), input)


@functools.lru_cache(maxsize=1024)
def turned(labels: str, position: int) -> str:
    """The labels of the gradient by one operand: of ``dy`` in the place of that operand."""
    operands, y = labels.split("->")
    a, b = operands.split(",")
    return f"{y},{b}->{a}" if position == 0 else f"{a},{y}->{b}"


contraction: Op = Op(
    "einsum",
    contracted,
    lambda dy, _y, _a, b, labels: contraction(dy, b, turned(labels, 0)),
    lambda dy, _y, a, _b, labels: contraction(a, dy, turned(labels, 1)),
    promotes=(0, 1),
    mixes=False,
    doc="``sum(input * other)`` over the labels that the result has not",
)
