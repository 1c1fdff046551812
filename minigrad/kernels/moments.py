"""Mean, variance and ``x - mean`` of each channel of a batch: all of batch normalisation is computed from them.

``InMemory`` holds ``d = x - mean`` as an array: for small batches. ``InBlocks`` passes over ``x`` block by block and
subtracts only where it must: for large batches, where writing one more array costs more than computing on it. Channels
are axis 1, whatever lies behind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float32, float64, number, ones
from .layouts import as_row, layout, row_sums, rows_are_channels
from .threads import for_each, helpers
from .tuning import BLOCK_BYTES, FEW_ROWS, FEW_VALUES, LARGE, LONG_CHANNEL, LONG_ROW, SHARED_BYTES, SMALL_BATCH

unreported = np.errstate(invalid="ignore", over="ignore")
"""NumPy's warnings of overflow are off: batch_norm reports a batch that is not finite, once."""


def deviations(x: ndarray, mean: ndarray | None = None) -> InMemory | InBlocks:
    """The deviations of a batch from a given mean, or from its own."""
    small = x.size < LARGE or x[0].nbytes > BLOCK_BYTES  # a sample is never cut
    return InMemory(x, mean) if small else InBlocks(x, mean)


def part_deviations(x: ndarray) -> PartInMemory | InBlocks:
    """The deviations of a part of a batch from its own mean, which is also known in float64."""
    small = x.size < LARGE or x[0].nbytes > BLOCK_BYTES
    return PartInMemory(x) if small else InBlocks(x)


# -- small batches -----------------------------------------------------------------------------


class InMemory:
    """The deviations of a small batch, as an array.

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
        x = x.reshape(self.layout.shape) if self.layout.changes_shape else x
        if mean is not None:
            self.d, self.mean = x - self.layout.broadcast(mean), mean
        elif x.dtype is float32 and x.size <= SMALL_BATCH and math.isfinite(np.vdot(x, x)):  # dot would warn
            self.from_own_mean_in_float64(x)
        else:
            self.from_own_mean(x)

    def from_own_mean_in_float64(self, x: ndarray) -> None:
        """The textbook's formulas in float64: no correction is needed, and a small batch is faster in fewer steps.

        The sum of squares must be finite: then everything is, and the time for ``unreported`` is saved, too.
        """
        d = x.astype(float64)
        mean = self.layout.sum_float64(d)
        mean /= number(self.n, float64)
        d -= self.layout.broadcast(mean)
        var = self.layout.mean_float64(d * d)
        self.d, self.mean, self.var = d.astype(float32), mean.astype(float32), var.astype(float32)
        self.finite = True

    @unreported
    def from_own_mean(self, x: ndarray) -> None:
        """The corrected two-pass algorithm: the mean of ``x - mean``, which rounding leaves, is subtracted, too.

        Without that, a mean far from 0 would cost the variance its digits (T. Chan, G. Golub, R. LeVeque,
        Algorithms for computing the sample variance, 1983).
        """
        mean = self.layout.sum(x)
        mean /= self.n
        self.d = x - self.layout.broadcast(mean)
        rest = self.layout.sum(self.d)
        rest /= self.n
        self.d -= self.layout.broadcast(rest)
        mean += rest
        self.mean = mean
        # the variance scales every value of its channel: its error counts most
        self.var = self.layout.sum_of_squares(self.d)
        self.var /= self.n

    def scaled(self, scale: ndarray, bias: ndarray | None) -> ndarray:
        """``(x - mean) * scale + bias``."""
        y = np.multiply(self.d, self.layout.broadcast(scale), self.output_view())
        if bias is not None:
            y += self.layout.broadcast(bias)
        return y.base if self.layout.changes_shape else y

    def output_view(self) -> ndarray | None:
        """An empty array for a result, in the layout's shape; None if that is the batch's: NumPy makes the array.

        Its ``base`` has the batch's shape and is what is returned: the backward walk copies a leaf's gradient if it
        is a view.
        """
        return np.empty(self.shape, self.d.dtype).reshape(self.layout.shape) if self.layout.changes_shape else None

    def sums(self, dy: ndarray) -> tuple[ndarray, ndarray]:
        """``sum(dy)`` and ``sum(dy * (x - mean))`` of each channel."""
        dy = dy.reshape(self.d.shape) if self.layout.changes_shape else dy
        return self.layout.sum(dy), self.layout.dot(dy, self.d)

    def gradient(self, dy: ndarray, constant: ndarray, slope: ndarray, scale: ndarray) -> ndarray:
        """``(dy - constant - (x - mean) * slope) * scale``."""
        broadcast, changes_shape = self.layout.broadcast, self.layout.changes_shape
        dx = np.multiply(self.d, broadcast(slope), self.output_view())
        np.subtract(dy.reshape(dx.shape) if changes_shape else dy, dx, dx)
        dx -= broadcast(constant)
        dx *= broadcast(scale)
        return dx.base if changes_shape else dx


class PartInMemory(InMemory):
    """The deviations of a small part of a batch, whose mean is known when other parts have been asked.

    ``d`` is ``x`` less ``rough``, this part's own mean, rounded. What the mean of the whole is more than that,
    ``offset``, enters each formula: no pass over the values is added.
    """

    def from_own_mean(self, x: ndarray) -> None:
        self.rough = self.layout.sum(x)
        self.rough /= self.n
        self.d = x - self.layout.broadcast(self.rough)
        self.rest = self.layout.sum(self.d)
        self.rest /= self.n
        self.var = self.layout.sum_of_squares(self.d)
        self.var /= self.n
        self.var -= self.rest * self.rest

    from_own_mean_in_float64 = from_own_mean

    def write_mean(self, out: ndarray) -> None:
        """Write the part's own mean, in float64."""
        np.add(self.rough, self.rest, out, dtype=float64)

    def pool(self, mean: ndarray, var: ndarray, n: int) -> None:
        """Take the moments of the whole batch."""
        dtype = self.d.dtype
        self.offset = (mean - self.rough).astype(dtype)
        self.mean, self.var, self.n = mean.astype(dtype), var.astype(dtype), n

    @unreported
    def scaled(self, scale: ndarray, bias: ndarray | None) -> ndarray:
        return super().scaled(scale, (0 if bias is None else bias) - self.offset * scale)

    def sums(self, dy: ndarray) -> tuple[ndarray, ndarray]:
        total, product = super().sums(dy)
        return total, product - self.offset * total

    def gradient(self, dy: ndarray, constant: ndarray, slope: ndarray, scale: ndarray) -> ndarray:
        return super().gradient(dy, constant - self.offset * slope, slope, scale)


