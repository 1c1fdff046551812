"""Moments of one batch that lies on several ranks: counts, means and sums of squares, pooled in float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float64
from .moments import InBlocks, PartInMemory, part_deviations, unreported

LEAST_WEIGHT = 1e-15
"""Of weights above it ratios cannot overflow float32 where gradients and other weights are of ordinary size."""


class Pooled:
    """The deviations of a rank's part of a batch from the mean of the whole.

    What is computed of ``x - mean`` is computed of ``d = x - own mean``, with ``offset = mean - own mean`` in the
    formulas: no pass over the values is added.

    Args:
        part: the deviations from the part's own mean.
        offset: of each channel.
        mean, var, n: of the whole batch.
    """

    finite = False
    """Whether the batch is known to be finite, so that its variance need not be looked at."""

    def __init__(self, part: PartInMemory | InBlocks, offset: ndarray, mean: ndarray, var: ndarray, n: int) -> None:
        self.part, self.offset, self.mean, self.var, self.n = part, offset, mean, var, n

    @property
    def d(self) -> ndarray:
        """What is kept of the batch."""
        return self.part.d

    @property
    def centered(self) -> bool:
        """Whether that is nearly ``x - mean``."""
        return self.part.centered

    @unreported
    def scaled(self, scale: ndarray, bias: ndarray | None) -> ndarray:
        """``(x - mean) * scale + bias``."""
        constant = -self.offset * scale
        return self.part.scaled(scale, constant if bias is None else constant + bias)

    def sums(self, dy: ndarray) -> tuple[ndarray, ndarray]:
        """``sum(dy)`` and ``sum(dy * (x - mean))`` of each channel, of this part alone."""
        total, product = self.part.sums(dy)
        return total, product - self.offset * total

    def gradient(self, dy: ndarray, constant: ndarray, slope: ndarray, scale: ndarray) -> ndarray:
        """``(dy - constant - (x - mean) * slope) * scale``."""
        return self.part.gradient(dy, constant - self.offset * slope, slope, scale)


@unreported
def pooled_deviations(x: ndarray, group: Any) -> Pooled:
    """The deviations of this rank's part of a batch from the mean of the whole, whose variance and count they have.

    One exchange of ``2 * C + 1`` numbers. Each rank adds up the same numbers in the same order, so that all get the
    same bits. The variance is that of the parts, and of their means (T. Chan, G. Golub, R. LeVeque, Algorithms for
    computing the sample variance, 1983).
    """
    part = part_deviations(x)
    channels, count = x.shape[1], x.size // x.shape[1] if x.size else 0
    own = np.empty(2 * channels + 1)
    own[0] = count
    own_mean, own_squares = own[1 : channels + 1], own[channels + 1 :]
    part.write_mean(own_mean)
    np.multiply(part.var, count, own_squares)
    everything = group.gather(own)
    counts, means, squares = everything[:, :1], everything[:, 1 : channels + 1], everything[:, channels + 1 :]
    n = int(sum(counts[:, 0].tolist()))
    mean = np.add.reduce(counts * means, 0)
    mean /= n or 1
    means -= mean
    means *= means
    means *= counts
    squares += means
    var = np.add.reduce(squares, 0)
    var /= n or 1
    dtype = part.d.dtype
    return Pooled(part, (mean - own_mean).astype(dtype), mean.astype(dtype), var.astype(dtype), n)


@unreported
def pooled_gradient(
    d: Pooled, dy: ndarray, sums: Sequence[ndarray], weight: ndarray | None, std: ndarray, scale: ndarray, group: Any
) -> ndarray:
    """``(g - mean(g) - xhat * mean(g * xhat)) / std`` of ``g = dy * weight``, the means over all ranks.

    Args:
        d: ``x - mean``.
        dy: the gradient of the output.
        sums: of this rank, ``sum(dy)`` and ``sum(dy * xhat)``.
        weight: that of this rank; others may have another.
        std, scale: ``sqrt(var + eps)`` and ``weight / std``.
        group: the ranks.
    """
    means = np.empty((2, len(std)), float64)
    means[0], means[1] = sums
    if weight is not None:
        means *= weight
    group.sum(means, means)
    means /= d.n or 1
    if weight is not None and weight.size and abs(weight).min() > LEAST_WEIGHT:
        means /= weight  # ``scale`` multiplies the whole by it, which saves a pass over the batch
    elif weight is not None:
        dy, scale = dy * weight.reshape(-1, *(1,) * (dy.ndim - 2)), np.reciprocal(std)
    constant, slope = means.astype(std.dtype)
    slope /= std
    return d.gradient(dy, constant, slope, scale)
