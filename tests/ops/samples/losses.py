"""Samples of softmax and the losses."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.inputs import distinct
from tests.helpers.oracles import REDUCE, cross_entropy_formula, softmax_formula
from tests.ops.samples.sample import Sample

PAIRWISE: dict[str, tuple[Callable[..., Any], Callable[..., Any], float, float]] = {
    "mse_loss": (F.mse_loss, lambda x, t: (x - t) ** 2, -2, 2),
    "l1_loss": (F.l1_loss, lambda x, t: np.where(x > t, x - t, t - x), -2, 2),
    "bce": (
        F.binary_cross_entropy,
        lambda p, t: -(t * np.log(p) + (1 - t) * np.log(1 - p)),
        0.1,
        0.9,
    ),
    "bce_with_logits": (
        F.binary_cross_entropy_with_logits,
        lambda x, t: np.log(1 + np.exp(x)) - t * x,
        -2,
        2,
    ),
}

CLASSES = np.array([2, 0, 1, 2])
SOME_IGNORED = np.array([2, -100, 1, -100])
CLASS_WEIGHT = np.array([0.5, 2.0, 1.25])

CROSS_ENTROPIES: dict[str, tuple[tuple[int, ...], Any, dict[str, Any]]] = {
    "plain": ((4, 3), CLASSES, {}),
    "ignored": ((4, 3), SOME_IGNORED, {}),
    "a class ignored": ((4, 3), CLASSES, {"ignore_index": 2}),
    "smoothed": ((4, 3), CLASSES, {"label_smoothing": 0.1}),
    "smoothed ignored": ((4, 3), SOME_IGNORED, {"label_smoothing": 0.3}),
    "one": ((3,), np.array(1), {}),
    "(N, C, L)": ((2, 3, 2), CLASSES.reshape(2, 2), {}),
    "(N, C, L) ignored": ((2, 3, 2), SOME_IGNORED.reshape(2, 2), {"label_smoothing": 0.2}),
    "(N, C, H, W)": ((1, 3, 2, 2), CLASSES.reshape(1, 2, 2), {}),
}

PROBABILITIES: dict[str, tuple[tuple[int, ...], float]] = {
    "plain": ((2, 3), 0.0),
    "smoothed": ((2, 3), 0.1),
    "one": ((3,), 0.0),
    "(N, C, L)": ((2, 3, 2), 0.2),
}


def reduced(formula: Callable[..., Any], reduction: str) -> Callable[..., Any]:
    """A formula for the loss of each element, and the reduction after it."""
    return lambda *inputs: REDUCE[reduction](formula(*inputs))


def softmaxes() -> Iterator[Sample]:
    for shape, dim in [((4,), 0), ((2, 3), 0), ((2, 3), -1), ((2, 2, 3), 1)]:
        formula = partial(softmax_formula, axis=dim)
        yield Sample(f"softmax {shape} {dim}", partial(mg.softmax, dim=dim), formula, distinct(shape))
        yield Sample(
            f"log_softmax {shape} {dim}",
            partial(mg.log_softmax, dim=dim),
            lambda x, formula=formula: np.log(formula(x)),
            distinct(shape),
        )


def losses() -> Iterator[Sample]:
    for reduction in REDUCE:
        for (name, (function, formula, low, high)), shape in itertools.product(PAIRWISE.items(), [(), (2, 3)]):
            yield Sample(
                f"{name} {shape} {reduction}",
                partial(function, reduction=reduction),
                reduced(formula, reduction),
                distinct(shape, shape, low=low, high=high),
            )
        yield Sample(
            f"bce weight {reduction}",
            partial(F.binary_cross_entropy, reduction=reduction),
            reduced(lambda p, t, w: -w * (t * np.log(p) + (1 - t) * np.log(1 - p)), reduction),
            distinct((2, 3), (2, 3), (3,), low=0.1, high=0.9),
        )
        yield Sample(
            f"bce_with_logits weights {reduction}",
            lambda x, t, w, pw, reduction=reduction: F.binary_cross_entropy_with_logits(
                x, t, w, reduction=reduction, pos_weight=pw
            ),
            reduced(
                lambda x, t, w, pw: w * (pw * t * np.log(1 + np.exp(-x)) + (1 - t) * np.log(1 + np.exp(x))), reduction
            ),
            distinct((2, 3), (2, 3), (2, 3), (3,), low=0.1, high=0.9),
        )


def class_losses() -> Iterator[Sample]:
    """With and without a weight per class, which is differentiable, too."""
    for (name, (shape, target, options)), reduction in itertools.product(CROSS_ENTROPIES.items(), REDUCE):
        options = {"reduction": reduction, **options}
        # of log-probabilities, which the softmax in the formula leaves as they are
        log_p = np.log(softmax_formula(*distinct(shape), axis=1 if len(shape) > 1 else 0))
        cases = [("cross_entropy", F.cross_entropy, distinct(shape)), ("nll_loss", F.nll_loss, [log_p])]
        for (loss, function, inputs), weights in itertools.product(cases, [[], [CLASS_WEIGHT]]):
            if loss == "cross_entropy" or "label_smoothing" not in options:
                yield Sample(
                    f"{loss} {name} {reduction}" + " weight" * len(weights),
                    partial(of_classes, function=function, target=target, **options),
                    partial(of_classes, function=cross_entropy_formula, target=target, **options),
                    inputs + weights,
                )
    for (name, (shape, smoothing)), reduction, weights in itertools.product(
        PROBABILITIES.items(), REDUCE, [[], [CLASS_WEIGHT]]
    ):
        yield Sample(
            f"cross_entropy probabilities {name} {reduction}" + " weight" * len(weights),
            partial(F.cross_entropy, reduction=reduction, label_smoothing=smoothing),
            partial(cross_entropy_formula, reduction=reduction, label_smoothing=smoothing),
            [*distinct(shape), *distinct(shape, low=0.1, high=0.6, seed=3), *weights],
        )


def of_classes(x: Any, weight: Any = None, *, function: Callable[..., Any], target: Any, **options: Any) -> Any:
    return function(x, target, weight, **options)
