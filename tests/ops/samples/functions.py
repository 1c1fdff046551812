"""Samples of the functions of one and of two variables."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.ops.rounding import by_whole_power, mantissa, trunc_divide
from minigrad.ops.trigonometric import sinc_derivative
from tests.helpers.inputs import distinct
from tests.ops.samples.elementwise import BROADCASTS
from tests.ops.samples.sample import Sample

UNARY: dict[str, tuple[Callable[..., Any], float, float]] = {
    "exp2": (lambda x: 2**x, -2, 2),
    "expm1": (lambda x: np.exp(x) - 1, -2, 2),
    "log2": (lambda x: np.log(x) / math.log(2), 0.2, 3),
    "log10": (lambda x: np.log(x) / math.log(10), 0.2, 3),
    "rsqrt": (lambda x: x**-0.5, 0.2, 3),
    "tan": (lambda x: np.sin(x) / np.cos(x), -1.2, 1.2),
    "asin": (lambda x: np.angle(np.sqrt(1 - x * x) + 1j * x), -0.9, 0.9),
    "acos": (lambda x: np.angle(x + 1j * np.sqrt(1 - x * x)), -0.9, 0.9),
    "atan": (lambda x: np.angle(1 + 1j * x), -2, 2),
    "sinh": (lambda x: (np.exp(x) - np.exp(-x)) / 2, -2, 2),
    "cosh": (lambda x: (np.exp(x) + np.exp(-x)) / 2, -2, 2),
    "asinh": (lambda x: np.log(x + np.sqrt(x * x + 1)), -2, 2),
    "acosh": (lambda x: np.log(x + np.sqrt(x * x - 1)), 1.3, 3),
    "atanh": (lambda x: np.log((1 + x) / (1 - x)) / 2, -0.8, 0.8),
    "deg2rad": (lambda x: x / 180 * math.pi, -2, 2),
    "rad2deg": (lambda x: x / math.pi * 180, -2, 2),
    "sinc": (lambda x: np.sin(math.pi * x) / (math.pi * x), -2.4, 2.4),
    "positive": (lambda x: x.copy(), -2, 2),
    "floor": (lambda x: x // 1, -2, 2),
    "ceil": (lambda x: -(-x // 1), -2, 2),
    "trunc": (lambda x: x.astype(int).astype(float), -2, 2),
    "round": (lambda x: (x + 0.5) // 1, -2, 2),
    "frac": (lambda x: x - x.astype(int), -2, 2),
    "angle": (lambda x: np.where(x < 0, math.pi, 0.0), -2, 2),
    "nan_to_num": (lambda x: x.copy(), -2, 2),
}

BINARY: dict[str, tuple[Callable[..., Any], float, float]] = {
    "fmax": (lambda a, b: np.where(a > b, a, b), -2, 2),
    "fmin": (lambda a, b: np.where(a < b, a, b), -2, 2),
    "hypot": (lambda a, b: np.abs(a + 1j * b), -2, 2),
    "atan2": (lambda a, b: np.angle(b + 1j * a), 0.3, 2),
    "copysign": (lambda a, b: np.abs(a) * np.where(b < 0, -1, 1), -2, 2),
    "logaddexp": (lambda a, b: np.log(np.exp(a) + np.exp(b)), -2, 2),
    "logaddexp2": (lambda a, b: np.log(2**a + 2**b) / math.log(2), -2, 2),
    "floor_divide": (lambda a, b: np.floor(a / b), -2, 2),
    "remainder": (lambda a, b: a - b * np.floor(a / b), -2, 2),
    "fmod": (lambda a, b: a - b * np.trunc(a / b), -2, 2),
    "nextafter": (lambda a, b: a + np.where(b > a, 1, -1) * np.spacing(np.abs(a)), 0.3, 2),
    "heaviside": (lambda a, b: np.broadcast_to(np.where(a > 0, 1.0, 0.0), np.broadcast(a, b).shape), -2, 2),
    "rsub": (lambda a, b: b - a, -2, 2),
    "xlogy": (lambda a, b: a * np.log(b), 0.2, 2),
    "ldexp": (lambda a, b: a * 2**b, -2, 2),
}

WITH_ARGUMENTS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "round decimals": (partial(mg.round, decimals=1), lambda x: np.floor(x * 10 + 0.5) / 10),
    "div floor": (partial(mg.div, rounding_mode="floor"), lambda a, b: np.floor(a / b)),
    "div trunc": (partial(mg.div, rounding_mode="trunc"), lambda a, b: np.trunc(a / b)),
    "trunc_divide": (trunc_divide, lambda a, b: np.trunc(a / b)),
    "rsub alpha": (partial(mg.rsub, alpha=3), lambda a, b: b - 3 * a),
    "nan_to_num nan": (partial(mg.nan_to_num, nan=3.0), lambda x: x.copy()),
    "clamp_min": (partial(mg.clamp_min, min=-0.3), lambda x: np.where(x < -0.3, -0.3, x)),
    "clamp_max": (partial(mg.clamp_max, max=0.4), lambda x: np.where(x > 0.4, 0.4, x)),
    "clamp_min tensor": (mg.clamp_min, lambda x, low: np.where(x < low, low, x)),
    "mantissa": (mantissa, lambda x: x / 2.0 ** np.ceil(np.log2(np.abs(x)))),
    "ldexp of integers": (lambda x: by_whole_power(x, np.array([2, -1, 0])), lambda x: x * np.array([4, 0.5, 1])),
    **{
        f"sinc_derivative {n}": (lambda x, n=n: sinc_derivative(x, n), formula)
        for n, formula in {
            1: lambda x: np.cos(math.pi * x) / x - np.sin(math.pi * x) / (math.pi * x * x),
            2: lambda x: (2 / (math.pi * x**3) - math.pi / x) * np.sin(math.pi * x) - 2 / (x * x) * np.cos(math.pi * x),
        }.items()
    },
}


def weighted() -> Iterator[Sample]:
    """Of three operands."""
    shapes: tuple[tuple[int, ...], ...]
    for shapes in [((), (), ()), ((2, 3), (2, 3), (2, 3)), ((2, 3), (3,), (2, 1)), ((3,), (2, 1), ())]:
        inputs = distinct(*shapes, low=0.4, high=2)
        yield Sample(f"addcmul {shapes}", partial(mg.addcmul, value=2), lambda x, a, b: x + 2 * a * b, inputs)
        yield Sample(f"addcdiv {shapes}", partial(mg.addcdiv, value=-0.5), lambda x, a, b: x - a / b / 2, inputs)
        yield Sample(f"lerp {shapes}", mg.lerp, lambda a, b, w: (1 - w) * a + w * b, inputs)
    for weight in (0.25, 0.75):
        yield Sample(
            f"lerp {weight}",
            lambda a, b, w=weight: mg.lerp(a, b, w),
            lambda a, b, w=weight: a + w * (b - a),
            distinct((3,), (3,)),
        )


def functions() -> Iterator[Sample]:
    for name, (formula, low, high) in UNARY.items():
        for shape in [(), (3,), (2, 3)]:
            yield Sample(f"{name} {shape}", getattr(mg, name), formula, distinct(shape, low=low, high=high))
    for (name, (formula, low, high)), (a, b) in itertools.product(BINARY.items(), BROADCASTS):
        yield Sample(f"{name} {a} {b}", getattr(mg, name), formula, distinct(a, b, low=low, high=high))
    for name, (function, formula) in WITH_ARGUMENTS.items():
        count = formula.__code__.co_argcount
        yield Sample(name, function, formula, distinct(*[(3,)] * count))
