"""Choosing along an axis: places are found by operations without a derivative, and the elements are taken there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.errors import EmptyAxisError
from ..engine.faces import public
from ..engine.node import Variable
from ..engine.op import Op
from .along import elements_taken
from .arguments import one_name, single_axis
from .choosing import maximum, minimum
from .comparison import isnan
from .reductions import amax, amin, shared
from .results import MinMax, ValuesIndices
from .shapes import reshaped, with_an_axis

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["aminmax", "argmax", "argmin", "max", "min"]


def chosen(x: Any, find: Callable[[Any], Any], axis: int, keepdims: bool = True, distinct: bool = True) -> Any:
    """Elements along an axis, and where they are.

    Args:
        x: the tensor.
        find: returns their places along the axis.
        axis: the axis; 0 for a number, too.
        keepdims: whether the axis is kept; if not, it must have one place.
        distinct: whether no place is named twice.
    """
    rows = with_an_axis(x)
    indices = find(rows)
    values = elements_taken(rows, indices, axis, distinct)
    if keepdims and rows is x:
        return ValuesIndices(values, indices)
    shape = (*rows.shape[:axis], *rows.shape[axis + 1 :])
    return ValuesIndices(reshaped(values, shape), reshaped(indices, shape))


# -- the largest and smallest elements ------------------------------------------------------------


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


def place(function: Any, x: Any, axis: int | None, keepdims: bool) -> Any:
    """The index of the chosen element along an axis."""
    try:
        return function(x, axis=axis, keepdims=keepdims)
    except ValueError as error:
        raise EmptyAxisError(str(error)) from None


index_of_largest = Op(
    "argmax",
    partial(place, np.argmax),
    None,
    doc="the index of the largest element along an axis, or of all; the first at a tie",
)
index_of_smallest = Op(
    "argmin",
    partial(place, np.argmin),
    None,
    doc="the index of the smallest element along an axis, or of all; the first at a tie",
)


@public("function method", {np.argmax: lambda f, a, axis=None, keepdims=False: f(a, axis, keepdims)})
def argmax(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The index of the largest element along ``dim``, the first at a tie, as int64.

    Args:
        input: the tensor; NaN counts as larger than all numbers.
        dim: the axis; None: the index is that in the flat tensor.
        keepdim: keep the axis, with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.

    Raises:
        ValueError, IndexError: for an axis without elements.

    >>> mg.argmax(mg.tensor([[1.0, 4.0], [3.0, 2.0]]), 1)
    tensor([1, 0])
    """
    return index_of_largest(input, single_axis(input, dim, axis), keepdim or keepdims)


@public("function method", {np.argmin: lambda f, a, axis=None, keepdims=False: f(a, axis, keepdims)})
def argmin(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The index of the smallest element along ``dim``, the first at a tie, as int64.

    Args:
        input: the tensor; NaN counts as smaller than all numbers.
        dim: the axis; None: the index is that in the flat tensor.
        keepdim: keep the axis, with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.

    Raises:
        ValueError, IndexError: for an axis without elements.

    >>> mg.argmin(mg.tensor([3.0, 1.0, 2.0]))
    tensor(1)
    """
    return index_of_smallest(input, single_axis(input, dim, axis), keepdim or keepdims)


@public("function method")
def max(
    input: Any, dim: Any = None, keepdim: bool = False,
    *, other: Any = None, axis: Any = None, keepdims: bool = False,
) -> Any:  # fmt: skip
    """``max(x)``: the largest element, ties share the gradient.

    ``max(x, dim)``: (values, indices) along one axis, the gradient goes to the one index. ``max(a, b)``, also
    ``max(a, other=b)``: elementwise ``maximum``.

    Args:
        input: the tensor.
        dim: the axis; None: of all elements.
        keepdim: keep the axis, with length 1.
        other: a tensor to compare with; no axis then.
        axis, keepdims: NumPy's names of dim and keepdim.

    Raises:
        ValueError, IndexError: for an axis without elements.

    >>> values, indices = mg.max(mg.tensor([[1.0, 4.0], [3.0, 2.0]]), 1)
    >>> values, indices
    (tensor([4., 3.]), tensor([1, 0]))
    """
    other = dim if isinstance(dim, (Variable, ndarray)) else other
    if other is not None:
        return maximum(input, other)
    only = single_axis(input, dim, axis)
    if only is None:
        return largest(input)
    return chosen(input, lambda x: index_of_largest(x, only, True), only, keepdim or keepdims)


@public("function method")
def min(
    input: Any, dim: Any = None, keepdim: bool = False,
    *, other: Any = None, axis: Any = None, keepdims: bool = False,
) -> Any:  # fmt: skip
    """``min(x)``: the smallest element, ties share the gradient.

    ``min(x, dim)``: (values, indices) along one axis, the gradient goes to the one index. ``min(a, b)``, also
    ``min(a, other=b)``: elementwise ``minimum``.

    Args:
        input: the tensor.
        dim: the axis; None: of all elements.
        keepdim: keep the axis, with length 1.
        other: a tensor to compare with; no axis then.
        axis, keepdims: NumPy's names of dim and keepdim.

    Raises:
        ValueError, IndexError: for an axis without elements.

    >>> mg.min(mg.tensor([[1.0, 4.0], [3.0, 2.0]]))
    tensor(1.)
    """
    other = dim if isinstance(dim, (Variable, ndarray)) else other
    if other is not None:
        return minimum(input, other)
    only = single_axis(input, dim, axis)
    if only is None:
        return smallest(input)
    return chosen(input, lambda x: index_of_smallest(x, only, True), only, keepdim or keepdims)


@public("function method")
def aminmax(input: Any, *, dim: Any = None, keepdim: bool = False, axis: Any = None, keepdims: bool = False) -> MinMax:
    """(min, max): ``amin`` and ``amax`` along ``dim``, as a named tuple.

    Args:
        input: the tensor.
        dim: an int or several; None: all axes.
        keepdim: keep the reduced axes, with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.aminmax(mg.tensor([3.0, 1.0, 2.0])).max
    tensor(3.)
    """
    dim = one_name(dim, axis)
    return MinMax(amin(input, dim, keepdim or keepdims), amax(input, dim, keepdim or keepdims))
