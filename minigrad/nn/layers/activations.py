"""Activation functions as modules."""

from __future__ import annotations

from typing import Any

from ... import ops
from ..module import Module
from .function_layer import FunctionLayer


class ReLU(Module):
    """``max(x, 0)``, elementwise.

    Args:
        inplace: accepted as in PyTorch; the input is never overwritten, the result is the same.
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" * bool(self.inplace)

    def forward(self, input: Any) -> Any:
        return ops.relu(input)


class GELU(FunctionLayer, function=ops.gelu):
    """``x * P(Z <= x)`` for a standard normal Z, or with ``approximate="tanh"`` nearly that."""

    approximate: str = "none"


class Sigmoid(FunctionLayer, function=ops.sigmoid):
    """``1 / (1 + exp(-x))``, elementwise."""


class Softplus(FunctionLayer, function=ops.softplus):
    """``log(1 + exp(beta * x)) / beta``, a smooth ``max(x, 0)``; x itself where ``beta * x > threshold``."""

    beta: float = 1.0
    threshold: float = 20.0


class Tanh(FunctionLayer, function=ops.tanh):
    """``tanh(x)``, elementwise."""


class Softmax(FunctionLayer, function=ops.softmax):
    """Softmax along ``dim``. Not in front of ``CrossEntropyLoss``, which wants logits."""

    dim: int


class LogSoftmax(FunctionLayer, function=ops.log_softmax):
    """The logarithm of softmax along ``dim``, for ``NLLLoss``."""

    dim: int
