"""Sums and products of all elements up to each, and linear recurrences, along an axis of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float64
from .tuning import WIDE_ROW


def accumulated(ufunc: Any, x: ndarray, axis: int) -> ndarray:
    """``ufunc.accumulate`` of floats along an axis, computed at least in float64, in the dtype of ``x``."""
    rows, dtype = np.moveaxis(x, axis, 0), np.promote_types(x.dtype, float64)
    if rows.ndim > 1 and axis < x.ndim - 1 and rows[:1].size >= WIDE_ROW and len(rows):
        y = np.empty_like(x)
        total = rows[0].astype(dtype)
        for row, target in zip(rows[1:], np.moveaxis(y, axis, 0)):
            target[...] = total
            ufunc(total, row, out=total)
        np.moveaxis(y, axis, 0)[-1] = total
        return y
    if axis == x.ndim - 1:
        return np.asarray(ufunc.accumulate(x, axis, dtype).astype(x.dtype, copy=False))
    wide = x.swapaxes(axis, -1).astype(dtype, order="C")
    y = ufunc.accumulate(wide, -1).swapaxes(axis, -1)
    return y.astype(x.dtype, order="C")


def recurrence(a: Any, b: Any, axis: int, reverse: bool) -> Any:
    """``y[i] = a[i] * y[i - 1] + b[i]`` along an axis; in reverse ``y[i] = a[i + 1] * y[i + 1] + b[i]``.

    In as many steps as the length has binary digits, each of which doubles the number of terms (Kogge and Stone, 1973).
    """
    n, dtype = b.shape[axis], np.promote_types(b.dtype, float64)
    y, a, before = b.astype(dtype), a.astype(dtype), (slice(None),) * axis
    if reverse:
        y, a = np.flip(y, axis), np.roll(np.flip(a, axis), 1, axis)
    step = 1
    while step < n:
        first, rest = (*before, slice(step)), (*before, slice(step, None))
        ahead = (*before, slice(n - step))
        # a product of factors may be infinite where the term it multiplies is 0
        term = np.where(y[ahead] == 0, 0, a[rest] * y[ahead])
        y = np.concatenate([y[first], y[rest] + term], axis)
        a = np.concatenate([a[first], a[rest] * a[ahead]], axis)
        step *= 2
    return (np.flip(y, axis) if reverse else y).astype(b.dtype)


def recurrence_on_arrays(a: ndarray, b: ndarray, axis: int, reverse: bool) -> ndarray:
    """``recurrence``, row by row where rows are wide."""
    rows = np.moveaxis(b.astype(np.promote_types(b.dtype, float64)), axis, 0)
    if rows[:1].size < WIDE_ROW // 16:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(recurrence(a, b, axis, reverse))
    factors = np.moveaxis(a, axis, 0)
    y = rows[::-1] if reverse else rows
    if reverse:
        factors = np.roll(factors[::-1], 1, 0)
    for i in range(1, len(y)):
        y[i] += factors[i] * y[i - 1]
    return np.moveaxis(rows, 0, axis).astype(b.dtype, copy=False)
