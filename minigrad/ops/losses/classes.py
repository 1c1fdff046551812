"""Losses: how far predictions are from targets, as one number to minimise.

``reduction`` is ``"mean"`` (over all elements), ``"sum"`` or ``"none"`` everywhere.
"""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ...engine.arguments import real
from ...engine.dtypes import native, refuse_two_floats
from ...engine.errors import InvalidTypeError, InvalidValueError, OutsideError
from ...engine.faces import public
from ...engine.host import check
from ...engine.node import array_of, describe, is_stand_in
from ...engine.op import Op
from ...engine.scope import call_path
from ...kernels.constants import float16, float32
from ...kernels.cross_entropy import cross_entropy_forward, cross_entropy_fused
from ...kernels.sums import plain_sum
from ..arguments import shape_of
from ..choosing import where
from ..indexing import getitem
from ..reductions import divided, sum, widened
from ..shapes import astype, permute, reshape, unsqueeze
from ..softmax import log_softmax, softmax
from .pairs import weighted
from .reduction import as_operand, reduction_of
from .reduction import reduce as collect

if TYPE_CHECKING:
    from ...tensor.tensor import Tensor

__all__ = ["cross_entropy", "nll_loss"]


CLASS_DTYPES = (np.dtype(np.int64), np.dtype(np.uint8))
"""The dtypes that class indices may have, as in PyTorch."""


def one_hot(target: Any, classes: int, dtype: Any) -> Any:
    """A row per class index, zero but for a one at the index; all zeros for what is no class."""
    return (array_of(target)[:, None] == np.arange(classes)).astype(dtype)


def counted(target: Any, ignore_index: int, dtype: Any) -> Any:
    """How many targets are not to be ignored, as a float."""
    return np.add.reduce(target != ignore_index, None).astype(dtype)


def definition(x: Any, target: Any, reduction: str, ignore_index: int = -100) -> Any:
    """``log(sum(exp(x))) - x[target]`` of each row that is not to be ignored, reduced."""
    z = x - np.maximum.reduce(x, 1, keepdims=True)
    picked = z[np.arange(len(x)), classes_to_pick(target, ignore_index)]
    used = target != ignore_index
    row_losses = np.log(plain_sum(np.exp(z), (1,))) - picked
    losses = np.where(used, row_losses, x.dtype.type(0))
    if reduction == "none":
        return losses
    loss = plain_sum(losses, (0,))
    return loss / counted(target, ignore_index, x.dtype) if reduction == "mean" else loss


def by_scores(dy: Any, _y: Any, x: Any, target: Any, reduction: str, ignore_index: int = -100) -> Any:
    """``(softmax(x) - one_hot(target)) * dy`` of each row that is not to be ignored"""
    target = array_of(target)
    d_loss = divided(dy, counted(target, ignore_index, x.dtype)) if reduction == "mean" else dy
    scale = unsqueeze(where(target != ignore_index, d_loss, 0), 1)
    return (softmax(x, 1) - one_hot(target, x.shape[1], x.dtype)) * scale


cross_entropy_op = Op(
    "cross_entropy",
    definition,
    by_scores,
    None,
    kernel=cross_entropy_forward,
    caches=True,
    on_arrays=cross_entropy_fused,
    doc="``log(sum(exp(x))) - x[target]`` of each row, reduced; its kernel is for targets none of which is ignored",
)


def classes_of(x: Any) -> int:
    """How many classes scores (N, C, ...) or (C,) are of."""
    return x.shape[1 if len(x.shape) > 1 else 0]


def check_classes(name: str, x: ndarray, target: Any, ignore_index: int) -> tuple[ndarray, bool]:
    """The targets of scores ``x`` as an array of class indices, and whether some may have to be ignored.

    Refused where one is no class of ``x`` and not to be ignored.
    """
    array = array_of(target)
    if native(array.dtype) not in CLASS_DTYPES:
        raise InvalidTypeError(
            f"{name}{call_path()}: the target must be class indices (int64 or uint8), got {array.dtype} {array.shape}. "
            "Convert it, e.g. target.long()."
        )
    shape = x.shape
    expected = (shape[0], *shape[2:]) if len(shape) > 1 else ()
    if array.shape != expected:
        raise InvalidValueError(
            f"{name}{call_path()}: input {shape} wants a target {expected} of class indices, got {array.shape}."
        )
    classes = classes_of(x)
    if type(array) is not ndarray and is_stand_in(array):  # its values are others in each step
        check(some_ignored, array, name, shape, classes, ignore_index)
        return array, True
    return array, some_ignored(array, name, shape, classes, ignore_index)