# -- large batches -----------------------------------------------------------------------------


class InBlocks:
    """The deviations of a large batch, computed block by block from ``d = x - shift``, with ``mean = shift + offset``.

    If abs(mean) <= std in every channel there is no shift: ``d`` is ``x`` and nothing is copied. Else sums of squares
    of ``x`` would cancel or overflow, and ``d`` is a new array. The shift is the mean of a sample of values or, if that
    was a poor guess, the computed mean, in a second pass. ``offset``, a value per channel, enters each formula.

    Args:
        x, mean: as of ``InMemory``. A given mean is the shift, subtracted anew in each pass.
    """

    mean: ndarray
    var: ndarray
    offset: Any
    centered = finite = False
    """As of ``InMemory``."""
    shift: ndarray | None
    """Subtracted from ``d`` in each pass; None if there is none, or if ``d`` is less it already."""

    @unreported
    def __init__(self, x: ndarray, mean: ndarray | None = None) -> None:
        x = np.ascontiguousarray(x)
        self.channels, self.length = x.shape[1], math.prod(x.shape[2:])
        self.n = len(x) * self.length
        self.shared = x.nbytes >= SHARED_BYTES and helpers() is not None
        block, sample = min(x.size, BLOCK_BYTES // x.itemsize), self.channels * self.length
        by_channel = rows_are_channels(len(x), self.length)
        self.samples_per_row = 1 if by_channel else math.ceil(max(LONG_ROW, block // FEW_ROWS) / sample)
        self.row = (self.channels, self.length) if by_channel else (self.samples_per_row * sample,)
        self.step = max(1, block // math.prod(self.row))
        self.d, self.shift = x, mean
        if mean is not None:
            self.mean, self.offset = mean, 0.0
        else:
            self.take_moments(x, likely_shift(x.reshape(len(x), self.channels, self.length)))
            if mean_dominates(self.offset, self.var):
                self.take_moments(x, self.mean.astype(x.dtype))

    def take_moments(self, x: ndarray, shift: ndarray | None) -> None:
        """Compute mean and biased variance, and keep ``x - shift``."""
        self.d, self.shift, self.centered = x, shift, shift is not None
        kept = [np.empty_like(x)] if self.centered else []
        total, square = self.totals(lambda d, *_: (self.block_sums(d), self.block_sums(d, d)), kept, self.centered)
        self.offset = total / self.n
        self.var = np.maximum(square / self.n - self.offset**2, 0)
        self.mean = self.offset if shift is None else shift + self.offset
        if self.centered:
            self.d, self.shift = kept[0], None

    def write_mean(self, out: ndarray) -> None:
        """Write the mean of the batch, in float64."""
        out[...] = self.mean

    def pool(self, mean: ndarray, var: ndarray, n: int) -> None:
        """Take the moments of the whole batch, of which this is a part."""
        dtype = self.d.dtype
        self.offset = self.offset + (mean - self.mean)
        self.mean, self.var, self.n = mean.astype(dtype), var.astype(dtype), n

    @unreported
    def scaled(self, scale: ndarray, bias: ndarray | None) -> ndarray:
        """``(x - mean) * scale + bias``."""

        def task(d: ndarray, y: ndarray, scale: ndarray, constant: ndarray) -> None:
            np.multiply(d, scale, y)
            y += constant

        y = np.empty_like(self.d)
        constant = (0 if bias is None else bias) - self.offset * scale
        self.for_blocks(task, [y], [scale, constant], write_last=True)
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
        self.for_blocks(task, [dy, dx], [constant - self.offset * slope, slope, scale], write_last=True)
        return dx

    def totals(self, task: Callable[..., Any], arrays: Sequence[ndarray] = (), write_last: bool = False) -> list[Any]:
        """The results of ``task`` for each block, added up."""
        return [sum(parts) for parts in zip(*self.for_blocks(task, arrays, write_last=write_last))]

    def for_blocks(
        self, task: Callable[..., Any], arrays: Sequence[ndarray] = (), vectors: Sequence[ndarray] = (),
        write_last: bool = False,
    ) -> list[Any]:  # fmt: skip
        """``task(d, *arrays, *vectors)`` for each block, with vectors broadcast along its rows.

        With ``write_last`` the last array is output: ``d - shift`` is written into it first, which saves an array.
        Blocks are visited backwards: the last ones are still in the cache from the pass before.
        """
        rows = [self.broadcast(vector) for vector in vectors]
        shift = None if self.shift is None else self.broadcast(self.shift)

        def work(d: ndarray, *others: ndarray) -> Any:
            width = d.shape[1]
            if shift is not None:
                d = np.subtract(d, shift[:width], others[-1] if write_last else None)
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

    def broadcast(self, vector: ndarray) -> ndarray:
        """A value per channel, shaped to broadcast with the rows of a block."""
        vector = vector.astype(self.d.dtype, copy=False)
        return vector[:, None] if len(self.row) == 2 else as_row(self.length, self.samples_per_row, vector)

    def block_sums(self, a: ndarray, b: ndarray | None = None) -> ndarray:
        """``sum(a)`` or ``sum(a * b)`` of each channel of a block.

        Partial sums, of few rows or of a channel's pieces, are in the array's dtype; they are added in float64.
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
    """The mean of a sample of each channel's values, from a batch (N, C, length), if it dominates.

    None if the mean is small, or the batch has fewer than ``8 * FEW_VALUES`` values per channel: a pass costs less.
    """
    samples, _, length = x.shape
    if samples * length < 8 * FEW_VALUES:
        return None
    few = InMemory(sample_values(x).astype(float64))  # in float32 their sum could be too large
    return few.mean.astype(x.dtype) if mean_dominates(few.mean, few.var) else None


def sample_values(x: ndarray) -> ndarray:
    """Some of a batch's values (N, C, length), spread evenly over it."""
    samples, _, length = x.shape
    every = max(1, min(samples, FEW_VALUES) * length // FEW_VALUES)
    return x[:: max(1, samples // FEW_VALUES), :, every // 2 :: every]


def mean_dominates(mean: ndarray, var: ndarray) -> bool:
    """Whether abs(mean) > std in some channel, or a variance is not finite."""
    return not ((mean**2 <= var) & (var < np.inf)).all()
