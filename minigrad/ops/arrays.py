"""Array helpers that rules share: for arrays the fast way, for tensors the same by operations."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

float16, float32, float64 = map(np.dtype, (np.float16, np.float32, np.float64))

ROWS = 128
"""Rows summed at a time: few enough for a small rounding error, many enough to be fast."""

FEW_ELEMENTS = 1 << 13
"""Elements up to which an array of constants is kept to be used again."""

LONG_ROW = 1 << 13
"""Elements of a long row: NumPy repeats a vector along the rows of a matrix at half the speed unless it is longer than
half its buffer (``np.getbufsize()``, 8192)."""

FEW_ROWS = 16
"""Rows summed at a time where the rounding error counts more than the time."""


@functools.lru_cache(maxsize=64)
def ones(n: int, dtype: np.dtype[Any]) -> ndarray:
    """A read-only vector of ones, made once."""
    vector = np.ones(n, dtype)
    vector.flags.writeable = False
    return vector


@functools.lru_cache(maxsize=256)
def number(value: float, dtype: np.dtype[Any]) -> ndarray:
    """A number as a read-only array, made once: NumPy takes half as long for a small array and it as with a number."""
    array = np.array(value, dtype)
    array.flags.writeable = False
    return array


@functools.lru_cache(maxsize=16)
def small_zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> ndarray:
    """A read-only array of zeros, made once."""
    zeros = np.zeros(shape, dtype)
    zeros.flags.writeable = False
    return zeros


@functools.lru_cache(maxsize=64)
def few_row_numbers(n: int) -> ndarray:
    """A read-only vector 0, 1, ..., n - 1, made once."""
    vector = np.arange(n)
    vector.flags.writeable = False
    return vector


def row_numbers(n: int) -> ndarray:
    """0, 1, ..., n - 1; read-only if they are few."""
    return few_row_numbers(n) if n <= FEW_ELEMENTS else np.arange(n)


def at_least_float32(dtype: Any) -> np.dtype[Any]:
    """The dtype to compute statistics of ``dtype`` in: float16 is too coarse."""
    return float32 if dtype == float16 else dtype


def column_sums(x: Any) -> Any:
    """The sum over the first axis of a matrix.

    Of arrays it is taken as products with vectors of ones, in blocks of blocks: the matrix
    product is several times faster than ``x.sum(axis=0)``, and adding block sums instead of running
    through all rows keeps the rounding error at the level of pairwise summation
    (N. Higham, The accuracy of floating point summation, 1993).
    """
    if type(x) is not ndarray:
        return x.sum(axis=0)
    dtype = x.dtype
    if dtype is not float32 and dtype is not float64:
        return x.sum(axis=0, dtype=float32 if dtype == float16 else None)
    return column_summer(x.shape, dtype)(x)


@functools.lru_cache(maxsize=256)
def column_summer(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Callable[[ndarray], ndarray]:
    """The function that adds up the rows of matrices of one shape, made once.

    If they have more than ``ROWS``, it takes arrays of any shape with the elements of such a matrix.
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
    """The sum of a vector; of few elements a product with ones is faster than a reduction."""
    n, dtype = len(x), x.dtype
    if n <= ROWS and (dtype is float32 or dtype is float64):
        return ones(n, dtype).dot(x)
    return np.add.reduce(x, dtype=at_least_float32(dtype))


def accurate_column_sums(x: ndarray) -> ndarray:
    """``column_sums`` by small blocks of rows, which of many rows are added up in float64."""
    n, columns = x.shape
    blocks, rest = divmod(n, FEW_ROWS)
    partial = ones(FEW_ROWS, x.dtype).dot(x[: n - rest].reshape(FEW_ROWS, blocks * columns))
    dtype = x.dtype if n <= ROWS else float64
    total: ndarray = ones(blocks, dtype).dot(partial.reshape(blocks, columns))
    if rest:
        total += ones(rest, x.dtype).dot(x[n - rest :])
    return total
