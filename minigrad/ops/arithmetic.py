"""Arithmetic, element by element: each operation beside its derivatives, as in a calculus book.

``dy`` is the gradient of the output ``y``. Operands broadcast as in NumPy; the engine undoes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.arguments import detached
from ..engine.faces import public
from ..engine.op import Op
from .choosing import where
from .functions import log

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["abs", "add", "div", "mul", "neg", "pow", "sign", "sub"]

add_op = Op("add", np.add, lambda dy, _y, _a, _b: dy, lambda dy, _y, _a, _b: dy, doc="``input + other``")
sub_op = Op("sub", np.subtract, lambda dy, _y, _a, _b: dy, lambda dy, _y, _a, _b: -dy, doc="``input - other``")
mul = Op(
    "mul",
    np.multiply,
    lambda dy, _y, _a, b: dy * b,
    lambda dy, _y, a, _b: dy * a,
    faces="function method in_place",
    doc="``input * other``",
)
div = Op(
    "div",
    np.true_divide,
    lambda dy, _y, _a, b: dy / b,
    lambda dy, y, _a, b: -dy * y / b,
    faces="function method in_place",
    doc="``input / other``",
)
pow = Op(
    "pow",
    lambda input, exponent: input**exponent,
    # (p != 0) keeps x**-1 away from x**0, whose derivative is 0 also at x = 0
    lambda dy, _y, x, p: dy * p * x ** (p - (p != 0)),
    # likewise x**p * log(x) is taken as its limit, 0, where x = 0 and p >= 0; if x is a number, its
    # logarithm is to have the precision of y
    lambda dy, y, x, p: dy * y * log(where((x == 0) & (p >= 0), np.ones((), y.dtype), x)),
    promotes=(0, 1),
    faces="function method in_place",
    numpy=np.power,
    doc="``input ** exponent``; the derivative by the input x at x = 0 is the limit: 0 for an exponent p = 0 and "
    "p > 1, 1 for p = 1; the derivative by p is taken as 0 there for p >= 0, as PyTorch does, and so are its own "
    "derivatives",
)
neg = Op("neg", np.negative, lambda dy, _y, _x: -dy, faces="function method in_place", doc="``-x``")
abs = Op(
    "abs",
    np.absolute,
    lambda dy, _y, x: dy * sign(x),
    faces="function method in_place",
    doc="``|x|``; its derivative is 0 at 0 and NaN",
)
sign: Op = Op(
    "sign",
    lambda input: np.subtract(input > 0, input < 0, dtype=input.dtype),
    lambda dy, _y, _x: where(np.False_, dy, 0),
    faces="function method in_place",
    numpy=np.sign,
    doc="-1, 0 or 1: the sign of each element, 0 at 0 and NaN; its derivative is 0 everywhere",
)


# -- sums and differences as users call them -----------------------------------------------------


def scaled(other: Any, alpha: float) -> Any:
    """``alpha * other``, where ``other`` may be a list, too."""
    alpha = detached(alpha)
    return other if alpha == 1 else mul(other, alpha)


@public("function method", {np.add: lambda _, input, other: add_op(input, other)})
def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``input + alpha * other``"""
    return add_op(input, scaled(other, alpha))


@public("function method", {np.subtract: lambda _, input, other: sub_op(input, other)})
def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``input - alpha * other``"""
    return sub_op(input, scaled(other, alpha))
