"""Adding values at the places of an index, of which some may be the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float16
from .tuning import ROWS


def added_at(shape: tuple[int, ...], index: tuple[Any, ...], values: ndarray) -> ndarray:
    """Zeros of ``shape`` with floats added at ``index``.

    Many are added in float64: one after the other, ``np.add.at`` would lose digits as their number grows.
    """
    if values.size <= ROWS and values.dtype != float16:
        y = np.zeros(shape, values.dtype)
        np.add.at(y, index, values)
        return y
    places = places_of(shape, index).ravel()
    totals = np.bincount(places, values.ravel(), math.prod(shape))  # in float64
    if len(totals) <= len(places):
        return totals.reshape(shape).astype(values.dtype)
    y = np.zeros(totals.shape, values.dtype)  # memory that is not touched costs nothing
    y[places] = totals[places]
    return y.reshape(shape)


def places_of(shape: tuple[int, ...], index: tuple[Any, ...]) -> ndarray:
    """Where the elements at an index are in a flattened array of ``shape``."""
    if len(index) == len(shape) and all(isinstance(part, ndarray) and part.dtype.kind == "i" for part in index):
        return np.ravel_multi_index(index, shape, mode="wrap")  # the same faster
    places = np.zeros((), np.intp)
    for axis, n in enumerate(shape):
        steps = np.arange(n) * math.prod(shape[axis + 1 :])
        column = steps.reshape(n, *(1,) * (len(shape) - axis - 1))
        places = places + np.broadcast_to(column, shape)[index]
    return places
