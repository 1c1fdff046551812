"""Batch normalisation on arrays."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float16, float32, float64, number
from .moments import InBlocks, InMemory, deviations
from .pooled import pooled_deviations, pooled_gradient

Cache = tuple[InMemory | InBlocks, ndarray, ndarray]
"""Saved for backward: ``x - mean``, ``std = sqrt(var + eps)``, and ``weight / std``."""


def values_per_channel(shape: tuple[int, ...]) -> int:
    """The number of a batch's values in each channel."""
    return shape[0] if len(shape) == 2 else shape[0] * math.prod(shape[2:])


def normalise(
    x: ndarray, weight: ndarray | None, bias: ndarray | None, mean: ndarray | None, var: ndarray | None,
    eps: float, group: Any = None,
) -> tuple[ndarray, Cache]:  # fmt: skip
    """The output, and the ``Cache`` of the derivative.

    Mean and variance are the batch's own unless they are given; with a group those of the batches of all its ranks.
    float16 is computed in float32, and float32 in float64 where squares overflow.
    """
    dtype = x.dtype
    half = dtype == float16
    if half:
        x = x.astype(float32)
    d: InMemory | InBlocks = deviations(x, mean) if group is None else pooled_deviations(x, group)
    if var is None:
        var = d.var
        if not d.finite and var.size:
            d.finite = math.isfinite(var.item(var.argmax()))  # argmax finds NaN, too
            if not d.finite and dtype == float32:
                y, cache = normalise(x.astype(float64), weight, bias, None, None, eps, group)
                return y.astype(float32), cache
    std = var + number(float(eps), var.dtype)
    np.sqrt(std, std)
    if std.dtype is not x.dtype:
        std = std.astype(x.dtype)
    scale = np.reciprocal(std) if weight is None else weight / std
    y = d.scaled(scale, bias)
    return y.astype(float16) if half else y, (d, std, scale)


def fused(
    dy: ndarray, cache: Cache, needs: Sequence[Any], training: bool, weight: ndarray | None = None, group: Any = None
) -> Sequence[ndarray | None]:
    """The gradients of input, weight and bias together: they share two sums.

    With a group the means in the gradient of the input are those over all its ranks, which may differ in ``weight``.
    """
    d, std, scale = cache
    dy = dy.astype(std.dtype, copy=False)
    through_statistics = training and needs[0]
    dx: ndarray | None = None
    dweight: Any = None
    dbias: Any = None
    if through_statistics or needs[1] or needs[2]:
        dbias, dweight = d.sums(dy)
        dweight /= std
    if through_statistics and group is not None:
        dx = pooled_gradient(d, dy, dbias, dweight, weight, std, scale, group)
    elif through_statistics:
        n = number(d.n, std.dtype)
        slope = dweight / std
        slope /= n
        dx = d.gradient(dy, dbias / n, slope, scale)
    elif needs[0]:
        dx = dy * scale.reshape(-1, *(1,) * (dy.ndim - 2))
    return dx, dweight if needs[1] else None, dbias if needs[2] else None


def taken(x: ndarray, mask: ndarray) -> ndarray:
    """The values of a batch (N, C, ...) at which a mask (N, 1, ...) is True, as a batch (n, C)."""
    return np.moveaxis(x, 1, -1)[everywhere(mask, x.shape)]


def put(values: ndarray, mask: ndarray, shape: tuple[int, ...]) -> ndarray:
    """A batch of a shape with such values where a mask is True, and 0 elsewhere."""
    x = np.zeros(shape, values.dtype)
    np.moveaxis(x, 1, -1)[everywhere(mask, shape)] = values
    return x


def everywhere(mask: ndarray, shape: tuple[int, ...]) -> ndarray:
    """A mask of samples as one of all their values."""
    return np.broadcast_to(mask[:, 0], (shape[0], *shape[2:]))


@functools.lru_cache(maxsize=64)
def running_weights(momentum: float, n: int, dtype: np.dtype[Any]) -> tuple[ndarray, ndarray, ndarray]:
    """Factors of old estimates, of a batch's mean, and of its biased variance, which ``n / (n - 1)`` makes unbiased."""
    return number(1 - momentum, dtype), number(momentum, dtype), number(momentum * n / (n - 1), dtype)
