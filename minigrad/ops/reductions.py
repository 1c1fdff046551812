"""Reductions: operations that sum, average or choose along some axes.

The operations take a tuple of axes and ``keepdims``; the functions take PyTorch's ``dim`` and
``keepdim``, for which NumPy's ``axis`` and ``keepdims`` may be written.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..engine.node import Op, Variable, wrap
from .elementwise import maximum, minimum, sub, where
from .indexing import getitem
from .shapes import expand, one_axis, permute, reshape

# -- which axes --------------------------------------------------------------------------------


def all_axes(x: Any, dim: Any, axis: Any = None) -> tuple[int, ...]:
    """The axes meant by ``dim`` or ``axis``, counted from the front; all of them for None."""
    if dim is not None and axis is not None:
        raise TypeError("dim and axis are two names of one argument: give only one.")
    dim = axis if dim is None else dim
    ndim = len(x.shape)
    if dim is None:
        return tuple(range(ndim))
    dims = dim if isinstance(dim, (tuple, list)) else (dim,)
    axes = tuple(one_axis(d, ndim) for d in dims) if ndim else ()
    if len(set(axes)) != len(axes):
        raise ValueError(f"dim {dim} names an axis twice.")
    return axes


def single_axis(x: Any, dim: Any, axis: Any) -> int | None:
    """The one axis meant by ``dim`` or ``axis``, or None."""
    if dim is not None and axis is not None:
        raise TypeError("dim and axis are two names of one argument: give only one.")
    dim = axis if dim is None else dim
    return None if dim is None else one_axis(dim, len(x.shape))


def count(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    """How many elements a reduction over these axes takes together."""
    n = 1
    for axis in axes:
        n *= shape[axis]
    return n


def unreduce(y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Bring a reduction's output back to the rank of ``x``, with length 1 along the axes."""
    return reshape(y, tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def spread(y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Repeat a reduction's output along the axes, to the shape of ``x``."""
    return expand(unreduce(y, x, axes), x.shape)


# -- operations --------------------------------------------------------------------------------

summed = Op(
    "sum",
    lambda x, axes, keepdims: np.add.reduce(x, axes, keepdims=keepdims),
    lambda dy, _y, _x, axes, keepdims: spread(dy, _x, axes),
    doc="``sum(x)`` along axes",
)
averaged = Op(
    "mean",
    lambda x, axes, keepdims: np.true_divide(np.add.reduce(x, axes, keepdims=keepdims), count(x.shape, axes)),
    lambda dy, _y, _x, axes, keepdims: spread(dy / count(_x.shape, axes), _x, axes),
    doc="``sum(x) / n`` along axes",
)


def central(x: Any, axes: tuple[int, ...]) -> Any:
    """``x`` minus its mean along the axes."""
    return sub(x, averaged(x, axes, True))


def freedom(x: Any, axes: tuple[int, ...], correction: float) -> float:
    """``n - correction``, the divisor of a variance; NaN where it is not positive."""
    n = count(x.shape, axes) - correction
    return n if n > 0 else float("nan")


def variance(x: ndarray, axes: tuple[int, ...], keepdims: bool, correction: float) -> ndarray:
    """``sum((x - mean(x))**2) / (n - correction)``"""
    squares = np.square(central(x, axes))
    total: Any = summed.forward(squares, axes, keepdims)
    return np.true_divide(total, freedom(x, axes, correction))


variances = Op(
    "var",
    variance,
    lambda dy, _y, x, axes, keepdims, correction: (
        spread(2 * dy / freedom(x, axes, correction), x, axes) * central(x, axes)
    ),
    doc="``sum((x - mean(x))**2) / (n - correction)`` along axes",
)
deviations = Op(
    "std",
    lambda *args: np.sqrt(variance(*args)),
    # where y = 0 every x - mean(x) is 0 too: the derivative there is taken as 0, as PyTorch does
    lambda dy, y, x, axes, keepdims, correction: (
        spread(dy / (where(y == 0, 1, y) * freedom(x, axes, correction)), x, axes) * central(x, axes)
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


def chosen(choose: Any, x: Any, axis: int | None, keepdims: bool) -> Any:
    """The index ``choose`` (``np.argmax`` or ``np.argmin``) picks, as an int64 tensor or array."""
    array = x.array if isinstance(x, Variable) else x
    index = choose(array, axis=axis, keepdims=keepdims)
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
    array = x.array if isinstance(x, Variable) else x
    index = np.expand_dims(choose(array, axis=axis), axis) if array.ndim else np.zeros((), np.int64)
    grid: list[Any] = list(np.indices(index.shape, sparse=True))
    if grid:
        grid[axis] = index
    values = getitem(x, tuple(grid))
    indices = wrap(index) if isinstance(x, Variable) else index
    if keepdims or not array.ndim:
        return Extreme(values, indices)
    shape = tuple(n for i, n in enumerate(index.shape) if i != axis)
    return Extreme(reshape(values, shape), reshape(indices, shape))


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
