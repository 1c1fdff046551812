"""Losses by which the right class, or each of several, is to have a score that is greater by a margin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.faces import public
from ...engine.host import check
from ...engine.node import array_of, describe
from ...engine.scope import call_path
from ..choosing import clamp, where
from ..functions import square
from ..indexing import getitem
from ..reductions import of_float16_in_float32, sum
from ..shapes import reshape, unsqueeze
from .classes import check_classes, check_scores
from .reduction import as_operand, reduction_of
from .reduction import reduce as collect

if TYPE_CHECKING:
    from ...tensor.tensor import Tensor

__all__ = ["multi_margin_loss", "multilabel_margin_loss"]


def score_rows(name: str, input: Any, weight: Any = None) -> tuple[Any, Any]:
    """Scores (N, C) or (C,) as rows (N, C), and the weights of the classes; refused if they are none."""
    scores = array_of(input)
    weight = check_scores(name, scores, weight)
    if scores.ndim > 2:
        raise InvalidValueError(f"{name}{call_path()}: expected scores (N, C) or (C,), got {describe(input)}.")
    return reshape(input, (-1, scores.shape[-1])), weight


@public("functional")
@of_float16_in_float32
def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, size_average: Any = None,
    reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``sum(max(0, margin - x[t] + x[i])**p) / C`` over all classes i other than the right one, t.

    Args:
        input: scores (N, C) or (C,).
        target: class indices, (N,) or ().
        p: 1 or 2.
        margin: by how much the score of the right class is to be greater.
        weight: a weight per class (C,), which multiplies the losses of its samples.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> F.multi_margin_loss(mg.tensor([[1.0, 0.5]]), mg.tensor([0]))
    tensor(0.2500)
    """
    reduction = reduction_of("multi_margin_loss", reduction, size_average, reduce)
    if p not in (1, 2):
        raise InvalidValueError(f"multi_margin_loss{call_path()}: p must be 1 or 2, got {p!r}.")
    rows, weight = score_rows("multi_margin_loss", input, weight)
    target = as_operand(target, input.dtype)
    shape = target.shape if input.ndim > 1 or target.shape != (1,) else ()
    array, _ = check_classes("multi_margin_loss", array_of(input), reshape(target, shape), ignore_index=-1 << 63)
    picked = array.reshape(-1)
    right = getitem(rows, (np.arange(rows.shape[0]), picked))
    losses = clamp(margin - unsqueeze(right, 1) + rows, min=0)
    losses = losses if p == 1 else square(losses)
    others = picked[:, None] != np.arange(rows.shape[1])
    losses = sum(where(others, losses, 0), 1) / rows.shape[1]
    losses = losses if weight is None else losses * getitem(weight, picked)
    return collect(reshape(losses, target.shape), reduction)


@public("functional")
@of_float16_in_float32
def multilabel_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """``sum(max(0, 1 - (x[t] - x[i]))) / C`` over all right classes t and all others i.

    Args:
        input: scores (N, C) or (C,).
        target: the indices of the right classes and behind them -1, int64, of the same shape; what stands behind
            the first -1 does not count.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> F.multilabel_margin_loss(mg.tensor([[1.0, 0.5, 0.0]]), mg.tensor([[0, 1, -1]]))
    tensor(0.1667)
    """
    reduction = reduction_of("multilabel_margin_loss", reduction, size_average, reduce)
    rows, _ = score_rows("multilabel_margin_loss", input)
    places = array_of(as_operand(target, input.dtype))
    if places.dtype != np.int64:
        raise InvalidTypeError(
            f"multilabel_margin_loss{call_path()}: the target must be class indices (int64), got {describe(places)}. "
            "Convert it, e.g. target.long()."
        )
    if places.shape != input.shape:
        raise InvalidValueError(
            f"multilabel_margin_loss{call_path()}: input {input.shape} wants a target of its shape, got {places.shape}."
        )
    classes = input.shape[-1]
    check(refuse_no_class, places, classes)
    places = places.reshape(-1, classes)
    counts = np.logical_and.accumulate(places >= 0, 1)
    picked = np.where(counts, places, 0)
    named = ((picked[:, :, None] == np.arange(classes)) & counts[:, :, None]).any(1)
    right = getitem(rows, (np.arange(len(places))[:, None], picked))
    losses = clamp(1 - (unsqueeze(right, 2) - unsqueeze(rows, 1)), min=0)
    losses = sum(where(counts[:, :, None] & ~named[:, None, :], losses, 0), (1, 2)) / classes
    return collect(reshape(losses, input.shape[:-1]), reduction)


def refuse_no_class(target: ndarray, classes: int) -> None:
    """Refuse targets that are neither a class nor -1."""
    if target.size and (target.min() < -1 or target.max() >= classes):
        wrong = target[(target < -1) | (target >= classes)]
        raise InvalidValueError(
            f"multilabel_margin_loss{call_path()}: target {wrong.flat[0]} is no class: expected -1, or 0 to "
            f"{classes - 1}."
        )
