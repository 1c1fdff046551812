"""How NumPy's functions and methods become nodes: an entry for each, with NumPy's own arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ...ops.assigning import with_elements
from ...ops.diagonals import embedded
from ...ops.indexing import put
from ..program import Value
from .elements import casts_alike
from .lowering import Lowering, Unknown, reduced_dtype
from .memory_versions import Pattern
from .nodes import Node, in_order, is_dense, settled

# ruff: noqa: D103

LOWERED: dict[Callable[..., Any], Callable[..., Node | None]] = {}
"""How each function is lowered: from its arguments to a node, or None if it has written to its target."""


def entry(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The decorator of what lowers these functions."""

    def enter(lower: Callable[..., Any]) -> Callable[..., Any]:
        LOWERED.update(dict.fromkeys(functions, lower))
        return lower

    return enter


@entry(np.where)
def where(lowering: Lowering, condition: Any, x: Any, y: Any) -> Node:
    kinds = [arg.dtype if isinstance(arg, (Value, np.generic)) else arg for arg in (x, y)]
    dtype = np.result_type(*kinds)
    nodes = [lowering.get(condition, np.bool_), lowering.get(x, dtype), lowering.get(y, dtype)]
    return lowering.graph.map("where", nodes, dtype, np.broadcast_shapes(*(n.shape for n in nodes)))


@entry(np.copy, ndarray.copy, ndarray.flatten, np.ravel, ndarray.ravel, np.reshape, ndarray.reshape)
def copied(lowering: Lowering, x: Any, *args: Any, order: str = "C", **kwargs: Any) -> Node:
    if order not in ("C", "K") or any(arg in ("A", "F") for arg in args):
        raise Unknown
    return lowering.seen_as(lowering.get(x), lowering.result.shape)


@entry(ndarray.astype)
def converted(lowering: Lowering, x: Any, dtype: Any, *args: Any, **kwargs: Any) -> Node:
    node = lowering.get(x)
    if not casts_alike(node.dtype, dtype):
        raise Unknown
    return lowering.graph.cast(node, dtype)


@entry(np.copyto)
def copied_to(lowering: Lowering, target: Value, source: Any, casting: Any = None, where: Any = True) -> None:
    node = lowering.get(source)
    if not casts_alike(node.dtype, target.dtype):
        raise Unknown
    node = lowering.graph.broadcast(lowering.graph.cast(node, target.dtype), target.shape)
    if where is not True:
        nodes = [lowering.get(where, np.bool_), node, lowering.versions.read(target)]
        node = lowering.graph.map("where", nodes, target.dtype, target.shape)
    lowering.versions.write(target, node)


@entry(ndarray.fill)
def filled(lowering: Lowering, target: Value, value: Any) -> None:
    copied_to(lowering, target, value)


def constant_like(number: int) -> Any:
    """What lowers an array of one number in the shape of another."""

    def lower(lowering: Lowering, x: Any, *args: Any, **kwargs: Any) -> Node:
        value = lowering.result
        node = lowering.graph.constant(number, value.dtype)
        return lowering.graph.map("copy", [node], value.dtype, value.shape)

    return lower


entry(np.zeros_like)(constant_like(0))
entry(np.ones_like)(constant_like(1))


@entry(np.full_like)
def full_like(lowering: Lowering, x: Any, fill_value: Any, *args: Any, **kwargs: Any) -> Node:
    value = lowering.result
    node = lowering.get(fill_value)
    if not casts_alike(node.dtype, value.dtype):
        raise Unknown
    return lowering.graph.map("copy", [lowering.graph.cast(node, value.dtype)], value.dtype, value.shape)


@entry(np.empty_like)
def empty_like(lowering: Lowering, x: Any, *args: Any, **kwargs: Any) -> Node:
    value = lowering.result
    strides = lowering.versions.strides(value)
    return lowering.graph.node(
        "empty",
        "",
        (),
        value.shape,
        value.dtype,
        strides=strides if is_dense(value.shape, strides) else None,
        unique=True,
    )


# -- reductions ----------------------------------------------------------------------------------


