"""``x - mean`` of a batch, channel by channel: what all of batch normalisation is computed from.

``Kept`` has it in memory: the way of small batches. ``Blocked`` computes it again, a block at a time,
wherever it is needed: the way of large ones, which take longer to pass through the memory once more
than to subtract a number from. Channels are axis 1, whatever lies behind it.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .arrays import (
    FEW_ROWS,
    LONG_ROW,
    LONG_SAMPLE,
    ROWS,
    accurate_column_sums,
    column_sums,
    float32,
    float64,
    number,
    ones,
)
from .threads import for_each, helpers

SMALL = 1 << 13
"""Elements up to which starting an operation takes longer than doing it: fewer steps win, even in float64."""

WORTH_JOINING = 1 << 15
"""Elements of a batch from which joining short rows to long ones takes less time than it saves."""

LARGE = 1 << 17
"""Elements from which a batch is worked on in blocks."""

BLOCK_BYTES = 1 << 21
"""Bytes of a block: few enough for the caches, many enough to make little of what a call costs."""

SHARED_BYTES = 1 << 24
"""Bytes of a batch from which threads share the work."""


unreported = np.errstate(invalid="ignore", over="ignore")
"""What is not finite is not this room's to report."""


def deviations(x: ndarray, mean: ndarray | None = None) -> Kept | Blocked:
    """The deviations of a batch from a given mean, or from its own."""
    small = x.size < LARGE or x[0].nbytes > BLOCK_BYTES  # a sample is never cut
    return Kept(x, mean) if small else Blocked(x, mean)


