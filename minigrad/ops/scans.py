"""Scans: along an axis the sum, product, maximum or minimum of all elements up to each, and differences."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import whole
from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.node import describe
from ..engine.op import Op
from ..kernels.constants import float64
from ..kernels.finite import all_finite
from ..kernels.scans import accumulated, recurrence, recurrence_on_arrays
from .arguments import axis_or_default, required_axis, shape_of
from .arithmetic import sub_op
from .choosing import where
from .choosing_along import chosen
from .comparison import isinf, ne
from .functions import exp
from .joining import cat
from .results import ValuesIndices
from .shapes import in_dtype, reshape

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "diff", "logcumsumexp"]

# -- parts of an axis -----------------------------------------------------------------------------


def part(axis: int, start: int | None, stop: int | None = None) -> tuple[Any, ...]:
    """The index of a part of an axis."""
    return (*(slice(None),) * axis, slice(start, stop))


def moved_on(x: Any, axis: int, first: float) -> Any:
    """The elements moved on by one place along an axis: ``first``, then all but the last."""
    length = tuple(int(n > 0) if i == axis else n for i, n in enumerate(x.shape))
    return cat([np.full(length, first, x.dtype), x[part(axis, None, -1)]], axis)


def as_numpy(function: Any, a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """A sum or product with NumPy's arguments: all elements are one vector unless ``axis`` is given."""
    return function(reshape(a, -1) if axis is None else a, axis or 0, dtype=dtype)


# -- sums and products ------------------------------------------------------------------------------


def wide(function: Any, x: Any, axis: int) -> Any:
    """``np.cumsum`` or ``np.cumprod`` along an axis, of floats computed in float64."""
    if x.dtype.kind != "f" or not x.ndim:
        return function(x, axis).reshape(x.shape)
    return function(x, axis, np.promote_types(x.dtype, float64)).astype(x.dtype)


def wide_on_arrays(function: Any, ufunc: Any, x: ndarray, axis: int) -> Any:
    """The same in fewer steps."""
    return accumulated(ufunc, x, axis) if x.dtype.kind == "f" and x.ndim else wide(function, x, axis)


def either_way(scan: Any, x: Any, axis: int, reverse: bool) -> Any:
    """A scan along an axis, from its end if ``reverse``."""
    return np.flip(scan(np.flip(x, axis), axis), axis) if reverse and x.ndim else scan(x, axis)


cumsum_op: Op = Op(
    "cumsum",
    partial(either_way, partial(wide, np.cumsum)),
    lambda dy, _y, _x, axis, reverse: cumsum_op(dy, axis, not reverse),
    kernel=partial(either_way, partial(wide_on_arrays, np.cumsum, np.add)),
    doc="the sum of all elements up to each along an axis, or from each to the end",
)
recurrence_op: Op = Op(
    "linear_recurrence",
    recurrence,
    lambda dy, y, a, _b, axis, reverse: (
        moved_on(recurrence_op(a, dy, axis, False), axis, 0) * y
        if reverse
        else recurrence_op(a, dy, axis, True) * moved_on(y, axis, 0)
    ),
    lambda dy, _y, a, _b, axis, reverse: recurrence_op(a, dy, axis, not reverse),
    kernel=recurrence_on_arrays,
    doc="``y[i] = a[i] * y[i - 1] + b[i]`` along an axis, or in reverse ``y[i] = a[i + 1] * y[i + 1] + b[i]``",
)


def derivative_of_cumprod(dy: Any, y: Any, x: Any, axis: int) -> Any:
    """Without a division, so that it is exact also where elements are 0."""
    return recurrence_op(x, dy, axis, True) * moved_on(y, axis, 1) if x.shape else dy


def derivative_of_cumprod_on_arrays(
    dy: ndarray, _cache: Any, _needs: Any, y: ndarray, x: ndarray, axis: int
) -> tuple[Any]:
    """By a division where no product was rounded to 0, to a subnormal number or to infinity."""
    size = np.abs(y)
    if not x.ndim or not size.size or size.min() < np.finfo(y.dtype).tiny or not all_finite(y):
        return (derivative_of_cumprod(dy, y, x, axis),)
    sums = np.flip(accumulated(np.add, np.flip(dy * y, axis), axis), axis)
    return (sums / x,)


