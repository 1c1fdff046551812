"""Operations that draw random numbers.

N. Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014.
G. Klambauer et al., Self-normalizing neural networks, 2017 (alpha dropout).
E. Jang et al., Categorical reparameterization with Gumbel-softmax, 2017.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.arguments import real
from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.host import host
from ..engine.node import array_of, describe
from ..engine.op import Op
from ..engine.scope import call_path
from .activation_curves import SELU_ALPHA, SELU_SCALE
from .arguments import one_axis, shape_of
from .softmax import softmax

dropped = Op(
    "dropout",
    lambda x, mask, p: x * mask,
    lambda dy, _y, _x, mask, p: dy * mask,
    doc="``x * mask``, mask 0 with probability p, else 1 / (1 - p)",
)


def probability(p: Any, name: str) -> float:
    """A probability as Python's own number, or refused."""
    return real(p, lambda number: 0 <= number <= 1, f"{name}: p must be a probability from 0 to 1")


def dropout(x: Any, p: float, random: np.random.Generator, channels: bool = False) -> Any:
    """Set each element, or each channel of (N, C, ...), to zero with probability ``p``; divide others by ``1 - p``."""
    if type(p) is not float or not 0 <= p <= 1:
        p = probability(p, "dropout")
    shape, dtype = mask_for("dropout", x, channels)
    return dropped(x, host(draw_mask, random, shape, p, dtype), p)


def alpha_dropout(x: Any, p: float, random: np.random.Generator, channels: bool = False) -> Any:
    """Set elements, or channels, to the value that ``selu`` has at -inf; mean 0 and variance 1 stay what they are."""
    p = probability(p, "alpha_dropout")
    shape, dtype = mask_for("alpha_dropout", x, channels)
    mask, shift = host(draw_alpha_mask, random, shape, p, dtype)
    return dropped(x, mask, p) + shift


def mask_for(name: str, x: Any, channels: bool) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and the dtype of the factors that elements are dropped by, or channels; refused but for floats."""
    shape = shape_of(x)
    array = array_of(x)
    if array.dtype.kind != "f":
        raise InvalidTypeError(
            f"{name}{call_path()}: expected a float input, got {describe(x)}: convert it, e.g. x.float()."
        )
    if not channels:
        return shape, array.dtype
    if len(shape) < 2:
        raise InvalidValueError(
            f"{name}{call_path()} of channels needs at least 2 axes (N, C), got {describe(x)}: x.unsqueeze(0)."
        )
    return (*shape[:2], *(1,) * (len(shape) - 2)), array.dtype


def draw_mask(random: np.random.Generator, shape: tuple[int, ...], p: float, dtype: np.dtype[Any]) -> Any:
    """0 with probability ``p``, else ``1 / (1 - p)``."""
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return (random.random(shape, np.float32) >= p) * dtype.type(scale)


def draw_alpha_mask(random: np.random.Generator, shape: tuple[int, ...], p: float, dtype: np.dtype[Any]) -> Any:
    """A factor, 0 with probability ``p``, and what is to be added: together they keep mean 0 and variance 1."""
    kept = np.asarray(random.random(shape, np.float32) >= p)
    if p == 1:
        return kept.astype(dtype), np.zeros(shape, dtype)
    least = -SELU_SCALE * SELU_ALPHA
    scale = 1 / np.sqrt((1 - p) * (1 + p * least**2))
    return (kept * scale).astype(dtype), ((~kept - p) * (scale * least)).astype(dtype)


# -- a choice -----------------------------------------------------------------------------------------


def gumbel_softmax(logits: Any, tau: float, hard: bool, dim: int, random: np.random.Generator) -> Any:
    """``softmax((logits + noise) / tau)`` with Gumbel noise; with ``hard`` a one at its largest element, else zeros."""
    tau = real(tau, lambda number: number != 0, f"gumbel_softmax{call_path()}: tau must be a number other than 0")
    shape = shape_of(logits)
    soft = softmax((logits + host(draw_gumbel, random, shape, logits.dtype)) / tau, dim)
    if not (hard and shape):
        return soft
    p, axis = array_of(soft), one_axis(dim, len(shape))
    places = np.arange(shape[axis]).reshape(-1, *(1,) * (len(shape) - 1 - axis))
    chosen = places == np.expand_dims(np.argmax(p, axis), axis)
    return soft + (chosen - p)  # its gradient is that of the softmax


def draw_gumbel(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """``-log(-log(u))`` of uniform numbers u."""
    return np.asarray(random.gumbel(size=shape)).astype(dtype)
