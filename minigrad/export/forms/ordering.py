"""Sorting: by ``TopK``, which puts the first of equal elements first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..graph import Graph
from .table import form


def top(graph: Graph, x: Any, k: Any, axis: int, largest: bool) -> list[str]:
    """The k largest or smallest elements along an axis, and their places; of booleans and small integers as int64."""
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.int64)
    inputs = [graph.read(x, dtype), graph.vector([k])]
    return graph.node_of("TopK", inputs, [dtype, np.int64], axis=axis, largest=int(largest), sorted=1)


@form("argsort")
def argsort(graph: Graph, result: Any, x: Any, axis: int, descending: bool) -> Any:
    """The places of all elements in their order."""
    if not result.shape:
        return NotImplemented
    return top(graph, x, graph.shape(x)[axis], axis, descending)[1]


@form(np.argsort, ndarray.argsort)
def numpys_argsort(graph: Graph, result: Any, x: Any, axis: int = -1, *_: Any, **__: Any) -> Any:
    """The places of all elements in ascending order."""
    return argsort(graph, result, x, axis % len(result.shape), False) if result.shape else NotImplemented


@form(np.sort)
def sort(graph: Graph, result: Any, x: Any, axis: int = -1, **_: Any) -> Any:
    """All elements in their order."""
    if not result.shape:
        return NotImplemented
    return graph.cast(top(graph, x, graph.shape(x)[axis], axis % len(result.shape), False)[0], result.dtype)


@form(np.partition)
def partition(graph: Graph, result: Any, x: Any, _kth: Any, axis: int = -1, **_: Any) -> Any:
    """All elements in their order, which is a partition, too."""
    return sort(graph, result, x, axis)


@form("topk")
def topk(graph: Graph, result: Any, x: Any, k: int, axis: int, largest: bool) -> Any:
    """The places of the k largest or smallest elements."""
    return top(graph, x, k, axis, largest)[1] if x.shape else NotImplemented
