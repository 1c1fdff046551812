"""Losses that are 0 where something is right by a margin, and those that compare pairs and triples of vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...engine.arguments import real
from ...engine.errors import InvalidValueError
from ...engine.faces import public
from ...engine.node import describe
from ...engine.scope import call_path
from ..activation import softplus_op
from ..arguments import shape_of
from ..choosing import clamp, minimum, where
from ..distances import pairwise_distance
from ..functions import sqrt, square
from ..reductions import mean, of_float16_in_float32, sum
from .pairs import bce_with_logits_op, compare, matching, times
from .reduction import as_operand, check_reduction, reduction_of
from .reduction import reduce as collect

if TYPE_CHECKING:
    from ...tensor.tensor import Tensor

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]

# -- one prediction, and a target of 1 or -1 ------------------------------------------------------


@public("functional")
@of_float16_in_float32
def hinge_embedding_loss(
    input: Any, target: Any, margin: float = 1.0, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """``x`` where the target is 1, ``max(0, margin - x)`` where it is -1: of distances.

    Args:
        input: distances.
        target: 1 or -1, of the same shape.
        margin: from where on a distance is large enough.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> F.hinge_embedding_loss(mg.tensor([0.25, 0.25]), mg.tensor([1, -1]), reduction="none")
    tensor([0.2500, 0.7500])
    """
    reduction = reduction_of("hinge_embedding_loss", reduction, size_average, reduce)
    target = matching("hinge_embedding_loss", input, target)
    return collect(where(target != 1, clamp(margin - input, min=0), 0) + where(target != -1, input, 0), reduction)


@public("functional")
@of_float16_in_float32
def soft_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """``log(1 + exp(-target * input))`` with targets of 1 or -1, exact for scores of any size.

    Args:
        input: scores.
        target: 1 or -1, of the same shape.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> F.soft_margin_loss(mg.tensor([0.0]), mg.tensor([1]))
    tensor(0.6931)
    """
    reduction = reduction_of("soft_margin_loss", reduction, size_average, reduce)
    target = matching("soft_margin_loss", input, target)
    return collect(softplus_op(-target * input, 1.0, math.inf), reduction)


@public("functional")
@of_float16_in_float32
def multilabel_soft_margin_loss(
    input: Any, target: Any, weight: Any = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """The mean over the classes of ``binary_cross_entropy_with_logits``: several classes may be right.

    Args:
        input: logits (N, C) or (C,).
        target: 0 or 1 for each class, of the same shape.
        weight: multiplies the loss of each class, (C,).
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "mean", "sum" or "none", of the losses (N,).

    >>> F.multilabel_soft_margin_loss(mg.tensor([[0.0, 0.0]]), mg.tensor([[1, 0]]))
    tensor(0.6931)
    """
    reduction = reduction_of("multilabel_soft_margin_loss", reduction, size_average, reduce)
    if not shape_of(input):
        raise InvalidValueError(
            f"multilabel_soft_margin_loss{call_path()}: expected (N, C) or (C,), got {describe(input)}."
        )
    return collect(mean(times(compare(bce_with_logits_op, input, target, "none"), weight), -1), reduction)


# -- two predictions, and a target of 1 or -1 -----------------------------------------------------


@public("functional")
@of_float16_in_float32
def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``max(0, margin - target * (input1 - input2))``: which of two is to be greater.

    Args:
        input1, input2: scores.
        target: 1 where the first is to be greater, -1 where the second is; of as many axes as the inputs.
        margin: by how much.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> F.margin_ranking_loss(mg.tensor([1.0]), mg.tensor([3.0]), mg.tensor([1]))
    tensor(2.)
    """
    reduction = reduction_of("margin_ranking_loss", reduction, size_average, reduce)
    same_rank("margin_ranking_loss", input1=input1, input2=input2, target=target)
    return collect(clamp(margin - target * (input1 - input2), min=0), reduction)


def same_rank(name: str, **tensors: Any) -> None:
    """Refuse tensors of different numbers of axes."""
    if len({len(shape_of(x)) for x in tensors.values()}) > 1:
        given = ", ".join(f"{own} {x.shape}" for own, x in tensors.items())
        raise InvalidValueError(f"{name}{call_path()}: expected as many axes for each, got {given}. Reshape them.")