def some_ignored(array: ndarray, name: str, shape: tuple[int, ...], classes: int, ignore_index: int) -> bool:
    """Whether some targets may have to be ignored; refused where one is no class and not to be ignored."""
    # argmax finds the largest several times faster than max
    outside = array.size > 0 and (array.item(array.argmax()) >= classes or array.item(array.argmin()) < 0)
    if outside:
        wrong = array[((array < 0) | (array >= classes)) & (array != ignore_index)]
        if wrong.size:
            raise OutsideError(
                f"{name}{call_path()}: target {wrong.flat[0]} is no class: input {shape} has classes 0 to "
                f"{classes - 1}."
            )
    return outside or 0 <= ignore_index < classes


def check_index(name: str, ignore_index: Any, cure: str = "") -> None:
    """Refuse an index to ignore that is no integer; ``cure`` goes behind the message."""
    if not isinstance(ignore_index, numbers.Integral) or isinstance(ignore_index, bool):
        raise TypeError(f"{name}{call_path()}: ignore_index must be an int, got {describe(ignore_index)}.{cure}")


def check_smoothing(label_smoothing: Any) -> float:
    """How much of the target is spread over all classes, as Python's own number; refused unless it is from 0 to 1."""
    return real(label_smoothing, lambda part: 0 <= part <= 1, "label_smoothing must be a number from 0 to 1")


def check_scores(name: str, x: Any, weight: Any) -> Any:
    """The weights of the classes, at least in float32, or None.

    They, and what should be scores, are refused if they cannot be used.
    """
    if not isinstance(x, ndarray) or x.dtype.kind != "f" or not x.ndim:
        shape_of(x)  # refuses what has none
        raise InvalidTypeError(
            f"{name}{call_path()}: expected a float per class, (N, C, ...) or (C,), got {describe(x)}."
        )
    if weight is None:
        return None
    weight = as_operand(weight, x.dtype)
    refuse_two_floats(name, ("input", "weight"), (x, weight))
    if weight.shape != (classes_of(x),):
        raise InvalidValueError(
            f"{name}{call_path()}: input {x.shape} wants a weight ({classes_of(x)},), one per class, "
            f"got {weight.shape}."
        )
    return widened(weight)


def class_rows(x: Any) -> Any:
    """Scores (N, C, ...) or (C,) as rows (M, C)."""
    if len(x.shape) == 1:
        return reshape(x, (1, -1))
    if len(x.shape) > 2:
        x = permute(x, (0, *range(2, len(x.shape)), 1))
    return reshape(x, (-1, x.shape[-1])) if len(x.shape) > 2 else x


def classes_to_pick(target: ndarray, ignore_index: int) -> ndarray:
    """A class index for every target: 0 stands in for what is to be ignored."""
    return np.where(target != ignore_index, target, 0)


def without_ignored(rows: Any, target: ndarray, ignore_index: int) -> Any:
    """Rows of scores with zeros for those to be ignored, of which nothing may come back, not even NaN."""
    ignored = target.reshape(-1, 1) == ignore_index
    return where(ignored, 0, rows) if is_stand_in(ignored) or ignored.any() else rows


def over_targets(losses: Any, target: ndarray, weight: Any, ignore_index: int, reduction: str) -> Any:
    """Reduce a loss per target. What is to be ignored counts for nothing; the mean is the weighted mean."""
    counts = target != ignore_index
    losses = where(counts, reshape(losses, target.shape), 0)
    if reduction != "mean":
        return collect(losses, reduction)
    if weight is None:
        stands_in = is_stand_in(counts)
        total: Any = counted(target, ignore_index, losses.dtype) if stands_in else np.count_nonzero(counts)
    else:
        total = sum(where(counts, getitem(weight, classes_to_pick(target, ignore_index)), 0))
    if is_stand_in(array_of(total)):
        return sum(losses) / total
    # of no targets the mean is NaN, and their gradient is still 0
    return sum(losses) / total if total else sum(losses) + np.nan


