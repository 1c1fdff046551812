"""Activation functions as modules."""

from __future__ import annotations

from typing import Any

from ... import ops
from ..module import Module


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


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``, elementwise."""

    def forward(self, input: Any) -> Any:
        return ops.sigmoid(input)


class Tanh(Module):
    """``tanh(x)``, elementwise."""

    def forward(self, input: Any) -> Any:
        return ops.tanh(input)


class AlongAxis(Module):
    """A function that is applied along one axis."""

    def __init__(self, dim: int | None = None) -> None:
        if dim is None:
            raise TypeError(f"{type(self).__name__} needs the argument dim: usually dim=1 or dim=-1, the classes.")
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(AlongAxis):
    """Softmax along ``dim``. Not in front of ``CrossEntropyLoss``, which wants logits."""

    def forward(self, input: Any) -> Any:
        return ops.softmax(input, self.dim)


class LogSoftmax(AlongAxis):
    """The logarithm of softmax along ``dim``, for ``NLLLoss``."""

    def forward(self, input: Any) -> Any:
        return ops.log_softmax(input, self.dim)
