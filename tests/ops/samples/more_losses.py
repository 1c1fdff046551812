"""Samples of losses of differences, likelihoods and margins."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.inputs import distinct
from tests.helpers.oracles import REDUCE
from tests.ops.samples.sample import Sample

SIGNS = np.array([[1.0, -1, -1], [-1, 1, -1]])
CLASSES, SEVERAL = np.array([2, 0]), np.array([[2, 0, -1], [1, -1, 0]])
CLASS_WEIGHT = np.array([0.5, 2.0, 1.25])
WEIGHT = np.array([[0.5, 2.0, 1.25], [1.5, 0.25, 1.0]])


def positive(x: Any) -> Any:
    return np.maximum(x, 0)


def huber(d: Any, delta: float) -> Any:
    return np.where(abs(d) < delta, d * d / 2, delta * (abs(d) - delta / 2))


def poisson(x: Any, t: Any) -> Any:
    return np.exp(x) - t * x + np.where(t > 1, t * np.log(t) - t + np.log(2 * np.pi * t) / 2, 0)


def cosine(a: Any, b: Any, signs: Any, margin: float) -> Any:
    cosines = (a * b).sum(-1) / np.sqrt(((a * a).sum(-1) + 1e-12) * ((b * b).sum(-1) + 1e-12))
    return np.where(signs == 1, 1 - cosines, positive(cosines - margin))


def distance(a: Any, b: Any, p: float = 2, eps: float = 1e-6) -> Any:
    return (abs(a - b + eps) ** p).sum(-1) ** (1 / p)


def triplet(a: Any, p: Any, n: Any, margin: float = 1.0, power: float = 2, swap: bool = False) -> Any:
    far = np.minimum(distance(a, n, power), distance(p, n, power) if swap else np.inf)
    return positive(margin + distance(a, p, power) - far)


def multi_margin(x: Any, weight: Any = None, target: Any = CLASSES, p: int = 1, margin: float = 1.0) -> Any:
    found = []
    for row, t in zip(np.atleast_2d(x), np.atleast_1d(target)):
        scale = 1 if weight is None else weight[t]
        found.append(sum(scale * positive(margin - row[t] + row[i]) ** p for i in range(len(row)) if i != t) / len(row))
    return np.array(found).reshape(np.shape(target))


def multilabel_margin(x: Any, target: Any = SEVERAL) -> Any:
    found = []
    for row, places in zip(np.atleast_2d(x), np.atleast_2d(target)):
        right = list(itertools.takewhile(lambda t: t >= 0, places))
        others = set(range(len(row))) - set(right)
        found.append(sum(positive(1 - row[t] + row[i]) for t in right for i in others) / len(row))
    return np.array(found).reshape(x.shape[:-1])


def soft_labels(x: Any, t: Any, weight: Any = 1.0) -> Any:
    return ((np.log(1 + np.exp(x)) - t * x) * weight).mean(-1)


def sum_of_differences(a: Any, b: Any) -> Any:
    return mg.sum(mg.abs(a - b), -1)


def normal(x: Any, t: Any, var: Any) -> Any:
    return np.log(var) / 2 + (x - t) ** 2 / (2 * var)


PAIR, TRIPLE = [(2, 3)] * 2, [(3, 4)] * 3
ODD, UNIT, POSITIVE = {"low": -2, "high": 1.7}, {"low": 0.1, "high": 0.9}, {"low": 0.4, "high": 3}

LOSSES: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[Any]]] = {
    "smooth_l1_loss": (F.smooth_l1_loss, lambda x, t: huber(x - t, 1), distinct(*PAIR, **ODD)),
    "smooth_l1_loss 0.7": (
        partial(F.smooth_l1_loss, beta=0.7), lambda x, t: huber(x - t, 0.7) / 0.7, distinct(*PAIR, **ODD),
    ),
    "smooth_l1_loss 0": (partial(F.smooth_l1_loss, beta=0), lambda x, t: abs(x - t), distinct(*PAIR, **ODD)),
    "huber_loss": (F.huber_loss, lambda x, t: huber(x - t, 1), distinct(*PAIR, **ODD)),
    "huber_loss 1.7": (partial(F.huber_loss, delta=1.7), lambda x, t: huber(x - t, 1.7), distinct(*PAIR, **ODD)),
    "kl_div": (F.kl_div, lambda x, t: t * (np.log(t) - x), distinct(*PAIR, **UNIT)),
    "kl_div log_target": (
        partial(F.kl_div, log_target=True), lambda x, t: np.exp(t) * (t - x), distinct(*PAIR),
    ),
    "poisson_nll_loss": (F.poisson_nll_loss, lambda x, t: np.exp(x) - t * x, distinct(*PAIR)),
    "poisson_nll_loss full": (partial(F.poisson_nll_loss, full=True), poisson, distinct(*PAIR, **POSITIVE)),
    "poisson_nll_loss of counts": (
        partial(F.poisson_nll_loss, log_input=False, eps=1e-2), lambda x, t: x - t * np.log(x + 1e-2),
        distinct(*PAIR, **POSITIVE),
    ),
    "gaussian_nll_loss": (
        F.gaussian_nll_loss, normal, distinct(*PAIR, (2, 3), **POSITIVE),
    ),
    "gaussian_nll_loss full": (
        partial(F.gaussian_nll_loss, full=True),
        lambda x, t, v: np.log(2 * np.pi * v[:, None]) / 2 + (x - t) ** 2 / (2 * v[:, None]),
        distinct(*PAIR, (2,), **POSITIVE),
    ),
    "gaussian_nll_loss (2, 1)": (
        F.gaussian_nll_loss, normal, distinct(*PAIR, (2, 1), **POSITIVE),
    ),
    "gaussian_nll_loss 0.5": (
        lambda x, t, **reduction: F.gaussian_nll_loss(x, t, 0.5, **reduction),
        lambda x, t: np.log(0.5) / 2 + (x - t) ** 2, distinct(*PAIR),
    ),
    "hinge_embedding_loss": (
        lambda x, **reduction: F.hinge_embedding_loss(x, SIGNS.astype(int), 0.5, **reduction),
        lambda x: np.where(SIGNS == 1, x, positive(0.5 - x)), distinct((2, 3)),
    ),
    "soft_margin_loss": (
        lambda x, **reduction: F.soft_margin_loss(x, SIGNS.astype(int), **reduction),
        lambda x: np.log(1 + np.exp(-SIGNS * x)), distinct((2, 3)),
    ),
    "multilabel_soft_margin_loss": (F.multilabel_soft_margin_loss, soft_labels, distinct(*PAIR)),
    "multilabel_soft_margin_loss weight": (F.multilabel_soft_margin_loss, soft_labels, distinct(*PAIR, (3,), **UNIT)),
    "margin_ranking_loss": (
        lambda a, b, **reduction: F.margin_ranking_loss(a, b, SIGNS.astype(int), 0.25, **reduction),
        lambda a, b: positive(0.25 - SIGNS * (a - b)), distinct(*PAIR),
    ),
    "cosine_embedding_loss": (
        lambda a, b, **reduction: F.cosine_embedding_loss(a, b, SIGNS[0].astype(int), **reduction),
        lambda a, b: cosine(a, b, SIGNS[0], 0), distinct((3, 4), (3, 4)),
    ),
    "cosine_embedding_loss 0.1": (
        lambda a, b, **reduction: F.cosine_embedding_loss(a, b, -1, 0.1, **reduction),
        lambda a, b: cosine(a, b, -1, 0.1), distinct((4,), (4,), **UNIT),
    ),
    "triplet_margin_loss": (F.triplet_margin_loss, triplet, distinct(*TRIPLE)),
    "triplet_margin_loss p swap": (
        partial(F.triplet_margin_loss, margin=2.5, p=3, swap=True), partial(triplet, margin=2.5, power=3, swap=True),
        distinct(*TRIPLE),
    ),
    "triplet_margin_with_distance_loss": (
        partial(F.triplet_margin_with_distance_loss, distance_function=sum_of_differences, margin=4.0),
        lambda a, p, n: positive(4 + abs(a - p).sum(-1) - abs(a - n).sum(-1)), distinct(*TRIPLE),
    ),
    "triplet_margin_with_distance_loss pairwise_distance": (
        partial(F.triplet_margin_with_distance_loss, swap=True), partial(triplet, swap=True),
        distinct((4,), (4,), (4,)),
    ),
    "multi_margin_loss": (
        lambda x, **reduction: F.multi_margin_loss(x, CLASSES, **reduction), multi_margin, distinct((2, 3)),
    ),
    "multi_margin_loss p weight": (
        lambda x, w, **reduction: F.multi_margin_loss(x, CLASSES, 2, 0.5, w, **reduction),
        partial(multi_margin, p=2, margin=0.5), [*distinct((2, 3)), CLASS_WEIGHT],
    ),
    "multi_margin_loss one": (
        lambda x, **reduction: F.multi_margin_loss(x, 1, **reduction), partial(multi_margin, target=1), distinct((3,)),
    ),
    "multilabel_margin_loss": (
        lambda x, **reduction: F.multilabel_margin_loss(x, SEVERAL, **reduction), multilabel_margin, distinct((2, 3)),
    ),
    "multilabel_margin_loss one": (
        lambda x, **reduction: F.multilabel_margin_loss(x, SEVERAL[0], **reduction),
        partial(multilabel_margin, target=SEVERAL[0]), distinct((3,)),
    ),
}  # fmt: skip


def more_losses() -> Iterator[Sample]:
    for (name, (function, formula, inputs)), (reduction, reduce) in itertools.product(LOSSES.items(), REDUCE.items()):
        yield Sample(
            f"{name} {reduction}",
            partial(function, reduction=reduction),
            lambda *inputs, formula=formula, reduce=reduce: reduce(formula(*inputs)),
            inputs,
        )
    for (name, function, error), reduction in itertools.product(
        [("mse", F.mse_loss, np.square), ("l1", F.l1_loss, abs), ("huber", F.huber_loss, partial(huber, delta=1))],
        REDUCE,
    ):  # PyTorch's weighted mean of huber_loss is not divided by the sum of the weights
        yield Sample(
            f"{name}_loss weight {reduction}",
            lambda x, t, function=function, reduction=reduction: function(x, t, weight=WEIGHT, reduction=reduction),
            lambda x, t, error=error, reduction=reduction: (
                np.average(error(x - t), weights=WEIGHT)
                if reduction == "mean" and error in (np.square, abs)
                else REDUCE[reduction](error(x - t) * WEIGHT)
            ),
            distinct(*PAIR, **ODD),
        )
    yield Sample(
        "kl_div batchmean", partial(F.kl_div, reduction="batchmean"), lambda x, t: (t * (np.log(t) - x)).sum() / 2,
        distinct(*PAIR, **UNIT),
    )  # fmt: skip
