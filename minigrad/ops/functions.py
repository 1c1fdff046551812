"""Exponentials, logarithms, powers and roots: each beside its derivative, as in a calculus book."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.op import Op
from .elementwise import elementwise

__all__ = [
    "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "logaddexp", "logaddexp2", "reciprocal", "rsqrt", "sqrt",
    "square",
]  # fmt: skip

LOG_2, LOG_10 = math.log(2), math.log(10)

exp = elementwise(
    "exp",
    np.exp,
    lambda dy, y, _x: dy * y,
    doc="``exp(x)``",
    example="mg.exp(mg.tensor([0.0, 1.0])) -> tensor([1.0000, 2.7183])",
)
exp2 = elementwise(
    "exp2", np.exp2, lambda dy, y, _x: dy * y * LOG_2, faces="function method in_place special", doc="``2 ** x``"
)
expm1 = elementwise(
    "expm1",
    np.expm1,
    lambda dy, _y, x: dy * exp(x),
    faces="function method in_place special",
    doc="``exp(x) - 1``, accurate near 0, too",
)
log = elementwise("log", np.log, lambda dy, _y, x: dy / x, doc="``log(x)``, the natural logarithm")
log2 = elementwise("log2", np.log2, lambda dy, _y, x: dy / (x * LOG_2), doc="``log(x) / log(2)``")
log10 = elementwise("log10", np.log10, lambda dy, _y, x: dy / (x * LOG_10), doc="``log(x) / log(10)``")
log1p = elementwise(
    "log1p",
    np.log1p,
    lambda dy, _y, x: dy / (1 + x),
    faces="function method in_place special",
    doc="``log(1 + x)``, accurate near 0, too",
)
sqrt = elementwise("sqrt", np.sqrt, lambda dy, y, _x: dy / (2 * y), doc="``sqrt(x)``; its derivative is inf at 0")
rsqrt = elementwise(
    "rsqrt",
    lambda input: 1 / np.sqrt(input),
    lambda dy, y, _x: -0.5 * dy * y * y * y,
    doc="``1 / sqrt(x)``",
)
square = elementwise("square", np.square, lambda dy, _y, x: dy * (2 * x), doc="``x * x``")
reciprocal = elementwise(
    "reciprocal",
    lambda input: np.true_divide(1, input),  # NumPy's reciprocal of integers is an integer
    lambda dy, y, _x: -dy * y * y,
    numpy=np.reciprocal,
    doc="``1 / x``",
)


@np.errstate(over="ignore")  # of the exponential, beyond which the share is 0
def share(a: Any, b: Any, base: Any) -> Any:
    """``base**a / (base**a + base**b)``"""
    return 1 / (1 + base(b - a))


logaddexp = Op(
    "logaddexp",
    np.logaddexp,
    lambda dy, _y, a, b: dy * share(a, b, exp),
    lambda dy, _y, a, b: dy * share(b, a, exp),
    faces="function method",
    doc="``log(exp(input) + exp(other))``, without overflow",
)
logaddexp2 = Op(
    "logaddexp2",
    np.logaddexp2,
    lambda dy, _y, a, b: dy * share(a, b, exp2),
    lambda dy, _y, a, b: dy * share(b, a, exp2),
    faces="function method",
    doc="``log2(2 ** input + 2 ** other)``, without overflow",
)
