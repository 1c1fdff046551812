"""Taking elements along an axis, and adding values at the places of an index, of which some may be the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float16, float32
from .tuning import LONG_SLICE, MANY_ROWS, ROWS


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


def places_along(index: ndarray, reach: tuple[int, ...], shape: tuple[int, ...], axis: int) -> Any:
    """Where elements are in a flattened array of ``shape``: at ``index`` along one axis, else at their own place.

    The index broadcasts to ``reach``, the shape of the elements.
    """
    steps = [math.prod(shape[k + 1 :]) for k in range(len(shape))]
    places = index.astype(np.intp, copy=False)
    if steps[axis] != 1:
        places = places * steps[axis]
    others: Any = 0
    for k, n in enumerate(reach):
        if k != axis and n != 1:
            others = others + (np.arange(n) * steps[k]).reshape(n, *(1,) * (len(reach) - k - 1))
    return places + others


def from_the_front(index: ndarray, length: int) -> ndarray:
    """An index with places that were counted from the end counted from the front."""
    return np.where(index < 0, index + length, index) if index.min(initial=0) < 0 else index


def taken_along(x: ndarray, index: ndarray, axis: int) -> ndarray:
    """The elements of ``x`` at ``index`` along an axis, at the place that the index has along the others."""
    index = from_the_front(index, x.shape[axis])
    return x.ravel().take(places_along(index, index.shape, x.shape, axis), mode="clip")


def added_along(values: ndarray, index: ndarray, shape: tuple[int, ...], axis: int) -> ndarray:
    """Zeros of ``shape`` with values added at ``index`` along an axis, at their own place along the others.

    An element gets at most as many values as they have along the axis; of many, floats are added in float64.
    """
    index = from_the_front(index, shape[axis])
    places = np.broadcast_to(places_along(index, values.shape, shape, axis), values.shape).ravel()
    dtype, size = values.dtype, math.prod(shape)
    if values.shape[axis] > MANY_ROWS and dtype.kind == "f":
        return np.bincount(places, values.ravel(), size).reshape(shape).astype(dtype, copy=False)
    y = np.zeros(size, float32 if dtype == float16 else dtype)
    np.add.at(y, places, values.ravel().astype(y.dtype, copy=False))
    return y.reshape(shape).astype(dtype, copy=False)


def slices_added(values: ndarray, index: ndarray, length: int, axis: int) -> ndarray:
    """Zeros with ``length`` slices along an axis, to which those of ``values`` are added: the i-th to ``index[i]``."""
    shape = (*values.shape[:axis], length, *values.shape[axis + 1 :])
    column = index.reshape(-1, *(1,) * (values.ndim - axis - 1))
    if axis or math.prod(shape[1:]) < LONG_SLICE or values.dtype.kind != "f":
        return added_along(values, column, shape, axis)
    many = len(index) > MANY_ROWS
    y = np.zeros(shape, np.float64 if many else float32 if values.dtype == float16 else values.dtype)
    for place, part in zip(index.tolist(), values):
        y[place] += part
    return y.astype(values.dtype, copy=False)
