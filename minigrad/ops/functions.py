"""Exponentials, logarithms, powers and roots: each beside its derivative, as in a calculus book."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.op import Op
from .arguments import TWO_OPERANDS
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
    example="mg.exp(mg.tensor([-mg.inf, 0.0, 1.0])) -> tensor([0.0000, 1.0000, 2.7183])",
)
exp2 = elementwise(
    "exp2",
    np.exp2,
    lambda dy, y, _x: dy * y * LOG_2,
    faces="function method in_place special",
    doc="``2 ** x``",
    example="mg.exp2(mg.tensor([-1.0, 0.0, 5.0])) -> tensor([ 0.5000,  1.0000, 32.0000])",
)
expm1 = elementwise(
    "expm1",
    np.expm1,
    lambda dy, _y, x: dy * exp(x),
    faces="function method in_place special",
    doc="``exp(x) - 1``, accurate near 0, too",
    example="x = mg.tensor(1e-8)\nmg.expm1(x), mg.exp(x) - 1 -> (tensor(1.0000e-08), tensor(0.))",
)
log = elementwise(
    "log",
    np.log,
    lambda dy, _y, x: dy / x,
    doc="``log(x)``, the natural logarithm; -inf at 0, NaN below",
    example="mg.log(mg.tensor([mg.e, 1.0, 0.5])) -> tensor([ 1.0000,  0.0000, -0.6931])",
)
log2 = elementwise(
    "log2",
    np.log2,
    lambda dy, _y, x: dy / (x * LOG_2),
    doc="``log(x) / log(2)``; -inf at 0, NaN below",
    example="mg.log2(mg.tensor([0.5, 8.0])) -> tensor([-1.,  3.])",
)
log10 = elementwise(
    "log10",
    np.log10,
    lambda dy, _y, x: dy / (x * LOG_10),
    doc="``log(x) / log(10)``; -inf at 0, NaN below",
    example="mg.log10(mg.tensor([0.5, 1000.0])) -> tensor([-0.3010,  3.0000])",
)
log1p = elementwise(
    "log1p",
    np.log1p,
    lambda dy, _y, x: dy / (1 + x),
    faces="function method in_place special",
    doc="``log(1 + x)``, accurate near 0, too; -inf at -1, NaN below",
    example="x = mg.tensor(1e-8)\nmg.log1p(x), mg.log(1 + x) -> (tensor(1.0000e-08), tensor(0.))",
)
sqrt = elementwise(
    "sqrt",
    np.sqrt,
    lambda dy, y, _x: dy / (2 * y),
    doc="``sqrt(x)``, NaN below 0; its derivative is inf at 0",
    example="mg.sqrt(mg.tensor([9.0, 2.0, 0.0])) -> tensor([3.0000, 1.4142, 0.0000])",
)
rsqrt = elementwise(
    "rsqrt",
    lambda input: 1 / np.sqrt(input),
    lambda dy, y, _x: -0.5 * dy * y * y * y,
    doc="``1 / sqrt(x)``; inf at 0, NaN below",
    example="mg.rsqrt(mg.tensor([4.0, 0.25])) -> tensor([0.5000, 2.0000])",
)
square = elementwise(
    "square",
    np.square,
    lambda dy, _y, x: dy * (2 * x),
    doc="``x * x``; integers stay integers",
    example="mg.square(mg.tensor([-3.0, 0.5])) -> tensor([9.0000, 0.2500])",
)
reciprocal = elementwise(
    "reciprocal",
    lambda input: np.true_divide(1, input),  # NumPy's reciprocal of integers is an integer
    lambda dy, y, _x: -dy * y * y,
    numpy=np.reciprocal,
    doc="``1 / x``; inf at 0, of integers floats",
    example="mg.reciprocal(mg.tensor([2, -4])) -> tensor([ 0.5000, -0.2500])",
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
    doc="``log(exp(input) + exp(other))``, without overflow: adds numbers given by their logarithms" + TWO_OPERANDS,
    example="mg.logaddexp(mg.tensor([1000.0, -mg.inf]), mg.tensor([1000.0, 3.0])) -> tensor([1000.6932,    3.0000])",
)
logaddexp2 = Op(
    "logaddexp2",
    np.logaddexp2,
    lambda dy, _y, a, b: dy * share(a, b, exp2),
    lambda dy, _y, a, b: dy * share(b, a, exp2),
    faces="function method",
    doc="``log2(2 ** input + 2 ** other)``, without overflow: adds numbers given by their logarithms" + TWO_OPERANDS,
    example="mg.logaddexp2(mg.tensor([1000.0, -mg.inf]), mg.tensor([1000.0, 3.0])) -> tensor([1001.,    3.])",
)