def reduction(ufunc: np.ufunc) -> Callable[..., Node]:
    """What lowers a function or a method that reduces by a ufunc."""

    def lower(lowering: Lowering, x: Any, axis: Any = None, dtype: Any = None, **kwargs: Any) -> Node:
        node, keepdims = lowering.get(x), kwargs.pop("keepdims", False)
        if kwargs or isinstance(dtype, Value):
            raise Unknown
        axes = range(len(node.shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        axes = tuple(sorted(axis % len(node.shape) for axis in axes))
        if dtype is None:
            dtype = reduced_dtype(ufunc, node.dtype)
        return lowering.reduced(ufunc, node, axes, dtype, bool(keepdims))

    return lower


BY_NAME = {
    "sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum, "any": np.logical_or,
    "all": np.logical_and,
}  # fmt: skip
for name, reducing in BY_NAME.items():
    entry(getattr(np, name), getattr(ndarray, name))(reduction(reducing))
entry(np.amax)(reduction(np.maximum))
entry(np.amin)(reduction(np.minimum))


@entry(np.count_nonzero)
def counted(lowering: Lowering, x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    node = lowering.graph.cast(lowering.graph.cast(lowering.get(x), np.bool_), np.intp)
    axes = range(len(node.shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return lowering.reduced(np.add, node, tuple(sorted(a % len(node.shape) for a in axes)), np.intp, keepdims)


# -- joining -------------------------------------------------------------------------------------


def joined(lowering: Lowering, nodes: list[Node], axis: int, shape: tuple[int, ...], dtype: Any) -> Node:
    """Nodes of the same shape but for one axis, one after the other along it."""
    strides, start, patterns = in_order(shape), 0, []
    for node in nodes:
        patterns.append((start * strides[axis], settled(node.shape, strides)))
        start += node.shape[axis]
    return lowering.graph.node("concat", "", nodes, shape, dtype, tuple(patterns))


@entry(np.concatenate)
def concatenated(lowering: Lowering, arrays: Any, axis: int | None = 0, **kwargs: Any) -> Node:
    value = lowering.result
    if kwargs or not isinstance(arrays, (list, tuple)):
        raise Unknown
    nodes = [lowering.get(array, value.dtype) for array in arrays]
    if axis is None:
        nodes, axis = [lowering.seen_as(node, (node.size,)) for node in nodes], 0
    return joined(lowering, nodes, axis % len(value.shape), value.shape, value.dtype)


@entry(np.stack)
def stacked(lowering: Lowering, arrays: Any, axis: int = 0, **kwargs: Any) -> Node:
    value = lowering.result
    if kwargs or not isinstance(arrays, (list, tuple)):
        raise Unknown
    axis %= len(value.shape)
    shape = (*value.shape[:axis], 1, *value.shape[axis + 1 :])
    nodes = [lowering.seen_as(lowering.get(array, value.dtype), shape) for array in arrays]
    return joined(lowering, nodes, axis, value.shape, value.dtype)


# -- elements ------------------------------------------------------------------------------------


def is_basic(index: Any) -> bool:
    """Whether an index makes a view."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or type(part) in (int, slice) or isinstance(part, np.integer)
               for part in parts)  # fmt: skip


@entry(ndarray.__setitem__)
def set_item(lowering: Lowering, target: Value, index: Any, source: Any) -> None:
    if not is_basic(index):
        raise Unknown
    node = lowering.get(source)
    if not casts_alike(node.dtype, target.dtype):
        raise Unknown
    dummy = lowering.versions.dummy(target)
    part = dummy[index] if isinstance(index, tuple) else dummy[(index,)]
    if not isinstance(part, ndarray):
        part = dummy[(*(index if isinstance(index, tuple) else (index,)), ...)]
    home, offset, _ = lowering.versions.patterns[target]
    itemsize = target.dtype.itemsize
    start = (part.__array_interface__["data"][0] - dummy.__array_interface__["data"][0]) // itemsize
    strides = settled(part.shape, [stride // itemsize for stride in part.strides])
    while len(node.shape) > part.ndim:
        node = lowering.seen_as(node, node.shape[1:])
    node = lowering.graph.broadcast(lowering.graph.cast(node, target.dtype), part.shape)
    lowering.versions.write(target, node, Pattern(home, offset + start, strides), part.shape)


def placed_in(lowering: Lowering, base: Node, dummy: ndarray, part: ndarray, node: Node) -> Node:
    """``base`` with a part replaced; the part is given by views of an array in its layout."""
    itemsize = base.dtype.itemsize
    if not part.size:
        return base
    start = (part.__array_interface__["data"][0] - dummy.__array_interface__["data"][0]) // itemsize
    strides = settled(part.shape, [stride // itemsize for stride in part.strides])
    node = lowering.graph.broadcast(lowering.graph.cast(node, base.dtype), part.shape)
    return lowering.graph.node("update", "", (base, node), base.shape, base.dtype, (start, strides), base.strides)


def zeros(lowering: Lowering, shape: tuple[int, ...], dtype: Any) -> Node:
    """Zeros."""
    return lowering.graph.map("copy", [lowering.graph.constant(0, dtype)], dtype, shape)


@entry(put)
def put_in(lowering: Lowering, values: Any, shape: tuple[int, ...], index: tuple[Any, ...]) -> Node:
    if not is_basic(index):
        raise Unknown
    node = lowering.get(values)
    dummy = np.empty(shape, node.dtype)
    return placed_in(lowering, zeros(lowering, shape, node.dtype), dummy, dummy[(*index, ...)]
                     if Ellipsis not in index else dummy[index], node)  # fmt: skip


@entry(with_elements)
def elements_replaced(lowering: Lowering, x: Any, value: Any, index: tuple[Any, ...]) -> Node:
    if not is_basic(index):
        raise Unknown
    node, before = lowering.get(value), lowering.get(x)
    if not casts_alike(node.dtype, before.dtype):
        raise Unknown
    dummy = np.empty(before.shape, before.dtype)
    part = dummy[index] if Ellipsis in index else dummy[(*index, ...)]
    while len(node.shape) > part.ndim:
        node = lowering.seen_as(node, node.shape[1:])
    base = lowering.graph.map("copy", [before], before.dtype, before.shape)
    return placed_in(lowering, base, dummy, part, node)


@entry(embedded)
def on_diagonal(lowering: Lowering, values: Any, shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> Node:
    node = lowering.get(values)
    dummy = np.empty(shape, node.dtype)
    return placed_in(
        lowering, zeros(lowering, shape, node.dtype), dummy, np.diagonal(dummy, offset, axis1, axis2), node
    )


@entry(np.pad)
def padded(lowering: Lowering, x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Node:
    node = lowering.get(x)
    if mode != "constant" or not isinstance(constant_values, (int, float)):
        raise Unknown
    widths = np.broadcast_to(np.asarray(pad_width), (len(node.shape), 2)).tolist()
    shape = tuple(size + before + after for size, (before, after) in zip(node.shape, widths))
    dummy = np.empty(shape, node.dtype)
    part = dummy[tuple(slice(before, before + size) for size, (before, _) in zip(node.shape, widths))]
    number = lowering.graph.constant(constant_values, node.dtype)
    return placed_in(lowering, lowering.graph.map("copy", [number], node.dtype, shape), dummy, part, node)


# -- elements at positions that are computed -------------------------------------------------------


def taken_at(lowering: Lowering, table: Node, axes: list[int], positions: list[Node], shape: tuple[int, ...],
             plain: dict[int, int]) -> Node:  # fmt: skip
    """Elements of a table: ``axes`` have computed positions, ``plain`` says which axis of the result the others are."""
    if not (table.size and math.prod(shape)) or any(p.dtype.kind not in "iu" for p in positions):
        raise Unknown
    if table.kind == "constant":
        raise Unknown
    positions = [lowering.graph.broadcast(p, shape) for p in positions]
    return lowering.graph.node("gather", "", (table, *positions), shape, table.dtype, Gathered(axes, plain))


class Gathered(tuple[Any, ...]):
    """Which axes of a table are indexed by operands, and, as a dict, which axes of the result the others are."""

    def __new__(cls, axes: list[int], plain: dict[int, int]) -> Gathered:
        return super().__new__(cls, (tuple(axes), tuple(plain.items())))


@entry(ndarray.__getitem__)
def item(lowering: Lowering, x: Any, index: Any) -> Node:
    index = index if isinstance(index, tuple) else (index,)
    node = lowering.get(x)
    if Ellipsis in [part for part in index if part is Ellipsis] or any(part is None for part in index):
        raise Unknown
    if any(isinstance(part, slice) and part != slice(None) for part in index):
        raise Unknown
    index = (*index, *[slice(None)] * (len(node.shape) - len(index)))
    axes = [axis for axis, part in enumerate(index) if not isinstance(part, slice)]
    if not axes or axes != list(range(axes[0], axes[-1] + 1)):
        raise Unknown
    positions = [lowering.get(index[axis]) for axis in axes]
    common = np.broadcast_shapes(*(p.shape for p in positions))
    shape = (*node.shape[: axes[0]], *common, *node.shape[axes[-1] + 1 :])
    after = len(node.shape) - axes[-1] - 1
    plain = {axis: axis if axis < axes[0] else axis - axes[-1] - 1 + axes[0] + len(common)
             for axis in range(len(node.shape)) if axis not in axes}  # fmt: skip
    positions = [lowering.seen_as(p, (*p.shape, *[1] * after)) for p in positions]
    return taken_at(lowering, node, axes, positions, shape, plain)


@entry(np.take)
def taken(lowering: Lowering, x: Any, indices: Any, axis: int | None = None, **kwargs: Any) -> Node:
    if kwargs or axis is None or not isinstance(indices, Value):
        raise Unknown
    axis %= len(lowering.get(x).shape)
    node: Node = item(lowering, x, (*[slice(None)] * axis, indices))
    return node


@entry(np.take_along_axis)
def taken_along(lowering: Lowering, x: Any, indices: Any, axis: int = -1) -> Node:
    node, position = lowering.get(x), lowering.get(indices)
    axis %= len(node.shape)
    shape = lowering.result.shape
    if any(n != s for a, (n, s) in enumerate(zip(node.shape, shape)) if a != axis):
        raise Unknown
    return taken_at(lowering, node, [axis], [position], shape, {a: a for a in range(len(shape)) if a != axis})
