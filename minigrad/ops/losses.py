"""Losses: how far predictions are from targets, as one number to minimise.

``reduction`` is ``"mean"`` (over all elements), ``"sum"`` or ``"none"`` everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.modes import where as place
from ..engine.node import Variable, array_of, describe
from ..engine.op import Op
from ..kernels.sums import float16, float32, ones, vector_sum
from .arrays import number, row_numbers
from .elementwise import abs, clamp, log, sigmoid, sign, square, where
from .indexing import getitem
from .reductions import divided, mean, sum, widened
from .shapes import astype, permute, reshape, shape_of, unsqueeze
from .softmax import log_softmax, softmax

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction: str) -> None:
    """Refuse an unknown reduction."""
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        given = repr(reduction) if isinstance(reduction, str) else describe(reduction)
        raise ValueError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}, got {given}.")


def reduce(losses: Any, reduction: str) -> Any:
    """The mean or the sum of all elements, or the elements themselves."""
    return losses if reduction == "none" else mean(losses) if reduction == "mean" else sum(losses)


# -- losses of one prediction and one target ---------------------------------------------------


def pairwise_loss(
    name: str,
    loss: Callable[[Any, Any], Any],
    by_input: Callable[[Any, Any], Any],
    by_target: Callable[[Any, Any], Any],
    doc: str,
    mixes: bool = True,
) -> Op:
    """A loss that compares elements one by one, from the loss of a pair and its two derivatives.

    Of float16 all is computed in float32, and the result rounded.
    """

    def forward(input: ndarray, target: ndarray, reduction: str) -> ndarray:
        y = np.asarray(reduce(loss(widened(input), widened(target)), reduction))
        return y.astype(float16) if input.dtype == target.dtype == float16 else y

    def scaled(dy: Any, x: Any, reduction: str) -> Any:
        return divided(dy, elements(x)) if reduction == "mean" else widened(dy)

    def rule(derivative: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        return lambda dy, _y, input, target, reduction: (
            scaled(dy, input, reduction) * derivative(widened(input), widened(target))
        )

    return Op(name, forward, rule(by_input), rule(by_target), promotes=(0, 1), mixes=mixes, doc=doc)


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
    np.errstate(divide="ignore")(lambda p, t: log(1 - p) - log(p)),
    doc="``-(t log(p) + (1 - t) log(1 - p))``, reduced",
    mixes=False,
)


def logit_loss(x: ndarray, t: ndarray) -> ndarray:
    """``log(1 + exp(x)) - t x``, written so that exp cannot overflow and an infinite x can be right: it adds 0 then."""
    size, wrong = np.absolute(x), np.where(x > 0, 1 - t, t)
    return np.asarray(np.where(wrong == 0, 0, size * np.where(wrong == 0, 1, wrong)) + np.log1p(np.exp(-size)))


bce_with_logits_op = pairwise_loss(
    "bce_with_logits",
    logit_loss,
    lambda x, t: sigmoid(x) - t,
    lambda x, t: -x,
    doc="``-(t log(sigmoid(x)) + (1 - t) log(1 - sigmoid(x)))``, reduced",
)


def as_operand(value: Any, dtype: Any) -> Any:
    """What is no tensor or array (a number, nested lists) as an array; floats get ``dtype``."""
    if isinstance(value, (Variable, ndarray)):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"expected a tensor, got {describe(value)}: make it one, mg.tensor(...).")
    return array.astype(dtype) if array.dtype.kind == "f" else array


def matching(name: str, input: Any, target: Any) -> Any:
    """The target of a pairwise loss in floats; refused if it has not the shape of the input."""
    shape = shape_of(input)
    target = as_operand(target, input.dtype)
    if shape != target.shape:
        raise ValueError(
            f"{name}{place()}: input {shape} and target {target.shape} differ in shape; "
            "broadcasting them would compare elements that do not belong together. Reshape one, "
            "e.g. input.squeeze(1) or target.unsqueeze(1)."
        )
    return astype(target, input.dtype) if target.dtype.kind in "iub" else target


def check_probabilities(name: str, values: ndarray, cure: str = "") -> None:
    """Refuse an argument of binary_cross_entropy with elements that are not from 0 to 1."""
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            f"binary_cross_entropy{place()}: the {name} must be probabilities from 0 to 1, got "
            f"values from {values.min():.4g} to {values.max():.4g}.{cure}"
        )


def compare(op: Op, input: Any, target: Any, reduction: str, weight: Any = None) -> Any:
    """Apply a pairwise loss to tensors of one shape."""
    check_reduction(reduction)
    target = matching(op.name, input, target)
    return op(input, target, reduction) if weight is None else reduce(op(input, target, "none") * weight, reduction)


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """The squared error ``(input - target)**2``; both of one shape (a difference is refused)."""
    return compare(mse_op, input, target, reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """The absolute error ``|input - target|``; both of one shape (a difference is refused)."""
    return compare(l1_op, input, target, reduction)


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """``-(t log(p) + (1 - t) log(1 - p))``: input p are probabilities, target t are 0 to 1.

    Logarithms are not taken below -100, as in PyTorch. ``weight`` multiplies each element's loss.

    Raises:
        ValueError: for an input outside [0, 1]: pass logits to the other function; for such a target.
    """
    shape_of(input)
    cure = " For logits use binary_cross_entropy_with_logits (BCEWithLogitsLoss)."
    check_probabilities("input", array_of(input), cure)
    target = matching(bce_op.name, input, target)
    check_probabilities("target", array_of(target))
    return compare(bce_op, input, target, reduction, weight)


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """``binary_cross_entropy(sigmoid(input), target)``, exact for logits of any size.

    ``weight`` multiplies each element's loss, ``pos_weight`` the loss of the positive part.
    """
    if pos_weight is not None:
        # t * pos_weight and 1 - t are the weights of the two classes; log(sigmoid(x)) = -loss at t = 1
        check_reduction(reduction)
        target = matching(bce_with_logits_op.name, input, target)
        ones_, zeros_ = np.ones(input.shape, input.dtype), np.zeros(input.shape, input.dtype)
        positive = weighted(compare(bce_with_logits_op, input, ones_, "none"), target) * pos_weight
        losses = positive + weighted(compare(bce_with_logits_op, input, zeros_, "none"), 1 - target)
        return reduce(losses if weight is None else losses * weight, reduction)
    return compare(bce_with_logits_op, input, target, reduction, weight)


def weighted(losses: Any, weight: Any) -> Any:
    """``losses * weight``; an infinite loss of weight 0 adds 0."""
    return where((weight == 0) & (losses == np.inf), 0, losses) * weight


# -- losses of class scores and classes --------------------------------------------------------


def one_hot(target: Any, classes: int, dtype: Any) -> ndarray:
    """A row per class index, zero but for a one at the index."""
    index = array_of(target)
    rows = np.zeros((len(index), classes), dtype)
    rows[np.arange(len(index)), index] = 1
    return rows


def cross_entropy_forward(x: ndarray, target: ndarray, reduction: str) -> tuple[ndarray, Any]:
    """The loss of rows of logits; and their softmax, a row per class, with the places of the targets in it, flattened.

    Classes come first in memory because NumPy adds up few long rows faster than many short ones; one index per
    element is faster than two.
    """
    n = len(x)
    places = target.astype(np.intp, casting="same_kind", copy=False) * number(n, np.dtype(np.intp))
    places += row_numbers(n)
    z = x.T.copy()
    z -= np.maximum.reduce(z)
    picked = z.reshape(-1)[places]
    p = np.exp(z, z)
    total = ones(len(p), p.dtype).dot(p)
    p /= total
    losses = np.log(total, total)
    losses -= picked
    if reduction == "none":
        return losses, (p, places)
    loss = vector_sum(losses)
    return np.asarray(loss / n if reduction == "mean" else loss, x.dtype), (p, places)


def cross_entropy_fused(
    dy: ndarray, cache: tuple[ndarray, ndarray], needs: Any, _y: Any, x: Any, target: Any, reduction: str
) -> Any:
    """``(softmax(x) - one_hot(target)) * dy``, from the softmax that forward computed; in float32 or float64."""
    p, places = cache
    scale = dy / number(p.shape[1], p.dtype) if reduction == "mean" else dy
    dx = p * scale
    flat = dx.reshape(-1)
    flat[places] -= scale
    return dx.T, None


def scale_of_rows(dy: Any, x: Any, reduction: str) -> Any:
    """The gradient of each row's loss, to be multiplied with a row."""
    return unsqueeze(dy, 1) if reduction == "none" else divided(dy, x.shape[0]) if reduction == "mean" else dy


