"""Constants that rules share, as arrays that are made once."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy import ndarray

from .tuning import FEW_ELEMENTS

float16, float32, float64 = map(np.dtype, (np.float16, np.float32, np.float64))


@functools.lru_cache(maxsize=256)
def number(value: float, dtype: np.dtype[Any]) -> ndarray:
    """A number as a read-only 0-d array, made once: with small arrays ufuncs take half as long as for a float."""
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


@functools.lru_cache(maxsize=64)
def ones(n: int, dtype: np.dtype[Any]) -> ndarray:
    """A read-only vector of ones, made once."""
    vector = np.ones(n, dtype)
    vector.flags.writeable = False
    return vector


def at_least_float32(dtype: Any) -> np.dtype[Any]:
    """The dtype to compute statistics of ``dtype`` in: float16 is too coarse."""
    return float32 if dtype == float16 else dtype
