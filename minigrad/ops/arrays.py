"""Array helpers that rules share: for arrays the fast way, for tensors the same by operations."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy import ndarray

float16, float64 = np.dtype(np.float16), np.dtype(np.float64)

BLOCK = 128
"""Rows summed at a time: few enough for a small rounding error, many enough to be fast."""

SMALL_BLOCK = 16
"""Rows summed at a time where the rounding error counts more than the time."""


@functools.lru_cache(maxsize=4 * BLOCK)
def ones(n: int, dtype: np.dtype[Any]) -> ndarray:
    """A read-only vector of ones, made once."""
    vector = np.ones(n, dtype)
    vector.flags.writeable = False
    return vector


def at_least_float32(dtype: Any) -> np.dtype[Any]:
    """The dtype to compute statistics of ``dtype`` in: float16 is too coarse."""
    return np.result_type(dtype, np.float32)


def column_sums(x: Any) -> Any:
    """The sum over the first axis of a matrix.

    Of arrays it is taken as products with ones, in blocks of blocks: the matrix product is
    several times faster than ``x.sum(axis=0)``, and adding block sums instead of running
    through all rows keeps the rounding error at the level of pairwise summation
    (N. Higham, The accuracy of floating point summation, 1993).
    """
    if type(x) is not ndarray or x.dtype.kind != "f":
        return x.sum(axis=0)
    if x.dtype is float16:
        return x.sum(axis=0, dtype=np.float32)
    n = x.shape[0]
    if n <= BLOCK:
        return ones(n, x.dtype).dot(x)
    blocks, rest = divmod(n, BLOCK)
    if not x.flags.c_contiguous:
        x = np.ascontiguousarray(x)
    partial = ones(BLOCK, x.dtype).dot(x[: n - rest].reshape(BLOCK, -1)).reshape(blocks, -1)
    total = column_sums(partial)
    if rest:
        total += ones(rest, x.dtype).dot(x[n - rest :])
    return total


def accurate_column_sums(x: ndarray) -> ndarray:
    """The sum over the first axis of a matrix, in float64: small blocks of rows, added up in float64."""
    n, columns = x.shape
    blocks, rest = divmod(n, SMALL_BLOCK)
    partial = ones(SMALL_BLOCK, x.dtype).dot(x[: n - rest].reshape(SMALL_BLOCK, blocks * columns))
    total: ndarray = ones(blocks, float64).dot(partial.reshape(blocks, columns))
    return total + ones(rest, x.dtype).dot(x[n - rest :]) if rest else total
