"""Distances and angles of vectors, as modules."""

from __future__ import annotations

from typing import Any

from ... import ops
from ..module import Module


class CosineSimilarity(Module):
    """``sum(x1 * x2) / (|x1| * |x2|)`` along an axis: the cosine of the angle between vectors, which broadcast.

    Args:
        dim: the axis of the vectors.
        eps: what a smaller length counts as.

    >>> nn.CosineSimilarity(dim=0)(mg.tensor([1.0, 0.0]), mg.tensor([1.0, 1.0]))
    tensor(0.7071)
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Any, x2: Any) -> Any:
        return ops.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """``sum(|x1 - x2 + eps|**p) ** (1 / p)`` along the last axis of vectors (..., D), which broadcast.

    Args:
        p: the norm; also 0, inf, -inf.
        eps: added to the difference, so that the gradient of equal vectors is none of 0 / 0.
        keepdim: keep the last axis, with length 1.

    >>> nn.PairwiseDistance(eps=0.0)(mg.tensor([[0.0, 0.0]]), mg.tensor([[3.0, 4.0]]))
    tensor([5.])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Any, x2: Any) -> Any:
        return ops.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
