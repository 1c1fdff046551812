"""Layers that change shapes only."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...engine.errors import InvalidTypeError, InvalidValueError
from ...ops.arguments import integers
from ..module import Module


class Identity(Module):
    """Returns its input; takes, and ignores, any arguments when made.

    >>> nn.Identity()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.,  0.,  2.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, input: Any) -> Any:
        return input


class Flatten(Module):
    """Joins the axes from ``start_dim`` to ``end_dim`` into one: images to vectors by default.

    >>> nn.Flatten()(mg.ones(8, 3, 4)).shape
    (8, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Any) -> Any:
        return ops.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Makes several axes of one: the reverse of ``Flatten``.

    Args:
        dim: the axis.
        unflattened_size: the lengths of the axes it becomes, of which one may be -1.

    >>> nn.Unflatten(1, (2, 3))(mg.zeros(4, 6)).shape
    (4, 2, 3)
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        if not isinstance(dim, (int, np.integer)) or isinstance(dim, bool):
            raise InvalidTypeError(f"Unflatten: dim must be an integer, got {dim!r}.")
        if not isinstance(unflattened_size, (tuple, list)):
            raise InvalidTypeError(
                f"Unflatten: unflattened_size must be a tuple of integers, got {unflattened_size!r}."
            )
        lengths = integers("Unflatten: unflattened_size", tuple(unflattened_size))
        if not lengths or min(lengths) < -1 or lengths.count(-1) > 1:
            raise InvalidValueError(
                f"Unflatten: unflattened_size must be lengths, of which one may be -1, got {unflattened_size!r}."
            )
        self.dim = int(dim)
        self.unflattened_size = lengths

    def forward(self, input: Any) -> Any:
        return ops.unflatten(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