cumprod_op = Op(
    "cumprod",
    partial(wide, np.cumprod),
    derivative_of_cumprod,
    kernel=partial(wide_on_arrays, np.cumprod, np.multiply),
    on_arrays=derivative_of_cumprod_on_arrays,
    doc="the product of all elements up to each along an axis; its derivatives are exact also where elements are 0",
)


@public(
    "function method in_place",
    {np.cumsum: as_numpy},
)
def cumsum(input: Any, dim: Any = None, *, dtype: Any = None, axis: Any = None) -> Tensor:
    """The sum of all elements up to each along ``dim``; floats are added up in float64.

    Args:
        input: the tensor; sums of booleans and integers are int64.
        dim: the axis, which must be given.
        dtype: convert the elements before they are added up.
        axis: NumPy's name of dim.

    >>> mg.cumsum(mg.tensor([1, 2, 3]), 0)
    tensor([1, 3, 6])
    """
    along = required_axis("cumsum", input, dim, axis)
    return in_dtype(cumsum_op(in_dtype(input, dtype), along, False), dtype)


@public(
    "function method in_place",
    {np.cumprod: as_numpy},
)
def cumprod(input: Any, dim: Any = None, *, dtype: Any = None, axis: Any = None) -> Tensor:
    """The product of all elements up to each along ``dim``; floats are multiplied in float64.

    Args:
        input: the tensor; products of booleans and integers are int64.
        dim: the axis, which must be given.
        dtype: convert the elements before they are multiplied.
        axis: NumPy's name of dim.

    >>> mg.cumprod(mg.tensor([1, 2, 3]), 0)
    tensor([1, 2, 6])
    """
    along = required_axis("cumprod", input, dim, axis)
    return in_dtype(cumprod_op(in_dtype(input, dtype), along), dtype)


# -- the logarithm of sums of exponentials ------------------------------------------------------------


def log_of_sums(x: Any, axis: int) -> Any:
    """``log(cumsum(exp(x)))``, each exponential beside the sum before it"""
    if x.dtype.kind != "f":
        raise TypeError("expected floats: convert it, e.g. x.float().")
    if not x.ndim:
        return x + np.zeros((), x.dtype)
    return np.logaddexp.accumulate(x.astype(np.promote_types(x.dtype, float64)), axis).astype(x.dtype)


SPREAD = 600.0
"""Differences of logarithms in float64 whose exponentials are normal numbers, also a thousand million of them."""


def log_of_sums_on_arrays(x: ndarray, axis: int) -> Any:
    """The same from exponentials, if none of them is too small beside the largest."""
    if x.dtype.kind != "f" or not x.ndim or not x.size:
        return log_of_sums(x, axis)
    largest = np.maximum.reduce(x, axis, np.float64, keepdims=True)
    z = x - largest
    if not z.min() > -SPREAD:
        return log_of_sums(x, axis)
    y = np.log(accumulated(np.add, np.exp(z, out=z), axis))
    y += largest
    return y.astype(x.dtype, copy=False)


def derivative_of_logcumsumexp(dy: Any, y: Any, x: Any, axis: int) -> Any:
    """``exp(x[i])`` times the sum of ``dy[j] * exp(-y[j])`` from i on, the exponentials relative to each other."""
    if not x.shape:
        return dy
    before = moved_on(y, axis, -np.inf)
    with np.errstate(invalid="ignore"):  # inf - inf
        ratio = exp(where(isinf(y) & (before == y), 0, before - y))
        return recurrence_op(ratio, dy, axis, True) * exp(x - y)


def derivative_of_logcumsumexp_on_arrays(
    dy: ndarray, _cache: Any, _needs: Any, y: ndarray, x: ndarray, axis: int
) -> tuple[Any]:
    """The same from exponentials, if none of them is too small or large."""
    if not x.ndim or not x.size or not all_finite(y):
        return (derivative_of_logcumsumexp(dy, y, x, axis),)
    largest = np.take(y, [-1], axis).astype(float64)
    z = largest - y
    if not z.max() < SPREAD:
        return (derivative_of_logcumsumexp(dy, y, x, axis),)
    sums = np.flip(accumulated(np.add, np.flip(dy * np.exp(z, out=z), axis), axis), axis)
    z = x - largest
    return (sums * np.exp(z, out=z),)


logcumsumexp_op = Op(
    "logcumsumexp",
    log_of_sums,
    derivative_of_logcumsumexp,
    kernel=log_of_sums_on_arrays,
    on_arrays=derivative_of_logcumsumexp_on_arrays,
    doc="``log(cumsum(exp(x)))`` along an axis",
)


