"""Samples of activations: each with its formula in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.ops.activation_pieces import rrelu
from tests.helpers.inputs import distinct
from tests.helpers.oracles import softmax_formula
from tests.ops.samples.sample import Sample

LOW, HIGH = 0.125, 0.25


def leaky(slope: Any) -> Callable[[Any], Any]:
    return lambda x: (x + abs(x)) / 2 + slope * (x - abs(x)) / 2


def elu(alpha: float, rate: float = 1, scale: float = 1) -> Callable[[Any], Any]:
    return lambda x: np.where(x > 0, scale * x, scale * alpha * (np.exp(rate * np.minimum(x, 0)) - 1))


SELU = elu(1.6732632423543772, scale=1.0507009873554805)

ACTIVATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "relu6": (lambda x: F.relu6(4 * x), lambda x: np.clip(4 * x, 0, 6)),
    "leaky_relu": (F.leaky_relu, leaky(0.01)),
    "leaky_relu 0.3": (lambda x: F.leaky_relu(x, 0.3), leaky(0.3)),
    "leaky_relu -2": (lambda x: F.leaky_relu(x, -2), leaky(-2)),
    "hardtanh": (F.hardtanh, lambda x: np.clip(x, -1, 1)),
    "hardtanh -0.5 0.75": (lambda x: F.hardtanh(x, -0.5, max_val=0.75), lambda x: np.clip(x, -0.5, 0.75)),
    "hardsigmoid": (lambda x: F.hardsigmoid(2 * x), lambda x: np.clip(x / 3 + 0.5, 0, 1)),
    "hardswish": (lambda x: F.hardswish(2 * x), lambda x: 2 * x * np.clip(x / 3 + 0.5, 0, 1)),
    "hardshrink": (mg.hardshrink, lambda x: x * (abs(x) > 0.5)),
    "hardshrink 1.25": (lambda x: F.hardshrink(x, 1.25), lambda x: x * (abs(x) > 1.25)),
    "softshrink": (F.softshrink, lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0)),
    "softshrink 1.25": (lambda x: F.softshrink(x, 1.25), lambda x: np.sign(x) * np.maximum(abs(x) - 1.25, 0)),
    "threshold": (lambda x: F.threshold(x, 0.25, -3), lambda x: np.where(x > 0.25, x, -3)),
    "elu": (F.elu, elu(1)),
    "elu 2": (lambda x: F.elu(x, 2.0), elu(2)),
    "celu": (F.celu, elu(1)),
    "celu 0.5": (lambda x: mg.celu(x, 0.5), elu(0.5, 2)),
    "celu -1": (lambda x: mg.celu(x, -1), elu(-1, -1)),
    "selu": (mg.selu, SELU),
    "silu": (F.silu, lambda x: x / (1 + np.exp(-x))),
    "mish": (F.mish, lambda x: x * np.tanh(np.log(1 + np.exp(x)))),
    "tanhshrink": (F.tanhshrink, lambda x: x - np.tanh(x)),
    "softsign": (F.softsign, lambda x: x / (1 + abs(x))),
    "logsigmoid": (F.logsigmoid, lambda x: -np.log(1 + np.exp(-x))),
}

SLOPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), ()), ((), (1,)), ((3,), (1,)), ((4, 3), (1,)), ((4, 3), (3,)), ((2, 3, 2), (3,)), ((1, 2, 2, 2), (2,)),
]  # fmt: skip


def prelu_formula(x: Any, weight: Any) -> Any:
    slopes = np.broadcast_to(weight.ravel(), x.shape[1:2] or (1,))
    return leaky(slopes.reshape(-1, *(1,) * (x.ndim - 2)) if x.ndim > 1 else slopes.reshape(()))(x)


def random_slopes(x: Any) -> Any:
    return rrelu(x, LOW, HIGH, True, np.random.default_rng(0))


def random_slopes_formula(x: Any) -> Any:
    return leaky(LOW + (HIGH - LOW) * np.random.default_rng(0).random(x.shape))(x)


def gated(x: Any, axis: int) -> Any:
    a, b = np.split(x, 2, axis)
    return a / (1 + np.exp(-b))


def activations() -> Iterator[Sample]:
    for name, (function, formula) in ACTIVATIONS.items():
        for shape in [(), (2, 7)]:
            yield Sample(f"{name} {shape}", function, formula, distinct(shape))
    for shape, slopes in SLOPES:
        yield Sample(f"prelu {shape} {slopes}", mg.prelu, prelu_formula, distinct(shape, slopes))
    yield Sample("rrelu", F.rrelu, leaky((1 / 8 + 1 / 3) / 2), distinct((2, 7)))
    yield Sample("rrelu drawn", random_slopes, random_slopes_formula, distinct((2, 7)))
    for shape, dim in [((4,), -1), ((2, 3), 0), ((3, 4, 1), 1)]:
        yield Sample(f"glu {shape}", partial(F.glu, dim=dim), partial(gated, axis=dim), distinct(shape))
    yield Sample("softmin", partial(F.softmin, dim=1), lambda x: softmax_formula(-x, 1), distinct((2, 3)))
