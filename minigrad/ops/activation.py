"""Activations."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.node import describe
from ..engine.op import Op
from ..kernels.activation import logistic, rectified, relu_on_arrays, sigmoid_on_arrays
from ..kernels.constants import float64
from .choosing import where
from .hyperbolic import tanh
from .reductions import narrowed, widened
from .special.error import ndtr, normal_pdf

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["gelu", "relu", "sigmoid", "softplus"]


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
    faces="function method in_place functional module",
    doc="``1 / (1 + exp(-x))``, between 0 and 1; ``expit`` in ``special``",
    example="mg.sigmoid(mg.tensor([-100.0, 0.0, 2.0])) -> tensor([0.0000, 0.5000, 0.8808])",
)
public("special", name="expit")(sigmoid)
relu = Op(
    "relu",
    lambda input: np.maximum(input, 0),
    lambda dy, y, _x: dy * (y != 0).astype(dy.dtype),
    kernel=rectified,
    on_arrays=relu_on_arrays,
    faces="function method in_place functional_inplace module",
    doc="""``max(x, 0)``; its derivative is 0 at 0, and 1 at NaN

    V. Nair, G. Hinton, Rectified linear units improve restricted Boltzmann machines, 2010.
    """,
    example="F.relu(mg.tensor([-2.0, 0.0, 3.0])) -> tensor([0., 0., 3.])",
)
gelu_op = Op(
    "gelu",
    lambda input: input * ndtr(input),
    lambda dy, _y, x: dy * (ndtr(x) + x * normal_pdf(x)),
    doc="``x * P(Z <= x)`` for a standard normal Z",
)


@public("functional module")
def gelu(input: Any, *, approximate: str = "none") -> Tensor:
    """``x * P(Z <= x)`` for a standard normal Z (D. Hendrycks, K. Gimpel, Gaussian error linear units, 2016).

    Args:
        input: the tensor.
        approximate: "none", or "tanh" for ``x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))``.

    >>> F.gelu(mg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.1587,  0.0000,  0.8413])
    """
    if approximate == "none":
        return gelu_op(input)
    if approximate != "tanh":
        raise InvalidValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}.")
    result: Tensor = 0.5 * input * (1 + tanh(math.sqrt(2 / math.pi) * (input + 0.044715 * input**3)))
    return result


@np.errstate(over="ignore")  # x * beta, which is infinite beyond the threshold
def log_of_1_plus_exp(x: Any, beta: float, threshold: float) -> Any:
    """``log(1 + exp(beta x)) / beta``, by exponentials of negative numbers only; x where beta x > threshold."""
    z = x * beta
    return np.where(z > threshold, x, (np.maximum(z, 0) + np.log1p(np.exp(-np.absolute(z)))) / beta)


@np.errstate(over="ignore")
def softplus_rule(dy: Any, x: Any, beta: float, threshold: float) -> Any:
    """The gradient of the input: 1 where it is linear, which at the threshold itself it is not."""
    z = x * beta
    return where(z > threshold, dy, dy * sigmoid(z))


softplus_op = Op(
    "softplus",
    lambda input, beta, threshold: narrowed(log_of_1_plus_exp(widened(input), beta, threshold), input),
    lambda dy, _y, x, beta, threshold: softplus_rule(dy, widened(x), beta, threshold),
    doc="``log(1 + exp(beta x)) / beta``",
)


@public("functional module")
def softplus(input: Any, beta: float = 1, threshold: float = 20) -> Tensor:
    """``log(1 + exp(beta * x)) / beta``, a smooth ``max(x, 0)``; x itself where ``beta * x > threshold``.

    C. Dugas et al., Incorporating second-order functional knowledge for better option pricing, 2001.

    Args:
        input: the tensor.
        beta: how sharp the bend at 0 is; finite, and not 0.
        threshold: beyond it the function is linear, at it not yet.

    Raises:
        ValueError: for a beta of 0, or one that is not finite.

    >>> F.softplus(mg.tensor([0.0, 30.0]))
    tensor([ 0.6931, 30.0000])
    """
    for name, value in (("beta", beta), ("threshold", threshold)):
        if not isinstance(value, Real):
            raise TypeError(f"softplus: {name} must be a number, got {describe(value)}.")
    if not math.isfinite(beta) or beta == 0:
        raise InvalidValueError(f"softplus: beta must be finite and other than 0, got {beta}.")
    return softplus_op(input, float(beta), float(threshold))
