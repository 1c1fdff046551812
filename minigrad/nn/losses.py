"""Losses as modules; the arguments are those of the functions in ``nn.functional``."""

from __future__ import annotations

import numbers
from typing import Any

from .. import ops
from ..engine.node import describe
from ..ops.losses.reduction import check_reduction
from .module import Module
from .parameter import Buffer


class Loss(Module):
    """A loss with its reduction: ``"mean"``, ``"sum"`` or ``"none"``."""

    def __init__(self, reduction: str = "mean") -> None:
        check_reduction(reduction)
        self.reduction = reduction


class MSELoss(Loss):
    """``(input - target)**2``; both of one shape."""

    def forward(self, input: Any, target: Any) -> Any:
        return ops.mse_loss(input, target, self.reduction)


class L1Loss(Loss):
    """``|input - target|``; both of one shape."""

    def forward(self, input: Any, target: Any) -> Any:
        return ops.l1_loss(input, target, self.reduction)


class WeightedLoss(Loss):
    """A loss with weights, which are a buffer: saved with the module, not trained."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else Buffer(weight)


class ClassLoss(WeightedLoss):
    """A loss of class scores with a weight per class and an index to ignore."""

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        name = type(self).__name__
        cure = f"To compute a loss call the module: {name}()(input, target)."
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index
        if self.weight is not None and self.weight.ndim != 1:
            raise ValueError(f"{name}: the weight must be (C,), one per class, got {self.weight.shape}. {cure}")
        if not isinstance(ignore_index, numbers.Integral):
            raise TypeError(f"{name}: ignore_index must be an int, got {describe(ignore_index)}. {cure}")


class NLLLoss(ClassLoss):
    """The negative log likelihood of class indices under log-probabilities (N, C, ...)."""

    def forward(self, input: Any, target: Any) -> Any:
        return ops.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(ClassLoss):
    """The cross entropy of logits (N, C, ...) and class indices or probabilities."""

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__(weight, ignore_index, reduction)
        self.label_smoothing = label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        return ops.cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class BCELoss(WeightedLoss):
    """The binary cross entropy of probabilities."""

    def forward(self, input: Any, target: Any) -> Any:
        return ops.binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """The binary cross entropy of logits; ``pos_weight`` multiplies the positive part."""

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(weight, reduction)
        self.pos_weight = None if pos_weight is None else Buffer(pos_weight)

    def forward(self, input: Any, target: Any) -> Any:
        return ops.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)
