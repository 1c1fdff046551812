"""Losses as modules; the arguments are those of the functions in ``nn.functional``."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

import numpy as np

from .. import ops
from ..engine.node import describe
from ..ops.losses.classes import check_index, check_smoothing
from ..ops.losses.reduction import check_reduction
from ..tensor.tensor import Tensor
from .module import Module
from .parameter import Buffer

Self = TypeVar("Self", bound="Criterion")


class Criterion(Module):
    """Advises who calls a loss like its function: the settings go to the class, what is compared to its instance."""

    def __new__(cls: type[Self], *settings: Any, **named: Any) -> Self:
        if settings:
            try:
                inspect.signature(cls.__init__).bind(None, *settings, **named)
            except TypeError as error:
                raise TypeError(f"{cls.__name__}: {error}. {cure(cls)}") from None
        return super().__new__(cls)

    def __getattr__(self, name: str) -> Any:
        advice = f". {cure(type(self))}" if hasattr(Tensor, name) else ""  # who called it like its function
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{advice}", name=name, obj=self)


def cure(loss: type[Criterion]) -> str:
    """What to do who called a loss like its function."""
    return f"To compute a loss call the module: {loss.__name__}()(input, target)."


def constant(loss: Criterion, name: str, weight: Any) -> Buffer | None:
    """A weight as a buffer; refused if it requires grad, which a buffer would lose."""
    if isinstance(weight, Tensor) and weight.requires_grad:
        raise ValueError(
            f"{type(loss).__name__}: the {name} is a constant, got {describe(weight)} that requires grad: detach it. "
            f"{cure(type(loss))}"
        )
    return None if weight is None else Buffer(weight)


class Loss(Criterion):
    """A loss with its reduction: ``"mean"``, ``"sum"`` or ``"none"``."""

    def __init__(self, reduction: str = "mean") -> None:
        check_reduction(reduction, "" if isinstance(reduction, str) else f" {cure(type(self))}")
        self.reduction = reduction


class MSELoss(Loss):
    """``(input - target)**2``; both of one shape."""

    def forward(self, input: Any, target: Any) -> Any:
        return ops.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss):
    """``|input - target|``; both of one shape."""

    def forward(self, input: Any, target: Any) -> Any:
        return ops.l1_loss(input, target, reduction=self.reduction)


class WeightedLoss(Loss):
    """A loss with weights, which are a buffer: saved with the module, not trained."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = constant(self, "weight", weight)


class ClassLoss(WeightedLoss):
    """A loss of class scores with a weight per class and an index to ignore."""

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        name, advice = type(self).__name__, cure(type(self))
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index
        if self.weight is not None and self.weight.ndim != 1:
            raise ValueError(f"{name}: the weight must be (C,), one per class, got {self.weight.shape}. {advice}")
        check_index(name, ignore_index, "" if np.isscalar(ignore_index) else f" {advice}")


class NLLLoss(ClassLoss):
    """The negative log likelihood of class indices under log-probabilities (N, C, ...)."""

    def forward(self, input: Any, target: Any) -> Any:
        return ops.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(ClassLoss):
    """The cross entropy of logits (N, C, ...) and class indices or probabilities."""

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__(weight, ignore_index, reduction)
        self.label_smoothing = check_smoothing(label_smoothing)

    def forward(self, input: Any, target: Any) -> Any:
        return ops.cross_entropy(
            input, target, self.weight, None, self.ignore_index, None, self.reduction, self.label_smoothing
        )


class BCELoss(WeightedLoss):
    """The binary cross entropy of probabilities."""

    def forward(self, input: Any, target: Any) -> Any:
        return ops.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """The binary cross entropy of logits; ``pos_weight`` multiplies the positive part."""

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(weight, reduction)
        self.pos_weight = constant(self, "pos_weight", pos_weight)

    def forward(self, input: Any, target: Any) -> Any:
        return ops.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )
