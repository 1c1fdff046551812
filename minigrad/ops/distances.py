"""Lengths and distances of vectors.

``length`` is to be replaced by the vector norm of the linear algebra, where that is there: it has the same gradients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.node import describe
from ..engine.op import Op, is_half, widened
from ..engine.scope import call_path
from ..kernels.constants import float16
from .arguments import all_axes, shape_of
from .arithmetic import abs
from .choosing import clamp, where
from .functions import sqrt, square
from .reductions import amax, amin, sum
from .shapes import astype, expand

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["cosine_similarity", "normalize", "pairwise_distance"]

clamped_from_below = Op(
    "clamped_from_below",
    lambda input, least: np.maximum(input, least),
    lambda dy, _y, _x, least: dy,
    numbers=True,
    doc="``max(x, least)``, whose gradient is passed on also where x is less",
)


def root(total: Any, p: float) -> Any:
    """``total ** (1 / p)``; of 0 it is 0, and so is its gradient."""
    safe = where(total == 0, 1, total)
    return where(total == 0, 0, sqrt(safe) if p == 2 else safe ** (1 / p))


def length(x: Any, p: float, dim: Any, keepdim: bool) -> Any:
    """``sum(|x|**p) ** (1 / p)`` along ``dim``, of float16 in float32; its gradient at 0 is 0."""
    x = widened(x)
    if p == 2:
        return root(sum(square(x), dim, keepdim), p)
    if p == np.inf or p == -np.inf:
        return (amax if p > 0 else amin)(abs(x), dim, keepdim)
    if p == 0:
        return sum(astype(x != 0, x.dtype), dim, keepdim)
    powers = where(x == 0, 0, abs(where(x == 0, 1, x)) ** p)
    return root(sum(powers, dim, keepdim), p)


def floats(name: str, *tensors: Any) -> bool:
    """Whether all are float16; refused unless all are floats."""
    for x in tensors:
        shape_of(x)
        if x.dtype.kind != "f":
            raise InvalidTypeError(f"{name}{call_path()}: expected floats, got {describe(x)}: convert it, x.float().")
    return all(map(is_half, tensors))


def rounded(y: Any, half: bool) -> Any:
    """``y`` as float16, if that is what went in."""
    return astype(y, float16) if half else y


@public("functional")
def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, *, axis: Any = None) -> Tensor:
    """``x / max(length, eps)``: vectors of length 1, where the length is ``sum(|x|**p) ** (1 / p)``.

    Args:
        input: floats.
        p: the norm; also 0, inf, -inf.
        dim: the axis of the vectors, or several.
        eps: what a smaller length counts as.
        axis: NumPy's name of dim.

    >>> F.normalize(mg.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    half = floats("normalize", input)
    dim = dim if axis is None else axis
    norm = length(input, p, all_axes(input, dim), True)
    return rounded(widened(input) / clamp(norm, eps), half)


@public("function functional")
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """``sum(|x1 - x2 + eps|**p) ** (1 / p)`` along the last axis.

    Args:
        x1, x2: vectors (..., D), which broadcast.
        p: the norm; also 0, inf, -inf.
        eps: added to the difference, so that the gradient of equal vectors is none of 0 / 0.
        keepdim: keep the last axis, with length 1.

    >>> mg.pairwise_distance(mg.tensor([[0.0, 0.0]]), mg.tensor([[3.0, 4.0]]), eps=0)
    tensor([5.])
    """
    half = floats("pairwise_distance", x1, x2)
    return rounded(length(widened(x1) - widened(x2) + eps, p, -1, keepdim), half)


@public("function functional")
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8, *, axis: int | None = None) -> Tensor:
    """``sum(x1 * x2) / (|x1| * |x2|)`` along ``dim``: the cosine of the angle between vectors.

    Args:
        x1, x2: floats, which broadcast.
        dim: the axis of the vectors.
        eps: what a smaller length counts as.
        axis: NumPy's name of dim.

    >>> mg.cosine_similarity(mg.tensor([1.0, 0.0]), mg.tensor([1.0, 1.0]), dim=0)
    tensor(0.7071)
    """
    half = floats("cosine_similarity", x1, x2)
    try:
        shape = np.broadcast_shapes(x1.shape, x2.shape)
    except ValueError:
        raise InvalidValueError(
            f"cosine_similarity{call_path()}: {describe(x1)} and {describe(x2)} do not broadcast."
        ) from None
    dim = dim if axis is None else axis
    units = []
    for x in (x1, x2):
        x = expand(widened(x), shape)
        units.append(x / clamped_from_below(length(x, 2, dim, True), eps))
    return rounded(sum(units[0] * units[1], dim), half)
