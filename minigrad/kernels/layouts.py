"""How NumPy is to see small batches, so that sums of each channel are fast, and such sums."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float64, ones
from .sums import accurate_column_sums, column_summer, column_sums
from .tuning import LONG_CHANNEL, LONG_ROW, PIECE, ROWS, WORTH_JOINING


class Layout:
    """How NumPy is to see small batches of one shape: as arrays of ``shape``, whose last axis is long where that pays.

    Args:
        batch: the batch's own shape (N, C, ...).
        shape: the view's.
    """

    def __init__(self, batch: tuple[int, ...], shape: tuple[int, ...]) -> None:
        samples, channels = batch[:2]
        length = math.prod(batch[2:])
        self.dimensions = samples, channels, length
        self.shape = shape
        self.changes_shape = shape != batch
        self.n = samples * length or 1  # values of a channel; 1 for an empty batch keeps divisions defined

    def broadcast(self, vector: ndarray) -> ndarray:
        """A value per channel, shaped to broadcast with the view."""
        raise NotImplementedError

    def sum(self, values: ndarray) -> ndarray:
        """The sum of each channel."""
        return channel_sums(self.dimensions, values)

    def sum_float64(self, values: ndarray) -> ndarray:
        """The sum of each channel of float64."""
        return channel_sums(self.dimensions, values)

    def mean_float64(self, values: ndarray) -> ndarray:
        """The mean of each channel of float64; it may be one unit in the last place off."""
        return channel_sums(self.dimensions, values) / self.n

    def dot(self, a: ndarray, b: ndarray) -> ndarray:
        """The sum of each channel of ``a * b``."""
        return channel_sums(self.dimensions, a, b)

    def sum_of_squares(self, values: ndarray) -> ndarray:
        """The sum of squares of each channel, rounded less than ``dot`` and slower."""
        return channel_sums(self.dimensions, values, values, accurate_column_sums)


class Columns(Layout):
    """(N, C): a column per channel, added up as the product with a vector of ones."""

    def __init__(self, batch: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        samples, channels = batch[:2]
        super().__init__(batch, (samples, channels))
        self.total = column_summer((samples, channels), dtype)
        self.total_float64 = column_summer((samples, channels), float64)
        self.shares = ones(samples, float64) / self.n if samples <= ROWS else None  # saves the division by n

    def broadcast(self, vector: ndarray) -> ndarray:
        return vector[None] if self.dimensions[0] == 1 else vector  # arrays of equal shapes are faster

    def sum(self, values: ndarray) -> ndarray:
        return self.total(values)

    def sum_float64(self, values: ndarray) -> ndarray:
        return self.total_float64(values)

    def mean_float64(self, values: ndarray) -> ndarray:
        return self.total_float64(values) / self.n if self.shares is None else self.shares.dot(values)

    def dot(self, a: ndarray, b: ndarray) -> ndarray:
        return self.total(a * b)


class JoinedRows(Layout):
    """(N / k, k * C * length): every row holds k = ``samples_per_row`` samples."""

    def __init__(self, batch: tuple[int, ...], samples_per_row: int) -> None:
        samples, row = batch[0], math.prod(batch[1:])
        super().__init__(batch, (samples // samples_per_row, samples_per_row * row))
        self.samples_per_row = samples_per_row

    def broadcast(self, vector: ndarray) -> ndarray:
        return as_row(self.dimensions[2], self.samples_per_row, vector)


class Channels(Layout):
    """(N, C, length): every row is a channel of one sample."""

    def __init__(self, batch: tuple[int, ...]) -> None:
        super().__init__(batch, (*batch[:2], math.prod(batch[2:])))

    def broadcast(self, vector: ndarray) -> ndarray:
        return vector[:, None]


def new_layout(batch: tuple[int, ...], dtype: np.dtype[Any]) -> Layout:
    """The layout of small batches of a shape and dtype."""
    samples, length = batch[0], math.prod(batch[2:])
    if rows_are_channels(samples, length):
        return Channels(batch)
    samples_per_row = rows_to_join(samples, math.prod(batch[1:]))
    return Columns(batch, dtype) if samples_per_row == length == 1 else JoinedRows(batch, samples_per_row)


layout = functools.lru_cache(maxsize=128)(new_layout)
"""The layout of a shape and dtype, made once."""


def rows_to_join(n: int, columns: int) -> int:
    """How many of n rows make a long one; 1 if n is no multiple of such a number, or if the batch is too small."""
    if n * columns < WORTH_JOINING:
        return 1
    least = LONG_ROW // 2 // columns + 1
    return next((count for count in range(least, 2 * least) if n % count == 0), 1)


def rows_are_channels(samples: int, length: int) -> bool:
    """Whether a row is a channel of one sample: channels are long, and joining samples would hardly pay."""
    return length >= LONG_CHANNEL and (samples <= 2 or length >= LONG_ROW)


def as_row(length: int, samples_per_row: int, vector: ndarray) -> ndarray:
    """A value per channel as a row of joined samples, which have ``length`` values of each channel."""
    row = vector if length == 1 else vector.repeat(length)
    return row if samples_per_row == 1 else row[None].repeat(samples_per_row, 0).reshape(-1)


def channel_sums(
    dimensions: tuple[int, int, int], a: ndarray, b: ndarray | None = None,
    columns: Callable[[ndarray], ndarray] = column_sums,
) -> ndarray:  # fmt: skip
    """``sum(a)`` or ``sum(a * b)`` of each channel of batches (N, C, length); ``columns`` adds up those of a matrix."""
    samples, channels, length = dimensions
    if length >= LONG_CHANNEL:
        return columns(row_sums(a.reshape(dimensions), None if b is None else b.reshape(dimensions)))
    total = columns((a if b is None else a * b).reshape(samples, channels * length))
    return total if length == 1 else row_sums(total.reshape(channels, length))


def row_sums(a: ndarray, b: ndarray | None = None) -> ndarray:
    """``sum(a)`` or ``sum(a * b)`` over the last axis; a long one in pieces first, to round less."""
    length, one = a.shape[-1], ones(PIECE, a.dtype)
    if length <= PIECE:
        return np.vecdot(a, one[:length] if b is None else b)
    whole = length // PIECE * PIECE
    shape = (*a.shape[:-1], -1, PIECE)
    parts = np.vecdot(a[..., :whole].reshape(shape), one if b is None else b[..., :whole].reshape(shape))
    total = row_sums(a[..., whole:], None if b is None else b[..., whole:])
    total += np.add.reduce(parts, -1)
    return total
