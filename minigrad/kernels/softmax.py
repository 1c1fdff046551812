"""Softmax and its relatives on arrays."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from .sums import sum_over


def logsumexp_backward(dy: ndarray, y: ndarray, x: ndarray, axes: tuple[int, ...]) -> ndarray:
    """``dy * softmax(x)`` along axes, for a finite ``y``, the log of the sum; it and ``dy`` have length 1 along them.

    ``exp(x - y)`` sums to 1 but for the rounding of a large ``y``: divided by its sum.
    """
    p = np.asarray(x - y)
    np.exp(p, p)
    p *= dy / sum_over(p, axes, True)
    return p
