"""Moments of one batch that lies on several ranks: counts, means and variances, pooled in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float64
from .moments import InBlocks, PartInMemory, part_deviations, unreported


@unreported
def pooled_deviations(x: ndarray, group: Any) -> PartInMemory | InBlocks:
    """The deviations of this rank's part of a batch from the mean of the whole, whose variance and count they have.

    One exchange of ``2 * C + 1`` numbers. Each rank adds up the same numbers in the same order, so that all get the
    same bits. The variance is that of the parts, and of their means (T. Chan, G. Golub, R. LeVeque, Algorithms for
    computing the sample variance, 1983).
    """
    part = part_deviations(x)
    channels = x.shape[1]
    own = np.empty(2 * channels + 1)
    own[-1] = x.size // channels if x.size else 0
    part.write_mean(own[:channels])
    own[channels:-1] = part.var
    parts = group.gather(own)
    n = int(sum(parts[:, -1].tolist()))
    shares = parts[:, -1:] / (n or 1)
    means, variances = parts[:, :channels].copy(), parts[:, channels:-1].copy()  # contiguous ones are faster
    mean = np.add.reduce(shares * means, 0)
    means -= mean
    means *= means
    variances += means
    variances *= shares
    part.pool(mean, np.add.reduce(variances, 0), n)
    return part


@np.errstate(divide="ignore", invalid="ignore", over="ignore")  # of weights that are 0, or nearly
def pooled_gradient(
    d: Any, dy: ndarray, dbias: ndarray, dweight: ndarray, weight: ndarray | None, std: ndarray, scale: ndarray,
    group: Any,
) -> ndarray:  # fmt: skip
    """``(g - mean(g) - xhat * mean(g * xhat)) / std`` of ``g = dy * weight``, the means over all ranks.

    Args:
        d: ``x - mean``.
        dy: the gradient of the output.
        dbias, dweight: of this rank, ``sum(dy)`` and ``sum(dy * xhat)``.
        weight: that of this rank; others may have another.
        std, scale: ``sqrt(var + eps)`` and ``weight / std``.
        group: the ranks.
    """
    means = np.empty((2, len(std)), float64)
    means[0], means[1] = dbias, dweight
    if weight is not None:
        means *= weight
    group.sum(means, means)
    means /= d.n or 1
    # divided by the weight, by which ``scale`` multiplies the whole: that saves a pass over the batch
    constant, slope = ratios = (means if weight is None else means / weight).astype(std.dtype)
    if weight is not None and not math.isfinite(np.vdot(ratios, ratios)):
        dy, scale = dy * weight.reshape(-1, *(1,) * (dy.ndim - 2)), np.reciprocal(std)
        constant, slope = means.astype(std.dtype)
    slope /= std
    return d.gradient(dy, constant, slope, scale)
