"""``x - mean`` of a batch, channel by channel: what all of batch normalisation is computed from.

``Kept`` has it in memory: the way of small batches. ``Blocked`` computes it again, a block at a time,
wherever it is needed: the way of large ones, which take longer to pass through the memory once more
than to subtract a number from. Channels are axis 1, whatever lies behind it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .arrays import FEW_ROWS, LONG, ROWS, accurate_column_sums, column_sums, constant_vector, float64
from .threads import for_each

LARGE = 1 << 17
"""Elements from which a batch is worked on in blocks."""

BLOCK_BYTES = 1 << 21
"""Bytes of a block: few enough for the caches, many enough to make little of what a call costs."""

ROW = 1 << 13
"""Elements a row of a block has at least: NumPy repeats a vector along the rows of a matrix at half the speed
unless the vector is longer than half its buffer (``np.getbufsize()``, 8192)."""

SHARED_BYTES = 1 << 24
"""Bytes of a batch from which threads share the work."""


def deviations(x: ndarray, mean: ndarray | None = None) -> Kept | Blocked:
    """The deviations of a batch from a given mean, or from its own."""
    small = x.size < LARGE or x[0].nbytes > BLOCK_BYTES  # a sample is never cut
    kind: type[Kept | Blocked] = Kept if small else Blocked
    return from_own_mean(kind, x) if mean is None else kind(x, mean)


@np.errstate(invalid="ignore", over="ignore")  # what is not finite is not this room's to report
def from_own_mean(kind: type[Kept | Blocked], x: ndarray) -> Kept | Blocked:
    """The deviations of a batch from its own mean, of one kind or the other."""
    return kind(x)


class Kept:
    """The deviations of a small batch: a matrix with a row per sample, or a row per channel of a sample.

    Args:
        x: the batch (N, C, ...).
        mean: of each channel (C,). Unless it is given the batch's own is taken, and ``var``, its biased variance.

    The batch's mean is corrected by the mean of what is left after subtracting it: without that, a mean far from 0
    would cost the variance its digits (corrected two-pass algorithm; T. Chan, G. Golub, R. LeVeque, Algorithms for
    computing the sample variance, 1983).
    """

    var: ndarray

    def __init__(self, x: ndarray, mean: ndarray | None = None) -> None:
        self.shape = shape = x.shape
        self.length, self.n = 1, len(x) or 1
        if len(shape) > 2:
            self.length = math.prod(shape[2:])
            self.n = len(x) * self.length or 1
            long = self.length >= LONG
            x = x.reshape(len(x), *((shape[1], self.length) if long else (shape[1] * self.length,)))
        self.sum = self.summing(x, 1.0)
        if mean is not None:
            self.d, self.mean = x - self.repeated(mean), mean
            return
        mean = self.sum(x)
        mean /= self.n  # not by average: what that rounds away counts if the mean is far from 0
        d = x - self.repeated(mean)
        average = self.summing(x, 1 / self.n)
        rest = average(d)
        d -= self.repeated(rest)
        mean += rest
        self.d, self.mean = d, mean
        # the variance scales every value of its channel: its error counts most
        self.var = self.summing(x, 1 / self.n, FEW_ROWS, accurate_column_sums)(d * d)

    def summing(
        self, x: ndarray, factor: float, few: int = ROWS, of_many: Any = column_sums
    ) -> Callable[[ndarray], ndarray]:
        """The function that adds up the channels of arrays like ``x``, times ``factor``: few rows in one product."""
        n = len(x)
        columns = constant_vector(n, factor, x.dtype).dot if n <= few else functools.partial(of_many, factor=factor)
        if self.length == 1:
            return columns
        if x.ndim == 3:
            return lambda values: columns(np.add.reduce(values, 2))
        shape = self.shape[1], self.length  # not self: it will hold this function
        return lambda values: np.add.reduce(columns(values).reshape(shape), 1)

    def repeated(self, vector: ndarray) -> ndarray:
        """The channels' values, to be broadcast with the deviations."""
        if self.length >= LONG:
            return vector[:, None]
        if self.length != 1:
            vector = np.repeat(vector, self.length)
        return vector[None] if self.n == 1 else vector  # arrays of one shape are faster than broadcasting

    def scaled(self, scale: ndarray, bias: ndarray | None) -> ndarray:
        """``(x - mean) * scale + bias``."""
        y = self.d * self.repeated(scale)
        if bias is not None:
            y += self.repeated(bias)
        return y if len(self.shape) == 2 else y.reshape(self.shape)

    def sums(self, dy: ndarray) -> tuple[ndarray, ndarray]:
        """``sum(dy)`` and ``sum(dy * (x - mean))`` of each channel."""
        dy = dy if dy.ndim == 2 else dy.reshape(self.d.shape)
        return self.sum(dy), self.sum(dy * self.d)

    def gradient(self, dy: ndarray, constant: Any, slope: ndarray, scale: ndarray) -> ndarray:
        """``(dy - constant - (x - mean) * slope) * scale``."""
        dx = self.d * self.repeated(slope)
        np.subtract(dy if dy.ndim == 2 else dy.reshape(dx.shape), dx, dx)
        dx -= self.repeated(constant)
        dx *= self.repeated(scale)
        return dx if len(self.shape) == 2 else dx.reshape(self.shape)


class Blocked:
    """The deviations of a large batch: computed again, a block at a time, wherever they are needed.

    ``mean = shift + offset``. Blocks hold ``x - shift``; the offset is accounted for channel by channel.
    Where the mean is no farther from 0 than the values are from it, no shift is needed; otherwise squares
    of ``x`` would lose the digits that all its values share, or be too large, and the mean as it is then known
    is the shift.
    """

    def __init__(self, x: ndarray, mean: ndarray | None = None) -> None:
        self.x = np.ascontiguousarray(x)
        self.channels, self.length = x.shape[1], math.prod(x.shape[2:])
        self.n = len(x) * self.length
        block, sample = min(x.size, BLOCK_BYTES // x.itemsize), self.channels * self.length
        self.width = -(-max(ROW, block // FEW_ROWS) // sample) * sample
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
        mean, square = self.totals(lambda d: (self.block_sums(d), self.block_sums(d * d))) / self.n
        return mean, np.maximum(square - mean**2, 0)

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

    def totals(self, task: Callable[..., Any], arrays: Sequence[ndarray] = ()) -> ndarray:
        """What ``task`` returns for each block, added up in float64."""
        return np.sum(self.for_blocks(task, arrays), 0, float64)

    def for_blocks(
        self, task: Callable[..., Any], arrays: Sequence[ndarray] = (), vectors: Sequence[ndarray] = ()
    ) -> list[Any]:
        """``task(x - shift, *arrays, *vectors)``, block by block; each vector is repeated along its rows.

        The last block is the first: the cache still holds it from the pass before.
        """
        rows = [self.repeated(vector) for vector in vectors]
        shift = None if self.shift is None else self.repeated(self.shift)

        def work(x: ndarray, *others: ndarray) -> Any:
            width = x.shape[1]
            with np.errstate(invalid="ignore", over="ignore"):
                d = x if shift is None else x - shift[:width]
                return task(d, *others, *[row[:width] for row in rows])

        blocks = list(zip(*map(self.blocks, (self.x, *arrays))))
        return for_each(work, blocks[::-1], self.x.nbytes >= SHARED_BYTES)

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
        total = np.add.reduce(block, 0)  # not by the BLAS, whose own threads would wait for each other
        if self.length != 1:
            total = np.add.reduce(total.reshape(-1, self.length), 1)
        return np.add.reduce(total.reshape(-1, self.channels), 0, float64)
