"""Activations."""

from __future__ import annotations

import numpy as np

from ..engine.op import Op
from ..kernels.activation import logistic, rectified, relu_on_arrays, sigmoid_on_arrays

__all__ = ["relu", "sigmoid"]

sigmoid = Op(
    "sigmoid",
    lambda input: 1 / (1 + np.exp(-input)),
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
