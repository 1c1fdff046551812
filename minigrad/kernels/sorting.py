"""Orders and ranks of elements along an axis, the same on every machine: ties in the order of their places."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from .tuning import FEW_RANKS, SHORT_SORT

FAST = frozenset("ilqfdIQL")
"""Kinds of numbers of 32 and 64 bits, for which NumPy's default sort is several times as fast as its stable one."""


def stable_order(x: ndarray, axis: int) -> ndarray:
    """``np.argsort(x, axis, kind="stable")``.

    NumPy's default sort has (1000, 1000) in order in 20 ms, its stable one in 50: here the places of equal elements
    are sorted afterwards, in the rows that have some.
    """
    n = x.shape[axis]
    if x.dtype.char not in FAST or n <= SHORT_SORT:
        return np.argsort(x, axis=axis, kind="stable")
    swapped = x.swapaxes(axis, -1)
    rows = np.ascontiguousarray(swapped).reshape(-1, n)
    order = rows.argsort(-1)
    values = rows.take(order + np.arange(len(rows))[:, None] * n)
    equal = values[:, 1:] == values[:, :-1]
    if x.dtype.kind == "f" and np.isnan(values[:, -1:]).any():
        nans = np.isnan(values)
        equal |= nans[:, 1:] & nans[:, :-1]
    if equal.any():
        (tied,) = equal.any(-1).nonzero()
        runs = np.zeros((len(tied), n), np.int64)  # elements of one value have one number
        np.cumsum(~equal[tied], axis=-1, out=runs[:, 1:])
        runs *= n
        places = order[tied] + runs
        places.sort(-1)
        order[tied] = places - runs
    return order.reshape(swapped.shape).swapaxes(axis, -1)


def places_of_ranks(x: ndarray, ranks: ndarray, axis: int) -> ndarray | None:
    """Where the elements of some ranks along an axis are, in a stable order.

    None if they are many, or one of them is NaN: the whole order is to be found then.
    """
    if len(ranks) > FEW_RANKS or not x.size:
        return None
    values = np.partition(x, ranks, axis).take(ranks, axis)
    if np.isnan(values).any():
        return None
    rest = (slice(None),) * axis
    found = [place_of(x, values[(*rest, slice(i, i + 1))], rank, axis) for i, rank in enumerate(ranks)]
    return found[0] if len(found) == 1 else np.concatenate(found, axis)


def place_of(x: ndarray, value: ndarray, rank: int, axis: int) -> ndarray:
    """Where the element of a rank is, whose value is known: of equal ones as many come first as have lower ranks."""
    equal = x == value
    before = rank - np.add.reduce(x < value, axis, np.intp, keepdims=True)
    if before.any():
        equal = np.cumsum(equal, axis=axis, dtype=np.int32) > before
    return np.argmax(equal, axis=axis, keepdims=True)


def places_of_largest(x: ndarray, k: int, axis: int) -> ndarray | None:
    """Where the k largest elements along an axis are, first the largest, as in a stable order.

    None if elements tie for the last of these places, or are NaN: the whole order is to be found then.
    """
    n = x.shape[axis]
    if not 0 < k < n or not x.size:
        return None
    rows = x.swapaxes(axis, -1)
    top = np.partition(rows, n - k, -1)[..., n - k :]
    least = top[..., :1]
    among = rows >= least
    if np.count_nonzero(among) != least.size * k or np.isnan(top).any():
        return None
    places = np.nonzero(among)[-1].reshape(*least.shape[:-1], k)
    order = np.argsort(-np.take_along_axis(rows, places, -1), axis=-1, kind="stable")
    return np.take_along_axis(places, order, -1).swapaxes(axis, -1)
