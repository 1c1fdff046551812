"""Trigonometric functions, of radians, and their inverses: each beside its derivative, as in a calculus book."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.op import Op
from ..kernels.constants import float64
from ..kernels.precision import in_float64
from .choosing import where
from .elementwise import elementwise
from .functions import sqrt
from .reductions import widened

__all__ = [
    "acos", "arccos", "arcsin", "arctan", "arctan2", "asin", "atan", "atan2", "cos", "deg2rad", "hypot", "rad2deg",
    "sin", "sinc", "tan",
]  # fmt: skip

sin = elementwise("sin", np.sin, lambda dy, _y, x: dy * cos(x), doc="``sin(x)``, x in radians")
cos: Op = elementwise("cos", np.cos, lambda dy, _y, x: -dy * sin(x), doc="``cos(x)``, x in radians")
tan = elementwise("tan", np.tan, lambda dy, y, _x: dy * (1 + y * y), doc="``tan(x)``, x in radians")
asin = arcsin = elementwise(
    "asin",
    np.arcsin,
    lambda dy, _y, x: dy / sqrt((1 - x) * (1 + x)),
    aliases="arcsin",
    doc="the angle from -pi/2 to pi/2 whose sine is x; NaN where there is none",
)
acos = arccos = elementwise(
    "acos",
    np.arccos,
    lambda dy, _y, x: -dy / sqrt((1 - x) * (1 + x)),
    aliases="arccos",
    doc="the angle from 0 to pi whose cosine is x; NaN where there is none",
)


@np.errstate(over="ignore")  # of the square, beyond which the derivative is 0
def one_and_square(x: Any) -> Any:
    """``1 + x**2``, of float16 in float32"""
    x = widened(x)
    return 1 + x * x


atan = arctan = elementwise(
    "atan",
    np.arctan,
    lambda dy, _y, x: dy / one_and_square(x),
    aliases="arctan",
    doc="the angle from -pi/2 to pi/2 whose tangent is x",
)
hypot = elementwise(
    "hypot",
    np.hypot,
    lambda dy, y, a, _b: dy * (a / y),
    lambda dy, y, _a, b: dy * (b / y),
    doc="``sqrt(input**2 + other**2)``, without overflow; its derivatives are NaN where both are 0",
)


def over_square(dy: Any, side: Any, a: Any, b: Any) -> Any:
    """``dy * side / (a**2 + b**2)``, 0 where that is 0 / 0; squares would overflow."""
    radius = hypot(a, b)
    radius = where(radius == 0, 1, radius)
    return dy * (side / radius / radius)


atan2 = arctan2 = elementwise(
    "atan2",
    np.arctan2,
    lambda dy, _y, a, b: over_square(dy, b, a, b),
    lambda dy, _y, a, b: -over_square(dy, a, a, b),
    aliases="arctan2",
    doc="the angle from -pi to pi of the point ``(other, input)``; its derivatives at ``(0, 0)`` are 0",
)
deg2rad = elementwise("deg2rad", np.deg2rad, lambda dy, _y, _x: dy * (math.pi / 180), doc="``x * pi / 180``")
rad2deg = elementwise("rad2deg", np.rad2deg, lambda dy, _y, _x: dy * (180 / math.pi), doc="``x * 180 / pi``")

# -- sinc -----------------------------------------------------------------------------------------


def sinc_in_float64(x: Any, _exact: bool) -> Any:
    """``sin(pi x) / (pi x)`` by the sine of pi times the distance to the next integer, which is exact."""
    whole = np.rint(x)
    odd = 2 * np.absolute(whole * 0.5 - np.rint(whole * 0.5))  # 1 of an odd number, else 0
    sine = np.sin((x - whole) * math.pi) * (1 - 2 * odd)
    return np.where(x == 0, 1.0, sine / (np.where(x == 0, 1.0, x) * math.pi))


def sinc_derivative_definition(input: Any, order: int) -> Any:
    """The derivatives of ``sin(u) / u`` at ``u = pi x`` times ``pi ** order``.

    From 0 to ``order + 1`` by the power series; beyond by ``u f[n] = sin(u + n pi / 2) - n f[n - 1]``, which follows
    from ``u f[0] = sin(u)`` and loses digits near 0.
    """
    u = input.astype(float64) * math.pi
    near = np.absolute(u) < order + 1
    small, large = np.where(near, u, 0.0), np.where(near, 1.0, u)
    far = np.sin(large) / large
    for n in range(1, order + 1):
        far = (np.sin(large + n * (math.pi / 2)) - n * far) / large
    series = 0.0 * small
    for k in range((order + 1) // 2 + 12 + order, (order + 1) // 2 - 1, -1):
        series = series + (-1) ** k / ((2 * k + 1) * math.factorial(2 * k - order)) * small ** (2 * k - order)
    return (np.where(near, series, far) * math.pi**order).astype(input.dtype)


sinc_derivative: Op = Op(
    "sinc_derivative",
    sinc_derivative_definition,
    lambda dy, _y, x, order: dy * sinc_derivative(x, order + 1),
    doc="the derivatives of sinc, accurate near 0, too",
)
sinc = elementwise(
    "sinc",
    in_float64(sinc_in_float64),
    lambda dy, _y, x: dy * sinc_derivative(x, 1),
    faces="function method in_place special",
    numpy=np.sinc,
    doc="``sin(pi x) / (pi x)``, 1 at 0",
)
