"""Rounding, division with rounding, and the parts that numbers consist of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.host import check
from ..engine.node import describe
from ..engine.op import Op
from .arguments import TWO_OPERANDS, integers
from .arithmetic import div_op, neg
from .choosing import where
from .elementwise import elementwise, flat, kind_of
from .functions import LOG_2, exp2
from .reductions import narrowed, widened

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = [
    "ceil", "copysign", "div", "divide", "fix", "floor", "floor_divide", "fmod", "frac", "frexp", "ldexp", "nextafter",
    "remainder", "round", "signbit", "true_divide", "trunc",
]  # fmt: skip


def of_floats(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The definition of a function that leaves integers as they are, of which NumPy 2.0 makes floats."""

    def definition(input: Any) -> Any:
        return function(input) if input.dtype.kind == "f" else np.positive(input)

    return definition


floor = elementwise(
    "floor",
    of_floats(np.floor),
    flat,
    numpy=np.floor,
    doc="the largest integer that is not above x; its derivative is 0",
    example="mg.floor(mg.tensor([-1.5, 1.5])) -> tensor([-2.,  1.])",
)
ceil = elementwise(
    "ceil",
    of_floats(np.ceil),
    flat,
    numpy=np.ceil,
    doc="the smallest integer that is not below x; its derivative is 0",
    example="mg.ceil(mg.tensor([-1.5, 1.5])) -> tensor([-1.,  2.])",
)
trunc = fix = elementwise(
    "trunc", of_floats(np.trunc), flat, numpy=np.trunc, aliases="fix",
    doc="x without the digits behind the point; its derivative is 0",
    example="mg.trunc(mg.tensor([-1.5, 1.5])) -> tensor([-1.,  1.])",
)  # fmt: skip


nearest = Op("round", of_floats(np.rint), flat, doc="the nearest integer, of two the even one")
to_decimals = Op(
    "round_decimals",
    lambda input, decimals: narrowed(np.round(widened(input), decimals), input),
    flat,
    doc="the nearest number of so many decimals, half to even",
)


@public(
    "function method in_place special",
    {np.round: lambda op, a, decimals=0: op(a, decimals=decimals), np.rint: lambda op, x: op(x)},
)
def round(input: Any, *, decimals: int = 0) -> Tensor:
    """The nearest integer, of two the even one: 1.5 and 2.5 give 2. The derivative is 0.

    Args:
        input: the tensor.
        decimals: digits behind the point that are kept; negative: digits before it that become 0.

    >>> mg.round(mg.tensor([1.5, 2.5, -0.25]))
    tensor([2., 2., -0.])
    """
    return nearest(input) if decimals == 0 else to_decimals(input, integers("decimals", (decimals,))[0])


frac = elementwise(
    "frac",
    lambda input: input - np.trunc(input),
    lambda dy, _y, _x: dy,
    doc="``x - trunc(x)``, with the sign of x; its derivative is 1",
    example="mg.frac(mg.tensor([-1.25, 1.25])) -> tensor([-0.2500,  0.2500])",
)
signbit = Op(
    "signbit",
    np.signbit,
    faces="function method",
    doc="whether each element is negative; of -0. and -nan it is true, too",
    example="mg.signbit(mg.tensor([-2.0, -0.0, 0.0, 2.0])) -> tensor([ True,  True, False, False])",
)
copysign = elementwise(
    "copysign",
    np.copysign,
    lambda dy, y, a, _b: dy * (y / where(a == 0, 1, a)),
    flat,
    doc="``|input|`` with the sign of ``other``, which may be that of -0.; the derivative at 0 is 0" + TWO_OPERANDS,
    example="mg.copysign(mg.tensor([1.0, -2.0]), mg.tensor([-0.0, 3.0])) -> tensor([-1.,  2.])",
)
nextafter = elementwise(
    "nextafter",
    np.nextafter,
    lambda dy, _y, a, b: where(a == b, 0, dy),
    flat,
    doc="the number after ``input`` on the way to ``other``, or ``other`` itself if they are equal" + TWO_OPERANDS,
    example="one = mg.tensor(1.0)\nmg.nextafter(one, mg.tensor(2.0)) - one -> tensor(1.1921e-07)",
)

# -- division with rounding -----------------------------------------------------------------------


def refuse_zero(divisor: Any) -> None:
    """Refuse a divisor of integers that is 0."""
    if not np.all(divisor):
        raise ZeroDivisionError("an integer divided by 0 has no value: divide floats, x.float().")


def rounded_division(function: Callable[..., Any]) -> Callable[..., Any]:
    """The definition of a division with rounding, or of its remainder, which integers may not have."""

    def definition(input: Any, other: Any) -> Any:
        if kind_of(input) != "f" and kind_of(other) != "f":
            if kind_of(input) == kind_of(other) == "b":
                raise TypeError("booleans have no quotient: convert one, x.long().")
            check(refuse_zero, other)
            with np.errstate(over="ignore"):  # the smallest integer divided by -1 wraps around, as sums do
                return function(input, other)
        return function(input, other)

    return definition


def truncated_quotient(input: Any, other: Any) -> Any:
    """``trunc(input / other)``, of integers exact"""
    if "f" in (kind_of(input), kind_of(other)):
        return np.trunc(np.true_divide(input, other))
    return np.floor_divide(np.subtract(input, np.fmod(input, other)), other)


