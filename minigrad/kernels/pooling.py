"""Pooling on arrays (N, C, *lengths): a call of NumPy for each place in a window, over all windows."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import at_least_float32, float16, row_numbers
from .sums import sum_over
from .windows import Windows, blocks_of_samples, padded

BITS: dict[int, np.dtype[Any]] = {2: np.dtype(np.int16), 4: np.dtype(np.int32), 8: np.dtype(np.int64)}
"""Integers of as many bytes as a float."""


def lowest(dtype: np.dtype[Any]) -> Any:
    """The number that is never the largest: padding of the windows."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def along_axes(combine: Any, x: ndarray, windows: Windows) -> ndarray:
    """The elements of each window of a padded array combined, one axis after the other."""
    for along in windows.along:
        first, *others = [x[index] for index in along]
        y = combine(first, others[0]) if others else first
        for other in others[1:]:
            combine(y, other, out=y)
        x = y
    return x


def is_whole(windows: Windows) -> bool:
    """Whether there is one window, which is the array."""
    return windows.number == 1 and windows.kernel == windows.lengths and not windows.pads


# -- the largest element -----------------------------------------------------------------------


def largest(x: ndarray, windows: Windows) -> ndarray:
    """The largest element of each window; NaN if there is one."""
    if is_whole(windows):
        whole: ndarray = np.maximum.reduce(x, windows.axes, keepdims=True)
        return whole
    y = along_axes(np.maximum, padded(x, windows, lowest(x.dtype)), windows)
    return y if y.base is None and y is not x else y.copy()


def place_of_largest(x: ndarray, y: ndarray, windows: Windows) -> ndarray:
    """Which element of its window the largest one ``y`` is, which is finite: the first at a tie."""
    parts = padded(x, windows, lowest(x.dtype))
    found = np.zeros(y.shape, np.min_scalar_type(windows.size))
    missing = np.ones(y.shape, bool)
    for offset in windows.offsets[:-1]:
        missing &= parts[offset] != y
        found += missing
    return found.astype(np.int64)


def whole_backward(dy: ndarray, x: ndarray) -> ndarray:
    """``largest_backward`` of windows that are the whole array."""
    flat = x.reshape(dy.size, -1)
    dx = np.zeros(flat.shape, x.dtype)
    dx[row_numbers(dy.size), flat.argmax(1)] = dy.ravel()
    return dx.reshape(x.shape)


def largest_backward(dy: ndarray, y: ndarray, x: ndarray, windows: Windows) -> ndarray:
    """The gradient of finite maxima, at the first element of a window that is the largest."""
    if is_whole(windows) and dy.size:
        return whole_backward(dy, x)
    dx = np.zeros(x.shape, at_least_float32(x.dtype) if windows.overlaps else x.dtype)
    for block in blocks_of_samples(len(x), x[:1].size, x.itemsize):
        block_backward(dx[block], dy[block], y[block], x[block], windows)
    return dx


def block_backward(dx: ndarray, dy: ndarray, y: ndarray, x: ndarray, windows: Windows) -> None:
    """``largest_backward`` of some samples, added to zeros."""
    # where a maximum is reached its gradient is taken by its bits: 0 times an infinite one would be NaN
    bits = BITS[x.itemsize]
    left = np.array(dy, x.dtype, order="C").view(bits)
    into = dx if windows.overlaps else dx.view(bits)
    for at, which in windows.places:
        mask = (x[at] == y[which]).view(np.int8).astype(bits)
        taken = np.negative(mask, out=mask)
        taken &= left[which]
        left[which] ^= taken
        if windows.overlaps:
            into[at] += taken.view(x.dtype)
        else:
            into[at] = taken


# -- the mean ----------------------------------------------------------------------------------


def window_sums(x: ndarray, windows: Windows) -> ndarray:
    """The sum of each window, at least in float32."""
    if x.dtype == float16:
        x = x.astype(at_least_float32(x.dtype))
    if is_whole(windows):
        total: ndarray = sum_over(x, tuple(range(x.ndim))[-len(windows.kernel) :], keepdims=True)
        return total
    y = along_axes(np.add, padded(x, windows), windows)
    return y if y.base is None and y is not x else y.copy()


def spread_over_windows(dy: ndarray, windows: Windows) -> ndarray:
    """The adjoint of ``window_sums``: each number added at all elements of its window."""
    ahead, dims = dy.shape[: -len(windows.kernel)], len(windows.kernel)
    if is_whole(windows):
        return np.broadcast_to(dy, (*ahead, *windows.lengths)).copy()
    for axis in reversed(range(dims)):
        shape = list(dy.shape)
        shape[len(ahead) + axis] = windows.lengths[axis]
        x = np.zeros(shape, dy.dtype)
        after: tuple[Any, ...] = (slice(None),) * (dims - 1 - axis)
        for at, which in windows.within[axis]:
            x[(..., at, *after)] += dy[(..., which, *after)]
        dy = x
    return dy


@functools.lru_cache(maxsize=64)
def divisors(windows: Windows, count_include_pad: bool, divisor_override: int | None) -> Any:
    """What the sum of each window is divided by: a number, or an array of integers (*counts).

    Padding counts, but what lies behind it does not, where the last window goes beyond it.
    """
    if divisor_override is not None:
        return divisor_override
    if not windows.pads:
        return windows.size
    counted: Any = 1
    for axis, (n, padding) in enumerate(zip(windows.lengths, windows.padding)):
        first = np.arange(windows.counts[axis]) * windows.stride[axis] - padding
        end = np.minimum(first + windows.kernel[axis], n + padding)
        if not count_include_pad:
            first, end = np.maximum(first, 0), np.minimum(end, n)
        counted = np.multiply.outer(counted, end - first)
    return counted