@public("functional")
@of_float16_in_float32
def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``1 - cos`` of the angle between two vectors where the target is 1, ``max(0, cos - margin)`` where it is -1.

    Args:
        input1, input2: vectors (N, D) or (D,).
        target: 1 or -1, (N,) or ().
        margin: up to where a cosine is small enough.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> F.cosine_embedding_loss(mg.tensor([[1.0, 0.0]]), mg.tensor([[0.0, 2.0]]), mg.tensor([1]))
    tensor(1.)
    """
    reduction = reduction_of("cosine_embedding_loss", reduction, size_average, reduce)
    target = as_operand(target, input1.dtype)
    shapes = shape_of(input1), shape_of(input2)
    if {len(shape) for shape in shapes} != {len(target.shape) + 1} or len(target.shape) > 1:
        raise InvalidValueError(
            f"cosine_embedding_loss{call_path()}: expected inputs (N, D) and a target (N,), or (D,) and (), got "
            f"{shapes[0]}, {shapes[1]} and {target.shape}."
        )
    lengths = sqrt((sum(square(input1), -1) + 1e-12) * (sum(square(input2), -1) + 1e-12))
    cosine = sum(input1 * input2, -1) / lengths
    losses = where(target == 1, 1 - cosine, 0) + where(target == -1, clamp(cosine - margin, min=0), 0)
    return collect(losses, reduction)


# -- triples --------------------------------------------------------------------------------------


@public("functional")
@of_float16_in_float32
def triplet_margin_loss(
    anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``max(0, margin + d(anchor, positive) - d(anchor, negative))`` with ``d = pairwise_distance``.

    V. Balntas et al., Learning shallow convolutional feature descriptors with triplet losses, 2016.

    Args:
        anchor, positive, negative: vectors (N, D) or (D,).
        margin: by how much the negative is to be farther away, greater than 0.
        p, eps: of the distance.
        swap: take the distance of positive and negative, if it is less than that of anchor and negative.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> F.triplet_margin_loss(mg.tensor([[0.0]]), mg.tensor([[1.0]]), mg.tensor([[1.0]]))
    tensor(1.)
    """
    reduction = reduction_of("triplet_margin_loss", reduction, size_average, reduce)
    return triplet("triplet_margin_loss", anchor, positive, negative, lambda a, b: pairwise_distance(a, b, p, eps),
                   margin, swap, reduction)  # fmt: skip


@public("functional")
def triplet_margin_with_distance_loss(
    anchor: Any, positive: Any, negative: Any, *, distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0, swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``triplet_margin_loss`` with a distance of one's own.

    Args:
        anchor, positive, negative: what the distance takes.
        distance_function: a function of two tensors, ``pairwise_distance`` unless given.
        margin: by how much the negative is to be farther away, greater than 0.
        swap: take the distance of positive and negative, if it is less than that of anchor and negative.
        reduction: "mean", "sum" or "none".

    >>> a, p, n = mg.tensor([[0.0]]), mg.tensor([[1.0]]), mg.tensor([[3.0]])
    >>> F.triplet_margin_with_distance_loss(a, p, n, distance_function=lambda a, b: (a - b).abs().sum(-1), margin=4.0)
    tensor(2.)
    """
    check_reduction(reduction)
    distance = distance_function or pairwise_distance
    return triplet("triplet_margin_with_distance_loss", anchor, positive, negative, distance, margin, swap, reduction)


def triplet(
    name: str, anchor: Any, positive: Any, negative: Any, distance: Callable[[Any, Any], Any], margin: float,
    swap: bool, reduction: str,
) -> Any:  # fmt: skip
    """The loss of triples for a distance."""
    margin = real(margin, lambda number: number > 0, f"{name}{call_path()}: margin must be a number greater than 0")
    same_rank(name, anchor=anchor, positive=positive, negative=negative)
    near, far = distance(anchor, positive), distance(anchor, negative)
    far = minimum(far, distance(positive, negative)) if swap else far
    return collect(clamp(margin + near - far, min=0), reduction)
