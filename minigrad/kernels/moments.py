"""``x - mean`` of a batch, channel by channel: what all of batch normalisation is computed from.

``Kept`` has it in memory: the way of small batches. ``Blocked`` works block by block on ``x`` itself or, where the mean
is far from 0, on ``x`` less a shift, and accounts for the rest channel by channel: the way of large batches, which take
longer to pass through the memory once more. Channels are axis 1, whatever lies behind it.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float32, float64, number, ones
from .sums import accurate_column_sums, column_summer, column_sums
from .threads import for_each, helpers
from .tuning import (
    BLOCK_BYTES,
    FEW_ROWS,
    FEW_VALUES,
    LARGE,
    LONG_CHANNEL,
    LONG_ROW,
    PIECE,
    ROWS,
    SHARED_BYTES,
    SMALL,
    WORTH_JOINING,
)

unreported = np.errstate(invalid="ignore", over="ignore")
"""What is not finite is not this room's to report."""


def deviations(x: ndarray, mean: ndarray | None = None) -> Kept | Blocked:
    """The deviations of a batch from a given mean, or from its own."""
    small = x.size < LARGE or x[0].nbytes > BLOCK_BYTES  # a sample is never cut
    return Kept(x, mean) if small else Blocked(x, mean)


class Layout:
    """How small batches of one shape are worked on: as arrays of ``shape``; ``reshapes`` says if that is another one.

    A sample (C, ...) is a row of C * length elements, and some are joined where that makes a long row of short ones;
    or it is a matrix (C, length), where the rows of that are long or the samples few.

    ``repeated`` makes of a value per channel what broadcasts with those rows. ``sum`` adds up each channel, ``dot`` the
    products of two batches; ``squares`` adds up squares, rounds less and takes longer; ``sum_float64`` and
    ``mean_float64`` add in float64. The latter saves a division and costs the last digit: the mean of equal values is
    not always that value. A channel has ``n`` values, but n is at least 1: nothing is divided by 0.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        samples, channels = shape[:2]
        length = math.prod(shape[2:])
        self.n = n = samples * length or 1
        by_channel = rows_are_channels(samples, length)
        joined = 1 if by_channel else rows_to_join(samples, channels * length)
        self.shape = (samples // joined, *([channels, length] if by_channel else [joined * channels * length]))
        self.reshapes = self.shape != shape
        self.repeated: Callable[[ndarray], ndarray]
        if by_channel:
            self.repeated = operator.itemgetter((slice(None), None))  # vector[:, None]
        elif joined * length != 1:
            self.repeated = functools.partial(as_row, length, joined)
        elif samples == 1:
            self.repeated = operator.itemgetter(None)  # vector[None]: arrays of one shape are faster
        else:
            self.repeated = lambda vector: vector
        add_up = functools.partial(channel_sums, (samples, channels, length))
        self.sum: Callable[[ndarray], ndarray] = add_up
        self.dot: Callable[[ndarray, ndarray], ndarray] = add_up
        self.squares: Callable[[ndarray], ndarray] = lambda values: add_up(values, values, accurate_column_sums)
        self.sum_float64: Callable[[ndarray], ndarray] = add_up
        # of add_up and n, not of self: a layout is no part of a cycle
        self.mean_float64: Callable[[ndarray], ndarray] = lambda values: add_up(values) / n
        if length == 1 and (joined == 1 or samples > ROWS):  # the same in fewer steps
            self.sum = total = column_summer((samples, channels), dtype)
            self.dot = lambda a, b: total(a * b)
            self.sum_float64 = column_summer((samples, channels), float64)
            if samples <= ROWS:
                self.mean_float64 = (ones(samples, float64) / n).dot


layout = functools.lru_cache(maxsize=128)(Layout)
"""The layout of a shape and dtype, made once."""


def rows_to_join(n: int, columns: int) -> int:
    """How many of n rows make a long one; 1 if n is no multiple of such a number, or if it would not pay."""
    if n * columns < WORTH_JOINING:
        return 1
    least = LONG_ROW // 2 // columns + 1
    return next((count for count in range(least, 2 * least) if n % count == 0), 1)


def rows_are_channels(samples: int, length: int) -> bool:
    """Whether samples are worked on as matrices (C, length): a row for all channels would hardly pay."""
    return length >= LONG_CHANNEL and (samples <= 2 or length >= LONG_ROW)


def as_row(length: int, joined: int, vector: ndarray) -> ndarray:
    """A value per channel as a row of joined samples, which have ``length`` values of each channel."""
    row = vector if length == 1 else vector.repeat(length)
    return row if joined == 1 else row[None].repeat(joined, 0).reshape(-1)


def channel_sums(
    shape: tuple[int, int, int], a: ndarray, b: ndarray | None = None,
    columns: Callable[[ndarray], ndarray] = column_sums,
) -> ndarray:  # fmt: skip
    """The sum of the values of each channel, or of their products with those of ``b``; the shape is (N, C, length)."""
    samples, channels, length = shape
    if length >= LONG_CHANNEL:
        return columns(row_sums(a.reshape(shape), None if b is None else b.reshape(shape)))
    total = columns((a if b is None else a * b).reshape(samples, channels * length))
    return total if length == 1 else row_sums(total.reshape(channels, length))


def row_sums(a: ndarray, b: ndarray | None = None) -> ndarray:
    """``sum(a)`` or ``sum(a * b)`` over the last axis; of pieces first, where it is long."""
    length, one = a.shape[-1], ones(PIECE, a.dtype)
    if length <= PIECE:
        return np.vecdot(a, one[:length] if b is None else b)
    whole = length // PIECE * PIECE
    shape = (*a.shape[:-1], -1, PIECE)
    parts = np.vecdot(a[..., :whole].reshape(shape), one if b is None else b[..., :whole].reshape(shape))
    total = row_sums(a[..., whole:], None if b is None else b[..., whole:])
    total += np.add.reduce(parts, -1)
    return total


class Kept:
    """The deviations of a small batch.

    Args:
        x: the batch (N, C, ...).
        mean: of each channel (C,). Unless it is given the batch's own is taken, and ``var``, its biased variance.
    """

    var: ndarray
    centered = True
    """Whether ``d`` is ``x - mean``, or nearly, and not ``x`` itself."""
    finite = False
    """Whether the batch is known to be finite, so that its variance need not be looked at."""

    def __init__(self, x: ndarray, mean: ndarray | None = None) -> None:
        self.shape = x.shape
        self.layout = layout(self.shape, x.dtype)
        self.n = self.layout.n
        x = x.reshape(self.layout.shape) if self.layout.reshapes else x
        if mean is not None:
            self.d, self.mean = x - self.layout.repeated(mean), mean
        elif x.dtype is float32 and x.size <= SMALL and math.isfinite(np.vdot(x, x)):  # dot would warn of overflows
            self.from_own_mean_in_float64(x)
        else:
            self.from_own_mean(x)

    def from_own_mean_in_float64(self, x: ndarray) -> None:
        """The textbook's formulas, with digits to spare: where there is little to compute, fewer steps are faster.

        The sum of squares must be finite: then everything is, and the time for ``unreported`` is saved, too.
        """
        d = x.astype(float64)
        mean = self.layout.sum_float64(d)
        mean /= number(self.n, float64)
        d -= self.layout.repeated(mean)
        var = self.layout.mean_float64(d * d)
        self.d, self.mean, self.var = d.astype(float32), mean.astype(float32), var.astype(float32)
        self.finite = True

    @unreported
    def from_own_mean(self, x: ndarray) -> None:
        """The corrected two-pass algorithm: the mean is corrected by the mean of what is left after subtracting it.

        Without that, a mean far from 0 would cost the variance its digits (T. Chan, G. Golub, R. LeVeque,
        Algorithms for computing the sample variance, 1983).
        """
        mean = self.layout.sum(x)
        mean /= self.n
        self.d = x - self.layout.repeated(mean)
        rest = self.layout.sum(self.d)
        rest /= self.n
        self.d -= self.layout.repeated(rest)
        mean += rest
        self.mean = mean
        # the variance scales every value of its channel: its error counts most
        self.var = self.layout.squares(self.d)
        self.var /= self.n

    def scaled(self, scale: ndarray, bias: ndarray | None) -> ndarray:
        """``(x - mean) * scale + bias``."""
        y = np.multiply(self.d, self.layout.repeated(scale), self.out())
        if bias is not None:
            y += self.layout.repeated(bias)
        return y.base if self.layout.reshapes else y

    def out(self) -> ndarray | None:
        """Where a result is written to: the layout's view of an array of the batch's shape, its ``base``.

        That one is returned then, because what looks at other memory is copied when it is the gradient of a leaf.
        None if those shapes are the same: NumPy makes the array.
        """
        return np.empty(self.shape, self.d.dtype).reshape(self.layout.shape) if self.layout.reshapes else None

    def sums(self, dy: ndarray) -> tuple[ndarray, ndarray]:
        """``sum(dy)`` and ``sum(dy * (x - mean))`` of each channel."""
        dy = dy.reshape(self.d.shape) if self.layout.reshapes else dy
        return self.layout.sum(dy), self.layout.dot(dy, self.d)

    def gradient(self, dy: ndarray, constant: ndarray, slope: ndarray, scale: ndarray) -> ndarray:
        """``(dy - constant - (x - mean) * slope) * scale``."""
        repeated, reshapes = self.layout.repeated, self.layout.reshapes
        dx = np.multiply(self.d, repeated(slope), self.out())
        np.subtract(dy.reshape(dx.shape) if reshapes else dy, dx, dx)
        dx -= repeated(constant)
        dx *= repeated(scale)
        return dx.base if reshapes else dx


class Blocked:
    """The deviations of a large batch, a block at a time.

    ``mean = shift + offset``. Blocks hold ``d = x - shift``; the offset is accounted for channel by channel.
    Where the mean is no farther from 0 than the values are from it, there is no shift, and ``d`` is ``x``. Otherwise
    squares of ``x`` would lose the digits that all its values share, or be too large. The shift is then the mean of a
    few values or, should these mislead, the batch's mean as it is known by now.
    """

    mean: ndarray
    var: ndarray
    offset: Any
    centered = finite = False
    """As of ``Kept``."""

    @unreported
    def __init__(self, x: ndarray, mean: ndarray | None = None) -> None:
        x = np.ascontiguousarray(x)
        self.channels, self.length = x.shape[1], math.prod(x.shape[2:])
        self.n = len(x) * self.length
        self.shared = x.nbytes >= SHARED_BYTES and helpers() is not None
        block, sample = min(x.size, BLOCK_BYTES // x.itemsize), self.channels * self.length
        by_channel = rows_are_channels(len(x), self.length)
        self.joined = 1 if by_channel else math.ceil(max(LONG_ROW, block // FEW_ROWS) / sample)
        self.row = (self.channels, self.length) if by_channel else (self.joined * sample,)
        self.step = max(1, block // math.prod(self.row))
        self.d, self.to_subtract = x, mean
        if mean is not None:
            self.mean, self.offset = mean, 0.0
        else:
            self.take_moments(x, likely_shift(x.reshape(len(x), self.channels, self.length)))
            if is_far(self.offset, self.var):
                self.take_moments(x, self.mean.astype(x.dtype))

    def take_moments(self, x: ndarray, shift: ndarray | None) -> None:
        """Compute mean and biased variance, and keep ``x - shift``."""
        self.d, self.to_subtract, self.centered = x, shift, shift is not None
        kept = [np.empty_like(x)] if self.centered else []
        total, square = self.totals(lambda d, *_: (self.block_sums(d), self.block_sums(d, d)), kept, self.centered)
        self.offset = total / self.n
        self.var = np.maximum(square / self.n - self.offset**2, 0)
        self.mean = self.offset if shift is None else shift + self.offset
        if self.centered:
            self.d, self.to_subtract = kept[0], None

    @unreported
    def scaled(self, scale: ndarray, bias: ndarray | None) -> ndarray:
        """``(x - mean) * scale + bias``."""

        def task(d: ndarray, y: ndarray, scale: ndarray, constant: ndarray) -> None:
            np.multiply(d, scale, y)
            y += constant

        y = np.empty_like(self.d)
        constant = (0 if bias is None else bias) - self.offset * scale
        self.for_blocks(task, [y], [scale, constant], into=True)
        return y

    @unreported
    def sums(self, dy: ndarray) -> tuple[ndarray, ndarray]:
        """``sum(dy)`` and ``sum(dy * (x - mean))`` of each channel."""
        product, total = self.totals(lambda d, dy: (self.block_sums(dy, d), self.block_sums(dy)), [dy])
        return total, product - self.offset * total

    @unreported
    def gradient(self, dy: ndarray, constant: Any, slope: ndarray, scale: ndarray) -> ndarray:
        """``(dy - constant - (x - mean) * slope) * scale``."""

        def task(d: ndarray, dy: ndarray, dx: ndarray, constant: ndarray, slope: ndarray, scale: ndarray) -> None:
            np.multiply(d, slope, dx)
            dx += constant
            np.subtract(dy, dx, dx)
            dx *= scale

        dx = np.empty_like(self.d)
        self.for_blocks(task, [dy, dx], [constant - self.offset * slope, slope, scale], into=True)
        return dx

    def totals(self, task: Callable[..., Any], arrays: Sequence[ndarray] = (), into: bool = False) -> list[Any]:
        """What ``task`` returns for each block, added up."""
        return [sum(parts) for parts in zip(*self.for_blocks(task, arrays, into=into))]

    def for_blocks(
        self, task: Callable[..., Any], arrays: Sequence[ndarray] = (), vectors: Sequence[ndarray] = (),
        into: bool = False,
    ) -> list[Any]:  # fmt: skip
        """``task(d, *arrays, *vectors)``, block by block; each vector is repeated along its rows.

        ``into`` says that the last array is to be written: what is still to be subtracted from ``d`` is written there.
        The last block is the first: the cache still holds it from the pass before.
        """
        rows = [self.repeated(vector) for vector in vectors]
        shift = None if self.to_subtract is None else self.repeated(self.to_subtract)

        def work(d: ndarray, *others: ndarray) -> Any:
            width = d.shape[1]
            if shift is not None:
                d = np.subtract(d, shift[:width], others[-1] if into else None)
            return task(d, *others, *[row[:width] for row in rows])

        blocks = list(zip(*map(self.blocks, (self.d, *arrays))))
        return for_each(work, blocks[::-1], self.shared)

    def blocks(self, array: ndarray) -> list[ndarray]:
        """Runs of rows; a last, shorter row is a block of its own."""
        values = array.reshape(-1)
        whole = values.size - values.size % math.prod(self.row)
        rows = values[:whole].reshape(-1, *self.row)
        blocks = [rows[i : i + self.step] for i in range(0, len(rows), self.step)]
        return blocks if whole == values.size else [*blocks, values[None, whole:]]

    def repeated(self, vector: ndarray) -> ndarray:
        """A value per channel as what broadcasts with the rows of a block."""
        vector = vector.astype(self.d.dtype, copy=False)
        return vector[:, None] if len(self.row) == 2 else as_row(self.length, self.joined, vector)

    def block_sums(self, a: ndarray, b: ndarray | None = None) -> ndarray:
        """The sum of a block's values of each channel, or of their products with those of another block.

        Of few rows at a time, or of each sample's pieces, and then in float64.
        """
        shape = (-1, self.channels, self.length)
        if self.length >= LONG_CHANNEL:
            total = row_sums(a.reshape(shape), None if b is None else b.reshape(shape))
        else:
            if b is not None:
                total = np.einsum("ij,ij->j", a, b)
            elif self.shared:  # the BLAS's own threads would wait for each other
                total = np.add.reduce(a, 0)
            else:
                total = ones(len(a), a.dtype).dot(a)
            total = total.reshape(shape)
            total = total[..., 0] if self.length == 1 else row_sums(total)
        return np.add.reduce(total, 0, float64)


def likely_shift(x: ndarray) -> ndarray | None:
    """The mean of a few values of each channel of a batch (N, C, length) if it is far from 0.

    None if it is not, or if a few would be a large part.
    """
    samples, _, length = x.shape
    if samples * length < 8 * FEW_VALUES:
        return None
    few = Kept(few_values(x).astype(float64))  # in float32 their sum could be too large
    return few.mean.astype(x.dtype) if is_far(few.mean, few.var) else None


def few_values(x: ndarray) -> ndarray:
    """Some of a batch's values (N, C, length), spread evenly over it."""
    samples, _, length = x.shape
    every = max(1, min(samples, FEW_VALUES) * length // FEW_VALUES)
    return x[:: max(1, samples // FEW_VALUES), :, every // 2 :: every]


def is_far(mean: ndarray, var: ndarray) -> bool:
    """Whether a mean is farther from 0 than the values are from it, or the variance is not finite."""
    return not ((mean**2 <= var) & (var < np.inf)).all()
