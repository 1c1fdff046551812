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
from .windows import Windows, added_windows, blocks_of_samples, padded, view_of_windows


def wide(x: Any) -> Any:
    """An operand of float16 in float32; None is none."""
    return None if x is None else x.astype(float32)


def filters(weight: Any, groups: int) -> Any:
    """The weight as matrices (groups, O / groups, C / groups * kernel)."""
    return weight.reshape(groups, weight.shape[0] // groups, math.prod(weight.shape[1:]))


def blocks_of_windows(x: ndarray, windows: Windows) -> Iterator[tuple[slice, ndarray]]:
    """For each block of B samples which these are, and their windows (B, C, *kernel, *counts)."""
    view = view_of_windows(padded(x, windows), windows)
    for block in blocks_of_samples(len(x), x.shape[1] * windows.size * windows.number, x.itemsize):
        yield block, view[block]


def columns(view: ndarray, windows: Windows, groups: int) -> ndarray:
    """Windows as matrices (B, groups, C / groups * kernel, windows)."""
    return view.reshape(len(view), groups, view.shape[1] // groups * windows.size, windows.number)


def rows(view: ndarray, windows: Windows, groups: int) -> ndarray:
    """Windows of all samples as matrices (groups, B * windows, C / groups * kernel)."""
    samples, channels = view.shape[:2]
    dims = len(windows.kernel)
    split = view.reshape(samples, groups, channels // groups, *windows.kernel, *windows.counts)
    order = (1, 0, *range(3 + dims, 3 + 2 * dims), *range(2, 3 + dims))
    return split.transpose(order).reshape(groups, samples * windows.number, channels // groups * windows.size)


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
    few = windows.number <= FEW_WINDOWS
    for block, view in blocks_of_windows(x, windows):
        if few:
            found = rows(view, windows, groups) @ matrices.swapaxes(1, 2)
            y[block] = found.reshape(groups, len(view), windows.number, outputs).transpose(1, 0, 3, 2)
        else:
            np.matmul(matrices, columns(view, windows, groups), out=y[block])
    if bias is not None:
        y += bias.reshape(groups, outputs, 1)
    return y.reshape(len(x), groups * outputs, *windows.counts)


def convolve_transposed(y: ndarray, weight: ndarray, bias: ndarray | None, windows: Windows, groups: int) -> ndarray:
    """For each output the filters times it, added up where the windows lie, plus the bias."""
    if y.dtype == float16:
        return convolve_transposed(wide(y), wide(weight), wide(bias), windows, groups).astype(float16)
    matrices = filters(weight, groups).swapaxes(1, 2)
    channels = weight.shape[1] * groups
    by_group = y.reshape(len(y), groups, y.shape[1] // groups, windows.number)
    x = np.empty((len(y), channels, *windows.lengths), y.dtype)
    for block in blocks_of_samples(len(y), channels * windows.size * windows.number, y.itemsize):
        products = matrices @ by_group[block]
        x[block] = added_windows(products.reshape(len(products), channels, *windows.kernel, *windows.counts), windows)
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
    few = windows.number <= FEW_WINDOWS
    for block, view in blocks_of_windows(x, windows):
        if few:
            total += rows(view, windows, groups).swapaxes(1, 2) @ rows_of_output(dy[block], groups)
        else:
            total += sum_over(columns(view, windows, groups) @ by_group[block], (0,))
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
