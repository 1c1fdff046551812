"""Cross entropy of classes on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from .constants import number, ones, row_numbers
from .sums import vector_sum


def cross_entropy_forward(x: ndarray, target: ndarray, reduction: str, *_: Any) -> tuple[ndarray, Any]:
    """The loss of rows of logits; and their softmax, a row per class, with the places of the targets in it, flattened.

    Classes come first in memory because NumPy adds up few long rows faster than many short ones; one index per
    element is faster than two.
    """
    n = len(x)
    places = target.astype(np.intp, casting="same_kind", copy=False) * number(n, np.dtype(np.intp))
    places += row_numbers(n)
    z = x.T.copy()
    z -= np.maximum.reduce(z)
    picked = z.reshape(-1)[places]
    p = np.exp(z, z)
    total = ones(len(p), p.dtype).dot(p)
    p /= total
    losses = np.log(total, total)
    losses -= picked
    if reduction == "none":
        return losses, (p, places)
    loss = vector_sum(losses)
    return np.asarray(loss / n if reduction == "mean" else loss, x.dtype), (p, places)


def cross_entropy_fused(
    dy: ndarray,
    cache: tuple[ndarray, ndarray],
    needs: Any,
    _y: Any,
    x: Any,
    target: Any,
    reduction: str,
    *_: Any,
) -> Any:
    """``(softmax(x) - one_hot(target)) * dy``, from the softmax that forward computed; in float32 or float64."""
    p, places = cache
    scale = dy / number(p.shape[1], p.dtype) if reduction == "mean" else dy
    dx = p * scale
    flat = dx.reshape(-1)
    flat[places] -= scale
    return dx.T, None
