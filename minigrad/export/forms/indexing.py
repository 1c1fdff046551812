"""Elements at an index, and elements put there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ...compile.program import Value
from ...ops.along import add_elements, add_slices
from ...ops.assigning import with_elements
from ...ops.indexing import put as put_elements
from ..graph import Graph
from ..lengths import Differing, Length
from .shapes import sliced, transposed
from .table import Term, form


@form("getitem", ndarray.__getitem__)
def getitem(graph: Graph, result: Any, x: Any, index: Any) -> Any:
    """``Slice``, ``Gather`` and ``GatherND``."""
    if is_mask(index):
        places = places_of(graph, graph.shape(x), index)
        return NotImplemented if places is None else taken_at(graph, result, x, places)
    parts = full_index(graph.shape(x), index)
    name = sliced(graph, graph.read(x), [(i, p) for i, p in enumerate(p for p in parts if p is not None)
                                        if isinstance(p, slice)])  # fmt: skip
    arrays = [part for part in parts if isinstance(part, Value)]
    if arrays:
        name = at_arrays(graph, name, [part for part in parts if part is not None])
    else:
        numbers = [(i, p) for i, p in enumerate(p for p in parts if p is not None) if not isinstance(p, slice)]
        for axis, number in reversed(numbers):
            name = graph.node("Gather", [name, graph.read(number, np.int64)], result.dtype, axis=axis)
    if any(part is None for part in parts) or name == graph.read(x):
        return graph.reshaped(name, graph.shape(result))
    return name


def is_mask(index: Any) -> bool:
    """Whether a mask is part of an index, or True or False."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(type(part) is bool or (isinstance(part, Value) and part.dtype.kind == "b") for part in parts)


def taken_at(graph: Graph, result: Any, x: Any, places: str) -> str:
    """The elements of the flattened array at places, in the shape of the result."""
    flat = graph.node("Reshape", [graph.read(x), graph.constant(np.array([-1]))], result.dtype)
    return graph.reshaped(graph.node("Gather", [flat, places], result.dtype, axis=0), graph.shape(result))


def full_index(shape: Sequence[Any], index: Any) -> list[Any]:
    """A part of the index for each axis, and None for each new one."""
    parts = list(index) if isinstance(index, tuple) else [index]
    named = sum(part is not None and part is not Ellipsis for part in parts)
    rest = [slice(None)] * (len(shape) - named)
    places = [i for i, part in enumerate(parts) if part is Ellipsis]
    at = places[0] if places else len(parts)
    return [*parts[:at], *rest, *parts[at + 1 :]]


def at_arrays(graph: Graph, name: str, parts: Sequence[Any]) -> str:
    """Elements at arrays of integers along some axes: ``Gather`` for one, else ``GatherND``."""
    places = [axis for axis, part in enumerate(parts) if not isinstance(part, slice)]
    if len(places) == 1:
        inputs = [name, graph.read(parts[places[0]], np.int64)]
        return graph.node("Gather", inputs, graph.dtypes[name], axis=places[0])
    rest = [axis for axis in range(len(parts)) if axis not in places]
    shape = together([() if not isinstance(parts[axis], Value) else graph.shape(parts[axis]) for axis in places])
    front = transposed(graph, name, [*places, *rest])
    last = graph.constant(np.array([-1]))
    columns = []
    for axis in places:
        full = graph.expanded(graph.read(parts[axis], np.int64), shape)
        columns.append(graph.node("Unsqueeze", [full, last], np.int64))
    indices = graph.node("Concat", columns, np.int64, axis=-1)
    found = graph.node("GatherND", [front, indices], graph.dtypes[name])
    if places == list(range(places[0], places[0] + len(places))):  # side by side their axes stay where they were
        new, before = len(shape), places[0]
        order = [*range(new, new + before), *range(new), *range(new + before, new + len(rest))]
        return transposed(graph, found, order)
    return found


