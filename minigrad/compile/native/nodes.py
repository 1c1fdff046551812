"""``Node``: a value of a program that is computed once and never changes: the program in single assignments.

A write to memory makes a new node, a view is a pattern over a node. Equal expressions are one node.

===========  ==================================================================================================
kind         what it is
===========  ==================================================================================================
load         an array from outside: ``op`` says whose, ``attribute`` which one
constant     a number
empty        memory nobody has written to
map          a function of elements: ``op`` of the table, operands broadcast
reduce       ``op`` over the axes in ``attribute``
view         a pattern over another node: ``attribute`` is (offset, strides), in elements
gather       elements of the first operand, at positions given by the others
update       the first operand with a pattern (offset, strides) of it replaced by the second
concat       operands one after the other: ``attribute`` has a pattern for each
added        zeros with operands added: ``attribute`` has a pattern for each
scatter      the first operand with elements of the second added (``op`` "add") or put ("copy") at positions that the
             others give, along the axes in ``attribute``
scan         ``op`` of all elements up to each along the axis in ``attribute``
product      a product of matrices
argument     the first place of the maximum or minimum along the axis in ``attribute``
call         a call of Python's; ``result`` is one of what it returns
===========  ==================================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Index = tuple[tuple[int, tuple[tuple[int, int], ...]], ...]
"""For each axis: a constant, and the loops it goes with, each with its factor."""


class Node:
    """One value.

    Args:
        kind, op, attribute: see above.
        args: its operands.
        shape, dtype: its own.
        strides: how its elements lie in its memory, in elements.
    """

    __slots__ = ("args", "attribute", "dtype", "kind", "name", "number", "op", "scope", "shape", "size", "strides")

    def __init__(
        self, kind: str, op: str, args: tuple[Node, ...], attribute: Any, shape: tuple[int, ...], dtype: Any,
        strides: tuple[int, ...],
    ) -> None:  # fmt: skip
        self.kind, self.op, self.args, self.attribute = kind, op, args, attribute
        self.shape, self.dtype, self.strides = shape, dtype, strides
        self.size = math.prod(shape)
        self.number = -1
        self.name = ""
        self.scope: Any = None

    def __repr__(self) -> str:
        return f"{self.name or self.number}:{self.kind} {self.op} {[a.number for a in self.args]} {self.shape}"


def in_order(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of an array whose last axis is the inner one, in elements."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def settled(shape: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
    """Strides with 0 for axes of one element, where they mean nothing."""
    return tuple(0 if size == 1 else stride for size, stride in zip(shape, strides))


def is_dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements fill a piece of memory without gaps, in some order of the axes."""
    step = 1
    for stride, size in sorted((stride, size) for size, stride in zip(shape, strides) if size != 1):
        if stride != step:
            return size == 0
        step *= size
    return True


def reach(shape: Sequence[int], strides: Sequence[int]) -> tuple[int, int]:
    """The first and the last position of a pattern, relative to its first element."""
    steps = [(size - 1) * stride for size, stride in zip(shape, strides)]
    return sum(min(step, 0) for step in steps), sum(max(step, 0) for step in steps)


def split_up(
    offset: int, shape: Sequence[int], strides: Sequence[int], base_shape: Sequence[int], base_strides: Sequence[int]
) -> Index | None:
    """For each axis of an array the index at which a pattern over its memory reads it, or None if there is none.

    The flat position is divided by the strides, the largest first; that it is in range for each axis is what makes it
    the index.
    """
    order = sorted((a for a in range(len(base_shape)) if base_shape[a] > 1), key=lambda a: -base_strides[a])
    if any(base_strides[axis] <= 0 for axis in order):
        return None
    constants, factors = [0] * len(base_shape), [[] for _ in base_shape]  # type: ignore[var-annotated]
    lowest, highest = [0] * len(base_shape), [0] * len(base_shape)
    for axis in order:
        constants[axis], offset = divmod(offset, base_strides[axis])
        lowest[axis] = highest[axis] = constants[axis]
    for d, (size, stride) in enumerate(zip(shape, strides)):
        rest, sign = abs(stride), 1 if stride > 0 else -1
        for axis in order if size > 1 else ():
            digit, rest = divmod(rest, base_strides[axis])
            if digit:
                factors[axis].append((d, sign * digit))
                lowest[axis] += min(0, sign * digit * (size - 1))
                highest[axis] += max(0, sign * digit * (size - 1))
        if size > 1 and rest:
            return None
    if offset or any(lowest[a] < 0 or highest[a] >= base_shape[a] for a in order):
        return None
    return tuple((constant, tuple(loops)) for constant, loops in zip(constants, factors))


