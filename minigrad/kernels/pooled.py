"""Moments of one batch that lies on several ranks: counts, means and sums of squares, pooled in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float64
from .moments import InBlocks, InMemory, deviations, unreported


@unreported
def pooled_deviations(x: ndarray, group: Any) -> InMemory | InBlocks:
    """The deviations of this rank's part of a batch from the mean of the whole, whose variance and count they have.

    One exchange of ``2 * C + 1`` numbers. Each rank adds up the same numbers in the same order, so that all get the
    same bits. The variance is that of the parts, and of their means (T. Chan, G. Golub, R. LeVeque, Algorithms for
    computing the sample variance, 1983).
    """
    d = deviations(x, keeps_parts=True)
    channels, count = x.shape[1], x.size // x.shape[1] if x.size else 0
    own = np.empty(2 * channels + 1)
    own[0], own[1 : channels + 1] = count, d.own_mean()
    own[channels + 1 :] = d.var
    own[channels + 1 :] *= count
    parts = group.gather(own)
    counts, means, squares = parts[:, :1], parts[:, 1 : channels + 1], parts[:, channels + 1 :]
    n = counts.sum()
    mean = np.add.reduce(counts * means, 0) / (n or 1)
    var = np.add.reduce(squares + counts * (means - mean) ** 2, 0) / (n or 1)
    d.move(mean)
    d.n, d.var = int(n), var.astype(x.dtype)
    d.finite = bool(np.isfinite(d.var).all())
    return d


def pooled_gradient(
    d: InMemory | InBlocks, sums: tuple[ndarray, ndarray], g: ndarray, std: ndarray, group: Any
) -> ndarray:
    """``(g - mean(g) - xhat * mean(g * xhat)) / std``, the means over all ranks.

    Args:
        d: ``x - mean``.
        sums: of this rank, ``sum(g)`` and ``sum(g * xhat)``.
        g: the gradient of ``xhat``.
    """
    means = group.sum(np.stack(sums, dtype=float64))
    means /= d.n or 1
    constant, slope = means.astype(std.dtype)
    return d.gradient(g, constant, slope / std, np.reciprocal(std))
