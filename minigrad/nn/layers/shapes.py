"""Layers that change shapes only."""

from __future__ import annotations

from typing import Any

from ... import ops
from ..module import Module


class Identity(Module):
    """Returns its input; takes, and ignores, any arguments when made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, input: Any) -> Any:
        return input


class Flatten(Module):
    """Joins the axes from ``start_dim`` to ``end_dim`` into one: images to vectors by default."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Any) -> Any:
        return ops.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
