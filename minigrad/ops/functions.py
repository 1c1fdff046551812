"""Functions of one variable: each beside its derivative, as in a calculus book."""

from __future__ import annotations

import numpy as np

from ..engine.op import Op

__all__ = ["cos", "exp", "log", "log1p", "reciprocal", "sin", "sqrt", "square", "tanh"]

exp = Op("exp", np.exp, lambda dy, y, _x: dy * y, faces="function method in_place", doc="``exp(x)``")
log = Op(
    "log", np.log, lambda dy, _y, x: dy / x, faces="function method in_place", doc="``log(x)``, the natural logarithm"
)
log1p = Op("log1p", np.log1p, lambda dy, _y, x: dy / (1 + x), faces="function method in_place", doc="``log(1 + x)``")
sqrt = Op(
    "sqrt",
    np.sqrt,
    lambda dy, y, _x: dy / (2 * y),
    faces="function method in_place",
    doc="``sqrt(x)``; its derivative is inf at 0",
)
square = Op("square", np.square, lambda dy, _y, x: dy * (2 * x), faces="function method in_place", doc="``x * x``")
sin = Op("sin", np.sin, lambda dy, _y, x: dy * cos(x), faces="function method in_place", doc="``sin(x)``, x in radians")
cos: Op = Op(
    "cos", np.cos, lambda dy, _y, x: -dy * sin(x), faces="function method in_place", doc="``cos(x)``, x in radians"
)
reciprocal = Op(
    "reciprocal",
    lambda input: np.true_divide(1, input),  # NumPy's reciprocal of integers is an integer
    lambda dy, y, _x: -dy * y * y,
    faces="function method in_place",
    numpy=np.reciprocal,
    doc="``1 / x``",
)
tanh = Op(
    "tanh",
    np.tanh,
    lambda dy, y, _x: dy * (1 - y * y),
    faces="function method in_place functional module",
    doc="``tanh(x)``",
)
