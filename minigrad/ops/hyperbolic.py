"""Hyperbolic functions and their inverses: each beside its derivative, as in a calculus book."""

from __future__ import annotations

import numpy as np

from ..engine.op import Op
from .elementwise import elementwise
from .functions import sqrt
from .trigonometric import hypot

__all__ = ["acosh", "arccosh", "arcsinh", "arctanh", "asinh", "atanh", "cosh", "sinh", "tanh"]

tanh = Op(
    "tanh",
    np.tanh,
    lambda dy, y, _x: dy * (1 - y * y),
    faces="function method in_place functional module",
    doc="``tanh(x) = (exp(x) - exp(-x)) / (exp(x) + exp(-x))``, between -1 and 1",
    example="mg.tanh(mg.tensor([-100.0, 0.0, 0.5])) -> tensor([-1.0000,  0.0000,  0.4621])",
)
sinh = elementwise(
    "sinh",
    np.sinh,
    lambda dy, _y, x: dy * cosh(x),
    doc="``(exp(x) - exp(-x)) / 2``",
    example="mg.sinh(mg.tensor([-1.0, 0.0, 2.0])) -> tensor([-1.1752,  0.0000,  3.6269])",
)
cosh: Op = elementwise(
    "cosh",
    np.cosh,
    lambda dy, _y, x: dy * sinh(x),
    doc="``(exp(x) + exp(-x)) / 2``, at least 1",
    example="mg.cosh(mg.tensor([-2.0, 0.0, 2.0])) -> tensor([3.7622, 1.0000, 3.7622])",
)
asinh = arcsinh = elementwise(
    "asinh",
    np.arcsinh,
    lambda dy, _y, x: dy / hypot(x, 1),
    aliases="arcsinh",
    doc="``log(x + sqrt(x**2 + 1))``, the inverse of sinh",
    example="mg.asinh(mg.tensor([-1.0, 0.0, 1000.0])) -> tensor([-0.8814,  0.0000,  7.6009])",
)
acosh = arccosh = elementwise(
    "acosh",
    np.arccosh,
    lambda dy, _y, x: dy / sqrt(x - 1) / sqrt(x + 1),
    aliases="arccosh",
    doc="``log(x + sqrt(x**2 - 1))``, the inverse of cosh; NaN below 1",
    example="mg.acosh(mg.tensor([1.0, 2.0, 1000.0])) -> tensor([0.0000, 1.3170, 7.6009])",
)
atanh = arctanh = elementwise(
    "atanh",
    np.arctanh,
    lambda dy, _y, x: dy / ((1 - x) * (1 + x)),
    aliases="arctanh",
    doc="``log((1 + x) / (1 - x)) / 2``, the inverse of tanh; infinite at -1 and 1, NaN beyond",
    example="mg.atanh(mg.tensor([-0.5, 0.0, 0.999])) -> tensor([-0.5493,  0.0000,  3.8002])",
)