@public("function functional module")
def nll_loss(
    input: Any, target: Any, weight: Any = None, size_average: Any = None, ignore_index: int = -100,
    reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The negative log likelihood ``-weight[t] * input[t]`` of class indices t.

    Args:
        input: log-probabilities (N, C), (N, C, ...) or (C,), as from ``log_softmax``.
        target: class indices, the input's shape without C.
        weight: a weight per class (C,), of the input's dtype; the mean is then the weighted mean.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        ignore_index: targets of this value do not count.
        reduction: "mean", "sum" or "none".

    >>> mg.nll_loss(mg.tensor([[-0.5, -1.0]]), mg.tensor([1]))
    tensor(1.)
    """
    reduction = reduction_of("nll_loss", reduction, size_average, reduce)
    if type(ignore_index) is not int:
        check_index("nll_loss", ignore_index)
    scores = array_of(input)
    weight = check_scores("nll_loss", scores, weight)
    array, _ = check_classes("nll_loss", scores, as_operand(target, scores.dtype), ignore_index)
    if scores.dtype == float16:
        return astype(log_likelihoods(astype(input, float32), array, weight, ignore_index, reduction), float16)
    return log_likelihoods(input, array, weight, ignore_index, reduction)


def log_likelihoods(input: Any, array: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    """``-weight[t] * input[t]`` of class indices that are right, reduced."""
    picked = classes_to_pick(array.ravel(), ignore_index)
    rows = without_ignored(class_rows(input), array, ignore_index)
    losses = -getitem(rows, (np.arange(picked.size), picked))
    losses = losses if weight is None else losses * getitem(weight, picked)
    return over_targets(losses, array, weight, ignore_index, reduction)


@public("function functional module")
def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """``nll_loss(log_softmax(input), target)``: how improbable the right classes were, in nats.

    Args:
        input: logits (N, C), (N, C, ...) or (C,): no softmax before it.
        target: class indices, the input's shape without C, or class probabilities, its shape.
        weight: a weight per class (C,), of the input's dtype; with class indices the mean is the weighted mean.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        ignore_index: class indices of this value do not count.
        reduction: "mean" (over all targets), "sum" or "none".
        label_smoothing: 0 to 1, the part of the target that is spread over all classes evenly (C. Szegedy et al.,
            Rethinking the inception architecture for computer vision, 2016).

    Of float16 all is computed in float32, and the result rounded.

    Raises:
        ValueError, TypeError: for targets of another shape or kind, or that are no class.

    >>> mg.cross_entropy(mg.tensor([[0.0, 0.0], [0.0, 10.0]]), mg.tensor([0, 1]))
    tensor(0.3466)
    """
    reduction = reduction_of("cross_entropy", reduction, size_average, reduce)
    if type(label_smoothing) is not float or label_smoothing != 0:
        label_smoothing = check_smoothing(label_smoothing)
    if type(ignore_index) is not int:
        check_index("cross_entropy", ignore_index)
    scores = array_of(input)
    weight = check_scores("cross_entropy", scores, weight)
    if scores.dtype == float16:
        wide = astype(input, float32)
        return astype(
            cross_entropy(
                wide, target, weight, ignore_index=ignore_index, reduction=reduction, label_smoothing=label_smoothing
            ),
            float16,
        )
    target = as_operand(target, scores.dtype)
    array = array_of(target)
    if array.shape == scores.shape and array.dtype.kind == "f":
        return cross_entropy_of_probabilities(input, target, weight, reduction, label_smoothing)
    array, ignores = check_classes("cross_entropy", scores, array, ignore_index)
    if weight is None and not label_smoothing and scores.ndim == 2 and array.size:
        if not ignores:
            y: Any
            y, cache = cross_entropy_op.compute(scores, array, reduction)
            return y if scores is input else cross_entropy_op.record(y, cache, input, target, reduction)
        if is_stand_in(array):
            return cross_entropy_op(input, target, reduction, ignore_index)
    rows = log_softmax(without_ignored(class_rows(input), array, ignore_index), 1)
    loss = log_likelihoods(rows, array.ravel(), weight, ignore_index, reduction)
    loss = reshape(loss, array.shape) if reduction == "none" else loss
    if not label_smoothing:
        return loss
    spread_out = -sum(rows if weight is None else rows * weight, 1)
    smooth = over_targets(spread_out, array, weight, ignore_index, reduction)
    return (1 - label_smoothing) * loss + label_smoothing / rows.shape[1] * smooth


def cross_entropy_of_probabilities(input: Any, target: Any, weight: Any, reduction: str, label_smoothing: float) -> Any:
    """Cross entropy with a distribution over the classes as target; the mean is over targets."""
    rows, wanted = class_rows(input), class_rows(target)
    classes = rows.shape[1]
    wanted = wanted * (1 - label_smoothing) + label_smoothing / classes if label_smoothing else wanted
    losses = weighted(-log_softmax(rows, 1), wanted)
    losses = sum(losses if weight is None else losses * weight, 1)
    shape = (input.shape[0], *input.shape[2:]) if len(input.shape) > 1 else ()
    return reshape(losses, shape) if reduction == "none" else collect(losses, reduction)
