"""Losses of one prediction and one target."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ...engine.errors import InvalidValueError
from ...engine.faces import public
from ...engine.host import check
from ...engine.node import array_of, as_array
from ...engine.op import Op, is_half
from ...engine.scope import call_path
from ...kernels.constants import float16
from ...kernels.finite import all_finite
from ...kernels.logit_loss import logit_losses
from ..activation import sigmoid
from ..arguments import shape_of
from ..arithmetic import abs, sign
from ..choosing import clamp, where
from ..functions import log, square
from ..reductions import divided, sum, widened
from ..shapes import astype
from .reduction import as_operand, reduction_of
from .reduction import reduce as collect

if TYPE_CHECKING:
    from ...tensor.tensor import Tensor

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "l1_loss", "mse_loss"]


def pairwise_loss(
    name: str,
    loss: Callable[..., Any],
    by_input: Callable[..., Any],
    by_target: Callable[..., Any],
    doc: str,
    mixes: bool = True,
    if_finite: Callable[[Any, Any], Any] | None = None,
) -> Op:
    """A loss that compares elements one by one, from the loss of a pair and its two derivatives.

    Of float16 all is computed in float32, and the result rounded. All three get the settings that the operation is
    called with behind its reduction. ``if_finite`` is a faster function for arrays: its
    result is taken unless an element is infinite or NaN.
    """

    def forward(input: ndarray, target: ndarray, reduction: str, *settings: float) -> ndarray:
        return reduced(loss, input, target, reduction, *settings)

    @np.errstate(invalid="ignore")
    def kernel(input: ndarray, target: ndarray, reduction: str) -> ndarray:
        y = reduced(if_finite, input, target, reduction)
        return y if all_finite(y) else forward(input, target, reduction)

    def scaled(dy: Any, x: Any, reduction: str) -> Any:
        return divided(dy, elements(x)) if reduction == "mean" else widened(dy)

    def rule(derivative: Callable[..., Any]) -> Callable[..., Any]:
        return lambda dy, _y, input, target, reduction, *_settings: (
            scaled(dy, input, reduction) * derivative(widened(input), widened(target), *_settings)
        )

    return Op(
        name,
        forward,
        rule(by_input),
        rule(by_target),
        kernel=kernel if if_finite else None,
        promotes=(0, 1),
        mixes=mixes,
        doc=doc,
    )


def reduced(loss: Any, input: ndarray, target: ndarray, reduction: str, *settings: float) -> ndarray:
    """The losses of pairs, reduced; computed at least in float32."""
    y = as_array(collect(loss(widened(input), widened(target), *settings), reduction))
    return y.astype(float16) if input.dtype == target.dtype == float16 else y


def elements(x: Any) -> int:
    """How many elements there are, at least 1."""
    return math.prod(x.shape) or 1


def log_floor(p: Any) -> Any:
    """``log(p)``, but not below -100: a wrong certainty costs much instead of everything."""
    return clamp(log(clamp(p, min=1e-44)), min=-100)


mse_op = pairwise_loss(
    "mse_loss",
    lambda x, t: square(x - t),
    lambda x, t: 2 * (x - t),
    lambda x, t: 2 * (t - x),
    doc="``(input - target)**2``, reduced",
)
l1_op = pairwise_loss(
    "l1_loss",
    lambda x, t: abs(x - t),
    lambda x, t: sign(x - t),
    lambda x, t: sign(t - x),
    doc="``|input - target|``, reduced",
)
bce_op = pairwise_loss(
    "bce_loss",
    lambda p, t: -(t * log_floor(p) + (1 - t) * log_floor(1 - p)),
    lambda p, t: (p - t) / clamp(p * (1 - p), min=1e-12),
    np.errstate(divide="ignore")(lambda p, t: log(1 - p) - log(p)),  # type: ignore[has-type]
    doc="``-(t log(p) + (1 - t) log(1 - p))``, reduced",
    mixes=False,
)


def logit_loss(x: ndarray, t: ndarray) -> ndarray:
    """``log(1 + exp(x)) - t x``, written so that exp cannot overflow and an infinite x can be right: it adds 0 then."""
    size, wrong = np.absolute(x), np.where(x > 0, 1 - t, t)
    losses = np.where(wrong == 0, 0, size * np.where(wrong == 0, 1, wrong)) + np.log1p(np.exp(-size))
    return as_array(losses)


bce_with_logits_op = pairwise_loss(
    "bce_with_logits",
    logit_loss,
    lambda x, t: sigmoid(x) - t,
    lambda x, t: -x,
    doc="``-(t log(sigmoid(x)) + (1 - t) log(1 - sigmoid(x)))``, reduced",
    if_finite=logit_losses,
)


def matching(name: str, input: Any, target: Any) -> Any:
    """The target of a pairwise loss in floats; refused if it has not the shape of the input."""
    shape = shape_of(input)
    target = as_operand(target, input.dtype)
    if shape != shape_of(target):
        raise InvalidValueError(
            f"{name}{call_path()}: input {shape} and target {target.shape} differ in shape; "
            "broadcasting them would compare elements that do not belong together. Reshape one, "
            "e.g. input.squeeze(1) or target.unsqueeze(1)."
        )
    return astype(target, input.dtype) if target.dtype.kind in "iub" else target


def check_probabilities(values: ndarray, name: str, cure: str = "") -> None:
    """Refuse an argument of binary_cross_entropy with elements that are not from 0 to 1."""
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise InvalidValueError(
            f"binary_cross_entropy{call_path()}: the {name} must be probabilities from 0 to 1, got "
            f"values from {values.min():.4g} to {values.max():.4g}.{cure}"
        )


def compare(op: Op, input: Any, target: Any, reduction: str, *settings: float) -> Any:
    """Apply a pairwise loss to tensors of one shape."""
    return op(input, matching(op.name, input, target), reduction, *settings)


def average_by(op: Op, input: Any, target: Any, weight: Any, reduction: str, *settings: float) -> Any:
    """A pairwise loss with a weight for each element, which widens none; the mean is the weighted mean."""
    target, weight = matching(op.name, input, target), as_operand(weight, input.dtype)
    if weight.shape != input.shape:
        raise InvalidValueError(
            f"{op.name}{call_path()}: input {input.shape} wants a weight of its shape, got {weight.shape}: expand it."
        )
    losses = compare(op, widened(input), widened(target), "none", *settings)
    weight = astype(weight, losses.dtype)
    y = sum(losses * weight) / sum(weight) if reduction == "mean" else collect(losses * weight, reduction)
    return astype(y, float16) if is_half(input) and is_half(target) else y


def times(losses: Any, weight: Any) -> Any:
    """``losses * weight`` in the dtype of the losses, as PyTorch has it: a weight widens none."""
    return losses if weight is None else astype(losses * weight, losses.dtype)


@public("function functional module")
def mse_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean", weight: Any = None
) -> Tensor:
    """The squared error ``(input - target)**2``; both of one shape (a difference is refused).

    Args:
        input, target: predictions and what they should be.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "mean", "sum" or "none".
        weight: multiplies each element's loss, of the input's shape; the mean is then the weighted mean.

    >>> mg.mse_loss(mg.tensor([1.0, 3.0]), mg.tensor([1.0, 1.0]))
    tensor(2.)
    """
    return difference(mse_op, input, target, reduction_of("mse_loss", reduction, size_average, reduce), weight)


@public("function functional module")
def l1_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean", weight: Any = None
) -> Tensor:
    """The absolute error ``|input - target|``; both of one shape (a difference is refused).

    Args:
        input, target: predictions and what they should be.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "mean", "sum" or "none".
        weight: multiplies each element's loss, of the input's shape; the mean is then the weighted mean.

    >>> mg.l1_loss(mg.tensor([1.0, 3.0]), mg.tensor([1.0, 1.0]))
    tensor(1.)
    """
    return difference(l1_op, input, target, reduction_of("l1_loss", reduction, size_average, reduce), weight)


def difference(op: Op, input: Any, target: Any, reduction: str, weight: Any, *settings: float) -> Any:
    """A loss of differences, averaged by weights if there are any."""
    if weight is None:
        return compare(op, input, target, reduction, *settings)
    return average_by(op, input, target, weight, reduction, *settings)


@public("function functional module")
def binary_cross_entropy(
    input: Any, target: Any, weight: Any = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """``-(t log(p) + (1 - t) log(1 - p))``; logarithms are not taken below -100, as in PyTorch.

    Args:
        input: probabilities p, from 0 to 1.
        target: t, from 0 to 1, of the same shape.
        weight: multiplies each element's loss, of a shape that broadcasts; the mean is that of the products.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: for an input outside [0, 1]: pass logits to the other function; for such a target.

    >>> mg.binary_cross_entropy(mg.tensor([0.5, 0.5]), mg.tensor([1.0, 0.0]))
    tensor(0.6931)
    """
    reduction = reduction_of("binary_cross_entropy", reduction, size_average, reduce)
    shape_of(input)
    cure = " For logits use binary_cross_entropy_with_logits (BCEWithLogitsLoss)."
    check(check_probabilities, array_of(input), "input", cure)
    target = matching(bce_op.name, input, target)
    check(check_probabilities, array_of(target), "target")
    return weighted_loss(bce_op, input, target, weight, reduction)


@public("function functional module")
def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", pos_weight: Any = None,
) -> Tensor:  # fmt: skip
    """``binary_cross_entropy(sigmoid(input), target)``, exact for logits of any size.

    Args:
        input: logits.
        target: 0 to 1, of the same shape.
        weight: multiplies each element's loss, of a shape that broadcasts; the mean is that of the products.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "mean", "sum" or "none".
        pos_weight: multiplies the part of the loss with ``log(sigmoid(input))``: more than 1 for classes that are rare,
            of a shape that broadcasts, (C,) say.

    >>> mg.binary_cross_entropy_with_logits(mg.tensor([0.0, 0.0]), mg.tensor([1.0, 0.0]))
    tensor(0.6931)
    """
    reduction = reduction_of("binary_cross_entropy_with_logits", reduction, size_average, reduce)
    if pos_weight is None:
        return weighted_loss(bce_with_logits_op, input, target, weight, reduction)
    # t * pos_weight and 1 - t are the weights of the two classes; log(sigmoid(x)) = -loss at t = 1
    target = matching(bce_with_logits_op.name, input, target)
    ones_, zeros_ = np.ones(input.shape, input.dtype), np.zeros(input.shape, input.dtype)
    positive = times(weighted(compare(bce_with_logits_op, input, ones_, "none"), target), pos_weight)
    losses = positive + weighted(compare(bce_with_logits_op, input, zeros_, "none"), 1 - target)
    return collect(times(losses, weight), reduction)


def weighted_loss(op: Op, input: Any, target: Any, weight: Any, reduction: str) -> Any:
    """A pairwise loss, each element of it multiplied with its weight, if there are any; the mean is that of these."""
    if weight is None:
        return compare(op, input, target, reduction)
    return collect(times(compare(op, input, target, "none"), weight), reduction)


def weighted(losses: Any, weight: Any) -> Any:
    """``losses * weight``; an infinite loss of weight 0 adds 0."""
    return where((weight == 0) & (losses == np.inf), 0, losses) * weight
