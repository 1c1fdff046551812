"""Trigonometric functions, of radians, and their inverses: each beside its derivative, as in a calculus book."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.op import Op
from ..kernels.constants import float64
from ..kernels.precision import in_float64
from .arguments import TWO_OPERANDS
from .choosing import where
from .elementwise import elementwise
from .functions import sqrt
from .reductions import widened

__all__ = [
    "acos", "arccos", "arcsin", "arctan", "arctan2", "asin", "atan", "atan2", "cos", "deg2rad", "hypot", "rad2deg",
    "sin", "sinc", "tan",
]  # fmt: skip

sin = elementwise(
    "sin",
    np.sin,
    lambda dy, _y, x: dy * cos(x),
    doc="``sin(x)``, x in radians",
    example="mg.sin(mg.tensor([0.0, mg.pi / 6, mg.pi / 2])) -> tensor([0.0000, 0.5000, 1.0000])",
)
cos: Op = elementwise(
    "cos",
    np.cos,
    lambda dy, _y, x: -dy * sin(x),
    doc="``cos(x)``, x in radians",
    example="mg.cos(mg.tensor([0.0, mg.pi / 3, mg.pi])) -> tensor([ 1.0000,  0.5000, -1.0000])",
)
tan = elementwise(
    "tan",
    np.tan,
    lambda dy, y, _x: dy * (1 + y * y),
    doc="``tan(x)``, x in radians",
    example="mg.tan(mg.tensor([-0.5, 0.0, mg.pi / 4])) -> tensor([-0.5463,  0.0000,  1.0000])",
)
asin = arcsin = elementwise(
    "asin",
    np.arcsin,
    lambda dy, _y, x: dy / sqrt((1 - x) * (1 + x)),
    aliases="arcsin",
    doc="the angle from -pi/2 to pi/2, in radians, whose sine is x; NaN where there is none",
    example="mg.asin(mg.tensor([-1.0, 0.5, 1.0])) -> tensor([-1.5708,  0.5236,  1.5708])",
)
acos = arccos = elementwise(
    "acos",
    np.arccos,
    lambda dy, _y, x: -dy / sqrt((1 - x) * (1 + x)),
    aliases="arccos",
    doc="the angle from 0 to pi, in radians, whose cosine is x; NaN where there is none",
    example="mg.acos(mg.tensor([-1.0, 0.5, 1.0])) -> tensor([3.1416, 1.0472, 0.0000])",
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
    doc="the angle from -pi/2 to pi/2, in radians, whose tangent is x",
    example="mg.atan(mg.tensor([0.0, 1.0, mg.inf])) -> tensor([0.0000, 0.7854, 1.5708])",
)
hypot = elementwise(
    "hypot",
    np.hypot,
    lambda dy, y, a, _b: dy * (a / y),
    lambda dy, y, _a, b: dy * (b / y),
    doc="``sqrt(input**2 + other**2)``, without overflow; its derivatives are NaN where both are 0" + TWO_OPERANDS,
    example="mg.hypot(mg.tensor(3e30), mg.tensor(4e30)) -> tensor(5.0000e+30)",
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
    doc="the angle from -pi to pi, in radians, of the point ``(other, input)``; its derivatives at ``(0, 0)`` are 0"
    + TWO_OPERANDS,
    example="y, x = mg.tensor([1.0, -1.0]), mg.tensor([-1.0, -1.0])\n"
    "mg.atan2(y, x), mg.atan(y / x) -> (tensor([ 2.3562, -2.3562]), tensor([-0.7854,  0.7854]))",
)
deg2rad = elementwise(
    "deg2rad",
    np.deg2rad,
    lambda dy, _y, _x: dy * (math.pi / 180),
    doc="``x * pi / 180``: degrees as radians",
    example="mg.deg2rad(mg.tensor([90.0, 180.0])) -> tensor([1.5708, 3.1416])",
)
rad2deg = elementwise(
    "rad2deg",
    np.rad2deg,
    lambda dy, _y, _x: dy * (180 / math.pi),
    doc="``x * 180 / pi``: radians as degrees",
    example="mg.rad2deg(mg.tensor([mg.pi / 2, 1.0])) -> tensor([90.0000, 57.2958])",
)

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
    doc="``sin(pi x) / (pi x)``, 1 at 0 and 0 at all other integers",
    example="mg.sinc(mg.tensor([0.0, 0.25, 0.5])) -> tensor([1.0000, 0.9003, 0.6366])",
)