class Graph:
    """All nodes of a program, equal ones once."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.known: dict[Any, Node] = {}
        self.scope: Any = None
        """The section of the program whose nodes are being made."""
        self.name = ""

    def node(
        self, kind: str, op: str, args: Sequence[Node], shape: Sequence[int], dtype: Any, attribute: Any = None,
        strides: Sequence[int] | None = None, unique: bool = False,
    ) -> Node:  # fmt: skip
        """The node of this description."""
        shape, dtype = tuple(shape), np.dtype(dtype)
        strides = settled(shape, in_order(shape) if strides is None else strides)
        numbers = tuple(arg.number for arg in args)
        key = (kind, op, numbers, attribute, shape, dtype, strides) if not unique else len(self.nodes)
        if key not in self.known:
            self.known[key] = node = Node(kind, op, tuple(args), attribute, shape, dtype, strides)
            node.number, node.scope, node.name = len(self.nodes), self.scope, self.name
            self.nodes.append(node)
        return self.known[key]

    def constant(self, value: Any, dtype: Any) -> Node:
        """A number."""
        with np.errstate(all="ignore"):
            number = np.asarray(value).astype(dtype)
        return self.node("constant", "", (), (), dtype, number.tobytes())

    def view(self, base: Node, offset: int, shape: Sequence[int], strides: Sequence[int]) -> Node:
        """A pattern over the memory of a node; the node itself, if it is all of it."""
        strides = settled(shape, strides)
        if offset == 0 and tuple(shape) == base.shape and strides == base.strides:
            return base
        if base.kind == "update":
            return self._view_of_update(base, offset, shape, strides)
        if base.kind == "concat":
            for arg, pattern in zip(base.args, base.attribute):
                if (arg.shape, pattern) == (tuple(shape), (offset, strides)):
                    return arg
        return self.node("view", "", (base,), shape, base.dtype, (offset, strides), strides)

    def _view_of_update(self, base: Node, offset: int, shape: Sequence[int], strides: tuple[int, ...]) -> Node:
        """What was written, if just that is read; what was there before, if nothing of it is."""
        (start, written), value = base.attribute, base.args[1]
        if (start, written, value.shape) == (offset, strides, tuple(shape)):
            return value
        (low, high), (first, last) = reach(shape, strides), reach(value.shape, written)
        if offset + high < start + first or start + last < offset + low:
            return self.view(base.args[0], offset, shape, strides)
        return self.node("view", "", (base,), shape, base.dtype, (offset, strides), strides)

    def broadcast(self, node: Node, shape: Sequence[int]) -> Node:
        """A node as often as a shape asks for."""
        if node.shape == tuple(shape):
            return node
        return self.node("map", "copy", (node,), shape, node.dtype)

    def cast(self, node: Node, dtype: Any) -> Node:
        """A node in another dtype."""
        dtype = np.dtype(dtype)
        if node.dtype == dtype:
            return node
        if node.kind == "constant":
            return self.constant(np.frombuffer(node.attribute, node.dtype)[0], dtype)
        return self.node("map", "cast", (node,), node.shape, dtype, strides=node.strides if is_plain(node) else None)

    def map(self, op: str, args: Sequence[Node], dtype: Any, shape: Sequence[int], strides: Any = None) -> Node:
        """A function of elements."""
        return self.node("map", op, args, shape, dtype, strides=strides)


def is_plain(node: Node) -> bool:
    """Whether a node lies without gaps and repetitions."""
    return is_dense(node.shape, node.strides)


def matrix_order(shape: Sequence[int], strides: Sequence[int]) -> tuple[str, int] | None:
    """Whether a matrix lies row by row ("N") or column by column ("T"), and the distance of these; None if neither."""
    (rows, columns), (by_row, by_column) = shape, strides
    if columns == 1 or by_column == 1:
        distance = by_row if rows > 1 else max(columns, 1)
        return ("N", distance) if distance >= columns else None
    if rows == 1 or by_row == 1:
        return ("T", by_column) if by_column >= rows else None
    return None
