"""Constants that rules share, as arrays that are made once."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy import ndarray

from ..kernels.sums import at_least_float32 as at_least_float32

float16, float32, float64 = map(np.dtype, (np.float16, np.float32, np.float64))

FEW_ELEMENTS = 1 << 13
"""Elements up to which an array of constants is kept to be used again."""

LONG_ROW = 1 << 13
"""Elements of a long row: NumPy repeats a vector along the rows of a matrix at half the speed unless it is longer than
half its buffer (``np.getbufsize()``, 8192)."""


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
