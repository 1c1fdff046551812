"""Elementwise operations: each function beside its derivative, as in a calculus book.

``dy`` is the gradient of the output ``y``. Operands broadcast as in NumPy; the engine undoes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.dtypes import promoted
from ..engine.op import Op
from .choosing import where
from .functions import log

# -- comparisons and other functions whose derivative is zero wherever it exists ---------------


def comparable(values: Sequence[Any]) -> list[Any]:
    """Two values, of which one is an array at least, in one dtype; numbers stay numbers."""
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    return plain if any(type(value) in (int, float, bool) for value in plain) else promoted(plain)


# -- choosing ----------------------------------------------------------------------------------


# -- arithmetic --------------------------------------------------------------------------------

add = Op(
    "add",
    np.add,
    lambda dy, _y, _a, _b: dy,
    lambda dy, _y, _a, _b: dy,
    promotes=(0, 1),
    doc="``a + b``",
)
sub = Op(
    "sub",
    np.subtract,
    lambda dy, _y, _a, _b: dy,
    lambda dy, _y, _a, _b: -dy,
    promotes=(0, 1),
    doc="``a - b``",
)
mul = Op(
    "mul",
    np.multiply,
    lambda dy, _y, _a, b: dy * b,
    lambda dy, _y, a, _b: dy * a,
    promotes=(0, 1),
    doc="``a * b``",
)
div = Op(
    "div",
    np.true_divide,
    lambda dy, _y, _a, b: dy / b,
    lambda dy, y, _a, b: -dy * y / b,
    promotes=(0, 1),
    doc="``a / b``",
)
pow = Op(
    "pow",
    lambda x, p: x**p,
    # (p != 0) keeps x**-1 away from x**0, whose derivative is 0 also at x = 0
    lambda dy, _y, x, p: dy * p * x ** (p - (p != 0)),
    # likewise x**p * log(x) is taken as its limit, 0, where x = 0 and p >= 0; if x is a number, its
    # logarithm is to have the precision of y
    lambda dy, y, x, p: dy * y * log(where((x == 0) & (p >= 0), np.ones((), y.dtype), x)),
    promotes=(0, 1),
    doc="``x ** p``; the derivative by x at x = 0 is the limit: 0 for p = 0 and p > 1, 1 for p = 1; "
    "the derivative by p is taken as 0 there for p >= 0, as PyTorch does, and so are its own derivatives",
)

# -- functions of one variable -----------------------------------------------------------------


sign = Op(
    "sign",
    lambda x: np.subtract(x > 0, x < 0, dtype=x.dtype),
    lambda dy, _y, _x: where(np.False_, dy, 0),
    doc="-1, 0 or 1: the sign of each element, 0 at 0 and NaN; its derivative is 0 everywhere",
)
neg = Op("neg", np.negative, lambda dy, _y, _x: -dy, doc="``-x``")
abs = Op("abs", np.absolute, lambda dy, _y, x: dy * sign(x), doc="``|x|``; its derivative is 0 at 0 and NaN")
