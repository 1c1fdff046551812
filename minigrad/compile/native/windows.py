"""How windows and places along axes become nodes: what is added up where windows lie, the place of a maximum, scans."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from ...kernels.windows import Windows
from ...ops.windows import added_windows
from .elements import REDUCTIONS
from .functions import entry, zeros
from .lowering import Lowering, Unknown, reduced_dtype
from .nodes import Node, settled

FEW = 16
"""Elements along an axis that are compared one by one, for all others at once."""


# -- windows -------------------------------------------------------------------------------------


def part_of(lowering: Lowering, node: Node, index: tuple[Any, ...]) -> Node:
    """A part of a node that lies without gaps, by an index of slices and numbers."""
    dummy = np.empty(node.shape, node.dtype)
    part = dummy[(*index, ...)]
    start = (part.__array_interface__["data"][0] - dummy.__array_interface__["data"][0]) // node.dtype.itemsize
    strides = [stride // node.dtype.itemsize for stride in part.strides]
    return lowering.graph.view(node, start, part.shape, strides)


@entry(added_windows)
def windows_added(lowering: Lowering, values: Any, windows: Windows) -> Node:
    """The values of windows added up at the places that they cover."""
    node = lowering.get(values)
    ahead = node.shape[: len(node.shape) - 2 * len(windows.kernel)]
    shape = (*ahead, *windows.lengths)
    if not node.size or not math.prod(shape):
        return zeros(lowering, shape, node.dtype)
    flat = lowering.in_order(lowering.seen_as(node, (*ahead, windows.size, *windows.counts)))
    dummy = np.empty(shape, node.dtype)
    nodes, patterns = [], []
    for k, (at, which) in enumerate(windows.places):
        part = dummy[at]
        if part.size:
            start = part.__array_interface__["data"][0] - dummy.__array_interface__["data"][0]
            strides = [stride // node.dtype.itemsize for stride in part.strides]
            nodes.append(part_of(lowering, flat, (*(slice(None),) * len(ahead), k, *which[1:])))
            patterns.append((start // node.dtype.itemsize, settled(part.shape, strides)))
    fills = not windows.overlaps and sum(each.size for each in nodes) == math.prod(shape)
    return lowering.graph.node("concat" if fills else "added", "", nodes, shape, node.dtype, tuple(patterns))


# -- along an axis ---------------------------------------------------------------------------------


def argument(op: str) -> Any:
    """What lowers the place of the largest or smallest element."""

    def lower(lowering: Lowering, x: Any, axis: int | None = None, keepdims: bool = False) -> Node:
        node = lowering.get(x)
        if axis is None:
            node, axis = lowering.seen_as(node, (node.size,)), 0
            keepdims = bool(keepdims) and len(lowering.result.shape) > 0
        axis %= max(len(node.shape), 1)
        if not node.shape or not node.size:
            raise Unknown
        shape = (*node.shape[:axis], *node.shape[axis + 1 :])
        if node.shape[axis] <= FEW:
            found = one_by_one(lowering, op, node, axis, shape)
        else:
            found = lowering.graph.node("argument", op, (node,), shape, np.intp, (axis,))
        return lowering.seen_as(found, lowering.result.shape)

    return lower


def one_by_one(lowering: Lowering, op: str, node: Node, axis: int, shape: tuple[int, ...]) -> Node:
    """The place along a short axis, by comparing its elements."""
    graph = lowering.graph
    node = lowering.in_order(node)
    dtype = np.dtype(np.int32)
    best, place = part_of(lowering, node, (*(slice(None),) * axis, 0)), graph.constant(0, dtype)
    place = graph.map("copy", [place], dtype, shape)
    for k in range(1, node.shape[axis]):
        x = part_of(lowering, node, (*(slice(None),) * axis, k))
        if node.dtype.kind == "b":
            other = [best, x] if op == "maximum" else [x, best]
            better = graph.map("less", other, np.bool_, shape)
        else:
            better = graph.map("greater" if op == "maximum" else "less", [x, best], np.bool_, shape)
        if node.dtype.kind == "f":
            is_nan, was_nan = (graph.map("isnan", [each], np.bool_, shape) for each in (x, best))
            is_first = graph.map("logical_and", [is_nan, graph.map("logical_not", [was_nan], np.bool_, shape)],
                                 np.bool_, shape)  # fmt: skip
            better = graph.map("logical_or", [better, is_first], np.bool_, shape)
        place = graph.map("where", [better, graph.constant(k, dtype), place], dtype, shape)
        best = graph.map("where", [better, x, best], node.dtype, shape)
    return graph.cast(place, np.intp)


for op, functions in {"maximum": (np.argmax, ndarray.argmax), "minimum": (np.argmin, ndarray.argmin)}.items():
    entry(*functions)(argument(op))


def scan(ufunc: np.ufunc, usual: int | None = 0) -> Any:
    """What lowers the sum, or the like, of all elements up to each, along an axis, or the usual one."""
    op = REDUCTIONS.get(ufunc, ufunc.__name__)

    def lower(lowering: Lowering, x: Any, axis: int | None = usual, dtype: Any = None) -> Node:
        node = lowering.get(x)
        if axis is None:
            node, axis = lowering.seen_as(node, (node.size,)), 0
        dtype = reduced_dtype(ufunc, node.dtype) if dtype is None else np.dtype(dtype)
        if not node.size or not node.shape or lowering.result.dtype != dtype:
            raise Unknown
        node = lowering.graph.cast(node, dtype)
        return lowering.graph.node("scan", op, (node,), node.shape, dtype, (axis % len(node.shape),))

    return lower


entry(np.cumsum, ndarray.cumsum)(scan(np.add, None))
entry(np.cumprod, ndarray.cumprod)(scan(np.multiply, None))
for each in (np.add, np.multiply, np.maximum, np.minimum, np.logaddexp):
    entry(each.accumulate)(scan(each))
