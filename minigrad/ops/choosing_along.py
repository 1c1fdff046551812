"""Choosing along an axis: the largest and smallest elements and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..engine.faces import public
from ..engine.node import Variable, array_of
from ..engine.op import Op
from .arguments import single_axis
from .choosing import maximum, minimum
from .comparison import isnan
from .indexing import getitem
from .reductions import shared
from .shapes import squeeze

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["argmax", "argmin", "max", "min"]


def by_extreme_of_all(dy: Any, y: Any, x: Any) -> Any:
    """The rule of max and min of all elements; if the value is NaN, all that are NaN share the gradient."""
    return shared(dy, (x == y) | isnan(x), x, tuple(range(len(x.shape))))


largest = Op(
    "max",
    lambda x: np.maximum.reduce(x, None),
    by_extreme_of_all,
    doc="the largest of all elements; ties, also of NaN, share the gradient",
)
smallest = Op(
    "min",
    lambda x: np.minimum.reduce(x, None),
    by_extreme_of_all,
    doc="the smallest of all elements; ties, also of NaN, share the gradient",
)


index_of_largest = Op(
    "argmax",
    lambda x, axis, keepdims: np.argmax(x, axis=axis, keepdims=keepdims),
    None,
    doc="the index of the largest element along an axis, or of all; the first at a tie",
)
index_of_smallest = Op(
    "argmin",
    lambda x, axis, keepdims: np.argmin(x, axis=axis, keepdims=keepdims),
    None,
    doc="the index of the smallest element along an axis, or of all; the first at a tie",
)


@public("function method", {np.argmax: lambda f, a, axis=None, keepdims=False: f(a, axis, keepdims)})
def argmax(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The index of the largest element along ``dim``, the first at a tie; None: in the flat tensor."""
    return index_of_largest(input, single_axis(input, dim, axis), keepdim or keepdims)


@public("function method", {np.argmin: lambda f, a, axis=None, keepdims=False: f(a, axis, keepdims)})
def argmin(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The index of the smallest element along ``dim``, the first at a tie; None: in the flat tensor."""
    return index_of_smallest(input, single_axis(input, dim, axis), keepdim or keepdims)


class Extreme(NamedTuple):
    """What ``max(dim)`` and ``min(dim)`` return."""

    values: Any
    indices: Any


def extreme(choose: Op, x: Any, axis: int, keepdims: bool) -> Extreme:
    """The chosen element of each row along one axis, and its index."""
    ndim = len(x.shape)
    indices = choose(x, axis if ndim else None, True)
    index = array_of(indices)
    grid: list[Any] = list(np.indices(index.shape, sparse=True))
    if grid:
        grid[axis] = index
    values = getitem(x, tuple(grid))
    if keepdims or not ndim:
        return Extreme(values, indices)
    return Extreme(squeeze(values, axis), squeeze(indices, axis))


@public("function method")
def max(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Any:
    """``max(x)``: the largest element, ties share the gradient.

    ``max(x, dim)``: (values, indices) along one axis, the gradient goes to the one index. ``max(a, b)``: elementwise
    ``maximum``.
    """
    if isinstance(dim, (Variable, ndarray)):
        return maximum(input, dim)
    only = single_axis(input, dim, axis)
    return largest(input) if only is None else extreme(index_of_largest, input, only, keepdim or keepdims)


@public("function method")
def min(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Any:
    """``min(x)``: the smallest element, ties share the gradient.

    ``min(x, dim)``: (values, indices) along one axis, the gradient goes to the one index. ``min(a, b)``: elementwise
    ``minimum``.
    """
    if isinstance(dim, (Variable, ndarray)):
        return minimum(input, dim)
    only = single_axis(input, dim, axis)
    return smallest(input) if only is None else extreme(index_of_smallest, input, only, keepdim or keepdims)
