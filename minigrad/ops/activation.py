"""Activations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.faces import public
from ..engine.op import Op
from ..kernels.activation import logistic, rectified, relu_on_arrays, sigmoid_on_arrays
from ..kernels.constants import float64
from .functions import tanh
from .special import normal_cdf, normal_pdf

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["gelu", "relu", "sigmoid"]


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
gelu_op = Op(
    "gelu",
    lambda input: input * normal_cdf(input),
    lambda dy, _y, x: dy * (normal_cdf(x) + x * normal_pdf(x)),
    doc="``x * P(Z <= x)`` for a standard normal Z",
)


@public("functional module")
def gelu(input: Any, *, approximate: str = "none") -> Tensor:
    """``x * P(Z <= x)`` for a standard normal Z (D. Hendrycks, K. Gimpel, Gaussian error linear units, 2016).

    Args:
        input: the tensor.
        approximate: "none", or "tanh" for ``x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))``.
    """
    if approximate == "none":
        return gelu_op(input)
    if approximate != "tanh":
        raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}.")
    result: Tensor = 0.5 * input * (1 + tanh(math.sqrt(2 / math.pi) * (input + 0.044715 * input**3)))
    return result
