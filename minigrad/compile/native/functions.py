"""How NumPy's functions and methods become nodes: an entry for each, with NumPy's own arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ...ops.diagonals import embedded
from ..program import Value
from .elements import casts_alike
from .lowering import Lowering, Unknown, reduced_dtype
from .memory_versions import Pattern
from .nodes import Node, in_order, is_dense, settled

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
    """``np.where`` of three arguments, element by element."""
    kinds = [arg.dtype if isinstance(arg, (Value, np.generic)) else arg for arg in (x, y)]
    dtype = np.result_type(*kinds)
    nodes = [lowering.get(condition, np.bool_), lowering.get(x, dtype), lowering.get(y, dtype)]
    return lowering.graph.map("where", nodes, dtype, np.broadcast_shapes(*(n.shape for n in nodes)))


@entry(np.copy, ndarray.copy, ndarray.flatten, np.ravel, ndarray.ravel, np.reshape, ndarray.reshape)
def copied(lowering: Lowering, x: Any, *args: Any, order: str = "C", **kwargs: Any) -> Node:
    """A copy, laid out as NumPy lays it out."""
    if order not in ("C", "K") or any(arg in ("A", "F") for arg in args):
        raise Unknown
    return lowering.seen_as(lowering.get(x), lowering.result.shape)


@entry(ndarray.astype)
def converted(lowering: Lowering, x: Any, dtype: Any, *args: Any, **kwargs: Any) -> Node:
    """Another dtype; numbers are rounded and cut off as NumPy does."""
    node = lowering.get(x)
    if not casts_alike(node.dtype, dtype):
        raise Unknown
    return lowering.graph.cast(node, dtype)


@entry(np.copyto)
def copied_to(lowering: Lowering, target: Value, source: Any, casting: Any = None, where: Any = True) -> None:
    """``np.copyto``: elements of an array are set, where a mask says so."""
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
    """``array.fill``: every element is set to a number."""
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
    """An array of the same number everywhere."""
    value = lowering.result
    node = lowering.get(fill_value)
    if not casts_alike(node.dtype, value.dtype):
        raise Unknown
    return lowering.graph.map("copy", [lowering.graph.cast(node, value.dtype)], value.dtype, value.shape)


@entry(np.empty_like)
def empty_like(lowering: Lowering, x: Any, *args: Any, **kwargs: Any) -> Node:
    """Memory whose elements are set before they are read."""
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
    """How many elements are not 0."""
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
    """Arrays one after the other along an axis, or flattened."""
    value = lowering.result
    if kwargs or not isinstance(arrays, (list, tuple)):
        raise Unknown
    nodes = [lowering.get(array, value.dtype) for array in arrays]
    if axis is None:
        nodes, axis = [lowering.seen_as(node, (node.size,)) for node in nodes], 0
    return joined(lowering, nodes, axis % len(value.shape), value.shape, value.dtype)


@entry(np.stack)
def stacked(lowering: Lowering, arrays: Any, axis: int = 0, **kwargs: Any) -> Node:
    """Arrays side by side along a new axis."""
    value = lowering.result
    if kwargs or not isinstance(arrays, (list, tuple)):
        raise Unknown
    axis %= len(value.shape)
    shape = (*value.shape[:axis], 1, *value.shape[axis + 1 :])
    nodes = [lowering.seen_as(lowering.get(array, value.dtype), shape) for array in arrays]
    return joined(lowering, nodes, axis, value.shape, value.dtype)


@entry(np.roll)
def rolled(lowering: Lowering, x: Any, shift: int, axis: int | None = None) -> Node:
    """Elements moved along an axis; those that leave come in at the other end."""
    node = lowering.get(x)
    if type(shift) is not int or type(axis) is not int or not node.size or node.kind == "constant":
        raise Unknown
    axis %= len(node.shape)
    cut = -shift % node.shape[axis]
    base, (offset, strides) = (node.args[0], node.attribute) if node.kind == "view" else (node, (0, node.strides))
    halves = []
    for start, stop in ((cut, node.shape[axis]), (0, cut)):
        shape = (*node.shape[:axis], stop - start, *node.shape[axis + 1 :])
        if stop > start:
            halves.append(lowering.graph.view(base, offset + start * strides[axis], shape, strides))
    return joined(lowering, halves, axis, node.shape, node.dtype)


@entry(np.clip, ndarray.clip)
def clipped(lowering: Lowering, x: Any, a_min: Any = None, a_max: Any = None, **kwargs: Any) -> Node:
    """Elements within bounds, each of which may be missing."""
    node, value = lowering.get(x), lowering.result
    if kwargs or node.dtype != value.dtype or value.dtype.kind == "b":
        raise Unknown
    for op, limit in (("maximum", a_min), ("minimum", a_max)):
        if limit is not None:
            if isinstance(limit, (Value, np.generic)) and limit.dtype != node.dtype:
                raise Unknown
            node = lowering.graph.map(op, [node, lowering.get(limit, node.dtype)], node.dtype, value.shape)
    return node


# -- elements ------------------------------------------------------------------------------------


def is_basic(index: Any) -> bool:
    """Whether an index makes a view."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or type(part) in (int, slice) or isinstance(part, np.integer)
               for part in parts)  # fmt: skip


def set_part(lowering: Lowering, target: Value, index: Any, source: Any) -> None:
    """``array[index] = value`` for an index of integers and slices."""
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


@entry(embedded)
def on_diagonal(lowering: Lowering, values: Any, shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> Node:
    """Zeros with values at a diagonal."""
    node = lowering.get(values)
    dummy = np.empty(shape, node.dtype)
    return placed_in(
        lowering, zeros(lowering, shape, node.dtype), dummy, np.diagonal(dummy, offset, axis1, axis2), node
    )


@entry(np.pad)
def padded(lowering: Lowering, x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Node:
    """An array with a border of one number."""
    node = lowering.get(x)
    if mode != "constant" or not isinstance(constant_values, (int, float)):
        raise Unknown
    widths = np.broadcast_to(np.asarray(pad_width), (len(node.shape), 2)).tolist()
    shape = tuple(size + before + after for size, (before, after) in zip(node.shape, widths))
    dummy = np.empty(shape, node.dtype)
    part = dummy[tuple(slice(before, before + size) for size, (before, _) in zip(node.shape, widths))]
    number = lowering.graph.constant(constant_values, node.dtype)
    return placed_in(lowering, lowering.graph.map("copy", [number], node.dtype, shape), dummy, part, node)
