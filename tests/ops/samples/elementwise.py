"""Samples of elementwise operations."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample

UNARY: dict[str, tuple[Callable[..., Any], float, float]] = {
    "neg": (lambda x: -x, -2, 2),
    "abs": (lambda x: np.where(x < 0, -x, x), -2, 2),
    "exp": (np.exp, -2, 2),
    "log": (np.log, 0.2, 3),
    "log1p": (lambda x: np.log(1 + x), -0.8, 3),
    "sqrt": (lambda x: x**0.5, 0.2, 3),
    "square": (lambda x: x * x, -2, 2),
    "reciprocal": (lambda x: 1 / x, 0.3, 3),
    "sin": (np.sin, -3, 3),
    "cos": (np.cos, -3, 3),
    "tanh": (lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)), -2, 2),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), -4, 4),
    "relu": (lambda x: np.where(x > 0, x, 0), -2, 2),
}

CDF = np.vectorize(lambda x: math.erfc(-x / math.sqrt(2)) / 2, otypes=[float])


def gelu_by_tanh(x: Any) -> Any:
    return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def softplus(beta: float, threshold: float) -> Callable[[Any], Any]:
    return lambda x: np.where(beta * x > threshold, x, np.log(1 + np.exp(beta * x)) / beta)


BINARY: dict[str, tuple[Callable[..., Any], float, float]] = {
    "add": (lambda a, b: a + b, -2, 2),
    "sub": (lambda a, b: a - b, -2, 2),
    "mul": (lambda a, b: a * b, -2, 2),
    "div": (lambda a, b: a / b, 0.5, 2),
    "pow": (lambda a, b: a**b, 0.5, 2),
    "maximum": (lambda a, b: np.where(a > b, a, b), -2, 2),
    "minimum": (lambda a, b: np.where(a < b, a, b), -2, 2),
}

BROADCASTS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((), (2, 3)),
    ((2, 1, 3), (2, 1)),
    ((1, 1), (1,)),
    ((1, 3), (2, 2, 1)),
]

WITH_NUMBERS: dict[str, Callable[[Any], Any]] = {
    "x + 2": lambda x: x + 2,
    "2 + x": lambda x: 2 + x,
    "x - 0.5": lambda x: x - 0.5,
    "0.5 - x": lambda x: 0.5 - x,
    "x * 3": lambda x: x * 3,
    "3 * x": lambda x: 3 * x,
    "x / 4": lambda x: x / 4,
    "1 / x": lambda x: 1 / x,
    "x ** 2": lambda x: x**2,
    "x ** -1.5": lambda x: x**-1.5,
    "2 ** x": lambda x: 2**x,
    "x // 0.7": lambda x: x // 0.7,
    "1 // x": lambda x: 1 // x,
    "x % 0.7": lambda x: x % 0.7,
    "1 % x": lambda x: 1 % x,
    "+x": lambda x: +x,
    "x * x": lambda x: x * x,
}

CLAMPS: list[tuple[Any, Any]] = [(-0.5, 0.7), (None, 0.7), (-0.5, None), (1, -1)]


def elementwise() -> Iterator[Sample]:
    for name, (formula, low, high) in UNARY.items():
        for shape in [(), (3,), (2, 3)]:
            yield Sample(f"{name} {shape}", getattr(mg, name), formula, distinct(shape, low=low, high=high))
    for (name, (formula, low, high)), (a, b) in itertools.product(BINARY.items(), BROADCASTS):
        yield Sample(f"{name} {a} {b}", getattr(mg, name), formula, distinct(a, b, low=low, high=high))
    for name, function in WITH_NUMBERS.items():
        yield Sample(name, function, function, distinct((2, 3), low=0.5, high=2))
    for low, high in CLAMPS:
        clip = partial(np.clip, a_min=low, a_max=high)
        yield Sample(f"clamp {low} {high}", partial(mg.clamp, min=low, max=high), clip, distinct((3, 4)))
    for shape in [(), (3,), (2, 3)]:
        yield Sample(f"gelu {shape}", F.gelu, lambda x: x * CDF(x), distinct(shape))
        yield Sample(f"softplus {shape}", F.softplus, lambda x: np.log(1 + np.exp(x)), distinct(shape))
    for beta, threshold in [(3, 2.5), (0.5, -0.25), (-2, 1)]:
        function, formula = partial(F.softplus, beta=beta, threshold=threshold), softplus(beta, threshold)
        yield Sample(f"softplus {beta} {threshold}", function, formula, distinct((3, 4)))
    yield Sample("gelu tanh", partial(F.gelu, approximate="tanh"), gelu_by_tanh, distinct((2, 3)))
    yield Sample("sign", mg.sign, np.sign, distinct((2, 3)))
    yield Sample("clamp by tensors", mg.clamp, np.clip, distinct((2, 3), (3,), (2, 1)))
    mask = np.array([[True, False, True], [False, False, True]])
    for a, b in [((2, 3), (2, 3)), ((3,), ()), ((2, 1), (4, 1, 3))]:
        yield Sample(f"where {a} {b}", mg.where, lambda c, x, y: c * x + (1 - c) * y, [mask, *distinct(a, b)])
    yield Sample("where number", lambda x: mg.where(mask, x, 1.5), lambda x: mask * x + (~mask) * 1.5, distinct((3,)))
