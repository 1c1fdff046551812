"""What is in each memory of a program while it is lowered: a write makes a new node, a view is a pattern over one."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..execution import CannotBuild
from ..program import Memory, Program, Value
from .nodes import Graph, Node, is_dense, reach, settled


class Pattern(NamedTuple):
    """Where a value lies: its memory, the position of its first element there, and its strides, in elements."""

    home: Memory | Value
    offset: int
    strides: tuple[int, ...]


class Outside(NamedTuple):
    """An array from outside that is read, or written to."""

    source: str
    number: int


class Versions:
    """The node that is in each memory now."""

    def __init__(self, program: Program, graph: Graph) -> None:
        self.graph = graph
        self.now: dict[Memory | Value, Node] = {}
        self.patterns: dict[Value, Pattern] = {}
        self.first: dict[Memory | Value, tuple[Outside, Node]] = {}
        """What was in the memories of arrays from outside."""
        self.rooms: dict[Memory | Value, ndarray] = {}
        """Memory for views to be taken of; nobody writes to it or reads it."""

    # -- values --------------------------------------------------------------------------------

    def strides(self, value: Value) -> tuple[int, ...]:
        """The strides of a value in elements."""
        return settled(value.shape, [stride // max(value.dtype.itemsize, 1) for stride in value.strides])

    def enter(self, outside: Outside, value: Value, home: Memory | Value | None = None) -> None:
        """A value from outside; ``home`` is the value itself, if there are others in its memory and none is changed."""
        home = home or value.memory
        strides = self.strides(value)
        node = self.graph.node("load", outside.source, (), value.shape, value.dtype, outside, strides)
        self.patterns[value] = Pattern(home, 0, strides)
        self.now[home] = node
        self.first[home] = outside, node

    def make(self, value: Value, node: Node) -> None:
        """A value that an instruction has made, in memory of its own."""
        strides = self.strides(value)
        if node.strides != strides or node.kind in ("view", "constant", "load"):
            if is_dense(value.shape, strides):
                node = self.graph.map("copy", [node], node.dtype, node.shape, strides)
            elif node.kind == "view" or not is_dense(node.shape, node.strides):
                node = self.graph.map("copy", [node], node.dtype, node.shape)
        self.patterns[value] = Pattern(value.memory, 0, node.strides)
        self.now[value.memory] = node

    def view(self, value: Value, base: Value, dummy: ndarray, base_dummy: ndarray) -> None:
        """A value that is a view of another."""
        itemsize = max(value.dtype.itemsize, 1)
        if value.dtype != base.dtype:
            raise CannotBuild("a view of another dtype")
        start = dummy.__array_interface__["data"][0] - base_dummy.__array_interface__["data"][0]
        strides = settled(dummy.shape, [stride // itemsize for stride in dummy.strides])
        home, offset, _ = self.patterns[base]
        self.patterns[value] = Pattern(home, offset + start // itemsize, strides)

    def dummy(self, value: Value) -> ndarray:
        """An array of this value's shape, strides and place in memory; what is in it means nothing."""
        home, offset, strides = self.patterns[value]
        node = self.now[home]
        if home not in self.rooms:
            low, high = reach(node.shape, node.strides)
            self.rooms[home] = np.empty(max(high - low + 1, 1) * max(node.dtype.itemsize, 1), np.uint8)
        low = reach(node.shape, node.strides)[0] if node.kind == "load" else 0
        itemsize = value.dtype.itemsize
        if math.prod(value.shape) == 0:
            return np.empty(value.shape, value.dtype)
        return ndarray(
            value.shape, value.dtype, self.rooms[home], (offset - low) * itemsize,
            [stride * itemsize for stride in strides],
        )  # fmt: skip

    def read(self, value: Value) -> Node:
        """What a value is now."""
        home, offset, strides = self.patterns[value]
        return self.graph.view(self.now[home], offset, value.shape, strides)

    def write(self, value: Value, node: Node, pattern: Pattern | None = None, shape: Any = None) -> None:
        """Put something into the memory under a value, or under a part of it."""
        home, offset, strides = pattern or self.patterns[value]
        shape = value.shape if shape is None else tuple(shape)
        if math.prod(shape) == 0:
            return
        before = self.now[home]
        node = self.graph.cast(node, value.dtype)
        whole = before.size == math.prod(shape) and offset == 0 and is_dense(shape, strides)
        if whole and is_dense(before.shape, before.strides):
            if node.shape != shape or node.strides != strides or node.kind in ("view", "constant", "load"):
                node = self.graph.map("copy", [node], node.dtype, shape, strides)
            self.now[home] = node
            return
        node = self.graph.broadcast(node, shape)
        self.now[home] = self.graph.node(
            "update", "", (before, node), before.shape, before.dtype, (offset, settled(shape, strides)), before.strides
        )

    def written(self) -> list[tuple[Outside, Node, Node]]:
        """The arrays from outside that have changed, what was in them, and what is."""
        return [
            (outside, before, self.now[memory])
            for memory, (outside, before) in self.first.items()
            if self.now[memory] is not before
        ]
