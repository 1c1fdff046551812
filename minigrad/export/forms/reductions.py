"""Reductions and scans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..graph import Graph
from ..lengths import Length
from .table import CALLS, OPERATIONS, Term, form


def reduced(graph: Graph, kind: str, name: str, axes: Sequence[int] | None, keepdims: bool, shape: Any) -> str:
    """A value reduced along axes, of all if they are None; ``shape`` is its own."""
    every = range(len(shape)) if axes is None else [axes] if isinstance(axes, (int, np.integer)) else axes
    along = [int(axis) % max(len(shape), 1) for axis in every]
    if not along:
        return name
    dtype = graph.dtypes[name]
    if kind == "ReduceSum" or graph.opset >= 18:
        axis_vector = graph.constant(np.array(along, np.int64))
        return graph.node(kind, [name, axis_vector], dtype, keepdims=int(keepdims))
    return graph.node(kind, [name], dtype, axes=along, keepdims=int(keepdims))


def reduction(kind: str) -> Any:
    """The form of ``np.add.reduce`` and its like."""

    def written(
        graph: Graph, result: Any, x: Any, axis: Any = 0, dtype: Any = None, keepdims: bool = False, initial: Any = None
    ) -> Any:
        own = result.dtype if kind in ("ReduceSum", "ReduceProd") else x.dtype
        wide = np.dtype(np.int32) if own.kind == "b" else own
        found = reduced(graph, kind, graph.read(x, wide), axis, keepdims, graph.shape(x))
        if initial is not None and not empty(graph, x) and kind in ("ReduceMax", "ReduceMin"):
            return found
        return NotImplemented if initial is not None else found

    return written


def empty(graph: Graph, x: Any) -> bool:
    """Whether an array has no elements."""
    return any(type(n) is int and n == 0 for n in graph.shape(x))


CALLS.update({
    np.add.reduce: reduction("ReduceSum"),
    np.multiply.reduce: reduction("ReduceProd"),
    np.maximum.reduce: reduction("ReduceMax"),
    np.minimum.reduce: reduction("ReduceMin"),
})  # fmt: skip


def along_axes(kind: str) -> Any:
    """The form of an operation of a tuple of axes and ``keepdims``, computed in the dtype of its result."""

    def written(graph: Graph, result: Any, x: Any, axes: Any, keepdims: bool) -> Any:
        half = result.dtype == np.float16
        if (half and kind in ("ReduceSum", "ReduceMean")) or empty(graph, x):  # what these consist of adds in float64
            return NotImplemented
        dtype = np.dtype(np.int32) if result.dtype.kind == "b" else np.dtype(np.float32) if half else result.dtype
        return reduced(graph, kind, graph.read(x, dtype), axes, keepdims, graph.shape(x))

    return written


OPERATIONS.update({
    "sum": along_axes("ReduceSum"), "mean": along_axes("ReduceMean"), "amax": along_axes("ReduceMax"),
    "amin": along_axes("ReduceMin"), "prod": along_axes("ReduceProd"),
})  # fmt: skip


@form(np.any, ndarray.any)
def any_of(graph: Graph, result: Any, x: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    """Whether one is true: the largest of zeros and ones."""
    flags = graph.cast(graph.read(x, bool), np.int32)
    return reduced(graph, "ReduceMax", flags, axis, keepdims, graph.shape(x))


@form(np.all, ndarray.all)
def all_of(graph: Graph, result: Any, x: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    """Whether all are true: the smallest of zeros and ones."""
    flags = graph.cast(graph.read(x, bool), np.int32)
    return reduced(graph, "ReduceMin", flags, axis, keepdims, graph.shape(x))


@form(np.count_nonzero)
def count_nonzero(graph: Graph, result: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The sum of ones where elements are not 0."""
    flags = graph.cast(graph.read(x, bool), np.int64)
    return reduced(graph, "ReduceSum", flags, axis, keepdims, graph.shape(x))


def method(kind: str, function: Any) -> None:
    """NumPy's functions of an array and an axis."""

    def written(graph: Graph, result: Any, x: Any, axis: Any = None, *_: Any, keepdims: Any = False, **__: Any) -> Any:
        return reduced(graph, kind, graph.read(x, result.dtype), axis, bool(keepdims), graph.shape(x))

    CALLS.update(dict.fromkeys(function, written))


method("ReduceSum", (np.sum, ndarray.sum))
method("ReduceMean", (np.mean, ndarray.mean))
method("ReduceMax", (np.max, np.amax, ndarray.max))
method("ReduceMin", (np.min, np.amin, ndarray.min))
method("ReduceProd", (np.prod, ndarray.prod))


