"""The error function and the normal distribution."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.op import Op
from ...kernels import error_function
from ...kernels.precision import in_blocks, in_float64
from ..functions import exp, square
from ..reductions import widened

__all__ = ["erf", "erfc", "erfinv"]

EVERYWHERE = "function method in_place special"


@np.errstate(over="ignore")  # of the square, where the result is 0
def normal_pdf(x: Any) -> Any:
    """The density of the standard normal distribution, ``exp(-x**2 / 2) / sqrt(2 pi)``."""
    return exp(square(widened(x)) * -0.5) * (1 / math.sqrt(2 * math.pi))


@np.errstate(over="ignore")
def slope_of_erf(x: Any) -> Any:
    """``2 / sqrt(pi) * exp(-x**2)``"""
    return exp(-square(widened(x))) * (2 / math.sqrt(math.pi))


def computed(name: str, function: Callable[..., Any], rule: Callable[..., Any], **how: Any) -> Op:
    """An operation by a function of arrays, which takes them in blocks."""
    definition = in_float64(function)
    return Op(name, definition, rule, kernel=in_blocks(definition), **how)


erf = computed(
    "erf",
    error_function.erf,
    lambda dy, _y, x: dy * slope_of_erf(x),
    faces=EVERYWHERE,
    doc="""``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to x

    Odd, between -1 and 1. NIST Digital Library of Mathematical Functions, 7.2.1.
    """,
    example="mg.erf(mg.tensor([-mg.inf, 0.0, 0.5])) -> tensor([-1.0000,  0.0000,  0.5205])",
)
erfc = computed(
    "erfc",
    error_function.erfc,
    lambda dy, _y, x: -dy * slope_of_erf(x),
    faces=EVERYWHERE,
    doc="""``1 - erf(x)``, accurate where that is small, too

    NIST Digital Library of Mathematical Functions, 7.2.2.
    """,
    example="x = mg.tensor(5.0)\nmg.erfc(x), 1 - mg.erf(x) -> (tensor(1.5375e-12), tensor(0.))",
)
erfinv = computed(
    "erfinv",
    error_function.erfinv,
    lambda dy, y, _x: dy * exp(square(y)) * (math.sqrt(math.pi) / 2),
    faces=EVERYWHERE,
    doc="the y with ``erf(y) = x``; infinite at -1 and 1, NaN beyond",
    example="mg.erfinv(mg.tensor([0.0, 0.5, 1.0, 2.0])) -> tensor([0.0000, 0.4769,    inf,    nan])",
)
ndtr = computed(
    "ndtr",
    error_function.ndtr,
    lambda dy, _y, x: dy * normal_pdf(x),
    faces="special",
    doc="``P(Z <= x) = erfc(-x / sqrt(2)) / 2`` of a standard normal Z",
    example="mg.special.ndtr(mg.tensor([-1.96, 0.0, 1.96])) -> tensor([0.0250, 0.5000, 0.9750])",
)
inverse_mills: Op = computed(
    "inverse_mills",
    error_function.inverse_mills,
    lambda dy, y, x: -dy * y * (x + y),
    doc="``normal_pdf(x) / ndtr(x)``",
)
log_ndtr = computed(
    "log_ndtr",
    error_function.log_ndtr,
    lambda dy, _y, x: dy * inverse_mills(x),
    faces="special",
    doc="``log(P(Z <= x))`` of a standard normal Z, also where the probability is 0 in the dtype",
    example="mg.special.log_ndtr(mg.tensor([-20.0, 0.0])) -> tensor([-203.9172,   -0.6931])",
)