cross_entropy_op = Op(
    "cross_entropy",
    lambda x, target, reduction: cross_entropy_forward(x, target, reduction)[0],
    lambda dy, _y, x, target, reduction: (
        (softmax(x, 1) - one_hot(target, x.shape[1], x.dtype)) * scale_of_rows(dy, x, reduction)
    ),
    None,
    fused=cross_entropy_fused,
    doc="``log(sum(exp(x))) - x[target]`` of each row, reduced",
)


def classes_of(x: Any) -> int:
    """How many classes scores (N, C, ...) or (C,) are of."""
    return x.shape[1 if len(x.shape) > 1 else 0]


def check_classes(name: str, x: ndarray, target: Any, ignore_index: int) -> tuple[ndarray, bool]:
    """The targets of scores ``x`` as an array of class indices, and whether some may have to be ignored.

    Refused where one is no class of ``x`` and not to be ignored.
    """
    array = target.array if isinstance(target, Variable) else np.asarray(target)
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"{name}{place()}: the target must be class indices (integers), got {array.dtype} {array.shape}. "
            "Convert it, e.g. target.long()."
        )
    shape = x.shape
    expected = (shape[0], *shape[2:]) if len(shape) > 1 else ()
    if array.shape != expected:
        raise ValueError(
            f"{name}{place()}: input {shape} wants a target {expected} of class indices, got {array.shape}."
        )
    classes = classes_of(x)
    # argmax finds the largest several times faster than max
    outside = array.size > 0 and (array.item(array.argmax()) >= classes or array.item(array.argmin()) < 0)
    if outside:
        wrong = array[((array < 0) | (array >= classes)) & (array != ignore_index)]
        if wrong.size:
            raise ValueError(
                f"{name}{place()}: target {wrong.flat[0]} is no class: input {shape} has classes 0 to {classes - 1}."
            )
    return array, outside or 0 <= ignore_index < classes