class Layout:
    """How small batches of one shape are worked on: as arrays of ``shape``; ``reshapes`` says if that is another one.

    A sample (C, ...) is a row of C * length elements, and some are joined where that makes a long row of short ones;
    or it is a matrix (C, length), where that has long rows itself.

    ``repeated`` makes of a value per channel what broadcasts with those. ``sum`` adds up each channel; ``accurate_sum``
    rounds less and takes longer; ``sum_float64`` and ``mean_float64`` add in float64. The latter saves a division and
    costs the last digit: the mean of equal values is not always that value. A channel has ``n`` values, but n is at
    least 1: nothing is divided by 0.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        samples, channels = shape[:2]
        length = math.prod(shape[2:])
        self.n = n = samples * length or 1
        sample = (channels * length,) if length < LONG_SAMPLE else (channels, length)
        joined = rows_to_join(samples, channels * length) if length < LONG_SAMPLE else 1
        self.shape = (samples // joined, joined * sample[0], *sample[1:])
        self.reshapes = self.shape != shape
        self.repeated: Callable[[ndarray], ndarray] = lambda vector: vector
        if length >= LONG_SAMPLE:
            self.repeated = operator.itemgetter((slice(None), None))  # vector[:, None]
        elif joined * length != 1:
            self.repeated = lambda vector: vector.repeat(length)[None].repeat(joined, 0).reshape(-1)
        elif samples == 1:
            self.repeated = operator.itemgetter(None)  # vector[None]: arrays of one shape are faster
        add_up = functools.partial(channel_sums, channels, (samples, *sample))
        self.sum: Callable[[ndarray], ndarray] = add_up
        self.accurate_sum: Callable[[ndarray], ndarray] = functools.partial(add_up, columns=accurate_column_sums)
        self.sum_float64: Callable[[ndarray], ndarray] = add_up
        # of add_up and n, not of self: a layout is no part of a cycle
        self.mean_float64: Callable[[ndarray], ndarray] = lambda values: add_up(values) / n
        if length == 1 and joined == 1 and samples <= ROWS:
            self.sum = ones(samples, dtype).dot
            self.sum_float64 = ones(samples, float64).dot
            self.mean_float64 = (ones(samples, float64) / n).dot


layout = functools.lru_cache(maxsize=128)(Layout)
"""The layout of a shape and dtype, made once."""


def rows_to_join(n: int, columns: int) -> int:
    """How many of n rows make a long one; 1 if n is no multiple of such a number, or if it would not pay."""
    if n * columns < WORTH_JOINING:
        return 1
    least = LONG_ROW // 2 // columns + 1
    return next((count for count in range(least, 2 * least) if n % count == 0), 1)


def channel_sums(
    channels: int, shape: tuple[int, ...], values: ndarray, columns: Callable[[ndarray], ndarray] = column_sums
) -> ndarray:
    """The sum of the values of each channel; the shape has a row for each sample."""
    values = values.reshape(shape)
    if values.ndim == 3:
        values = np.add.reduce(values, 2)
    total = columns(values)
    return total if len(total) == channels else np.add.reduce(total.reshape(channels, -1), 1)


class Kept:
    """The deviations of a small batch.

    Args:
        x: the batch (N, C, ...).
        mean: of each channel (C,). Unless it is given the batch's own is taken, and ``var``, its biased variance.
    """

    var: ndarray
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
        self.var = self.layout.accurate_sum(self.d * self.d)
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
        return self.layout.sum(dy), self.layout.sum(dy * self.d)

    def gradient(self, dy: ndarray, constant: ndarray, slope: ndarray, scale: ndarray) -> ndarray:
        """``(dy - constant - (x - mean) * slope) * scale``."""
        repeated, reshapes = self.layout.repeated, self.layout.reshapes
        dx = np.multiply(self.d, repeated(slope), self.out())
        np.subtract(dy.reshape(dx.shape) if reshapes else dy, dx, dx)
        dx -= repeated(constant)
        dx *= repeated(scale)
        return dx.base if reshapes else dx


class Blocked:
    """The deviations of a large batch: computed again, a block at a time, wherever they are needed.

    ``mean = shift + offset``. Blocks hold ``x - shift``; the offset is accounted for channel by channel.
    Where the mean is no farther from 0 than the values are from it, no shift is needed; otherwise squares
    of ``x`` would lose the digits that all its values share, or be too large, and the mean as it is then known
    is the shift.
    """

    finite = False
    """Whether the batch is known to be finite, so that its variance need not be looked at."""

    @unreported
    def __init__(self, x: ndarray, mean: ndarray | None = None) -> None:
        self.x = np.ascontiguousarray(x)
        self.channels, self.length = x.shape[1], math.prod(x.shape[2:])
        self.n = len(x) * self.length
        self.shared = x.nbytes >= SHARED_BYTES and helpers() is not None
        block, sample = min(x.size, BLOCK_BYTES // x.itemsize), self.channels * self.length
        self.width = -(-max(LONG_ROW, block // FEW_ROWS) // sample) * sample
        self.step = max(1, block // self.width)
        self.shift = mean
        self.offset: Any = 0.0
        if mean is None:
            self.offset, self.var = self.moments()
            if not ((self.offset**2 <= self.var) & (self.var < np.inf)).all():
                self.shift = self.offset.astype(x.dtype)
                self.offset, self.var = self.moments()
        self.mean = self.offset if self.shift is None else self.shift + self.offset

    def moments(self) -> tuple[ndarray, ndarray]:
        """The mean of ``x - shift``, and its biased variance."""
        total, square = self.totals(lambda d: (self.block_sums(d), self.block_sums(d * d)))
        mean = total / self.n
        return mean, np.maximum(square / self.n - mean * mean, 0)

    def scaled(self, scale: ndarray, bias: ndarray | None) -> ndarray:
        """``(x - mean) * scale + bias``."""

        def task(d: ndarray, y: ndarray, scale: ndarray, constant: ndarray) -> None:
            np.multiply(d, scale, y)
            np.add(y, constant, y)

        y = np.empty(self.x.shape, self.x.dtype)
        constant = (0 if bias is None else bias) - self.offset * scale
        self.for_blocks(task, [y], [scale, constant])
        return y

    def sums(self, dy: ndarray) -> tuple[ndarray, ndarray]:
        """``sum(dy)`` and ``sum(dy * (x - mean))`` of each channel."""
        total, product = self.totals(lambda d, dy: (self.block_sums(dy), self.block_sums(dy * d)), [dy])
        return total, product - self.offset * total

    def gradient(self, dy: ndarray, constant: Any, slope: ndarray, scale: ndarray) -> ndarray:
        """``(dy - constant - (x - mean) * slope) * scale``."""

        def task(d: ndarray, dy: ndarray, dx: ndarray, constant: ndarray, slope: ndarray, scale: ndarray) -> None:
            np.multiply(d, slope, dx)
            np.add(dx, constant, dx)
            np.subtract(dy, dx, dx)
            np.multiply(dx, scale, dx)

        dx = np.empty(self.x.shape, self.x.dtype)
        self.for_blocks(task, [dy, dx], [constant - self.offset * slope, slope, scale])
        return dx

    def totals(self, task: Callable[..., Any], arrays: Sequence[ndarray] = ()) -> list[Any]:
        """What ``task`` returns for each block, added up."""
        return [sum(parts) for parts in zip(*self.for_blocks(task, arrays))]

    def for_blocks(
        self, task: Callable[..., Any], arrays: Sequence[ndarray] = (), vectors: Sequence[ndarray] = ()
    ) -> list[Any]:
        """``task(x - shift, *arrays, *vectors)``, block by block; each vector is repeated along its rows.

        The last block is the first: the cache still holds it from the pass before.
        """
        rows = [self.repeated(vector) for vector in vectors]
        shift = None if self.shift is None else self.repeated(self.shift)

        @unreported
        def work(x: ndarray, *others: ndarray) -> Any:
            width = x.shape[1]
            d = x if shift is None else x - shift[:width]
            return task(d, *others, *[row[:width] for row in rows])

        blocks = list(zip(*map(self.blocks, (self.x, *arrays))))
        return for_each(work, blocks[::-1], self.shared)

    def blocks(self, array: ndarray) -> list[ndarray]:
        """Runs of rows; a last, shorter row is a block of its own."""
        values = array.reshape(-1)
        whole = values.size // self.width * self.width
        rows = values[:whole].reshape(-1, self.width)
        blocks = [rows[i : i + self.step] for i in range(0, len(rows), self.step)]
        return blocks if whole == values.size else [*blocks, values[None, whole:]]

    def repeated(self, vector: ndarray) -> ndarray:
        """A row of a block that holds the channels' values."""
        row = np.empty((self.width // (self.channels * self.length), self.channels, self.length), self.x.dtype)
        row[...] = vector[:, None]
        return row.reshape(-1)

    def block_sums(self, block: ndarray) -> ndarray:
        """The sum of a block's values of each channel: in float64 but for the first few additions."""
        # where several threads share the work the BLAS is slower: its own threads would wait for each other
        total = np.add.reduce(block, 0) if self.shared else ones(len(block), block.dtype).dot(block)
        if self.length != 1:
            total = np.add.reduce(total.reshape(-1, self.length), 1)
        return np.add.reduce(total.reshape(-1, self.channels), 0, float64)
