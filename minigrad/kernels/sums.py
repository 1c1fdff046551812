"""Sums of arrays over any axes: as exact as pairwise summation whatever their length and layout, and fast.

NumPy adds up pairwise along the axis that is innermost in memory only, and its older versions the elements of one
buffer only; others it adds one after the other, with an error that grows with their number. Here no more than
``ROWS`` elements or buffers are added that way, and then their sums (N. Higham, The accuracy of floating point
summation, 1993).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import at_least_float32, float32, float64, ones
from .tuning import FEW_ROWS, LONG_RUN, ROWS

reduce: Any = np.add.reduce


# -- matrices and vectors ------------------------------------------------------------------------


def column_sums(x: Any) -> Any:
    """The sum over the first axis of a matrix.

    Of arrays it is taken as products with vectors of ones, in blocks of blocks: of (16384, 64) in float32 they take 56
    microseconds, ``x.sum(axis=0)`` takes 312.
    """
    if type(x) is not ndarray:
        return plain_sum(x, (0,)) if isinstance(x, ndarray) else x.sum(axis=0)
    dtype = x.dtype
    if dtype is not float32 and dtype is not float64:
        return sum_over(x, (0,))
    return column_summer(x.shape, dtype)(x)


@functools.lru_cache(maxsize=256)
def column_summer(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Callable[[ndarray], ndarray]:
    """The function that adds up the rows of matrices of one shape, made once.

    For more than ``ROWS`` rows it reshapes its argument itself.
    """
    n, columns = shape
    if n <= ROWS:
        return ones(n, dtype).dot
    blocks, rest = divmod(n, ROWS)
    add_rows, add_blocks = ones(ROWS, dtype).dot, column_summer((blocks, columns), dtype)

    def add_up(x: ndarray) -> ndarray:
        return add_blocks(add_rows(x.reshape(ROWS, blocks * columns)).reshape(blocks, columns))

    if not rest:
        return add_up
    add_rest = ones(rest, dtype).dot

    def add_up_all(x: ndarray) -> ndarray:
        x = x.reshape(n, columns)
        total = add_up(x[: n - rest])
        total += add_rest(x[n - rest :])
        return total

    return add_up_all


def vector_sum(x: ndarray) -> Any:
    """The sum of a vector; of up to ``ROWS`` elements as a product with ones, which is faster than a reduction."""
    n, dtype = len(x), x.dtype
    if n <= ROWS and (dtype is float32 or dtype is float64):
        return ones(n, dtype).dot(x)
    return reduce(x, dtype=at_least_float32(dtype)) if n <= LONG_RUN else sum_over(x, (0,))


def accurate_column_sums(x: ndarray) -> ndarray:
    """``column_sums`` by blocks of ``FEW_ROWS`` rows; the sums of more than ``ROWS`` rows are added in float64."""
    n, columns = x.shape
    blocks, rest = divmod(n, FEW_ROWS)
    partial = ones(FEW_ROWS, x.dtype).dot(x[: n - rest].reshape(FEW_ROWS, blocks * columns))
    dtype = x.dtype if n <= ROWS else float64
    total: ndarray = ones(blocks, dtype).dot(partial.reshape(blocks, columns))
    if rest:
        total += ones(rest, x.dtype).dot(x[n - rest :])
    return total


# -- arrays of any rank --------------------------------------------------------------------------


def plain_sum(x: Any, axes: tuple[int, ...], keepdims: bool = False) -> Any:
    """``sum_over`` in NumPy's own words, for stand-ins as well: floats are added up in float64, as the call says."""
    if x.dtype.kind != "f":
        return reduce(x, axes, keepdims=keepdims)
    total = reduce(x, axes, np.promote_types(x.dtype, float64), keepdims=keepdims)
    return total.astype(np.promote_types(x.dtype, float32), copy=False)


def sum_over(x: Any, axes: tuple[int, ...], keepdims: bool = False) -> Any:
    """The sum over axes, which are counted from the front. Of float16 it is float32, to be rounded at the end."""
    dtype = x.dtype
    if dtype is not float32 and dtype is not float64:
        if dtype.kind != "f":
            return reduce(x, axes, keepdims=keepdims)
        x = x.astype(at_least_float32(dtype.newbyteorder("=")))
    return summer(x.shape, x.strides, x.dtype, axes, keepdims)(x)