@public("function method")
def logcumsumexp(input: Any, dim: Any = None, *, axis: Any = None) -> Tensor:
    """``log(cumsum(exp(x)))`` along ``dim``, without overflow.

    Args:
        axis: NumPy's name of dim.

    >>> mg.logcumsumexp(mg.tensor([1000.0, 1000.0]), 0)
    tensor([1000.0000, 1000.6932])
    """
    return logcumsumexp_op(input, required_axis("logcumsumexp", input, dim, axis))


# -- the largest and smallest so far ------------------------------------------------------------------


def last_place(choose: Any, x: Any, axis: int) -> Any:
    """The last place of the chosen element of all up to each along an axis; of NaN, if there is one."""
    reached = x == choose.accumulate(x, axis)
    return last_true(reached | np.isnan(x) if x.dtype.kind == "f" else reached, axis)


def last_place_on_arrays(choose: Any, x: ndarray, axis: int) -> Any:
    """The same without a look at each element for NaN, if there is none."""
    chosen = choose.accumulate(x, axis)
    if x.size and np.isnan(np.take(chosen, -1, axis)).any():
        return last_place(choose, x, axis)
    return last_true(x == chosen, axis)


def last_true(reached: Any, axis: int) -> Any:
    """The last place up to each along an axis that is true."""
    number = np.arange(reached.shape[axis]).reshape(tuple(-1 if i == axis else 1 for i in range(reached.ndim)))
    return np.maximum.accumulate(np.multiply(reached, number), axis)


cummax_op = Op(
    "cummax",
    partial(last_place, np.maximum),
    None,
    kernel=partial(last_place_on_arrays, np.maximum),
    doc="the last place of the largest element so far along an axis",
)
cummin_op = Op(
    "cummin",
    partial(last_place, np.minimum),
    None,
    kernel=partial(last_place_on_arrays, np.minimum),
    doc="the last place of the smallest element so far along an axis",
)


@public("function method")
def cummax(input: Any, dim: Any = None, *, axis: Any = None) -> ValuesIndices:
    """The largest element of all up to each along ``dim``: (values, indices), the last of equal elements.

    Args:
        axis: NumPy's name of dim.

    >>> mg.cummax(mg.tensor([1, 3, 2]), 0)
    ValuesIndices(values=tensor([1, 3, 3]), indices=tensor([0, 1, 1]))
    """
    along = required_axis("cummax", input, dim, axis)
    return chosen(input, lambda x: cummax_op(x, along), along, distinct=False)


@public("function method")
def cummin(input: Any, dim: Any = None, *, axis: Any = None) -> ValuesIndices:
    """The smallest element of all up to each along ``dim``: (values, indices), the last of equal elements.

    Args:
        axis: NumPy's name of dim.

    >>> mg.cummin(mg.tensor([3, 1, 2]), 0)
    ValuesIndices(values=tensor([3, 1, 1]), indices=tensor([0, 1, 1]))
    """
    along = required_axis("cummin", input, dim, axis)
    return chosen(input, lambda x: cummin_op(x, along), along, distinct=False)


# -- differences ------------------------------------------------------------------------------------


@public("function method", {np.diff: lambda f, a, n=1, axis=-1: f(a, n, axis)})
def diff(
    input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None, *, axis: int | None = None
) -> Tensor:
    """The differences of neighbours along ``dim``, taken ``n`` times; of booleans whether they differ.

    Args:
        input: the tensor, of at least one axis.
        n: how often, from 0.
        dim: the axis.
        prepend, append: tensors that are joined to it first, before and behind.
        axis: NumPy's name of dim.

    >>> mg.diff(mg.tensor([1, 4, 9]))
    tensor([3, 5])
    """
    if not shape_of(input):
        raise InvalidValueError(f"diff: expected at least one axis, got {describe(input)}: x.reshape(1).")
    n, along = whole(n, 0, "diff: n must be an integer of at least 0"), axis_or_default(input, dim, axis, -1)
    parts = [each for each in (prepend, input, append) if each is not None]
    if len({len(shape_of(each)) for each in parts}) > 1:
        raise InvalidValueError(
            f"diff: prepend and append must have the axes of the input, got {' and '.join(map(describe, parts))}."
        )
    x = cat(parts, along)
    difference = ne if x.dtype == np.bool_ else sub_op
    for _ in range(min(n, x.shape[along])):
        x = difference(x[part(along, 1)], x[part(along, None, -1)])
    return x
