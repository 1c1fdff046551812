"""Distances of all rows of one matrix from all rows of another, of arrays with batches of them in front.

The differences of all pairs are computed in blocks. Euclidean distances of many rows are computed from a product of
matrices instead, ``|a - b|**2 = |a|**2 + |b|**2 - 2 a b`` with the mean taken off, but not those of pairs close to each
other: there that would cancel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy import ndarray

from .adding import added_at
from .tuning import CLOSE, FEW_CLOSE, FEW_DIFFERENCES, PAIRS_BLOCK


def batches(x1: ndarray, x2: ndarray) -> tuple[tuple[int, ...], ndarray, ndarray]:
    """The shape of the batches together, and both with one axis of batches."""
    shape = np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    n = math.prod(shape)
    a, b = (np.broadcast_to(x, (*shape, *x.shape[-2:])).reshape(n, *x.shape[-2:]) for x in (x1, x2))
    return shape, a, b


def blocks(n: int, rows: int, others: int, features: int) -> Iterator[tuple[slice, slice]]:
    """Batches and rows whose differences are computed together."""
    size = max(1, rows * others * features)
    if size <= PAIRS_BLOCK:
        step = PAIRS_BLOCK // size
        yield from ((slice(i, i + step), slice(None)) for i in range(0, n, step))
        return
    step = max(1, PAIRS_BLOCK // max(1, others * features))
    yield from ((slice(i, i + 1), slice(j, j + step)) for i in range(n) for j in range(0, rows, step))


def distances(x1: ndarray, x2: ndarray, norm: Callable[[ndarray], ndarray]) -> ndarray:
    """``norm(x1[i] - x2[j])`` for all pairs, in blocks; ``norm`` is along the last axis."""
    shape, a, b = batches(x1, x2)
    y = np.empty((len(a), a.shape[1], b.shape[1]), x1.dtype)
    for batch, rows in blocks(len(a), a.shape[1], b.shape[1], a.shape[2]):
        y[batch, rows] = norm(a[batch, rows, None] - b[batch, None])
    return y.reshape(*shape, *y.shape[1:])


def by_differences(
    dy: ndarray, y: ndarray, x1: ndarray, x2: ndarray, slopes: Callable[[ndarray, ndarray, ndarray], ndarray]
) -> tuple[ndarray, ndarray]:
    """The gradients by both, in blocks; ``slopes(dy, y, differences)`` is the gradient by the differences."""
    shape, a, b = batches(x1, x2)
    dy, y = (x.reshape(len(a), *x.shape[-2:]) for x in (dy, y))
    da, db = np.empty(a.shape, x1.dtype), np.zeros(b.shape, x1.dtype)
    for batch, rows in blocks(len(a), a.shape[1], b.shape[1], a.shape[2]):
        found = slopes(dy[batch, rows], y[batch, rows], a[batch, rows, None] - b[batch, None])
        np.add.reduce(found, 2, out=da[batch, rows])
        db[batch] -= np.add.reduce(found, 1)
    return da.reshape(*shape, *a.shape[1:]), db.reshape(*shape, *b.shape[1:])


# -- Euclidean distances by a product of matrices ----------------------------------------------------


def is_small(x1: ndarray, x2: ndarray) -> bool:
    """Whether the differences of all pairs are quickly computed, or there are none."""
    return x1.shape[-2] * x2.shape[-2] * x1.shape[-1] <= FEW_DIFFERENCES


def centred(x1: ndarray, x2: ndarray) -> tuple[ndarray, ndarray, ndarray]:
    """Both minus the mean of the second, and the sums of the squares of the norms of all pairs."""
    mean = np.add.reduce(x2, -2, keepdims=True) / x2.dtype.type(x2.shape[-2])
    a, b = x1 - mean, x2 - mean
    squares = np.einsum("...i,...i->...", a, a)[..., None] + np.einsum("...i,...i->...", b, b)[..., None, :]
    return a, b, squares


def pairs_at(x1: ndarray, x2: ndarray, index: tuple[ndarray, ...]) -> ndarray:
    """The differences of some pairs; the index is of the distances."""
    *batch, i, j = index
    shape = np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    a, b = (np.broadcast_to(x, (*shape, *x.shape[-2:])) for x in (x1, x2))
    return a[(*batch, i)] - b[(*batch, j)]


def euclidean(x1: ndarray, x2: ndarray, norm: Callable[[ndarray], ndarray]) -> ndarray:
    """``sqrt(sum((x1[i] - x2[j])**2))`` for all pairs; ``norm`` computes those of pairs close to each other."""
    if is_small(x1, x2):
        return distances(x1, x2, norm)
    with np.errstate(over="ignore", invalid="ignore"):
        a, b, squares = centred(x1, x2)
        a *= -2
        y: ndarray = a @ np.swapaxes(b, -1, -2)
        y += squares
        squares *= CLOSE
        far = y >= squares  # not of NaN
        far &= y < np.inf
        close = y.size - np.count_nonzero(far)
        if close > FEW_CLOSE * y.size:
            return distances(x1, x2, norm)
        np.maximum(y, 0, out=y)
        np.sqrt(y, out=y)
        if close:
            index = np.nonzero(~far)
            y[index] = norm(pairs_at(x1, x2, index))
    return y


def euclidean_gradients(
    dy: ndarray, y: ndarray, x1: ndarray, x2: ndarray, slopes: Callable[[ndarray, ndarray, ndarray], ndarray]
) -> tuple[ndarray, ndarray]:
    """The gradients by both; ``slopes(dy, y, differences)`` computes those of pairs close to each other."""
    if is_small(x1, x2):
        return by_differences(dy, y, x1, x2, slopes)
    with np.errstate(over="ignore", invalid="ignore"):
        a, b, squares = centred(x1, x2)
        squares *= CLOSE
        far = (y * y >= squares) & (y > 0)  # not of NaN
        index = np.nonzero(~far & (y != 0)) if np.count_nonzero(far) < y.size else None
        if index is not None and len(index[0]) > FEW_CLOSE * y.size:
            return by_differences(dy, y, x1, x2, slopes)
        weights = dy / np.where(far, y, y.dtype.type(np.inf))
        da = a * np.add.reduce(weights, -1)[..., None] - weights @ b
        db = b * np.add.reduce(weights, -2)[..., None] - np.swapaxes(weights, -1, -2) @ a
        if index is not None:
            *batch, i, j = index
            found = slopes(dy[index], y[index], pairs_at(x1, x2, index))
            da += added_at(da.shape, (*batch, i), found)
            db -= added_at(db.shape, (*batch, j), found)
    return da, db
