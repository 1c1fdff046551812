"""Reductions: operations that sum, average or choose along some axes.

The operations take a tuple of axes and ``keepdims``; the functions take PyTorch's ``dim`` and
``keepdim``, for which NumPy's ``axis`` and ``keepdims`` may be written.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..engine.node import Variable, array_of, describe, wrap
from ..engine.op import Op
from ..kernels.sums import at_least_float32, float16, float32, sum_over
from .arrays import number
from .elementwise import isnan, maximum, minimum, sub, where
from .indexing import getitem
from .shapes import cat, expand, one_axis, one_name, permute, reshape, shape_of, squeeze

# -- which axes --------------------------------------------------------------------------------


def all_axes(x: Any, dim: Any, axis: Any = None) -> tuple[int, ...]:
    """The axes meant by ``dim`` or ``axis``, counted from the front; all of them for None."""
    dim, ndim = one_name(dim, axis), len(shape_of(x))
    if dim is None:
        return tuple(range(ndim))
    axes = tuple(one_axis(d, ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    if len(set(axes)) != len(axes):
        raise ValueError(f"dim {dim} names an axis twice.")
    return axes if ndim else ()


def single_axis(x: Any, dim: Any, axis: Any) -> int | None:
    """The one axis meant by ``dim`` or ``axis``, or None."""
    dim, ndim = one_name(dim, axis), len(shape_of(x))
    return None if dim is None else one_axis(dim, ndim)


def count(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    """How many elements a reduction over these axes takes together."""
    return math.prod(shape[axis] for axis in axes)


def unreduced_shape(x: Any, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of ``x`` with length 1 along the axes."""
    return tuple(1 if i in axes else n for i, n in enumerate(x.shape))


