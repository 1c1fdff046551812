"""Operations that move elements without computing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..graph import Graph
from .table import form


@form("reshape", "view", np.reshape, ndarray.reshape, np.ravel, ndarray.ravel, ndarray.flatten, np.squeeze,
      ndarray.squeeze, np.expand_dims)  # fmt: skip
def reshape(graph: Graph, result: Any, x: Any, *_: Any, **__: Any) -> Any:
    """``Reshape``, or ``Flatten`` of all axes but the first."""
    before, shape = graph.shape(x), graph.shape(result)
    if shape == before:
        return graph.read(x)
    if len(shape) == 2 and len(before) > 2 and shape[0] == before[0] and 0 not in result.shape:
        return graph.node("Flatten", [graph.read(x)], result.dtype, axis=1)
    return graph.reshaped(graph.read(x), shape)


@form("permute", np.transpose, ndarray.transpose)
def permute(graph: Graph, result: Any, x: Any, *axes: Any) -> Any:
    """``Transpose``"""
    given = axes[0] if len(axes) == 1 else axes
    order = tuple(range(len(graph.shape(x))))[::-1] if given is None or given == () else tuple(given)
    return transposed(graph, x, [axis % len(order) for axis in order])


def transposed(graph: Graph, x: Any, order: Sequence[int]) -> str:
    """The axes in another order."""
    name = graph.read(x)
    if list(order) == list(range(len(order))):
        return name
    return graph.node("Transpose", [name], graph.dtypes[name], perm=list(order))


@form(np.swapaxes, ndarray.swapaxes)
def swapaxes(graph: Graph, result: Any, x: Any, axis1: int, axis2: int) -> Any:
    """``Transpose`` of two axes."""
    order = list(range(len(graph.shape(x))))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return transposed(graph, x, order)


@form(np.moveaxis)
def moveaxis(graph: Graph, result: Any, x: Any, source: Any, destination: Any) -> Any:
    """``Transpose``"""
    places = np.moveaxis(np.empty([1] * len(graph.shape(x))), source, destination)  # refuses what NumPy refuses
    from_, to = ((n,) if isinstance(n, int) else tuple(n) for n in (source, destination))
    ndim = places.ndim
    order = [axis for axis in range(ndim) if axis not in [n % ndim for n in from_]]
    for at, axis in sorted(zip([n % ndim for n in to], [n % ndim for n in from_])):
        order.insert(at, axis)
    return transposed(graph, x, order)


@form("expand", np.broadcast_to)
def expand(graph: Graph, result: Any, x: Any, *_: Any, **__: Any) -> Any:
    """``Expand``"""
    shape = graph.shape(result)
    return graph.read(x) if shape == graph.shape(x) else graph.expanded(graph.read(x), shape)


@form("cat")
def cat(graph: Graph, result: Any, *operands: Any) -> Any:
    """``Concat``"""
    *tensors, axis = operands
    return graph.node("Concat", [graph.read(x, result.dtype) for x in tensors], result.dtype, axis=axis)


@form(np.concatenate)
def concatenate(graph: Graph, result: Any, arrays: Any, axis: int = 0, *_: Any, **__: Any) -> Any:
    """``Concat``"""
    return cat(graph, result, *arrays, axis)


@form("stack")
def stack(graph: Graph, result: Any, *operands: Any) -> Any:
    """``Concat`` along a new axis."""
    *tensors, axis = operands
    at = graph.constant(np.array([axis], np.int64))
    parts = [graph.node("Unsqueeze", [graph.read(x, result.dtype), at], result.dtype) for x in tensors]
    return graph.node("Concat", parts, result.dtype, axis=axis)


@form(np.stack)
def numpys_stack(graph: Graph, result: Any, arrays: Any, axis: int = 0, *_: Any, **__: Any) -> Any:
    """``Concat`` along a new axis."""
    return stack(graph, result, *arrays, axis)


@form(np.split, np.array_split)
def split(graph: Graph, results: Any, x: Any, _sections: Any, axis: int = 0) -> Any:
    """``Split``"""
    lengths = [graph.shape(result)[axis] for result in results]
    inputs = [graph.read(x), graph.vector(lengths)]
    return graph.node_of("Split", inputs, [x.dtype] * len(results), axis=axis)


@form("flip", np.flip)
def flip(graph: Graph, result: Any, x: Any, axis: Any = None) -> Any:
    """``Slice`` with steps of -1."""
    axes = range(len(graph.shape(x))) if axis is None else [axis] if isinstance(axis, int) else axis
    return sliced(graph, graph.read(x), [(axis, slice(None, None, -1)) for axis in axes])


LAST = np.iinfo(np.int64).max


def sliced(graph: Graph, name: str, parts: Sequence[tuple[int, slice]]) -> str:
    """Slices along axes; one without end is open."""
    parts = [(axis, part) for axis, part in parts if part != slice(None)]
    if not parts:
        return name
    steps = [1 if part.step is None else part.step for _, part in parts]
    starts = [(LAST if step < 0 else 0) if part.start is None else part.start for (_, part), step in zip(parts, steps)]
    stops = [(-LAST if step < 0 else LAST) if part.stop is None else part.stop for (_, part), step in zip(parts, steps)]
    vectors = [graph.vector(numbers) for numbers in (starts, stops, [axis for axis, _ in parts], steps)]
    return graph.node("Slice", [name, *vectors], graph.dtypes[name])


@form("roll", np.roll)
def roll(graph: Graph, result: Any, x: Any, shifts: Any, axes: Any = None) -> Any:
    """``Concat`` of the end and the beginning."""
    if axes is None:
        return NotImplemented
    name, shape = graph.read(x), graph.shape(x)
    several = [(n,) if isinstance(n, int) else n for n in (shifts, axes)]
    for shift, axis in zip(*several):
        n = shape[axis]
        if isinstance(n, int):
            shift = shift % max(n, 1)
        if shift:
            parts = [sliced(graph, name, [(axis, part)]) for part in (slice(-shift, None), slice(None, -shift))]
            name = graph.node("Concat", parts, result.dtype, axis=axis)
    return name


@form("repeat", np.tile)
def repeat(graph: Graph, result: Any, x: Any, repeats: Any) -> Any:
    """``Tile``"""
    counts = (repeats,) if isinstance(repeats, int) else tuple(repeats)
    shape = graph.shape(x)
    added = len(counts) - len(shape)
    name = graph.reshaped(graph.read(x), (*(1,) * added, *shape)) if added > 0 else graph.read(x)
    counts = (*(1,) * -added, *counts)
    return graph.node("Tile", [name, graph.vector(counts)], result.dtype) if counts else name


@form("pad", np.pad)
def pad(graph: Graph, result: Any, x: Any, widths: Any, value: Any = 0, *, mode: str = "constant",
        constant_values: Any = None) -> Any:  # fmt: skip
    """``Pad``; negative widths cut elements off."""
    fill = constant_values if constant_values is not None else 0 if value == "constant" else value
    if mode != "constant":
        return NotImplemented
    numbers = [*(a for a, _ in widths), *(b for _, b in widths)]
    return graph.node("Pad", [graph.read(x), graph.vector(numbers), graph.read(fill, result.dtype)], result.dtype)


@form("tril", np.tril)
def tril(graph: Graph, result: Any, x: Any, diagonal: int = 0) -> Any:
    """``Trilu``"""
    return triangle(graph, result, x, diagonal, upper=0)


@form("triu", np.triu)
def triu(graph: Graph, result: Any, x: Any, diagonal: int = 0) -> Any:
    """``Trilu``"""
    return triangle(graph, result, x, diagonal, upper=1)


def triangle(graph: Graph, result: Any, x: Any, diagonal: int, upper: int) -> str:
    """One side of a diagonal."""
    inputs = [graph.read(x), graph.constant(np.array(diagonal, np.int64))]
    return graph.node("Trilu", inputs, result.dtype, upper=upper)


@form(np.zeros_like)
def zeros_like(graph: Graph, result: Any, x: Any, *_: Any, **__: Any) -> Any:
    """``Expand`` of a 0."""
    return graph.expanded(graph.read(0, result.dtype), graph.shape(result))


@form(np.ones_like)
def ones_like(graph: Graph, result: Any, x: Any, *_: Any, **__: Any) -> Any:
    """``Expand`` of a 1."""
    return graph.expanded(graph.read(1, result.dtype), graph.shape(result))


@form(np.full_like)
def full_like(graph: Graph, result: Any, x: Any, fill_value: Any, *_: Any, **__: Any) -> Any:
    """``Expand`` of a number."""
    return graph.expanded(graph.read(fill_value, result.dtype), graph.shape(result))
