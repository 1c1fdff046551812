"""Convolution on arrays: in blocks of samples, whose windows are copied side by side and multiplied by BLAS.

``x`` is (N, C, *lengths), ``y`` (N, O, *counts), ``weight`` (O, C / groups, *kernel). The three products of two of them
that give the third are each other's derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float16, float32
from .sums import sum_over
from .tuning import FEW_WINDOWS
from .windows import Windows, added_windows, blocks_of_samples, padded, room_for, view_of_windows


def wide(x: Any) -> Any:
    """An operand of float16 in float32; None is none."""
    return None if x is None else x.astype(float32)


def filters(weight: Any, groups: int) -> Any:
    """The weight as matrices (groups, O / groups, C / groups * kernel)."""
    return weight.reshape(groups, weight.shape[0] // groups, math.prod(weight.shape[1:]))


def blocks_of_columns(x: ndarray, windows: Windows, groups: int) -> Iterator[tuple[slice, ndarray]]:
    """For each block of B samples which these are, and their windows (B, groups, C / groups * kernel, windows).

    The memory of one block is used again for the next.
    """
    samples, channels = x.shape[:2]
    blocks = blocks_of_samples(samples, channels * windows.size * windows.number, x.itemsize)
    view = view_of_windows(padded(x, windows), windows)
    room = None if windows.is_plain else room_for(blocks, view.shape[1:], x.dtype)
    for block in blocks:
        part = view[block]
        if room is not None:
            room[: len(part)] = part
            part = room[: len(part)]
        yield block, part.reshape(len(part), groups, channels // groups * windows.size, windows.number)


def blocks_of_rows(x: ndarray, windows: Windows, groups: int) -> Iterator[tuple[slice, ndarray]]:
    """The same with the windows of a block as matrices (groups, B * windows, C / groups * kernel)."""
    samples, channels = x.shape[:2]
    dims = len(windows.kernel)
    view = view_of_windows(padded(x, windows), windows)
    order = (0, *range(2 + dims, 2 + 2 * dims), *range(1, 2 + dims))
    for block in blocks_of_samples(samples, channels * windows.size * windows.number, x.itemsize):
        part = view[block].transpose(order)
        matrix = part.reshape(len(part) * windows.number, groups, channels // groups * windows.size)
        yield block, matrix.swapaxes(0, 1)


def rows_of_output(y: ndarray, groups: int) -> ndarray:
    """(B, O, *counts) as matrices (groups, B * windows, O / groups)."""
    samples, channels, *counts = y.shape
    split = y.reshape(samples, groups, channels // groups, math.prod(counts))
    return split.transpose(1, 0, 3, 2).reshape(groups, samples * math.prod(counts), channels // groups)


def convolve(x: ndarray, weight: ndarray, bias: ndarray | None, windows: Windows, groups: int) -> ndarray:
    """For each window and each filter the sum of the products of their elements, plus the bias."""
    if x.dtype == float16:
        return convolve(wide(x), wide(weight), wide(bias), windows, groups).astype(float16)
    matrices = filters(weight, groups)
    outputs = matrices.shape[1]
    y = np.empty((len(x), groups, outputs, windows.number), x.dtype)
    if windows.number <= FEW_WINDOWS:
        for block, rows in blocks_of_rows(x, windows, groups):
            found = (rows @ matrices.swapaxes(1, 2)).reshape(groups, len(y[block]), windows.number, outputs)
            y[block] = found.transpose(1, 0, 3, 2)
    else:
        for block, columns in blocks_of_columns(x, windows, groups):
            np.matmul(matrices, columns, out=y[block])
    if bias is not None:
        y += bias.reshape(groups, outputs, 1)
    return y.reshape(len(x), groups * outputs, *windows.counts)


def convolve_transposed(y: ndarray, weight: ndarray, bias: ndarray | None, windows: Windows, groups: int) -> ndarray:
    """For each output the filters times it, added up where the windows lie, plus the bias."""
    if y.dtype == float16:
        return convolve_transposed(wide(y), wide(weight), wide(bias), windows, groups).astype(float16)
    matrices = np.ascontiguousarray(filters(weight, groups).swapaxes(1, 2))
    channels = weight.shape[1] * groups
    by_group = y.reshape(len(y), groups, y.shape[1] // groups, windows.number)
    x = np.zeros((len(y), channels, *windows.lengths), y.dtype)
    blocks = blocks_of_samples(len(y), channels * windows.size * windows.number, y.itemsize)
    room = room_for(blocks, (groups, matrices.shape[1], windows.number), y.dtype)
    for block in blocks:
        part = by_group[block]
        products = np.matmul(matrices, part, out=room[: len(part)])
        values = products.reshape(len(part), channels, *windows.kernel, *windows.counts)
        added_windows(values, windows, x[block])
    if bias is not None:
        x += bias.reshape(-1, *(1,) * len(windows.kernel))
    return x


def weight_gradient(x: ndarray, dy: ndarray, windows: Windows, groups: int) -> ndarray:
    """For each filter the sum over all windows of the window times the output there."""
    if x.dtype == float16:
        return weight_gradient(wide(x), wide(dy), windows, groups).astype(float16)
    inputs, outputs = x.shape[1] // groups, dy.shape[1] // groups
    total = np.zeros((groups, inputs * windows.size, outputs), x.dtype)
    by_group = dy.reshape(len(dy), groups, outputs, windows.number).swapaxes(2, 3)
    if windows.number <= FEW_WINDOWS:
        for block, rows in blocks_of_rows(x, windows, groups):
            total += rows.swapaxes(1, 2) @ rows_of_output(dy[block], groups)
    else:
        for block, columns in blocks_of_columns(x, windows, groups):
            total += sum_over(columns @ by_group[block], (0,))
    return total.swapaxes(1, 2).reshape(groups * outputs, inputs, *windows.kernel)


def convolve_backward(
    dy: ndarray, _cache: Any, needs: Sequence[Any], _y: Any, x: ndarray, weight: ndarray, _bias: Any,
    windows: Windows, groups: int,
) -> Sequence[ndarray | None]:  # fmt: skip
    """The rules of a convolution on arrays."""
    return (
        convolve_transposed(dy, weight, None, windows, groups) if needs[0] else None,
        weight_gradient(x, dy, windows, groups) if needs[1] else None,
        sum_over(dy, (0, *range(2, dy.ndim))) if needs[2] else None,
    )
