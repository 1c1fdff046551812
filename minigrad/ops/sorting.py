"""Sorting, and elements of a rank: their places are found in a stable order, and the elements are taken there.

NaN counts as larger than every number.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import whole
from ..engine.errors import EmptyAxisError, InvalidValueError
from ..engine.faces import public
from ..engine.node import describe
from ..engine.op import Op
from ..kernels.sorting import places_of_largest, places_of_ranks, stable_order
from .arguments import axis_or_default
from .choosing_along import chosen
from .results import ValuesIndices
from .shapes import with_an_axis

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["argsort", "kthvalue", "mode", "msort", "sort", "topk"]

# -- places along an axis -------------------------------------------------------------------------


def stable(x: ndarray, axis: int) -> Any:
    """The stable order along an axis."""
    return np.argsort(x, axis=axis, kind="stable")


def order(ascending: Any, x: ndarray, axis: int, descending: bool) -> Any:
    """The indices that sort along an axis; ``ascending`` finds those of an ascending order."""
    if not descending:
        return ascending(x, axis)
    return np.flip(x.shape[axis] - 1 - ascending(np.flip(x, axis), axis), axis)


argsort_op = Op(
    "argsort",
    partial(order, stable),
    None,
    kernel=partial(order, stable_order),
    doc="the indices that sort along an axis, equal elements in the order of their places",
)


def without_nan(x: ndarray, axis: int, places: ndarray) -> Any:
    """The places along an axis, where there is NaN that of the first NaN."""
    if x.dtype.kind != "f":
        return places
    nan = np.isnan(x)
    first = np.argmax(nan, axis=axis, keepdims=True)
    return np.where(np.any(nan, axis=axis, keepdims=True), first, places)


def places(x: ndarray, ranks: ndarray, axis: int, nan_wins: bool) -> Any:
    """Where the elements of these ranks are: a vector of them for all rows, or some for each row."""
    found = stable(x, axis)
    found = np.take(found, ranks, axis) if ranks.ndim == 1 else np.take_along_axis(found, ranks, axis)
    return without_nan(x, axis, found) if nan_wins else found


def places_on_arrays(x: ndarray, ranks: ndarray, axis: int, nan_wins: bool) -> Any:
    """The places without the whole order, if they are few."""
    found = places_of_ranks(x, ranks, axis) if ranks.ndim == 1 else None
    if found is None:
        found = stable_order(x, axis)
        found = np.take(found, ranks, axis) if ranks.ndim == 1 else np.take_along_axis(found, ranks, axis)
    return without_nan(x, axis, found) if nan_wins and np.isnan(x).any() else found


places_op = Op(
    "places_of_ranks",
    places,
    None,
    None,
    kernel=places_on_arrays,
    doc="where the elements of some ranks along an axis are, in a stable order; that of NaN where ``nan_wins``",
)


def first_of_rank(x: ndarray, rank: int, axis: int) -> Any:
    """The first place of an element that equals that of a rank."""
    value = np.take(np.partition(x, rank, axis), [rank], axis)
    equal = x == value
    if x.dtype.kind == "f":
        equal = equal | (np.isnan(x) & np.isnan(value))
    return np.argmax(equal, axis=axis, keepdims=True)


kthvalue_op = Op(
    "kthvalue",
    lambda x, rank, axis: first_of_rank(x, rank, axis),
    None,
    doc="where the element of a rank along an axis is, the first of equal ones",
)


def places_of_most(x: ndarray, k: int, axis: int, largest: bool) -> Any:
    """Where the k largest, or smallest, elements along an axis are, in their order."""
    return np.take(order(stable, x, axis, largest), np.arange(k), axis)


def places_of_most_on_arrays(x: ndarray, k: int, axis: int, largest: bool) -> Any:
    """The places without the whole order, if the elements there are no ties."""
    found = places_of_largest(x if largest else -x, k, axis) if x.dtype.kind == "f" else None
    return np.take(order(stable_order, x, axis, largest), np.arange(k), axis) if found is None else found


topk_op = Op(
    "topk",
    places_of_most,
    None,
    kernel=places_of_most_on_arrays,
    doc="where the k largest, or smallest, elements along an axis are, in their order",
)


def last_of_most_frequent(ascending: Any, x: ndarray, axis: int) -> Any:
    """The last place of the element that is there most often along an axis, the smallest of several."""
    places = ascending(x, axis)
    values = np.moveaxis(np.take_along_axis(x, places, axis), axis, -1)
    numbers = np.arange(x.shape[axis])
    begins = np.concatenate([np.ones_like(values[..., :1], bool), values[..., 1:] != values[..., :-1]], -1)
    so_far = numbers - np.maximum.accumulate(np.where(begins, numbers, 0), -1)
    most = np.moveaxis(np.argmax(so_far, axis=-1, keepdims=True), -1, axis)
    return np.take_along_axis(places, most, axis)


mode_op = Op(
    "mode",
    partial(last_of_most_frequent, stable),
    None,
    kernel=partial(last_of_most_frequent, stable_order),
    doc="where the most frequent element along an axis is, the last of equal ones",
)

# -- what users call ------------------------------------------------------------------------------


def along_filled(name: str, x: Any, dim: Any, axis: Any) -> int:
    """The axis, along which there must be elements."""
    along = axis_or_default(x, dim, axis, -1)
    if x.shape and not x.shape[along]:
        raise EmptyAxisError(f"{name}: a tensor {describe(x)} has no elements along dim {along}.")
    return along


def one_of(name: str, k: Any, least: int, x: Any, axis: int) -> int:
    """A number of elements along an axis, at least ``least`` and at most as many as there are."""
    k, n = whole(k, least, f"{name}: k must be an integer of at least {least}"), (*x.shape, 1)[axis]
    if k > n:
        raise InvalidValueError(
            f"{name}: k {k} is out of range for a tensor {describe(x)} along dim {axis}: at most {n}."
        )
    return k


@public("function method", {np.sort: lambda f, a, axis=-1: f(a, axis).values})
def sort(
    input: Any, dim: int = -1, descending: bool = False, *, stable: bool = False, axis: int | None = None
) -> ValuesIndices:
    """The elements in ascending order along ``dim``: (values, indices).

    Args:
        input: the tensor.
        dim: the axis.
        descending: from the largest to the smallest.
        stable: accepted; equal elements always stay in the order of their places.
        axis: NumPy's name of dim.

    NaN counts as larger than every number. The gradient of each value goes to the place it was taken from.

    >>> mg.sort(mg.tensor([3, 1, 2])).indices
    tensor([1, 2, 0])
    """
    along = axis_or_default(input, dim, axis, -1)
    return chosen(input, lambda x: argsort_op(x, along, bool(descending)), along)


@public("function method")
def argsort(
    input: Any, dim: int = -1, descending: bool = False, *, stable: bool = False, axis: int | None = None
) -> Tensor:
    """The indices of ``sort`` with the same arguments.

    >>> mg.argsort(mg.tensor([3, 1, 2]), descending=True)
    tensor([0, 2, 1])
    """
    found: Any = argsort_op(with_an_axis(input), axis_or_default(input, dim, axis, -1), bool(descending))
    return found if input.shape else found.reshape(())


@public("function method")
def msort(input: Any) -> Tensor:
    """The elements in ascending order along the first axis.

    >>> mg.msort(mg.tensor([3, 1, 2]))
    tensor([1, 2, 3])
    """
    return sort(input, 0).values


@public("function method")
def topk(
    input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, axis: int | None = None
) -> ValuesIndices:
    """The k largest elements along ``dim``, or the smallest: (values, indices).

    Args:
        input: the tensor.
        k: how many, from 0 to the length of the axis.
        dim: the axis.
        largest: whether the largest are wanted.
        sorted: accepted; they always come in order.
        axis: NumPy's name of dim.

    NaN counts as larger than every number; of equal elements the first are taken.

    >>> mg.topk(mg.tensor([3, 1, 2]), 2).values
    tensor([3, 2])
    """
    along = axis_or_default(input, dim, axis, -1)
    k = one_of("topk", k, 0, input, along)
    return chosen(input, lambda x: topk_op(x, k, along, bool(largest)), along)


@public("function method")
def kthvalue(
    input: Any, k: int, dim: int = -1, keepdim: bool = False, *, axis: int | None = None, keepdims: bool = False
) -> ValuesIndices:
    """The k-th smallest element along ``dim``, k from 1: (values, indices), the first of equal elements.

    Args:
        keepdim: keep the axis, with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.kthvalue(mg.tensor([3, 1, 2]), 2).values
    tensor(2)
    """
    along = along_filled("kthvalue", input, dim, axis)
    rank = one_of("kthvalue", k, 1, input, along) - 1
    return chosen(input, lambda x: kthvalue_op(x, rank, along), along, keepdim or keepdims)


@public("function method")
def mode(
    input: Any, dim: int = -1, keepdim: bool = False, *, axis: int | None = None, keepdims: bool = False
) -> ValuesIndices:
    """The most frequent element along ``dim``, the smallest of several: (values, indices), the last of equal elements.

    NaN equals nothing.

    Args:
        keepdim: keep the axis, with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.mode(mg.tensor([3, 1, 3]))
    ValuesIndices(values=tensor(3), indices=tensor(2))
    """
    along = along_filled("mode", input, dim, axis)
    return chosen(input, lambda x: mode_op(x, along), along, keepdim or keepdims)
