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
    doc="``tanh(x)``",
)
sinh = elementwise("sinh", np.sinh, lambda dy, _y, x: dy * cosh(x), doc="``(exp(x) - exp(-x)) / 2``")
cosh: Op = elementwise("cosh", np.cosh, lambda dy, _y, x: dy * sinh(x), doc="``(exp(x) + exp(-x)) / 2``")
asinh = arcsinh = elementwise(
    "asinh",
    np.arcsinh,
    lambda dy, _y, x: dy / hypot(x, 1),
    aliases="arcsinh",
    doc="``log(x + sqrt(x**2 + 1))``, the inverse of sinh",
)
acosh = arccosh = elementwise(
    "acosh",
    np.arccosh,
    lambda dy, _y, x: dy / sqrt(x - 1) / sqrt(x + 1),
    aliases="arccosh",
    doc="``log(x + sqrt(x**2 - 1))``, the inverse of cosh; NaN below 1",
)
atanh = arctanh = elementwise(
    "atanh",
    np.arctanh,
    lambda dy, _y, x: dy / ((1 - x) * (1 + x)),
    aliases="arctanh",
    doc="``log((1 + x) / (1 - x)) / 2``, the inverse of tanh; NaN beyond -1 and 1",
)
