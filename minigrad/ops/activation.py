"""Activations."""

from __future__ import annotations

from ..engine.op import Op
from ..kernels.activation import logistic, rectified, relu_fused, sigmoid_fused

sigmoid = Op(
    "sigmoid",
    logistic,
    lambda dy, y, _x: dy * y * (1 - y),
    fused=sigmoid_fused,
    doc="``1 / (1 + exp(-x))``",
)
relu = Op(
    "relu",
    rectified,
    lambda dy, y, _x: dy * (y != 0).astype(dy.dtype),
    fused=relu_fused,
    doc="``max(x, 0)``; its derivative is 0 at 0, and 1 at NaN",
)
