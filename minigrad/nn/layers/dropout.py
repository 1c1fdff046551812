"""Dropout as a module."""

from __future__ import annotations

from typing import Any

from ...ops.random import probability
from ..module import Module
from ..stochastic import dropout


class Dropout(Module):
    """In training, sets each element to zero with probability ``p`` and divides the rest by ``1 - p``.

    In evaluation it passes its input on. The random numbers come from the global random state.
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability(p, "Dropout")

    def forward(self, input: Any) -> Any:
        return dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"
