"""Losses of scores for classes, of which one is right, or each may be."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ... import ops
from ...engine.errors import InvalidValueError
from ...ops.losses.classes import check_index, check_smoothing
from .criterion import Checks, Loss, cure


def one_or_two(what: str, value: Any) -> int:
    """A power."""
    if isinstance(value, (bool, np.bool_)) or value not in (1, 2):
        raise InvalidValueError(f"{what} must be 1 or 2, got {value!r}.")
    return int(value)


class ClassLoss(Loss):
    """A loss with a weight per class, and perhaps an index to ignore."""

    _checks: ClassVar[Checks] = {
        "label_smoothing": lambda what, value: check_smoothing(value),
        "p": one_or_two,
    }

    def _checked(self, field: str, value: Any) -> Any:
        if field != "ignore_index":
            return super()._checked(field, value)
        kind = type(self)
        check_index(kind.__name__, value, "" if np.isscalar(value) else f" {cure(kind)}")
        return value

    def _set_weight(self, name: str, weight: Any) -> None:
        super()._set_weight(name, weight)
        kept = getattr(self, name)
        if kept is not None and kept.ndim != 1:
            raise InvalidValueError(
                f"{type(self).__name__}: the weight must be (C,), one per class, got {kept.shape}. {cure(type(self))}"
            )


class NLLLoss(ClassLoss, function=ops.nll_loss):
    """The negative log likelihood of class indices under log-probabilities (N, C, ...): ``-input[n, target[n]]``.

    Args:
        weight: a weight per class (C,); the mean is then the weighted mean.
        ignore_index: targets of this value do not count.
        reduction: "mean", "sum" or "none"; ``size_average`` and ``reduce`` are its old words.

    >>> nn.NLLLoss()(mg.tensor([[-0.5, -1.0]]), mg.tensor([1]))
    tensor(1.)
    """

    weight: Any = None
    size_average: Any = None
    ignore_index: int = -100
    reduce: Any = None
    reduction: str = "mean"


class CrossEntropyLoss(ClassLoss, function=ops.cross_entropy):
    """The cross entropy of logits (N, C, ...) and class indices (N, ...) or probabilities (N, C, ...).

    ``-log(softmax(input)[target])``; no softmax belongs in front of it.

    Args:
        weight: a weight per class (C,); the mean is then the weighted mean.
        ignore_index: targets of this value do not count.
        reduction: "mean", "sum" or "none"; ``size_average`` and ``reduce`` are its old words.
        label_smoothing: the part of each target that is spread evenly over the classes, 0 to 1.

    >>> nn.CrossEntropyLoss()(mg.zeros(1, 2), mg.tensor([0]))
    tensor(0.6931)
    """

    weight: Any = None
    size_average: Any = None
    ignore_index: int = -100
    reduce: Any = None
    reduction: str = "mean"
    label_smoothing: float = 0.0


class MultiMarginLoss(ClassLoss, function=ops.multi_margin_loss):
    """``sum(max(0, margin - x[t] + x[i])**p) / C`` over all classes i other than the right one, t.

    For scores (N, C) or (C,) and class indices (N,) or ().

    Args:
        p: 1 or 2.
        margin: by how much the score of the right class is to be greater.
        weight: a weight per class (C,), which multiplies the losses of its samples.
        reduction: "mean", "sum" or "none"; ``size_average`` and ``reduce`` are its old words.

    >>> nn.MultiMarginLoss()(mg.tensor([[1.0, 0.5]]), mg.tensor([0]))
    tensor(0.2500)
    """

    p: int = 1
    margin: float = 1.0
    weight: Any = None
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class MultiLabelMarginLoss(Loss, function=ops.multilabel_margin_loss):
    """``sum(max(0, 1 - (x[t] - x[i]))) / C`` over all right classes t and all others i.

    For scores (N, C) or (C,); the target has their shape: the indices of the right classes, and behind them -1.

    >>> nn.MultiLabelMarginLoss()(mg.tensor([[1.0, 0.5, 0.0]]), mg.tensor([[0, 1, -1]]))
    tensor(0.1667)
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class MultiLabelSoftMarginLoss(Loss, function=ops.multilabel_soft_margin_loss):
    """The mean over the classes of ``BCEWithLogitsLoss``: of (N, C) or (C,), with targets 0 or 1 of the same shape.

    Args:
        weight: multiplies the loss of each class, (C,).
        reduction: "mean", "sum" or "none", of the losses (N,); ``size_average`` and ``reduce`` are its old words.

    >>> nn.MultiLabelSoftMarginLoss()(mg.tensor([[0.0, 0.0]]), mg.tensor([[1, 0]]))
    tensor(0.6931)
    """

    weight: Any = None
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"
