"""Vectors divided by their norms, distances of pairs of vectors, and the cosines of the angles between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.node import describe
from ..engine.op import Op
from ..engine.scope import call_path
from .arguments import floats_only
from .choosing import clamp
from .norms import norm_along
from .reductions import of_float16_in_float32, sum
from .shapes import expand

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


@public("functional")
@of_float16_in_float32
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
    dim = dim if axis is None else axis
    return input / clamp(norm_along("normalize", floats_only("normalize", input), p, dim, True), eps)


@public("function functional")
@of_float16_in_float32
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
    x1, x2 = (floats_only("pairwise_distance", x) for x in (x1, x2))
    return norm_along("pairwise_distance", x1 - x2 + eps, p, -1, keepdim)


@public("function functional")
@of_float16_in_float32
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
    x1, x2 = (floats_only("cosine_similarity", x) for x in (x1, x2))
    try:
        shape = np.broadcast_shapes(x1.shape, x2.shape)
    except ValueError:
        raise InvalidValueError(
            f"cosine_similarity{call_path()}: {describe(x1)} and {describe(x2)} do not broadcast."
        ) from None
    dim = dim if axis is None else axis
    units = []
    for x in (x1, x2):
        x = expand(x, shape)
        units.append(x / clamped_from_below(norm_along("cosine_similarity", x, 2, dim, True), eps))
    return sum(units[0] * units[1], dim)
