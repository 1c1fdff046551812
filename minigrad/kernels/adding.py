"""Taking elements along an axis, and adding values at the places of an index, of which some may be the same."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float16, float32
from .tuning import FEW_ELEMENTS, LONG_SLICE, MANY_ROWS, ROWS


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


def own_places(reach: tuple[int, ...], shape: tuple[int, ...], axis: int) -> Any:
    """Where elements at place 0 along an axis, and their own place along the others, are in a flattened array."""
    places: Any = 0
    for k, n in enumerate(reach):
        if k != axis and n != 1:
            steps = np.arange(n) * math.prod(shape[k + 1 :])
            places = places + steps.reshape(n, *(1,) * (len(reach) - k - 1))
    return places


@functools.lru_cache(maxsize=16)
def few_own_places(reach: tuple[int, ...], shape: tuple[int, ...], axis: int) -> ndarray:
    """The same as a whole read-only array, made once: adding it takes a third of what broadcasting takes."""
    places = np.broadcast_to(own_places(reach, shape, axis), reach).copy()
    places.flags.writeable = False
    return places


def places_along(index: ndarray, reach: tuple[int, ...], shape: tuple[int, ...], axis: int) -> Any:
    """Where elements are in a flattened array of ``shape``: at ``index`` along one axis, else at their own place.

    The index, from 0, broadcasts to ``reach``, the shape of the elements.
    """
    few = math.prod(reach) <= FEW_ELEMENTS
    own = few_own_places(reach, shape, axis) if few else own_places(reach, shape, axis)
    step = math.prod(shape[axis + 1 :])
    if index.dtype != np.intp:
        index = index.astype(np.intp)
    if step == 1:
        return index + own
    places = np.broadcast_to(index * step, reach) + own if index.shape != reach else index * step
    if index.shape == reach:
        places += own  # in place: no second array of index size
    return places


def taken_along(x: ndarray, index: ndarray, axis: int) -> ndarray:
    """The elements of ``x`` at ``index`` along an axis, at the place that the index has along the others."""
    return x.ravel().take(places_along(index, index.shape, x.shape, axis), mode="clip")


def added_along(values: ndarray, index: ndarray, shape: tuple[int, ...], axis: int) -> ndarray:
    """Zeros of ``shape`` with values added at ``index`` along an axis, at their own place along the others.

    An element gets at most as many values as they have along the axis; of many, floats are added in float64.
    """
    places = places_along(index, values.shape, shape, axis)
    if places.shape != values.shape:
        places = np.broadcast_to(places, values.shape)
    dtype = values.dtype
    if values.shape[axis] > MANY_ROWS and dtype.kind == "f":
        y = np.bincount(places.ravel(), values.ravel(), math.prod(shape)).reshape(shape)
    else:
        y = np.zeros(shape, float32 if dtype == float16 else dtype)
        np.add.at(y.reshape(-1), places.ravel(), values.ravel().astype(y.dtype, copy=False))
    return y if y.dtype is dtype else y.astype(dtype)


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
