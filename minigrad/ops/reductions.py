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
from .arrays import float16
from .elementwise import maximum, minimum, sub, where
from .indexing import getitem
from .shapes import expand, one_axis, one_name, permute, reshape, shape_of, squeeze

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


def unreduce(y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Bring a reduction's output back to the rank of ``x``, with length 1 along the axes."""
    return reshape(y, tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def spread(y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Repeat a reduction's output along the axes, to the shape of ``x``."""
    return expand(unreduce(y, x, axes), x.shape)


# -- operations --------------------------------------------------------------------------------


def total(x: Any, axes: Any, keepdims: bool = True) -> Any:
    """The sum along axes; of float16 in float32: in its own dtype it would stop growing at 2048."""
    add: Any = np.add
    return add.reduce(x, axes, np.float32 if x.dtype == float16 else None, keepdims=keepdims)


def narrowed(y: Any, x: Any) -> Any:
    """``y`` in float16 if ``x`` is: the end of what ``total`` has begun."""
    return y.astype(float16) if x.dtype == float16 else y


def freedom(x: Any, axes: tuple[int, ...], correction: float = 0) -> float:
    """``n - correction``, the divisor of a mean or a variance; NaN where it is not positive."""
    n = count(x.shape, axes) - correction
    return n if n > 0 else float("nan")


summed = Op(
    "sum",
    lambda x, axes, keepdims: narrowed(total(x, axes, keepdims), x),
    lambda dy, _y, _x, axes, keepdims: spread(dy, _x, axes),
    doc="``sum(x)`` along axes",
)
averaged = Op(
    "mean",
    lambda x, axes, keepdims: narrowed(np.true_divide(total(x, axes, keepdims), freedom(x, axes)), x),
    lambda dy, _y, _x, axes, keepdims: spread(dy / freedom(_x, axes), _x, axes),
    doc="``sum(x) / n`` along axes",
)


def central(x: Any, axes: tuple[int, ...]) -> Any:
    """``x`` minus its mean along the axes."""
    return sub(x, averaged(x, axes, True))


def variance(x: ndarray, axes: tuple[int, ...], keepdims: bool, correction: float) -> Any:
    """``sum((x - mean(x))**2) / (n - correction)``, at least in float32"""
    squares = np.square(central(x.astype(np.float32) if x.dtype == float16 else x, axes))
    return np.true_divide(total(squares, axes, keepdims), freedom(x, axes, correction))


variances = Op(
    "var",
    lambda x, axes, keepdims, correction: narrowed(variance(x, axes, keepdims, correction), x),
    lambda dy, _y, x, axes, keepdims, correction: (
        spread(2 * dy / freedom(x, axes, correction), x, axes) * central(x, axes)
    ),
    doc="``sum((x - mean(x))**2) / (n - correction)`` along axes",
)
deviations = Op(
    "std",
    lambda x, axes, keepdims, correction: narrowed(np.sqrt(variance(x, axes, keepdims, correction)), x),
    # divided by infinity, the derivatives where y = 0 are 0, as PyTorch takes them
    lambda dy, y, x, axes, keepdims, correction: (
        spread(dy / (where(y == 0, np.inf, y) * freedom(x, axes, correction)), x, axes) * central(x, axes)
    ),
    doc="``sqrt(var(x))`` along axes",
)


def among_ties(dy: Any, y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Share the gradient of an extreme value equally between all elements that reach it."""
    ties = where(x == unreduce(y, x, axes), 1.0, 0.0)
    return spread(dy, x, axes) * ties / summed(ties, axes, True)


maxima = Op(
    "amax",
    lambda x, axes, keepdims: np.maximum.reduce(x, axes, keepdims=keepdims),
    lambda dy, y, x, axes, keepdims: among_ties(dy, y, x, axes),
    doc="the largest element along axes; ties share the gradient",
)
minima = Op(
    "amin",
    lambda x, axes, keepdims: np.minimum.reduce(x, axes, keepdims=keepdims),
    lambda dy, y, x, axes, keepdims: among_ties(dy, y, x, axes),
    doc="the smallest element along axes; ties share the gradient",
)


def others(x: Any, axes: tuple[int, ...]) -> Any:
    """For each element the product of all the others along the axes, exact also with zeros.

    Every row of elements is repeated as a square with ones on its diagonal, then multiplied up.
    """
    rest = tuple(i for i in range(len(x.shape)) if i not in axes)
    order = (*rest, *axes)
    outer, inner = [tuple(x.shape[i] for i in some) for some in (rest, axes)]
    n = count(x.shape, axes)
    square = expand(reshape(permute(x, order), (*outer, 1, n)), (*outer, n, n))
    products = multiplied(where(np.eye(n, dtype=bool), 1, square), (len(outer) + 1,), False)
    return permute(reshape(products, outer + inner), tuple(order.index(i) for i in range(len(order))))


def derivative_of_product(dy: Any, y: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """``dy * y / x``, or without the division where there are zeros."""
    if (x == 0).any():
        return spread(dy, x, axes) * others(x, axes)
    return spread(dy * y, x, axes) / x


multiplied = Op(
    "prod",
    lambda x, axes, keepdims: np.multiply.reduce(x, axes, keepdims=keepdims),
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
    return amax(x) if only is None else extreme(np.argmax, x, only, keepdim or keepdims)


def min(x: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Any:
    """``min(x)``: the smallest element, ties share the gradient. ``min(x, dim)``: (values, indices)
    along one axis, the gradient goes to the one index. ``min(a, b)``: elementwise ``minimum``."""
    if isinstance(dim, (Variable, ndarray)):
        return minimum(x, dim)
    only = single_axis(x, dim, axis)
    return amin(x) if only is None else extreme(np.argmin, x, only, keepdim or keepdims)