@form("cumsum")
def cumsum(graph: Graph, result: Any, x: Any, axis: int, reverse: bool) -> Any:
    """``CumSum``, in float64 as the operation has it."""
    if not result.shape:
        return graph.read(x)
    wide = np.promote_types(result.dtype, np.float64) if result.dtype.kind == "f" else result.dtype
    inputs = [graph.read(x, wide), graph.constant(np.array(axis, np.int64))]
    return graph.node("CumSum", inputs, wide, reverse=int(reverse))


@form(np.cumsum, ndarray.cumsum)
def numpys_cumsum(graph: Graph, result: Any, x: Any, axis: Any = None, *_: Any, **__: Any) -> Any:
    """``CumSum`` along an axis."""
    return (
        NotImplemented
        if axis is None
        else graph.node("CumSum", [graph.read(x, result.dtype), graph.constant(np.array(axis, np.int64))], result.dtype)
    )


@form("argmax", np.argmax, ndarray.argmax)
def argmax(graph: Graph, result: Any, x: Any, axis: Any = None, *settings: Any, keepdims: Any = False) -> Any:
    """``ArgMax``: the first of equal ones."""
    return place(graph, result, "ArgMax", x, axis, bool(keepdims or (settings and settings[-1] is True)))


@form("argmin", np.argmin, ndarray.argmin)
def argmin(graph: Graph, result: Any, x: Any, axis: Any = None, *settings: Any, keepdims: Any = False) -> Any:
    """``ArgMin``: the first of equal ones."""
    return place(graph, result, "ArgMin", x, axis, bool(keepdims or (settings and settings[-1] is True)))


def place(graph: Graph, result: Any, kind: str, x: Any, axis: Any, keepdims: bool) -> Any:
    """Where along an axis an extreme element is; of booleans as integers."""
    shape = graph.shape(x)
    name = graph.read(x, np.int32 if x.dtype.kind == "b" else None)
    if axis is None:
        flat = graph.node("Reshape", [name, graph.constant(np.array([-1]))], graph.dtypes[name])
        found = graph.node(kind, [flat], np.int64, axis=0, keepdims=0)
        return graph.reshaped(found, graph.shape(result))
    if not shape:
        return NotImplemented
    return graph.node(kind, [name], np.int64, axis=int(axis), keepdims=int(keepdims))


@form("softmax")
def softmax(graph: Graph, result: Any, x: Any, axis: int) -> Any:
    """``Softmax``"""
    return along_one_axis(graph, result, "Softmax", x, axis)


@form("log_softmax")
def log_softmax(graph: Graph, result: Any, x: Any, axis: int) -> Any:
    """``LogSoftmax``"""
    return along_one_axis(graph, result, "LogSoftmax", x, axis)


def along_one_axis(graph: Graph, result: Any, kind: str, x: Any, axis: int) -> Any:
    """A node along an axis; a single number has none."""
    if not result.shape:
        return NotImplemented
    return graph.node(kind, [graph.read(x, result.dtype)], result.dtype, axis=int(axis))


def freedom(graph: Graph, x: Any, axes: Any, correction: float) -> Any:
    """``n - correction``: a number, or a term if it changes with a size."""
    total: Any = 1
    for axis in axes:
        n = graph.shape(x)[axis]
        n = Term(graph, graph.cast(graph.scalar(n), x.dtype)) if isinstance(n, Length) else n
        total = n * total if isinstance(n, Term) else total * n
    return total - correction


@form("var")
def var(graph: Graph, result: Any, x: Any, axes: Any, keepdims: bool, correction: float) -> Any:
    """``sum((x - mean(x))**2) / (n - correction)``"""
    if result.dtype == np.float16 or empty(graph, x):
        return NotImplemented
    n = freedom(graph, x, axes, correction)
    if not isinstance(n, Term) and n <= 0:
        return NotImplemented
    name, shape = graph.read(x), graph.shape(x)
    d = Term(graph, name) - Term(graph, reduced(graph, "ReduceMean", name, axes, True, shape))
    return (Term(graph, reduced(graph, "ReduceSum", (d * d).name, axes, keepdims, shape)) / n).name


@form("std")
def std(graph: Graph, result: Any, *arguments: Any) -> Any:
    """The square root of ``var``."""
    found = var(graph, result, *arguments)
    return found if found is NotImplemented else Term(graph, found).node("Sqrt").name