def check_scores(name: str, x: Any, weight: Any) -> Any:
    """The weights of the classes, at least in float32, or None. They, and what should be scores, are refused if they
    cannot be used."""
    if not isinstance(x, ndarray) or x.dtype.kind != "f" or not x.ndim:
        shape_of(x)  # refuses what has none
        raise TypeError(f"{name}{place()}: expected a float per class, (N, C, ...) or (C,), got {describe(x)}.")
    if weight is None:
        return None
    weight = as_operand(weight, x.dtype)
    if weight.shape != (classes_of(x),):
        raise ValueError(
            f"{name}{place()}: input {x.shape} wants a weight ({classes_of(x)},), one per class, got {weight.shape}."
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
    return where(ignored, 0, rows) if ignored.any() else rows


def over_targets(losses: Any, target: ndarray, weight: Any, ignore_index: int, reduction: str) -> Any:
    """Reduce a loss per target. What is to be ignored counts for nothing; the mean is the weighted mean."""
    counts = target != ignore_index
    losses = where(counts, reshape(losses, target.shape), 0)
    if reduction != "mean":
        return reduce(losses, reduction)
    if weight is None:
        total: Any = np.count_nonzero(counts)
    else:
        total = sum(where(counts, getitem(weight, classes_to_pick(target, ignore_index)), 0))
    # of no targets the mean is NaN, and their gradient is still 0
    return sum(losses) / total if total else sum(losses) + np.nan


def nll_loss(input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Any:
    """The negative log likelihood ``-weight[t] * input[t]`` of class indices t.

    Args:
        input: log-probabilities (N, C), (N, C, ...) or (C,), as from ``log_softmax``.
        target: class indices, the input's shape without C.
        weight: a weight per class (C,); the mean is then the weighted mean.
        ignore_index: targets of this value do not count.
        reduction: "mean", "sum" or "none".
    """
    check_reduction(reduction)
    scores = array_of(input)
    weight = check_scores("nll_loss", scores, weight)
    array, _ = check_classes("nll_loss", scores, target, ignore_index)
    if scores.dtype == float16:
        return astype(nll_loss(astype(input, float32), target, weight, ignore_index, reduction), float16)
    picked = classes_to_pick(array.ravel(), ignore_index)
    rows = without_ignored(class_rows(input), array, ignore_index)
    losses = -getitem(rows, (np.arange(picked.size), picked))
    losses = losses if weight is None else losses * getitem(weight, picked)
    return over_targets(losses, array, weight, ignore_index, reduction)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """``nll_loss(log_softmax(input), target)``: how improbable the right classes were, in nats.

    Args:
        input: logits (N, C), (N, C, ...) or (C,): no softmax before it.
        target: class indices, the input's shape without C, or class probabilities, its shape.
        weight: a weight per class (C,); with class indices the mean is the weighted mean.
        ignore_index: class indices of this value do not count.
        reduction: "mean" (over all targets), "sum" or "none".
        label_smoothing: 0 to 1, the part of the target that is spread over all classes evenly.

    Of float16 all is computed in float32, and the result rounded.

    Raises:
        ValueError, TypeError: for targets of another shape or kind, or that are no class.
    """
    check_reduction(reduction)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must be from 0 to 1, got {label_smoothing}.")
    scores = array_of(input)
    weight = check_scores("cross_entropy", scores, weight)
    if scores.dtype == float16:
        wide = astype(input, float32)
        return astype(cross_entropy(wide, target, weight, ignore_index, reduction, label_smoothing), float16)
    target = as_operand(target, scores.dtype)
    array = array_of(target)
    if array.shape == scores.shape and array.dtype.kind == "f":
        return cross_entropy_of_probabilities(input, target, weight, reduction, float(label_smoothing))
    array, some_ignored = check_classes("cross_entropy", scores, array, ignore_index)
    if weight is None and not label_smoothing and scores.ndim == 2 and array.size and not some_ignored:
        y, cache = cross_entropy_forward(scores, array, reduction)
        if scores is input:
            return y
        return cross_entropy_op.record(y, cache, input, target, reduction)
    rows = log_softmax(without_ignored(class_rows(input), array, ignore_index), 1)
    loss = nll_loss(rows, array.ravel(), weight, ignore_index, reduction)
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
    return reshape(losses, shape) if reduction == "none" else reduce(losses, reduction)
