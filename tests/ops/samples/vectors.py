"""Samples of normalisation by a sample's own statistics, of distances, and of tables of vectors."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.ops.distances import clamped_from_below
from minigrad.ops.random import alpha_dropout, dropout, gumbel_softmax
from tests.helpers.inputs import distinct
from tests.helpers.oracles import softmax_formula
from tests.ops.samples.sample import Sample


def standardised(x: Any, axes: Any, eps: float = 1e-5) -> Any:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def last(rank: int) -> tuple[int, ...]:
    return tuple(range(-rank, 0))


def per_channel(vector: Any, ndim: int) -> Any:
    return np.reshape(vector, (-1, *(1,) * (ndim - 2)))


def groups_formula(x: Any, weight: Any = 1.0, bias: Any = 0.0, groups: int = 2) -> Any:
    y = standardised(x.reshape(x.shape[0], groups, -1), 2).reshape(x.shape)
    return y * per_channel(weight, x.ndim) + per_channel(bias, x.ndim)


def instances_formula(x: Any, weight: Any = 1.0, bias: Any = 0.0) -> Any:
    return standardised(x, tuple(range(2, x.ndim))) * per_channel(weight, x.ndim) + per_channel(bias, x.ndim)


def rms_formula(x: Any, weight: Any = 1.0, rank: int = 1, eps: float = np.finfo(float).eps) -> Any:
    return x / np.sqrt((x * x).mean(last(rank), keepdims=True) + eps) * weight


def local_response_formula(x: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        first = c - size // 2
        near = x[:, max(first, 0) : first + size]
        y[:, c] = x[:, c] / (k + alpha * (near**2).sum(1) / size) ** beta
    return y


NORMS: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[tuple[int, ...]]]] = {
    "layer_norm": (lambda x: F.layer_norm(x, (5,)), lambda x: standardised(x, -1), [(3, 5)]),
    "layer_norm affine": (
        lambda x, w, b: F.layer_norm(x, (5,), w, b), lambda x, w, b: standardised(x, -1) * w + b, [(3, 5), (5,), (5,)],
    ),
    "layer_norm scaled": (
        lambda x, w: F.layer_norm(x, 4, w, eps=0.1), lambda x, w: standardised(x, -1, 0.1) * w, [(2, 2, 4), (4,)],
    ),
    "layer_norm shifted": (
        lambda x, b: F.layer_norm(x, [2, 3], None, b), lambda x, b: standardised(x, last(2)) + b, [(2, 2, 3), (2, 3)],
    ),
    "layer_norm of all": (lambda x: F.layer_norm(x, (4,)), lambda x: standardised(x, 0), [(4,)]),
    "group_norm": (lambda x: F.group_norm(x, 2), groups_formula, [(2, 4, 3)]),
    "group_norm affine": (lambda x, w, b: F.group_norm(x, 2, w, b), groups_formula, [(2, 4, 2, 1), (4,), (4,)]),
    "group_norm (N, C)": (lambda x, w: F.group_norm(x, 2, w), groups_formula, [(2, 6), (6,)]),
    "instance_norm": (F.instance_norm, instances_formula, [(2, 3, 4)]),
    "instance_norm affine": (
        lambda x, w, b: F.instance_norm(x, None, None, w, b), instances_formula, [(2, 3, 2, 2), (3,), (3,)],
    ),
    "rms_norm": (lambda x: F.rms_norm(x, (5,), eps=1e-3), partial(rms_formula, eps=1e-3), [(3, 5)]),
    "rms_norm scaled": (
        lambda x, w: F.rms_norm(x, (2, 3), w, eps=0.5), partial(rms_formula, rank=2, eps=0.5), [(2, 2, 3), (2, 3)],
    ),
    "local_response_norm": (
        lambda x: F.local_response_norm(x, 3, 0.7, 0.6, 1.5),
        lambda x: local_response_formula(x, 3, 0.7, 0.6, 1.5), [(2, 5, 2)],
    ),
    "local_response_norm 4 of 2": (
        lambda x: F.local_response_norm(x, 4, alpha=2.0), lambda x: local_response_formula(x, 4, 2.0), [(1, 2, 2, 2)],
    ),
}  # fmt: skip


def length(x: Any, p: float, axes: Any = -1, keepdims: bool = False) -> Any:
    if np.isinf(p):
        return (np.max if p > 0 else np.min)(abs(x), axis=axes, keepdims=keepdims)
    return (abs(x) ** p).sum(axis=axes, keepdims=keepdims) ** (1 / p)


def cosine(a: Any, b: Any, axis: int) -> Any:
    return (a * b).sum(axis) / (length(a, 2, axis) * length(b, 2, axis))


def norms() -> Iterator[Sample]:
    for name, (function, formula, shapes) in NORMS.items():
        yield Sample(name, function, formula, distinct(*shapes))
    yield Sample("clamped_from_below", lambda x: clamped_from_below(x, -9), lambda x: x, distinct((3,)))


def distances() -> Iterator[Sample]:
    for p in (2.0, 1, 0.5, 3, np.inf, -np.inf):
        yield Sample(
            f"normalize {p}", partial(F.normalize, p=p, dim=-1), lambda x, p=p: x / length(x, p, -1, True),
            distinct((3, 4)),
        )  # fmt: skip
        yield Sample(
            f"pairwise_distance {p}", partial(F.pairwise_distance, p=p), lambda a, b, p=p: length(a - b + 1e-6, p),
            distinct((2, 3), (2, 3), low=-2, high=1.7, seed=5),
        )  # fmt: skip
    yield Sample(
        "normalize (0, 1)", partial(F.normalize, dim=(0, 1)), lambda x: x / length(x, 2, None), distinct((2, 3))
    )
    yield Sample(
        "pairwise_distance keepdim", partial(mg.pairwise_distance, keepdim=True, eps=0.5),
        lambda a, b: length(a - b + 0.5, 2, -1, True), distinct((3, 4), (4,)),
    )  # fmt: skip
    for a, b, dim in [((3, 4), (3, 4), 1), ((4,), (3, 4), -1), ((2, 3, 2), (1, 3, 2), 1)]:
        yield Sample(
            f"cosine_similarity {a} {b}", partial(F.cosine_similarity, dim=dim), partial(cosine, axis=dim),
            distinct(a, b),
        )  # fmt: skip


INDEX = np.array([[1, 3, 1], [0, 1, 2]])


def dropped(x: Any, channels: bool = False) -> Any:
    return dropout(x, 0.4, np.random.default_rng(0), channels)


def dropped_formula(x: Any, channels: bool = False) -> Any:
    return kept(x, channels) * x / 0.6


def alpha_dropped(x: Any, channels: bool = False) -> Any:
    return alpha_dropout(x, 0.4, np.random.default_rng(0), channels)


def kept(x: Any, channels: bool = False) -> Any:
    shape = (*x.shape[:2], *(1,) * (x.ndim - 2)) if channels else x.shape
    return np.random.default_rng(0).random(shape, np.float32) >= 0.4


def alpha_formula(x: Any, channels: bool = False) -> Any:
    least = -1.0507009873554805 * 1.6732632423543772
    a = (0.6 * (1 + 0.4 * least**2)) ** -0.5
    return a * (np.where(kept(x, channels), x, least) - 0.4 * least)


def gumbel_formula(x: Any, tau: float) -> Any:
    return softmax_formula((x + np.random.default_rng(0).gumbel(size=x.shape)) / tau, 1)


def tables() -> Iterator[Sample]:
    for index in (INDEX, INDEX[0], np.array(2)):
        yield Sample(f"embedding {index.shape}", partial(F.embedding, index), lambda w, i=index: w[i], distinct((4, 2)))


def draws() -> Iterator[Sample]:
    """What draws at random, from a generator that starts anew in each call."""
    for (name, function, formula), channels in itertools.product(
        [
            ("dropout drawn", dropped, dropped_formula),
            ("alpha_dropout drawn", alpha_dropped, alpha_formula),
        ],
        (False, True),
    ):
        function, formula = partial(function, channels=channels), partial(formula, channels=channels)
        yield Sample(name + " channels" * channels, function, formula, distinct((2, 3, 2)))
    yield Sample(
        "gumbel_softmax drawn", lambda x: gumbel_softmax(x, 2.0, False, 1, np.random.default_rng(0)),
        partial(gumbel_formula, tau=2.0), distinct((2, 3)),
    )  # fmt: skip