floor_divide: Op = elementwise(
    "floor_divide",
    rounded_division(np.floor_divide),
    flat,
    flat,
    promotes=(0, 1),
    numpy=np.floor_divide,
    doc="``floor(input / other)``; its derivatives are 0. An integer divided by 0 is a ZeroDivisionError."
    + TWO_OPERANDS,
    example="mg.floor_divide(mg.tensor([-7, 7]), 2) -> tensor([-4,  3])",
)
trunc_divide: Op = Op(
    "trunc_divide", rounded_division(truncated_quotient), flat, flat, promotes=(0, 1), doc="``trunc(input / other)``"
)
remainder = elementwise(
    "remainder",
    rounded_division(np.remainder),
    lambda dy, _y, _a, _b: dy,
    lambda dy, _y, a, b: -dy * floor_divide(a, b),
    promotes=(0, 1),
    numpy=np.remainder,
    doc="``input - other * floor(input / other)``, with the sign of ``other``, as Python's ``%``" + TWO_OPERANDS,
    example="mg.remainder(mg.tensor([-7.0, 7.0]), 3), mg.remainder(mg.tensor([-7.0, 7.0]), -3) -> "
    "(tensor([2., 1.]), tensor([-1., -2.]))",
)
fmod = elementwise(
    "fmod",
    rounded_division(np.fmod),
    lambda dy, _y, _a, _b: dy,
    lambda dy, _y, a, b: -dy * trunc_divide(a, b),
    promotes=(0, 1),
    numpy=np.fmod,
    doc="``input - other * trunc(input / other)``, with the sign of ``input``, as C's ``fmod``" + TWO_OPERANDS,
    example="mg.fmod(mg.tensor([-7.0, 7.0]), 3), mg.fmod(mg.tensor([-7.0, 7.0]), -3) -> "
    "(tensor([-1.,  1.]), tensor([-1.,  1.]))",
)

ROUNDED = {None: div_op, "floor": floor_divide, "trunc": trunc_divide}
"""The operation of a ``rounding_mode``."""


def division(rounding_mode: str | None) -> Op:
    """The operation that divides like that."""
    try:
        return ROUNDED[rounding_mode]
    except (KeyError, TypeError):
        raise InvalidValueError(
            f"div: rounding_mode must be None, 'floor' or 'trunc', got {rounding_mode!r}."
        ) from None


@public(
    "function method in_place",
    {np.true_divide: lambda _, input, other: div_op(input, other)},
    aliases="divide true_divide",
)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """``input / other``

    Args:
        input: a tensor, or a number.
        other: a tensor, or a number.
        rounding_mode: "floor" rounds the quotient down, "trunc" towards 0, and integers stay integers then; the
            derivatives are 0. An integer divided by 0 is a ZeroDivisionError then, and a RuntimeError.

    >>> mg.div(mg.tensor([-7, 7]), 2, rounding_mode="trunc")
    tensor([-3,  3])
    """
    return division(rounding_mode)(input, other)


divide = true_divide = div


# -- mantissa and exponent ------------------------------------------------------------------------

by_power = Op(
    "ldexp",
    lambda input, other: input * np.exp2(other),
    lambda dy, _y, _x, other: dy * exp2(other),
    lambda dy, y, _x, _other: dy * y * LOG_2,
    promotes=(0, 1),
    doc="``input * 2 ** other``",
)
by_whole_power: Op = Op(
    "ldexp_exact",
    lambda input, other: np.ldexp(np.multiply(input, 1.0), other),  # 1.0 makes floats of integers
    lambda dy, _y, _x, other: by_whole_power(dy, other),
    None,
    doc="``input * 2 ** other`` of integers ``other``, exact",
)


@public("function method in_place", {np.ldexp: lambda op, x1, x2: op(x1, x2)})
def ldexp(input: Any, other: Any) -> Tensor:
    """``input * 2 ** other``

    Args:
        input: a tensor, or a number.
        other: a tensor, or a number. Where it is of integers the result is exact, also where ``2 ** other`` would
            overflow.

    >>> mg.ldexp(mg.tensor([3.0]), mg.tensor([4]))
    tensor([48.])
    """
    return by_power(input, other) if kind_of(other) == "f" else by_whole_power(input, other)


binary_exponent = Op("binary_exponent", lambda input: np.frexp(input)[1], doc="the exponent e of ``x = m * 2**e``")
mantissa = Op(
    "mantissa",
    lambda input: np.frexp(input)[0],
    lambda dy, _y, x: by_whole_power(dy, neg(binary_exponent(x))),
    doc="the m of ``x = m * 2**e``",
)


class Parts(NamedTuple):
    """What ``frexp`` returns."""

    mantissa: Any
    exponent: Any


@public("function method")
def frexp(input: Any) -> Parts:
    """The parts of ``input = mantissa * 2 ** exponent``, where ``0.5 <= |mantissa| < 1``, or ``input`` is 0.

    Args:
        input: a tensor of floats; others are refused with a TypeError.

    The exponents are int32.

    >>> mg.frexp(mg.tensor([6.0]))
    Parts(mantissa=tensor([0.7500]), exponent=tensor([3], dtype=int32))
    """
    if kind_of(input) != "f":
        raise InvalidTypeError(f"frexp takes floats, got {describe(input)}: convert it, x.float().")
    return Parts(mantissa(input), binary_exponent(input))
