"""Activations."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import Op
from ..kernels.activation import logistic, rectified, relu_on_arrays, sigmoid_on_arrays
from ..kernels.constants import float64

__all__ = ["relu", "sigmoid"]


def sigmoid_definition(input: Any) -> Any:
    """``1 / (1 + exp(-input))``"""
    x = input if input.dtype.kind == "f" else input.astype(float64)  # of an unsigned integer -x is positive
    return 1 / (1 + np.exp(-x))


sigmoid = Op(
    "sigmoid",
    sigmoid_definition,
    lambda dy, y, _x: dy * y * (1 - y),
    kernel=logistic,
    on_arrays=sigmoid_on_arrays,
    faces="function method functional module",
    doc="``1 / (1 + exp(-x))``",
)
relu = Op(
    "relu",
    lambda input: np.maximum(input, 0),
    lambda dy, y, _x: dy * (y != 0).astype(dy.dtype),
    kernel=rectified,
    on_arrays=relu_on_arrays,
    faces="function method functional module",
    doc="``max(x, 0)``; its derivative is 0 at 0, and 1 at NaN",
)
