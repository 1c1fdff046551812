"""Losses that compare pairs of scores, and pairs and triples of vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

from ... import ops
from ...engine.arguments import a_type, real
from ...engine.errors import InvalidTypeError
from ..layers.distances import PairwiseDistance
from .criterion import Checks, PairLoss, TripletLoss, positive


def norm(what: str, value: Any) -> Any:
    """Which norm: a number, which may be infinite."""
    return value if value in (math.inf, -math.inf) else real(value, lambda number: True, f"{what} must be a number")


def distance_or_default(what: str, function: Any) -> Any:
    """A distance: a function of two tensors, by default ``PairwiseDistance()``."""
    if function is not None and not callable(function):
        raise InvalidTypeError(f"{what} must be a function of two tensors, or a module, got {a_type(function)}.")
    return PairwiseDistance() if function is None else function


class MarginRankingLoss(PairLoss, function=ops.margin_ranking_loss):
    """``max(0, margin - target * (input1 - input2))``: the first is to be greater where the target is 1, else less.

    Args:
        margin: by how much.
        reduction: "mean", "sum" or "none"; ``size_average`` and ``reduce`` are its old words.

    >>> nn.MarginRankingLoss()(mg.tensor([1.0]), mg.tensor([3.0]), mg.tensor([1]))
    tensor(2.)
    """

    margin: float = 0.0
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class CosineEmbeddingLoss(PairLoss, function=ops.cosine_embedding_loss):
    """``1 - cos`` of the angle between two vectors where the target is 1, ``max(0, cos - margin)`` where it is -1.

    The vectors are (N, D) or (D,), the target is (N,) or ().

    Args:
        margin: up to where a cosine is small enough.
        reduction: "mean", "sum" or "none"; ``size_average`` and ``reduce`` are its old words.

    >>> nn.CosineEmbeddingLoss()(mg.tensor([[1.0, 0.0]]), mg.tensor([[0.0, 2.0]]), mg.tensor([1]))
    tensor(1.)
    """

    margin: float = 0.0
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class TripletMarginLoss(TripletLoss, function=ops.triplet_margin_loss):
    """``max(0, margin + d(anchor, positive) - d(anchor, negative))`` with ``d = PairwiseDistance(p, eps)``.

    V. Balntas et al., Learning shallow convolutional feature descriptors with triplet losses, 2016.

    Args:
        margin: by how much the negative is to be farther away, greater than 0.
        p, eps: of the distance.
        swap: take the distance of positive and negative, if it is less than that of anchor and negative.
        reduction: "mean", "sum" or "none"; ``size_average`` and ``reduce`` are its old words.

    >>> nn.TripletMarginLoss()(mg.tensor([[0.0]]), mg.tensor([[1.0]]), mg.tensor([[1.0]]))
    tensor(1.)
    """

    _checks: ClassVar[Checks] = {"margin": positive, "p": norm}
    margin: float = 1.0
    p: float = 2.0
    eps: float = 1e-6
    swap: bool = False
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class TripletMarginWithDistanceLoss(TripletLoss, function=ops.triplet_margin_with_distance_loss, kw_only=True):
    """``TripletMarginLoss`` with a distance of one's own.

    Args:
        distance_function: a function of two tensors, or a module, whose parameters are trained with the others.
        margin: by how much the negative is to be farther away, greater than 0.
        swap: take the distance of positive and negative, if it is less than that of anchor and negative.
        reduction: "mean", "sum" or "none".

    >>> loss = nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs().sum(-1), margin=4.0)
    >>> loss(mg.tensor([[0.0]]), mg.tensor([[1.0]]), mg.tensor([[3.0]]))
    tensor(2.)
    """

    _checks: ClassVar[Checks] = {"margin": positive, "distance_function": distance_or_default}
    distance_function: Callable[[Any, Any], Any] | None = None
    margin: float = 1.0
    swap: bool = False
    reduction: str = "mean"
