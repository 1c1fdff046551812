"""Arithmetic, element by element: each operation beside its derivatives, as in a calculus book.

``dy`` is the gradient of the output ``y``. Operands broadcast as in NumPy; the engine undoes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import detached
from ..engine.faces import public
from ..engine.node import holds_tensors
from ..engine.op import Op
from ..kernels.constants import float64
from .arguments import TWO_OPERANDS
from .choosing import where
from .elementwise import elementwise, flat, kind_of
from .functions import log
from .shapes import astype

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = [
    "abs", "absolute", "add", "float_power", "mul", "multiply", "neg", "negative", "positive", "pow", "rsub", "sgn",
    "sign", "sub", "subtract",
]  # fmt: skip

add_op = Op("add", np.add, lambda dy, _y, _a, _b: dy, lambda dy, _y, _a, _b: dy, doc="``input + other``")
sub_op = Op("sub", np.subtract, lambda dy, _y, _a, _b: dy, lambda dy, _y, _a, _b: -dy, doc="``input - other``")
mul = multiply = elementwise(
    "mul",
    np.multiply,
    lambda dy, _y, _a, b: dy * b,
    lambda dy, _y, a, _b: dy * a,
    aliases="multiply",
    doc="``input * other``" + TWO_OPERANDS,
    example="mg.mul(mg.tensor([[1.0], [2.0]]), mg.tensor([10.0, 100.0])) -> tensor([[ 10., 100.],\n"
    "        [ 20., 200.]])",
)
div_op = Op(
    "div",
    np.true_divide,
    lambda dy, _y, _a, b: dy / b,
    lambda dy, y, _a, b: -dy * y / b,
    doc="``input / other``",
)


def integer_power(input: Any, exponent: Any) -> Any:
    """The power of integers, of which NumPy refuses negative exponents: 1 or -1 of those, of others 0."""
    negative = exponent < 0
    unit = np.where(np.absolute(input) == 1, input ** (exponent & 1), 0)
    return np.where(negative, unit, input ** np.where(negative, 0, exponent))


def power_definition(input: Any, exponent: Any) -> Any:
    """``input ** exponent``"""
    if kind_of(exponent) == "i" and hasattr(exponent, "dtype") and kind_of(input) != "f":
        return integer_power(input, exponent)
    return input**exponent


def power(input: Any, exponent: Any) -> Any:
    """The same of NumPy's arrays: their dtypes are looked at if NumPy refuses."""
    try:
        return input**exponent
    except ValueError:
        if not isinstance(exponent, ndarray):
            raise
        return power_definition(input, exponent)


