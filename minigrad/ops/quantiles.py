"""Medians and quantiles: elements of a rank along an axis, and values between two of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.host import check
from ..engine.node import Variable, array_of, describe
from ..engine.op import Op
from .along import elements_taken
from .arguments import floats_only, single_axis
from .choosing_along import by_extreme_of_all, chosen
from .comparison import isnan
from .reductions import shared
from .shapes import permute, reshape, with_an_axis
from .sorting import along_filled, places_op

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["median", "nanmedian", "nanquantile", "quantile"]

# -- medians --------------------------------------------------------------------------------------


def middle(x: ndarray) -> Any:
    """The lower one of the middle elements of all; NaN of none, and where one is NaN."""
    flat, rank = x.reshape(-1), (x.size - 1) // 2
    if rank < 0:
        return np.full((), np.nan, x.dtype)
    value = np.partition(flat, rank)[rank]
    return np.where(np.any(np.isnan(flat)), np.nan, value).astype(x.dtype) if x.dtype.kind == "f" else value


def middle_of_numbers(x: ndarray) -> Any:
    """The lower one of the middle elements of all that are not NaN; NaN of none."""
    flat = np.sort(x.reshape(-1))
    if not x.size:
        return np.full((), np.nan, x.dtype)
    return np.take_along_axis(flat, middle_rank(flat, 0), 0).reshape(())


def middle_rank(x: ndarray, axis: int) -> Any:
    """The rank of the lower middle element along an axis of those that are not NaN; 0 of none."""
    count = np.count_nonzero(x == x, axis=axis, keepdims=True)
    return np.maximum(count - 1, 0) // 2


median_op = Op(
    "median",
    middle,
    by_extreme_of_all,
    doc="the lower one of the middle elements of all; ties, also of NaN, share the gradient",
)
nanmedian_op = Op(
    "nanmedian",
    middle_of_numbers,
    lambda dy, y, x: shared(dy, (x == y) | (isnan(x) & isnan(y)), x, tuple(range(len(x.shape)))),  # type: ignore[has-type]
    doc="the lower one of the middle elements of all that are not NaN; ties share the gradient",
)
middle_rank_op = Op(
    "middle_rank", middle_rank, None, doc="the rank of the lower middle element of those along an axis that are no NaN"
)


@public("function method")
def median(
    input: Any, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None, keepdims: bool = False
) -> Any:
    """The median: the element in the middle, the lower one of an even number.

    Args:
        input: the tensor.
        dim: the axis; None: of all elements.
        keepdim: keep the axis with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.

    Returns:
        The median of all, whose gradient ties share; or, with ``dim``, (values, indices).

    NaN where an element is NaN.

    >>> mg.median(mg.tensor([4.0, 1.0, 3.0, 2.0]))
    tensor(2.)
    """
    if single_axis(input, dim, axis) is None:
        return median_op(input)
    along = along_filled("median", input, dim, axis)
    rank = np.array([((*input.shape, 1)[along] - 1) // 2])
    return chosen(input, lambda x: places_op(x, rank, along, True), along, keepdim or keepdims)


@public("function method")
def nanmedian(
    input: Any, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None, keepdims: bool = False
) -> Any:
    """The median of the elements that are not NaN, with the arguments and results of ``median``; NaN of none.

    >>> mg.nanmedian(mg.tensor([4.0, np.nan, 3.0, 2.0]))
    tensor(3.)
    """
    if single_axis(input, dim, axis) is None:
        return nanmedian_op(input)
    along = along_filled("nanmedian", input, dim, axis)

    def find(x: Any) -> Any:
        return places_op(x, middle_rank_op(x, along), along, False)

    return chosen(input, find, along, keepdim or keepdims)


# -- quantiles ------------------------------------------------------------------------------------


@np.errstate(invalid="ignore")  # inf - inf
def between(lower: ndarray, upper: ndarray, weight: ndarray) -> Any:
    """``lower + weight * (upper - lower)``, no more than ``upper``; the one value where both are equal."""
    y = np.minimum(lower + weight * (upper - lower), upper)
    return np.where(lower == upper, lower, y)


between_op = Op(
    "interpolate",
    between,
    lambda dy, _y, _lower, _upper, weight: dy * (1 - weight),
    lambda dy, _y, _lower, _upper, weight: dy * weight,
    lambda dy, _y, lower, upper, _weight: dy * (upper - lower),
    doc="``lower + weight * (upper - lower)``",
)

ROUNDED: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "linear": (np.floor, np.ceil),
    "lower": (np.floor, np.floor),
    "higher": (np.ceil, np.ceil),
    "midpoint": (np.floor, np.ceil),
    "nearest": (np.rint, np.rint),
}
"""The ranks of the two elements that a quantile is between."""


def check_fractions(q: ndarray) -> None:
    """Refuse numbers that are not from 0 to 1."""
    if not np.all((q >= 0) & (q <= 1)):
        raise InvalidValueError(f"quantile: q must be from 0 to 1, got {q.tolist()}.")


def fractions(name: str, q: Any) -> Any:
    """``q`` as a vector of float64, of a graph if it is."""
    if not isinstance(q, (Variable, ndarray)):
        q = np.asarray(q)
    if q.dtype.kind not in "fiu" or len(q.shape) > 1:
        raise InvalidTypeError(f"{name}: q must be a number or a vector of numbers, got {describe(q)}.")
    check(check_fractions, array_of(q))
    return q.reshape(-1).astype(np.float64)


def quantiles(name: str, x: Any, q: Any, axis: int | None, keepdims: bool, interpolation: str, omits_nan: bool) -> Any:
    """``quantile``, and ``nanquantile`` with ``omits_nan``."""
    if interpolation not in ROUNDED:
        raise InvalidValueError(f"{name}: interpolation must be one of {', '.join(ROUNDED)}, got {interpolation!r}.")
    shape = floats_only(name, x).shape
    along, rows = (0, reshape(x, (-1,))) if axis is None else (axis, with_an_axis(x))
    if not rows.shape[along]:
        raise InvalidValueError(f"{name}: a tensor {describe(x)} has no elements along the axis.")
    rank = fractions(name, q) * (rows.shape[along] - 1)
    if omits_nan:
        values = array_of(rows)
        last = np.maximum(np.count_nonzero(values == values, axis=along, keepdims=True) - 1, 0)
        rank = along_axis(fractions(name, q), rows, along) * last
    y = at_ranks(rows, rank, along, interpolation, not omits_nan)
    kept = [1 if axis in (None, i) else n for i, n in enumerate(shape) if keepdims or axis not in (None, i)]
    if not (q.shape if isinstance(q, (Variable, ndarray)) else np.shape(q)):
        return reshape(y, tuple(kept))
    order = (along, *(i for i in range(len(rows.shape)) if i != along))
    return reshape(permute(y, order), (y.shape[along], *kept))


def along_axis(vector: Any, x: Any, axis: int) -> Any:
    """A vector as an array along an axis of ``x``."""
    return vector.reshape(tuple(-1 if i == axis else 1 for i in range(len(x.shape))))


def at_ranks(x: Any, rank: Any, axis: int, interpolation: str, nan_wins: bool) -> Any:
    """The values of fractional ranks along an axis; of one vector of ranks for all rows, or of some for each row."""
    below, above = (rounded(array_of(rank)).astype(np.int64) for rounded in ROUNDED[interpolation])
    if ROUNDED[interpolation][0] is ROUNDED[interpolation][1]:
        return elements_taken(x, places_op(x, below, axis, nan_wins), axis)
    ranks = np.concatenate([below, above], 0 if below.ndim == 1 else axis)
    places = np.split(array_of(places_op(x, ranks, axis, nan_wins)), 2, axis)
    lower, upper = (elements_taken(x, each, axis) for each in places)
    weight = rank - below if interpolation == "linear" else np.full(below.shape, 0.5)
    weight = along_axis(weight, x, axis) if len(weight.shape) == 1 else weight
    return between_op(lower, upper, weight.astype(x.dtype))


@public("function method")
def quantile(
    input: Any, q: Any, dim: int | None = None, keepdim: bool = False,
    *, interpolation: str = "linear", axis: int | None = None, keepdims: bool = False,
) -> Tensor:  # fmt: skip
    """The values below which fractions ``q`` of the elements along ``dim`` lie.

    Args:
        input: the tensor, of floats.
        q: a number from 0 to 1, or a vector of them: the result has its length as the first axis.
        dim: the axis; None: of all elements.
        keepdim: keep the axis with length 1.
        interpolation: between the two elements around the rank ``q * (n - 1)``: ``linear``, ``lower``, ``higher``,
            ``midpoint``, ``nearest``.
        axis, keepdims: NumPy's names of dim and keepdim.

    NaN where an element is NaN.

    >>> mg.quantile(mg.tensor([1.0, 2.0, 3.0, 5.0]), 0.5)
    tensor(2.5000)
    """
    along = single_axis(input, dim, axis)
    return quantiles("quantile", input, q, along, keepdim or keepdims, interpolation, False)


@public("function method")
def nanquantile(
    input: Any, q: Any, dim: int | None = None, keepdim: bool = False,
    *, interpolation: str = "linear", axis: int | None = None, keepdims: bool = False,
) -> Tensor:  # fmt: skip
    """``quantile`` of the elements that are not NaN; NaN of none.

    Arguments are those of ``quantile``.

    >>> mg.nanquantile(mg.tensor([1.0, np.nan, 3.0]), 0.5)
    tensor(2.)
    """
    along = single_axis(input, dim, axis)
    return quantiles("nanquantile", input, q, along, keepdim or keepdims, interpolation, True)
