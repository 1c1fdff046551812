"""How elements at positions become nodes: taken out, put in, or added where an index says.

An index is looked at as NumPy does: numbers and slices make a view, arrays among them positions that are computed.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ...kernels.constants import float16
from ...kernels.tuning import MANY_ROWS, ROWS
from ...ops.along import add_elements, add_slices
from ...ops.assigning import with_elements
from ...ops.indexing import put
from ..program import Value
from .elements import casts_alike
from .functions import entry, is_basic, placed_in, set_part, zeros
from .lowering import Lowering, Unknown
from .nodes import Node, is_dense


class Along(tuple[Any, ...]):
    """Which axes of a table are indexed by operands, and, as a dict, which axes of the result the others are."""

    def __new__(cls, axes: list[int], plain: dict[int, int]) -> Along:
        return super().__new__(cls, (tuple(axes), tuple(plain.items())))


class Places(NamedTuple):
    """Elements of a table: their positions along some axes, each as broadcast to the shape of all of them."""

    axes: list[int]
    positions: list[Node]
    shape: tuple[int, ...]
    plain: dict[int, int]

    @property
    def along(self) -> Along:
        """The attribute of nodes that take or put these elements."""
        return Along(self.axes, self.plain)


def checked(places: Places, table: Node | None = None) -> Places:
    """Positions that C can compute with."""
    if any(p.dtype.kind not in "iu" for p in places.positions) or not math.prod(places.shape):
        raise Unknown
    if table is not None and (table.kind == "constant" or not table.size):
        raise Unknown
    return places


def in_bounds(lowering: Lowering, places: Places, shape: tuple[int, ...]) -> list[Node]:
    """The positions for each element; those that come from outside are looked at before anything else."""
    positions = [lowering.graph.broadcast(p, places.shape) for p in places.positions]
    for axis, position in zip(places.axes, positions):
        lowering.indices.note(position, shape[axis])
    return positions


def places_of(lowering: Lowering, shape: tuple[int, ...], index: Any) -> Places:
    """The places of an index of arrays, numbers and whole slices."""
    index = index if isinstance(index, tuple) else (index,)
    if any(part is None for part in index):
        raise Unknown
    dots = [at for at, part in enumerate(index) if part is Ellipsis]
    every = [slice(None)] * (len(shape) - len(index) + len(dots))
    index = (*index[: dots[0]], *every, *index[dots[0] + 1 :]) if dots else (*index, *every)
    if any(isinstance(part, slice) and part != slice(None) for part in index):
        raise Unknown
    axes = [axis for axis, part in enumerate(index) if not isinstance(part, slice)]
    if not axes:
        raise Unknown
    nodes = [lowering.get(index[axis]) for axis in axes]
    common = np.broadcast_shapes(*(node.shape for node in nodes))
    rest = [axis for axis in range(len(shape)) if axis not in axes]
    together = axes == list(range(axes[0], axes[-1] + 1))
    first = axes[0] if together else 0
    order = [*rest[:first], *[None] * len(common), *rest[first:]]
    whole = (*(shape[a] for a in rest[:first]), *common, *(shape[a] for a in rest[first:]))
    behind = len(rest) - first
    nodes = [lowering.seen_as(node, (*node.shape, *[1] * behind)) for node in nodes]
    return Places(axes, nodes, whole, {axis: order.index(axis) for axis in rest})


def places_along(lowering: Lowering, shape: tuple[int, ...], indices: Any, axis: int, reach: Any = None) -> Places:
    """The places of an index along an axis, at the own place along the others."""
    position = lowering.get(indices)
    reach = tuple(position.shape if reach is None else reach)
    return Places([axis], [position], reach, {a: a for a in range(len(shape)) if a != axis})


# -- taking --------------------------------------------------------------------------------------


def taken_at(lowering: Lowering, table: Node, places: Places) -> Node:
    """The elements of a table at some places."""
    positions, shape = in_bounds(lowering, checked(places, table), table.shape), places.shape
    return lowering.graph.node("gather", "", (table, *positions), shape, table.dtype, places.along)


def view_of_slices(lowering: Lowering, x: Any, index: Any) -> tuple[Node, Any]:
    """The part of a table that the slices of an index leave, and the index of that part."""
    node = lowering.get(x)
    parts = index if isinstance(index, tuple) else (index,)
    if all(not isinstance(part, slice) or part == slice(None) for part in parts):
        return node, index
    if node.kind == "constant" or any(part is None or part is Ellipsis for part in parts):
        raise Unknown
    dummy = np.lib.stride_tricks.as_strided(np.empty(1, np.int8), node.shape, node.strides)
    part = dummy[tuple([each if isinstance(each, slice) else slice(None) for each in parts])]
    start = part.__array_interface__["data"][0] - dummy.__array_interface__["data"][0]
    base, offset = (node.args[0], node.attribute[0]) if node.kind == "view" else (node, 0)
    view = lowering.graph.view(base, offset + start, part.shape, part.strides)
    return view, tuple([slice(None) if isinstance(each, slice) else each for each in parts])


@entry(ndarray.__getitem__)
def item(lowering: Lowering, x: Any, index: Any) -> Node:
    """Elements by an index of slices and arrays."""
    node, index = view_of_slices(lowering, x, index)
    return taken_at(lowering, node, places_of(lowering, node.shape, index))


@entry(np.take, ndarray.take)
def taken(lowering: Lowering, x: Any, indices: Any, axis: int | None = None, **kwargs: Any) -> Node:
    """``np.take``: elements, or slices along an axis, at computed indices."""
    if kwargs or not isinstance(indices, Value):
        raise Unknown
    node = lowering.get(x)
    if axis is None:
        node, axis = lowering.seen_as(node, (node.size,)), 0
    ahead = [slice(None)] * (axis % len(node.shape))
    return taken_at(lowering, node, places_of(lowering, node.shape, (*ahead, indices)))


@entry(np.take_along_axis)
def taken_along(lowering: Lowering, x: Any, indices: Any, axis: int | None = -1) -> Node:
    """``np.take_along_axis``: along an axis the element at the index of each place."""
    node = lowering.get(x)
    if axis is None:
        raise Unknown
    axis %= len(node.shape)
    if any(n != s for a, (n, s) in enumerate(zip(node.shape, lowering.result.shape)) if a != axis):
        raise Unknown
    places = places_along(lowering, node.shape, indices, axis, lowering.result.shape)
    return taken_at(lowering, node, places)


# -- putting and adding --------------------------------------------------------------------------


def scattered(lowering: Lowering, base: Node, values: Node, places: Places, op: str) -> Node:
    """A node with values put, or added, at some places."""
    positions, shape = in_bounds(lowering, checked(places), base.shape), places.shape
    while len(values.shape) > len(shape):
        values = lowering.seen_as(values, values.shape[1:])
    values = lowering.graph.broadcast(lowering.graph.cast(values, base.dtype), shape)
    return lowering.graph.node(
        "scatter", op, (base, values, *positions), base.shape, base.dtype, places.along, base.strides
    )


def added_at(lowering: Lowering, values: Node, shape: tuple[int, ...], places: Places, many: bool) -> Node:
    """Zeros with values added; in float64 where many may come to one place."""
    dtype = values.dtype
    wide = np.dtype(np.float64 if many and dtype.kind == "f" else np.float32 if dtype == float16 else dtype)
    if dtype.kind == "b":
        raise Unknown
    total = scattered(lowering, zeros(lowering, shape, wide), values, places, "add")
    return lowering.graph.cast(total, dtype)


@entry(put)
def put_in(lowering: Lowering, values: Any, shape: tuple[int, ...], index: tuple[Any, ...]) -> Node:
    """Zeros of a shape with values put at an index; several for one place are added up."""
    node = lowering.get(values)
    if is_basic(index):
        dummy = np.empty(shape, node.dtype)
        part = dummy[index] if Ellipsis in index else dummy[(*index, ...)]
        return placed_in(lowering, zeros(lowering, shape, node.dtype), dummy, part, node)
    return added_at(lowering, node, shape, places_of(lowering, shape, index), node.size > ROWS)


@entry(add_elements)
def elements_added(
    lowering: Lowering, values: Any, index: Any, shape: tuple[int, ...], axis: int, distinct: bool = False
) -> Node:
    """Zeros along an axis with each value added at its own index."""
    node = lowering.get(values)
    places = places_along(lowering, shape, index, axis, node.shape)
    if distinct:
        return scattered(lowering, zeros(lowering, shape, node.dtype), node, places, "copy")
    return added_at(lowering, node, shape, places, node.shape[axis] > MANY_ROWS)


@entry(add_slices)
def slices_added(lowering: Lowering, values: Any, index: Any, length: int, axis: int) -> Node:
    """Zeros along an axis with whole slices added at indices."""
    node = lowering.get(values)
    shape = (*node.shape[:axis], length, *node.shape[axis + 1 :])
    places = places_of(lowering, shape, (*[slice(None)] * axis, index))
    return added_at(lowering, node, shape, places, node.shape[axis] > MANY_ROWS)


@entry(with_elements)
def elements_replaced(lowering: Lowering, x: Any, value: Any, index: tuple[Any, ...]) -> Node:
    """A copy of an array with other values at an index."""
    node, before = lowering.get(value), lowering.get(x)
    if not casts_alike(node.dtype, before.dtype):
        raise Unknown
    base = lowering.graph.map("copy", [before], before.dtype, before.shape)
    if not is_basic(index):
        return scattered(lowering, base, node, places_of(lowering, before.shape, index), "copy")
    dummy = np.empty(before.shape, before.dtype)
    part = dummy[index] if Ellipsis in index else dummy[(*index, ...)]
    while len(node.shape) > part.ndim:
        node = lowering.seen_as(node, node.shape[1:])
    return placed_in(lowering, base, dummy, part, node)


def write_at(lowering: Lowering, target: Value, source: Any, places: Places) -> None:
    """Put elements into a value in memory."""
    node, before = lowering.get(source), lowering.versions.read(target)
    if not casts_alike(node.dtype, target.dtype) or before.kind == "view" or not is_dense(before.shape, before.strides):
        raise Unknown
    lowering.versions.write(target, scattered(lowering, before, node, places, "copy"))


@entry(ndarray.__setitem__)
def set_item(lowering: Lowering, target: Value, index: Any, source: Any) -> None:
    """An assignment by index, ``target[index] = source``."""
    if is_basic(index):
        set_part(lowering, target, index, source)
    else:
        write_at(lowering, target, source, places_of(lowering, target.shape, index))


@entry(np.put_along_axis)
def put_along(lowering: Lowering, target: Value, indices: Any, values: Any, axis: int | None) -> None:
    """``np.put_along_axis``: values put along an axis at the index of each place."""
    if axis is None:
        raise Unknown
    axis %= len(target.shape)
    reach = lowering.get(indices).shape
    if any(n != s for a, (n, s) in enumerate(zip(target.shape, reach)) if a != axis):
        raise Unknown
    write_at(lowering, target, values, places_along(lowering, target.shape, indices, axis))