def together(shapes: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The shape that indices broadcast to."""
    ndim = max(map(len, shapes))
    columns = zip(*[(*(1,) * (ndim - len(shape)), *shape) for shape in shapes])
    return tuple(next((n for n in column if isinstance(n, Length) or n != 1), 1) for column in columns)


@form("index_select", np.take, ndarray.take)
def index_select(graph: Graph, result: Any, x: Any, index: Any, axis: Any = None, *_: Any, **__: Any) -> Any:
    """``Gather``"""
    name = graph.read(x)
    if axis is None:
        name, axis = graph.node("Reshape", [name, graph.constant(np.array([-1]))], result.dtype), 0
    return graph.node("Gather", [name, graph.read(index, np.int64)], result.dtype, axis=int(axis))


@form("gather", np.take_along_axis)
def gather(graph: Graph, result: Any, x: Any, index: Any, axis: int = -1, *_: Any, **__: Any) -> Any:
    """``GatherElements``; along other axes the index may be shorter, or of length 1."""
    own, shape = graph.shape(x), graph.shape(index)
    axis = axis % len(own)
    name, places = graph.read(x), graph.read(index, np.int64)
    other = [i for i in range(len(own)) if i != axis and own[i] != shape[i]]
    if any(isinstance(n, Differing) for i in other for n in (own[i], shape[i])):
        return NotImplemented
    if any(result.shape[i] != shape[i] for i in other):  # NumPy broadcasts them
        wide = [n if i == axis else graph.shape(result)[i] for i, n in enumerate(shape)]
        places = graph.expanded(places, wide)
        name = graph.expanded(name, [own[axis] if i == axis else n for i, n in enumerate(wide)])
    else:
        name = sliced(graph, name, [(i, slice(0, shape[i])) for i in other])
    return graph.node("GatherElements", [name, places], result.dtype, axis=axis)


# -- elements put in their places ------------------------------------------------------------------


def scatter(graph: Graph, base: str, index: str, values: str, axis: int, reduction: str | None) -> str:
    """``ScatterElements``; runtimes add up in float32 at least."""
    dtype = graph.dtypes[base]
    wide = np.dtype(np.float32) if reduction and dtype == np.float16 else dtype
    inputs = [graph.cast(base, wide), index, graph.cast(values, wide)]
    return graph.cast(graph.node("ScatterElements", inputs, wide, axis=axis, reduction=reduction), dtype)


@form("scatter_add", add_elements)
def scatter_add(graph: Graph, result: Any, values: Any, index: Any, _shape: Any, axis: int, *_: Any) -> Any:
    """``ScatterElements`` that adds to zeros."""
    zeros = graph.expanded(graph.read(0, result.dtype), graph.shape(result))
    places = graph.read(index, np.int64)
    return scatter(graph, zeros, places, graph.read(values, result.dtype), axis % len(result.shape), "add")


@form("index_add", add_slices)
def index_add(graph: Graph, result: Any, values: Any, index: Any, _length: Any, axis: int) -> Any:
    """``ScatterElements`` that adds slices to zeros."""
    shape = graph.shape(values)
    turned = graph.reshaped(graph.read(index, np.int64), [-1 if i == axis else 1 for i in range(len(shape))])
    zeros = graph.expanded(graph.read(0, result.dtype), graph.shape(result))
    return scatter(graph, zeros, graph.expanded(turned, shape), graph.read(values, result.dtype), axis, "add")


def places_of(graph: Graph, shape: Sequence[Any], index: Any) -> str | None:
    """The number that each element at an index has in a flattened array; None if it cannot be known.

    It is found by indexing numbers in the array's shape.
    """
    found = known(graph, index)
    parts = found if isinstance(found, tuple) else (found,)
    if any(isinstance(part, (Value, Differing)) for part in (*shape, *parts)):
        return None
    numbers = np.arange(int(np.prod(shape))).reshape([*shape])
    return graph.constant(numbers[parts].reshape(-1))


def scattered(graph: Graph, base: str, shape: Sequence[Any], values: str, index: Any, reduction: str | None) -> Any:
    """Values put into an array at a constant index."""
    places = places_of(graph, shape, index)
    if places is None:
        return NotImplemented
    minus = graph.constant(np.array([-1]))
    flat, parts = (graph.node("Reshape", [name, minus], graph.dtypes[base]) for name in (base, values))
    return graph.reshaped(scatter(graph, flat, places, parts, 0, reduction), shape)


def known(graph: Graph, index: Any) -> Any:
    """An index in which constant arrays are arrays."""
    if isinstance(index, tuple):
        return tuple([known(graph, part) for part in index])
    if isinstance(index, Value) and index in graph.arrays[0]:
        return graph.arrays[0][index][1]
    return index


@form("diagonal", np.diagonal, ndarray.diagonal)
def diagonal(graph: Graph, result: Any, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The two axes as one, and ``Gather`` of their diagonal."""
    shape = graph.shape(x)
    axes = [axis1 % len(shape), axis2 % len(shape)]
    if any(isinstance(shape[axis], Differing) for axis in axes):
        return NotImplemented
    order = [axis for axis in range(len(shape)) if axis not in axes] + axes
    numbers = np.arange(shape[axes[0]] * shape[axes[1]]).reshape(shape[axes[0]], shape[axes[1]])
    flat = graph.reshaped(transposed(graph, x, order), [*(shape[axis] for axis in order[:-2]), numbers.size])
    return graph.node("Gather", [flat, graph.constant(np.diagonal(numbers, offset))], result.dtype, axis=-1)


@form("diag_embed")
def diag_embed(graph: Graph, result: Any, values: Any, _shape: Any, offset: int, axis1: int, axis2: int) -> Any:
    """``Gather`` of the values and a 0 behind them."""
    shape, before = graph.shape(result), graph.shape(values)
    axes, k = [axis1 % len(shape), axis2 % len(shape)], before[-1]
    if any(isinstance(n, Differing) for n in (k, shape[axes[0]], shape[axes[1]])):
        return NotImplemented
    places = np.full((shape[axes[0]], shape[axes[1]]), k)
    np.fill_diagonal(places[max(-offset, 0) :, max(offset, 0) :], np.arange(k))
    zero = graph.expanded(graph.read(0, result.dtype), [*before[:-1], 1])
    longer = graph.node("Concat", [graph.read(values), zero], result.dtype, axis=-1)
    found = graph.node("Gather", [longer, graph.constant(places)], result.dtype, axis=len(before) - 1)
    order = [*range(len(before) - 1)]
    for to, axis in sorted(zip(axes, (len(shape) - 2, len(shape) - 1))):
        order.insert(to, axis)
    return transposed(graph, found, order)


def around(shape: Sequence[Any], index: Any) -> list[tuple[int, int]] | None:
    """How many elements lie in front of and behind slices of an array, by axis; None of another index."""
    parts = index if isinstance(index, tuple) else (index,)
    if not all(part is Ellipsis or (isinstance(part, slice) and part.step in (None, 1)) for part in parts):
        return None
    widths = []
    for n, part in zip(shape, full_index(shape, index)):
        if isinstance(n, Differing) and part != slice(None):
            return None
        start, stop, _ = (0, 0, 1) if isinstance(n, Differing) else part.indices(n)
        widths.append((0, 0) if isinstance(n, Differing) else (start, n - max(start, stop)))
    return widths or None


@form("put", put_elements)
def put(graph: Graph, result: Any, values: Any, _shape: Any, index: Any) -> Any:
    """Values added to zeros at a constant index; of slices these are padding."""
    widths = around(graph.shape(result), index)
    if widths is not None:
        inputs = [
            graph.read(values),
            graph.vector([n for pair in zip(*widths) for n in pair]),
            graph.read(0, result.dtype),
        ]
        return graph.node("Pad", inputs, result.dtype)
    zeros = graph.expanded(graph.read(0, result.dtype), graph.shape(result))
    reduction = "add" if result.dtype.kind != "b" else None
    return scattered(graph, zeros, graph.shape(result), graph.read(values, result.dtype), index, reduction)


@form("index_put", with_elements)
def index_put(graph: Graph, result: Any, x: Any, value: Any, index: Any) -> Any:
    """An array with other elements: ``Where`` at a mask, ``ScatterElements`` at a constant index."""
    parts = index if isinstance(index, tuple) else (index,)
    shape = graph.shape(result)
    if all(part is Ellipsis or (isinstance(part, slice) and part == slice(None)) for part in parts):
        return graph.expanded(graph.read(value, result.dtype), shape)
    name, mask = graph.read(x, result.dtype), parts[0]
    if len(parts) == 1 and isinstance(mask, Value) and mask.dtype.kind == "b" and not getattr(value, "shape", ()):
        condition = graph.read(mask)
        missing = len(shape) - len(graph.shape(mask))
        if missing:
            condition = graph.reshaped(condition, (*graph.shape(mask), *(1,) * missing))
        return Term(graph, condition).where(Term(graph, graph.read(value, result.dtype)), Term(graph, name)).name
    constant = known(graph, index)
    chosen = constant if isinstance(constant, tuple) else (constant,)
    if any(isinstance(part, (Value, Differing)) for part in chosen):
        return NotImplemented
    if any(isinstance(n, Differing) for n in shape):
        return put_everywhere(graph, name, shape, value, chosen)
    found = np.empty([*shape], bool)[constant].shape
    full = graph.expanded(graph.read(value, result.dtype), found)
    return scattered(graph, name, shape, full, index, None)


def put_everywhere(graph: Graph, name: str, shape: Sequence[Any], value: Any, index: tuple[Any, ...]) -> Any:
    """Values put at integers and slices, which take all of the axes whose lengths change.

    These axes come first, the others are one behind them, in which the places are constant.
    """
    parts = full_index(shape, index)
    changing = [axis for axis, n in enumerate(shape) if isinstance(n, Differing)]
    if not all(type(part) is int or isinstance(part, slice) for part in parts):
        return NotImplemented
    if any(parts[axis] != slice(None) for axis in changing):
        return NotImplemented
    fixed = [axis for axis in range(len(shape)) if axis not in changing]
    lengths = [shape[axis] for axis in fixed]
    numbers = np.arange(int(np.prod(lengths))).reshape(lengths)
    places = numbers[tuple(parts[axis] for axis in fixed)]
    front = [shape[axis] for axis in changing]
    kept = [axis for axis, part in enumerate(parts) if isinstance(part, slice)]
    rest = iter(places.shape)
    own = graph.expanded(
        graph.read(value, graph.dtypes[name]), [shape[axis] if axis in changing else next(rest) for axis in kept]
    )
    order = [kept.index(axis) for axis in changing] + [i for i, axis in enumerate(kept) if axis not in changing]
    values = graph.reshaped(transposed(graph, own, order), [*front, places.size])
    base = graph.reshaped(transposed(graph, name, [*changing, *fixed]), [*front, numbers.size])
    everywhere = graph.expanded(graph.constant(places.reshape(-1)), [*front, places.size])
    found = graph.reshaped(scatter(graph, base, everywhere, values, len(front), None), [*front, *lengths])
    return transposed(graph, found, list(np.argsort([*changing, *fixed])))