def unreduce(y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Bring a reduction's output back to the rank of ``x``, with length 1 along the axes."""
    return reshape(y, unreduced_shape(x, axes))


def spread(y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Repeat a reduction's output along the axes, to the shape of ``x``."""
    return expand(unreduce(y, x, axes), x.shape)


# -- operations --------------------------------------------------------------------------------


def widened(x: Any) -> Any:
    """``x`` in float32 if it is float16, in which sums stop growing at 2048 and a count of 65,520 is infinite."""
    return x.astype(float32) if x.dtype == float16 else x


def narrowed(y: Any, x: Any) -> Any:
    """``y`` in float16 if ``x`` is: the end of a computation in float32."""
    return y.astype(float16) if x.dtype == float16 else y


def divided(dy: Any, n: Any) -> Any:
    """A gradient divided by a count; of float16 it is float32, which the engine rounds when all is done."""
    return widened(dy) / n


def freedom(x: Any, axes: tuple[int, ...], correction: float = 0) -> float:
    """``n - correction``, the divisor of a mean or a variance; NaN where it is not positive."""
    n = count(x.shape, axes) - correction
    return n if n > 0 else float("nan")


summed = Op(
    "sum",
    lambda x, axes, keepdims: narrowed(sum_over(x, axes, keepdims), x),
    lambda dy, _y, _x, axes, keepdims: spread(dy, _x, axes),
    doc="``sum(x)`` along axes",
)
averaged = Op(
    "mean",
    lambda x, axes, keepdims: narrowed(np.true_divide(sum_over(x, axes, keepdims), freedom(x, axes)), x),
    lambda dy, _y, _x, axes, keepdims: spread(divided(dy, freedom(_x, axes)), _x, axes),
    doc="``sum(x) / n`` along axes",
)


def central(x: Any, axes: tuple[int, ...]) -> Any:
    """``x`` minus its mean along the axes."""
    return sub(x, averaged(x, axes, True))


def variance(x: ndarray, axes: tuple[int, ...], keepdims: bool, correction: float) -> Any:
    """``sum((x - mean(x))**2) / (n - correction)``, at least in float32; divided by 0 where that is not positive"""
    squares = sum_over(np.square(central(widened(x), axes)), axes, keepdims)
    n = freedom(x, axes, correction)
    return (
        np.true_divide(squares, n)
        if n > 0
        else np.where(squares > 0, number(np.inf, squares.dtype), number(np.nan, squares.dtype))
    )


def derivative_of_variance(dy: Any, _y: Any, x: Any, axes: tuple[int, ...], keepdims: bool, correction: float) -> Any:
    """``2 (x - mean(x)) / (n - correction)``; infinite where that is not positive, as PyTorch takes it"""
    n, d = freedom(x, axes, correction), central(widened(x), axes)
    if n > 0:
        return spread(divided(2 * dy, n), x, axes) * d
    return spread(dy, x, axes) * where(d == 0, number(np.nan, d.dtype), number(np.inf, d.dtype))


variances = Op(
    "var",
    lambda x, axes, keepdims, correction: narrowed(variance(x, axes, keepdims, correction), x),
    derivative_of_variance,
    doc="``sum((x - mean(x))**2) / (n - correction)`` along axes",
)
deviations = Op(
    "std",
    lambda x, axes, keepdims, correction: narrowed(np.sqrt(variance(x, axes, keepdims, correction)), x),
    # divided by infinity, the derivatives where y = 0 are 0, as PyTorch takes them
    lambda dy, y, x, axes, keepdims, correction: (
        spread(divided(dy, freedom(x, axes, correction)) / where(y == 0, np.inf, y), x, axes)
        * central(widened(x), axes)
    ),
    doc="``sqrt(var(x))`` along axes",
)


def shared(dy: Any, reached: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """The gradient of an extreme value, shared equally between the elements that reached it."""
    ties = where(reached, np.ones((), at_least_float32(x.dtype)), 0)
    return spread(dy, x, axes) * ties / summed(ties, axes, True)


def by_extreme(dy: Any, y: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The rule of amax and amin: elements that tie share the gradient; NaN where the value is."""
    return shared(dy, x == unreduce(y, x, axes), x, axes)


def by_extreme_of_all(dy: Any, y: Any, x: Any) -> Any:
    """The rule of max and min of all elements; if the value is NaN, all that are NaN share the gradient."""
    return shared(dy, (x == y) | isnan(x), x, tuple(range(len(x.shape))))


maxima = Op(
    "amax",
    lambda x, axes, keepdims: np.maximum.reduce(x, axes, keepdims=keepdims),
    by_extreme,
    doc="the largest element along axes; ties share the gradient",
)
minima = Op(
    "amin",
    lambda x, axes, keepdims: np.minimum.reduce(x, axes, keepdims=keepdims),
    by_extreme,
    doc="the smallest element along axes; ties share the gradient",
)
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

# -- the product ---------------------------------------------------------------------------------
#
# Its partial results are kept as mantissas from 0.5 to 1 and exponents of 2, so that none of them is too large or too
# small for the dtype. An exponent is constant where a number is differentiable.

multiply: Any = np.multiply.reduce

MOST = 1 << 20
"""A power of 2 beyond all floats; NumPy takes C integers."""

FACTORS = 64
"""Mantissas that may be multiplied in any float dtype, float16 aside: 0.5 ** 64 is a normal float32."""


def times_power_of_2(x: ndarray, exponent: ndarray) -> Any:
    """``x * 2**exponent``, for exponents of any size; NumPy takes C integers."""
    return np.ldexp(x, np.minimum(np.maximum(exponent, -MOST), MOST).astype(np.intc))


scaled: Op = Op(
    "times_power_of_2",
    times_power_of_2,
    lambda dy, _y, _x, exponent: scaled(dy, exponent),
    None,
    doc="``x * 2 ** exponent``, exact",
)


def normalised(x: Any, exponent: Any = 0) -> tuple[Any, Any]:
    """``x * 2**exponent`` with a mantissa from 0.5 to 1 as ``x``."""
    more = np.frexp(array_of(x))[1]
    return scaled(x, -more), more + np.asarray(exponent, np.int64)


def last_axis(x: Any, axes: tuple[int, ...]) -> Any:
    """``x`` with the axes joined to one, behind the others."""
    rest = tuple(i for i in range(len(x.shape)) if i not in axes)
    return reshape(permute(x, (*rest, *axes)), (*(x.shape[i] for i in rest), count(x.shape, axes)))


def product(x: ndarray, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The product along axes."""
    if x.dtype.kind != "f":
        return multiply(x, axes, keepdims=keepdims)
    m, e = np.frexp(widened(x))
    if count(x.shape, axes) > FACTORS:
        m, e = product_of_many(last_axis(m, axes), last_axis(e, axes))
        y = times_power_of_2(m, e).reshape(unreduced_shape(x, axes))
        return narrowed(y if keepdims else np.squeeze(y, axes), x)
    exponent = sum_over(e, axes, keepdims).astype(np.intc)
    return narrowed(np.ldexp(multiply(m, axes, keepdims=keepdims), exponent), x)


def product_of_many(m: ndarray, exponents: ndarray) -> tuple[ndarray, ndarray]:
    """The product of mantissas along the last axis, in blocks, and its exponent."""
    total = np.add.reduce(exponents, -1, np.int64)
    while m.shape[-1] > 1:
        n = m.shape[-1] // FACTORS * FACTORS
        blocks = m[..., :n].reshape(*m.shape[:-1], n // FACTORS, FACTORS)
        parts = multiply(blocks, -1), multiply(m[..., n:], -1, keepdims=True)
        m, exponents = np.frexp(np.concatenate(parts, -1))
        total += np.add.reduce(exponents, -1, np.int64)
    return m[..., 0], total


def halves(x: Any) -> tuple[Any, Any]:
    """The two halves of the last axis, which has an even length."""
    half = x.shape[-1] // 2
    return x[..., :half], x[..., half:]


def others(m: Any) -> Any:
    """For each element along the last axis the product of all the others.

    The others of an element of one half are its partner in the other half, and the others of that pair.
    """
    n = m.shape[-1]
    if n == 1:
        return where(np.False_, m, 1)
    if n % 2:
        return others(with_one(m))[..., :n]
    a, b = halves(m)
    pairs = others(a * b)
    return cat([pairs * b, pairs * a], -1)


def with_one(m: Any) -> Any:
    """Another factor along the last axis, 1."""
    return cat([m, np.ones((*m.shape[:-1], 1), m.dtype)], -1)


def many_others(m: Any, exponent: ndarray) -> tuple[Any, ndarray]:
    """``others`` of ``m * 2**exponent`` as mantissas and exponents; of many factors with mantissas on the way."""
    n = m.shape[-1]
    if n <= FACTORS:
        return others(m), np.add.reduce(exponent, -1, keepdims=True) - exponent
    if n % 2:
        zero = np.zeros((*m.shape[:-1], 1), exponent.dtype)
        m, exponent = many_others(with_one(m), np.concatenate((exponent, zero), -1))
        return m[..., :n], exponent[..., :n]
    (a, b), (ea, eb) = halves(m), halves(exponent)
    pairs, e = many_others(*normalised(a * b, ea + eb))
    return normalised(cat([pairs * b, pairs * a], -1), np.concatenate((e + eb, e + ea), -1))


def derivative_of_product(dy: Any, _y: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The product of all other elements: exact also where elements are 0, or products too small or too large."""
    x, dx = widened(x), spread(dy, x, axes)
    if not count(x.shape, axes):
        return dx
    order = (*(i for i in range(len(x.shape)) if i not in axes), *axes)
    products = scaled(*many_others(*normalised(last_axis(x, axes))))
    shape = tuple(x.shape[i] for i in order)
    return dx * permute(reshape(products, shape), tuple(order.index(i) for i in range(len(order))))


multiplied = Op(
    "prod",
    product,
    derivative_of_product,
    doc="the product along axes; its derivatives are exact also where elements are 0",
)

# -- what users call ---------------------------------------------------------------------------


def sum(x: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum along ``dim`` (an int or several; None: of all elements)."""
    return summed(x, all_axes(x, dim, axis), keepdim or keepdims)


def prod(x: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The product along ``dim`` (an int or several; None: of all elements)."""
    return multiplied(x, all_axes(x, dim, axis), keepdim or keepdims)


def mean(x: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean along ``dim`` (an int or several; None: of all elements); NaN of none."""
    return averaged(x, all_axes(x, dim, axis), keepdim or keepdims)


def var(
    x: Any, dim: Any = None, correction: float = 1, keepdim: bool = False,
    *, axis: Any = None, keepdims: bool = False, unbiased: bool | None = None,
) -> Any:  # fmt: skip
    """The variance ``sum((x - mean)**2) / (n - correction)`` along ``dim``.

    Args:
        x: the tensor.
        dim: an int or several; None: over all elements.
        correction: 1, PyTorch's default, gives the unbiased estimate; 0 the biased one, which
            BatchNorm normalises with (and NumPy's default). ``unbiased=False`` is the same.
        keepdim: keep the reduced axes with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.
    """
    correction = correction if unbiased is None else int(unbiased)
    return variances(x, all_axes(x, dim, axis), keepdim or keepdims, correction)


def std(
    x: Any, dim: Any = None, correction: float = 1, keepdim: bool = False,
    *, axis: Any = None, keepdims: bool = False, unbiased: bool | None = None,
) -> Any:  # fmt: skip
    """The standard deviation: the square root of ``var`` with the same arguments.

    Its gradient where all elements are equal is taken as 0.
    """
    correction = correction if unbiased is None else int(unbiased)
    return deviations(x, all_axes(x, dim, axis), keepdim or keepdims, correction)


def amax(x: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest element along ``dim``; elements that tie share the gradient equally."""
    return maxima(x, all_axes(x, dim, axis), keepdim or keepdims)


def amin(x: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest element along ``dim``; elements that tie share the gradient equally."""
    return minima(x, all_axes(x, dim, axis), keepdim or keepdims)


def index_of(choose: Any, x: Any, axis: int | None, keepdims: bool) -> Any:
    """The index ``choose`` (``np.argmax`` or ``np.argmin``) picks, as an array."""
    try:
        return choose(array_of(x), axis=axis, keepdims=keepdims)
    except ValueError as error:
        raise ValueError(f"{choose.__name__}: cannot be applied to {describe(x)}: {error}.") from error


def chosen(choose: Any, x: Any, axis: int | None, keepdims: bool) -> Any:
    """The index ``choose`` picks, as an int64 tensor, or an array for an array."""
    index = index_of(choose, x, axis, keepdims)
    return wrap(index) if isinstance(x, Variable) else index


def argmax(x: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The index of the largest element along ``dim``, the first at a tie; None: in the flat tensor."""
    return chosen(np.argmax, x, single_axis(x, dim, axis), keepdim or keepdims)


def argmin(x: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The index of the smallest element along ``dim``, the first at a tie; None: in the flat tensor."""
    return chosen(np.argmin, x, single_axis(x, dim, axis), keepdim or keepdims)


class Extreme(NamedTuple):
    """What ``max(dim)`` and ``min(dim)`` return."""

    values: Any
    indices: Any


def extreme(choose: Any, x: Any, axis: int, keepdims: bool) -> Extreme:
    """The chosen element of each row along one axis, and its index."""
    ndim = len(x.shape)
    index = index_of(choose, x, axis, True) if ndim else np.zeros((), np.int64)
    grid: list[Any] = list(np.indices(index.shape, sparse=True))
    if grid:
        grid[axis] = index
    values = getitem(x, tuple(grid))
    indices = wrap(index) if isinstance(x, Variable) else index
    if keepdims or not ndim:
        return Extreme(values, indices)
    return Extreme(squeeze(values, axis), squeeze(indices, axis))


def max(x: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Any:
    """``max(x)``: the largest element, ties share the gradient. ``max(x, dim)``: (values, indices)
    along one axis, the gradient goes to the one index. ``max(a, b)``: elementwise ``maximum``."""
    if isinstance(dim, (Variable, ndarray)):
        return maximum(x, dim)
    only = single_axis(x, dim, axis)
    return largest(x) if only is None else extreme(np.argmax, x, only, keepdim or keepdims)


def min(x: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Any:
    """``min(x)``: the smallest element, ties share the gradient. ``min(x, dim)``: (values, indices)
    along one axis, the gradient goes to the one index. ``min(a, b)``: elementwise ``minimum``."""
    if isinstance(dim, (Variable, ndarray)):
        return minimum(x, dim)
    only = single_axis(x, dim, axis)
    return smallest(x) if only is None else extreme(np.argmin, x, only, keepdim or keepdims)
