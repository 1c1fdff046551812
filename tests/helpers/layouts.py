"""The same values in other memory layouts: strided, reversed, unaligned, read-only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


def unaligned(x: np.ndarray) -> np.ndarray:
    """One byte beside the places where elements usually begin."""
    buffer = np.zeros(x.nbytes + 1, np.uint8)[1:]
    y = buffer.view(x.dtype).reshape(x.shape)
    y[...] = x
    return y


def backwards(x: np.ndarray) -> np.ndarray:
    """Every stride is negative."""
    flipped = tuple(slice(None, None, -1) for _ in x.shape)
    return np.asarray(x[flipped]).copy()[(..., *flipped)]


def every_third(x: np.ndarray) -> np.ndarray:
    """Two foreign elements, which are NaN, stand behind each of the array's own."""
    y = np.full((*x.shape, 3), np.nan, x.dtype)
    y[..., 0] = x
    return y[..., 0]


def transposed(x: np.ndarray) -> np.ndarray:
    """The first and the last axis have changed places in memory, the others have not."""
    return np.swapaxes(np.swapaxes(x, 0, -1).copy(), 0, -1) if x.ndim else x.copy()


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Fortran order": lambda x: x.copy(order="F"),
    "negative strides": backwards,
    "every third": every_third,
    "unaligned": unaligned,
    "read-only": read_only,
    "transposed": transposed,
}
