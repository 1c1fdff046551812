"""Activations on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float64, number, small_zeros
from .tuning import FEW_ELEMENTS, LONG_ROW, SHORT_ROW


@np.errstate(over="ignore")
def logistic(x: ndarray) -> ndarray:
    """``1 / (1 + exp(-x))``; where exp overflows, 1 / inf is the right 0."""
    x = np.asarray(x)
    dtype = x.dtype if x.dtype.kind == "f" else float64  # of an unsigned integer -x is positive
    one = number(1.0, dtype)
    y = np.asarray(x * number(-1.0, dtype))
    np.exp(y, y)
    y += one
    return np.divide(one, y, y)  # reciprocal is slower


def sigmoid_on_arrays(dy: ndarray, _cache: Any, _needs: Any, y: ndarray, _x: Any) -> tuple[ndarray]:
    """The rule on arrays, its steps in one array."""
    dx = dy * y
    dx *= number(1.0, y.dtype) - y
    return (dx,)


def rectified(x: ndarray) -> ndarray:
    """``max(x, 0)`` by an array of zeros: NumPy's maximum of two arrays is vectorised, with a number it is not."""
    x = np.asarray(x)
    shape = x.shape
    if x.size <= FEW_ELEMENTS:  # zeros are kept for small arrays only
        return np.maximum(x, small_zeros(shape, x.dtype))
    if x.size % LONG_ROW == 0 and x.flags.c_contiguous:
        y = np.empty_like(x)
        np.maximum(x.reshape(-1, LONG_ROW), small_zeros((LONG_ROW,), x.dtype), out=y.reshape(-1, LONG_ROW))
        return y
    return np.maximum(x, small_zeros(shape[-1:] if SHORT_ROW <= shape[-1] <= LONG_ROW else (), x.dtype))


def relu_on_arrays(dy: ndarray, _cache: Any, _needs: Any, y: ndarray, _x: Any) -> tuple[ndarray]:
    """The rule on arrays, its steps in one array."""
    dx = (y != number(0.0, y.dtype)).astype(dy.dtype)
    dx *= dy
    return (dx,)
