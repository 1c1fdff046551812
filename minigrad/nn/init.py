"""Initial values: each function overwrites a tensor in place and returns it.

Random numbers come from the global random state.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.modes import no_grad
from ..engine.node import describe
from ..tensor.random import generator
from ..tensor.tensor import Tensor

# fmt: off
__all__ = [
    "calculate_gain", "constant_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_", "uniform_",
    "xavier_normal_", "xavier_uniform_", "zeros_",
]

GAINS = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2)}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the variance through an activation function.

    One of linear, sigmoid, tanh, relu and leaky_relu, whose negative slope is ``param``.

    >>> nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in GAINS:
        raise ValueError(f"no gain for {nonlinearity!r}: expected {', '.join(GAINS)} or leaky_relu.")
    return GAINS[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs and outputs a weight (out, in, ...) connects."""
    if tensor.ndim < 2:
        raise ValueError(f"fan in and fan out need a weight of at least 2 axes (out, in), got {tensor.shape}.")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def filled(tensor: Tensor, values: Callable[[tuple[int, ...]], Any]) -> Tensor:
    """Overwrite the tensor, whatever requires grad, with values that are made for its shape."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"nn.init overwrites a tensor in place, got {describe(tensor)}: make it one, mg.tensor(...).")
    with no_grad():
        return tensor.copy_(np.asarray(values(tensor.shape)).astype(tensor.dtype))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Every element is ``val``.

    >>> nn.init.constant_(mg.zeros(2), 0.1)
    tensor([0.1000, 0.1000])
    """
    return filled(tensor, lambda _: val)


def zeros_(tensor: Tensor) -> Tensor:
    """Every element is 0."""
    return filled(tensor, lambda _: 0)


def ones_(tensor: Tensor) -> Tensor:
    """Every element is 1."""
    return filled(tensor, lambda _: 1)


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Evenly distributed in [a, b)."""
    return filled(tensor, lambda shape: generator.uniform(a, b, shape))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normally distributed."""
    return filled(tensor, lambda shape: generator.normal(mean, std, shape))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Even in ``±gain * sqrt(6 / (fan_in + fan_out))`` (X. Glorot, Y. Bengio, 2010).

    >>> weight = nn.init.xavier_uniform_(mg.zeros(3, 3))
    >>> bool(abs(weight).max() < 1)
    True
    """
    bound = gain * math.sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Normal with ``std = gain * sqrt(2 / (fan_in + fan_out))`` (X. Glorot, Y. Bengio, 2010)."""
    return normal_(tensor, 0, gain * math.sqrt(2 / sum(fans(tensor))))


def kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """``gain / sqrt(fan)`` (K. He and others, Delving deep into rectifiers, 2015)."""
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}.")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """Even with standard deviation ``gain / sqrt(fan)``; ``a`` is the leaky relu's slope."""
    bound = math.sqrt(3) * kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """Normal with standard deviation ``gain / sqrt(fan)``; ``a`` is the leaky relu's slope."""
    return normal_(tensor, 0, kaiming_std(tensor, a, mode, nonlinearity))