@functools.lru_cache(maxsize=512)
def summer(
    shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype[Any], axes: tuple[int, ...], keepdims: bool
) -> Callable[[ndarray], Any]:
    """The function that adds up arrays of one shape and layout over axes, made once."""
    if 0 in shape or not shape:
        return functools.partial(reduce, axis=axes if shape else None, keepdims=keepdims)
    broadcast = [i for i in axes if strides[i] == 0 and shape[i] > 1]
    if broadcast:
        return broadcast_summer(shape, axes, keepdims, broadcast)
    order = sorted(range(len(shape)), key=lambda i: (shape[i] == 1, -abs(strides[i])))  # as they lie in memory
    long = [i for i in order if shape[i] > 1]
    kept = [i for i in long if i not in axes]
    columns = math.prod(shape[i] for i in kept)
    rows = math.prod(shape) // columns
    result = tuple(1 if i in axes else n for i, n in enumerate(shape) if keepdims or i not in axes)
    dense = is_dense(shape, strides, long, dtype.itemsize)
    if dense and kept == sorted(kept) and (kept or rows <= ROWS):
        if long[len(long) - len(kept) :] == kept:
            plain = shape in ((rows, columns), (rows,)) and result == shape[1:] and order == sorted(order)
            add_up = column_summer((rows, columns), dtype)
            return add_up if plain else matrix_function(add_up, order, (rows, columns), result)
        if long[: len(kept)] == kept and rows <= ROWS:
            one = ones(rows, dtype)
            return matrix_function(lambda x: x.dot(one), order, (columns, rows), result)
    if dense and not kept:  # one run of elements
        if rows <= LONG_RUN:
            return functools.partial(reduce, axis=axes, keepdims=keepdims)
        return matrix_function(lambda x: sum_along(x, 1), order, (1, rows), result)
    # along the innermost axis NumPy adds pairwise
    slow = [i for i in long if i in axes and (i != long[-1] or shape[i] > LONG_RUN)]
    if math.prod(shape[i] for i in slow) <= ROWS:
        return functools.partial(reduce, axis=axes, keepdims=keepdims)
    longest = max(slow, key=lambda i: shape[i])
    return lambda x: sum_over(sum_along(x, longest), axes, keepdims)


def is_dense(shape: tuple[int, ...], strides: tuple[int, ...], order: list[int], itemsize: int) -> bool:
    """Whether the elements lie side by side in this order of the axes."""
    expected = itemsize
    for i in reversed(order):
        if strides[i] != expected:
            return False
        expected *= shape[i]
    return True


def broadcast_summer(
    shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool, broadcast: list[int]
) -> Callable[[ndarray], Any]:
    """The function that adds up broadcast axes (stride 0), whose elements are equal, by a product."""
    index = tuple(slice(1) if i in broadcast else slice(None) for i in range(len(shape)))
    times = math.prod(shape[i] for i in broadcast)
    return lambda x: sum_over(x[index], axes, keepdims) * x.dtype.type(times)


def matrix_function(
    function: Callable[[ndarray], ndarray], order: list[int], shape: tuple[int, int], result: tuple[int, ...]
) -> Callable[[ndarray], ndarray]:
    """A function of the matrix that an array is, with its axes in this order; its result in another shape."""
    if order == sorted(order):
        return lambda x: function(x.reshape(shape)).reshape(result)
    return lambda x: function(x.transpose(order).reshape(shape)).reshape(result)


def sum_along(x: ndarray, axis: int) -> ndarray:
    """The sum over one axis, which keeps length 1, in blocks of few rows."""
    n = x.shape[axis]
    if n <= FEW_ROWS:
        return reduce(x, axis, keepdims=True)
    blocks, rest = divmod(n, FEW_ROWS)
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    whole, end = (x[(slice(None),) * axis + (part,)] for part in (slice(n - rest), slice(n - rest, n)))
    total = sum_along(reduce(whole.reshape(*before, FEW_ROWS, blocks, *after), axis), axis)
    return total + reduce(end, axis, keepdims=True) if rest else total
