"""Dropout: elements set to zero at random, the rest scaled up to keep the expected value.

Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.arguments import real
from ..engine.host import host
from ..engine.node import array_of, describe
from ..engine.op import Op
from ..engine.scope import call_path
from .arguments import shape_of

dropped = Op(
    "dropout",
    lambda x, mask, p: x * mask,
    lambda dy, _y, _x, mask, p: dy * mask,
    doc="``x * mask``, mask 0 with probability p, else 1 / (1 - p)",
)


def probability(p: Any, name: str) -> float:
    """A probability as Python's own number, or refused."""
    return real(p, lambda number: 0 <= number <= 1, f"{name}: p must be a probability from 0 to 1")


def dropout(x: Any, p: float, random: np.random.Generator) -> Any:
    """Set each element to zero with probability ``p`` and divide the others by ``1 - p``."""
    if type(p) is not float or not 0 <= p <= 1:
        p = probability(p, "dropout")
    shape_of(x)
    array = array_of(x)
    if array.dtype.kind != "f":
        raise TypeError(f"dropout{call_path()}: expected a float input, got {describe(x)}: convert it, e.g. x.float().")
    return dropped(x, host(draw_mask, random, array.shape, p, array.dtype), p)


def draw_mask(random: np.random.Generator, shape: tuple[int, ...], p: float, dtype: np.dtype[Any]) -> Any:
    """0 with probability ``p``, else ``1 / (1 - p)``."""
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return (random.random(shape, np.float32) >= p) * dtype.type(scale)