pow = elementwise(
    "pow",
    power_definition,
    # (p != 0) keeps x**-1 away from x**0, whose derivative is 0 also at x = 0
    lambda dy, _y, x, p: dy * p * x ** (p - (p != 0)),
    # likewise x**p * log(x) is taken as its limit, 0, where x = 0 and p >= 0; if x is a number, its
    # logarithm is to have the precision of y
    lambda dy, y, x, p: dy * y * log(where((x == 0) & (p >= 0), np.ones((), y.dtype), x)),
    kernel=power,
    promotes=(0, 1),
    numpy=np.power,
    doc="""``input ** exponent``; NaN for a negative input and an exponent that is not whole

    The derivative by the input x at x = 0 is the limit: 0 for an exponent p = 0 and p > 1, 1 for p = 1; the derivative
    by p is taken as 0 there for p >= 0, as PyTorch does, and so are its own derivatives. Integers to a negative number
    are refused; to a tensor of negative integers they are rounded to 0.

    Args:
        input, exponent: tensors, or one of them a number; shapes broadcast, dtypes promote.
    """,
    example="mg.pow(mg.tensor([2.0, 3.0]), mg.tensor([[3.0], [-1.0]])) -> tensor([[ 8.0000, 27.0000],\n"
    "        [ 0.5000,  0.3333]])",
)
neg = negative = elementwise(
    "neg",
    np.negative,
    lambda dy, _y, _x: -dy,
    aliases="negative",
    doc="``-x``; booleans are refused, and of unsigned integers it wraps round",
    example="mg.neg(mg.tensor([1.5, -2.0, 0.0])) -> tensor([-1.5000,  2.0000, -0.0000])",
)
positive = Op(
    "positive",
    np.positive,
    lambda dy, _y, _x: dy,
    faces="function method",
    doc="``+x``, a copy; booleans are refused",
    example="x = mg.tensor([-1.0, 2.0])\nmg.positive(x), mg.positive(x) is x -> (tensor([-1.,  2.]), False)",
)
abs = absolute = elementwise(
    "abs",
    np.absolute,
    lambda dy, _y, x: dy * sign(x),
    aliases="absolute",
    doc="``|x|``; its derivative is 0 at 0 and NaN",
    example="mg.abs(mg.tensor([-2.5, 0.0, 3.0])) -> tensor([2.5000, 0.0000, 3.0000])",
)
sign: Op = elementwise(
    "sign",
    lambda input: input > 0 if input.dtype.kind == "b" else np.subtract(input > 0, input < 0, dtype=input.dtype),
    flat,
    numpy=np.sign,
    aliases="sgn",
    doc="-1, 0 or 1: the sign of each element, 0 at 0 and NaN; its derivative is 0 everywhere",
    example="mg.sign(mg.tensor([-3.0, 0.0, 0.5, mg.nan])) -> tensor([-1.,  0.,  1.,  0.])",
)
sgn = sign


# -- sums and differences as users call them -----------------------------------------------------


def scaled(other: Any, alpha: float) -> Any:
    """``alpha * other``, where ``other`` may be a list, too."""
    alpha = detached(alpha)
    if alpha == 1:
        return other
    if isinstance(other, (list, tuple)) and not holds_tensors(other):
        return [scaled(x, alpha) for x in other]
    return mul(other, alpha)


@public("function method in_place", {np.add: lambda _, input, other: add_op(input, other)})
def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``input + alpha * other``

    Args:
        input, other: tensors, or one of them a number; shapes broadcast, dtypes promote.
        alpha: a number, 1 unless given.

    >>> mg.add(mg.tensor([1.0, 2.0]), mg.tensor([10.0, 20.0]), alpha=0.5)
    tensor([ 6., 12.])
    """
    return add_op(input, scaled(other, alpha))


@public("function method in_place", {np.subtract: lambda _, input, other: sub_op(input, other)}, aliases="subtract")
def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``input - alpha * other``

    Args:
        input, other: tensors, or one of them a number; shapes broadcast, dtypes promote.
        alpha: a number, 1 unless given.

    >>> mg.sub(mg.tensor([1.0, 2.0]), 3)
    tensor([-2., -1.])
    """
    return sub_op(input, scaled(other, alpha))


subtract = sub


@public("function")
def rsub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``other - alpha * input``: ``sub`` the other way round

    Args:
        input, other: tensors, or one of them a number; shapes broadcast, dtypes promote.
        alpha: a number, 1 unless given.

    >>> mg.rsub(mg.tensor([1.0, 2.0]), 10)
    tensor([9., 8.])
    """
    return sub_op(other, scaled(input, alpha))


# -- other forms ----------------------------------------------------------------------------------


def as_float64(value: Any) -> Any:
    """An operand in float64; a number as it is, which float64 takes up."""
    return value if isinstance(value, (int, float)) else astype(value, float64)


@public("function method in_place")
def float_power(input: Any, exponent: Any) -> Tensor:
    """``input ** exponent`` in float64.

    Args:
        input: a tensor, or a number.
        exponent: a tensor, or a number.

    >>> mg.float_power(mg.tensor([2, 3]), -1)
    tensor([0.5000, 0.3333], dtype=float64)
    """
    return pow(as_float64(input), as_float64(exponent))
