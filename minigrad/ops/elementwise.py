"""Elementwise operations: each function beside its derivative, as in a calculus book.

``dy`` is the gradient of the output ``y``. Operands broadcast as in NumPy; the engine undoes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.dtypes import promoted
from ..engine.node import Variable, describe, wrap
from ..engine.op import Op
from .arrays import FEW_ELEMENTS, LONG_ROW, float64, number, small_zeros

# -- comparisons and other functions whose derivative is zero wherever it exists ---------------


def comparable(values: Sequence[Any]) -> list[Any]:
    """Two values, of which one is an array at least, in one dtype; numbers stay numbers."""
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    return plain if any(type(value) in (int, float, bool) for value in plain) else promoted(plain)


def piecewise_constant(name: str, function: Callable[..., Any], doc: str) -> Callable[..., Any]:
    """A piecewise constant function: its result never requires grad."""

    def apply(*operands: Any) -> Any:
        arrays, tensors = [], False
        for x in operands:
            if isinstance(x, Variable):
                tensors, x = True, x.array
            arrays.append(x)
        if tensors and len(arrays) == 2:
            a, b = arrays
            if type(a) is not ndarray or type(b) is not ndarray or a.dtype is not b.dtype:
                arrays = comparable(arrays)
        try:
            y = function(*arrays)
        except (ValueError, TypeError) as error:
            kind = ValueError if isinstance(error, ValueError) else TypeError
            raise kind(f"{name}: cannot be applied to {' and '.join(map(describe, operands))}: {error}") from error
        return wrap(y) if tensors else y

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = doc
    return apply


eq = piecewise_constant("eq", np.equal, "``a == b``, elementwise.")
ne = piecewise_constant("ne", np.not_equal, "``a != b``, elementwise.")
lt = piecewise_constant("lt", np.less, "``a < b``, elementwise.")
le = piecewise_constant("le", np.less_equal, "``a <= b``, elementwise.")
gt = piecewise_constant("gt", np.greater, "``a > b``, elementwise.")
ge = piecewise_constant("ge", np.greater_equal, "``a >= b``, elementwise.")
logical_and = piecewise_constant("logical_and", np.logical_and, "``a and b``, elementwise.")
logical_or = piecewise_constant("logical_or", np.logical_or, "``a or b``, elementwise.")
logical_not = piecewise_constant("logical_not", np.logical_not, "``not x``, elementwise.")
bitwise_and = piecewise_constant("bitwise_and", np.bitwise_and, "``a & b`` of booleans or integers, elementwise.")
bitwise_or = piecewise_constant("bitwise_or", np.bitwise_or, "``a | b`` of booleans or integers, elementwise.")
bitwise_not = piecewise_constant("bitwise_not", np.invert, "``~x`` of booleans or integers, elementwise.")
isnan = piecewise_constant("isnan", np.isnan, "Whether each element is NaN.")
isinf = piecewise_constant("isinf", np.isinf, "Whether each element is plus or minus infinity.")
isfinite = piecewise_constant("isfinite", np.isfinite, "Whether each element is neither NaN nor infinite.")

# -- choosing ----------------------------------------------------------------------------------

where: Op = Op(
    "where",
    lambda condition, a, b: np.where(condition, a, b),  # with one operand NumPy's does something else
    None,
    lambda dy, _y, condition, _a, _b: where(condition, dy, 0),
    lambda dy, _y, condition, _a, _b: where(condition, 0, dy),
    promotes=(1, 2),
    chooses="choose the operand before the function, mg.log(mg.where(mask, x, 1)), not its result.",
    doc="``a`` where ``condition`` is true, else ``b``. Both are computed, and where the derivative of the one not "
    "taken is infinite or NaN, its gradient is NaN: 0 times infinity. Choose the operand before the operation: "
    "``log(where(x > 0, x, 1))`` instead of ``where(x > 0, log(x), 0)``.",
)


def inside(x: Any, low: Any, high: Any) -> Any:
    """Whether low < x < high; None is no limit."""
    if low is None or high is None:
        return x < high if low is None else x > low
    return (x > low) & (x < high)


def limit(x: ndarray, low: float | None, high: float | None) -> ndarray:
    """``min(max(x, low), high)``; None is no limit."""
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


limited = Op(
    "clamp",
    limit,
    lambda dy, _y, x, low, high: where(inside(x, low, high), dy, 0),
    doc="``min(max(x, low), high)`` with numbers as bounds",
)


def at_bound(dy: Any, x: Any, bound: Any, beyond: Any, low: Any, high: Any) -> Any:
    """The gradient of a bound: all of it beyond the bound, half at a tie; equal bounds do not tie with ``x``."""
    return where(beyond, dy, where((x == bound) & (low < high), dy / 2, 0))


def within(dy: Any, x: Any, low: Any, high: Any) -> Any:
    """The gradient of ``x`` between two bounds: what they leave; all of it if ``x`` is NaN."""
    ties = ((x == low) | (x == high)) & (low < high)
    return where((x < low) | (x > high) | (low > high), 0, where(ties, dy / 2, dy))


limited_by_tensors = Op(
    "clamp_by_tensors",
    limit,
    lambda dy, _y, x, low, high: within(dy, x, low, high),
    lambda dy, _y, x, low, high: at_bound(dy, x, low, (x < low) & (low <= high), low, high),
    lambda dy, _y, x, low, high: at_bound(dy, x, high, (x > high) | (low > high), low, high),
    promotes=(0, 1, 2),
    doc="``min(max(x, low), high)`` with tensors as bounds",
)


def clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    """Limit every element to [min, max].

    Args:
        x: the tensor.
        min: lower bound, a number or a tensor that broadcasts; None is no bound.
        max: upper bound, likewise.

    With numbers as bounds the gradient passes where min < x < max; it is 0 at the bounds.
    Tensors as bounds get their own gradient, and a tie is halved, as in ``maximum``.
    """
    if min is None and max is None:
        raise ValueError("clamp needs a bound: give min, max, or both.")
    if isinstance(min, (Variable, ndarray)) or isinstance(max, (Variable, ndarray)):
        if min is None or max is None:
            return minimum(x, max) if min is None else maximum(x, min)
        return limited_by_tensors(x, min, max)
    return limited(x, min, max)


def share(dy: Any, ties: Any, loses: Any) -> Any:
    """The gradient of an operand of maximum or minimum: half at a tie, nothing, or all; of NaN both have all."""
    return where(ties, dy / 2, where(loses, 0, dy))


maximum = Op(
    "maximum",
    np.maximum,
    lambda dy, _y, a, b: share(dy, a == b, a < b),
    lambda dy, _y, a, b: share(dy, a == b, b < a),
    promotes=(0, 1),
    doc="``max(a, b)``, elementwise; each gets half of the gradient at a tie.",
)
minimum = Op(
    "minimum",
    np.minimum,
    lambda dy, _y, a, b: share(dy, a == b, a > b),
    lambda dy, _y, a, b: share(dy, a == b, b > a),
    promotes=(0, 1),
    doc="``min(a, b)``, elementwise; each gets half of the gradient at a tie.",
)

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


@np.errstate(over="ignore")
def logistic(x: ndarray) -> ndarray:
    """``1 / (1 + exp(-x))``; where exp overflows, 1 / inf is the right 0."""
    x = np.asarray(x)
    dtype = x.dtype if x.dtype.kind == "f" else float64  # of an unsigned integer -x is positive
    one = number(1.0, dtype)
    y = np.asarray(x * number(-1.0, dtype))
    np.exp(y, y)
    y += one
    return np.divide(one, y, y)  # reciprocal is slower


def sigmoid_fused(dy: ndarray, _cache: Any, _needs: Any, y: ndarray, _x: Any) -> tuple[ndarray]:
    """The rule on arrays, its steps in one array."""
    dx = dy * y
    dx *= number(1.0, y.dtype) - y
    return (dx,)


SHORT_ROW = 64
"""Elements up to which NumPy loses time between rows."""


def rectified(x: ndarray) -> ndarray:
    """``max(x, 0)`` by an array of zeros: NumPy's maximum of two arrays is vectorised, with a number it is not."""
    x = np.asarray(x)
    shape = x.shape
    if x.size <= FEW_ELEMENTS:  # more zeros would crowd the kept constants
        return np.maximum(x, small_zeros(shape, x.dtype))
    if x.size % LONG_ROW == 0 and x.flags.c_contiguous:
        y = np.empty_like(x)
        np.maximum(x.reshape(-1, LONG_ROW), small_zeros((LONG_ROW,), x.dtype), out=y.reshape(-1, LONG_ROW))
        return y
    return np.maximum(x, small_zeros(shape[-1:] if SHORT_ROW <= shape[-1] <= LONG_ROW else (), x.dtype))


def relu_fused(dy: ndarray, _cache: Any, _needs: Any, y: ndarray, _x: Any) -> tuple[ndarray]:
    """The rule on arrays, its steps in one array."""
    dx = (y != number(0.0, y.dtype)).astype(dy.dtype)
    dx *= dy
    return (dx,)


sign = Op(
    "sign",
    lambda x: np.subtract(x > 0, x < 0, dtype=x.dtype),
    lambda dy, _y, _x: where(np.False_, dy, 0),
    doc="-1, 0 or 1: the sign of each element, 0 at 0 and NaN; its derivative is 0 everywhere",
)
neg = Op("neg", np.negative, lambda dy, _y, _x: -dy, doc="``-x``")
abs = Op("abs", np.absolute, lambda dy, _y, x: dy * sign(x), doc="``|x|``; its derivative is 0 at 0 and NaN")
exp = Op("exp", np.exp, lambda dy, y, _x: dy * y, doc="``exp(x)``")
log: Op = Op("log", np.log, lambda dy, _y, x: dy / x, doc="``log(x)``, the natural logarithm")
sqrt = Op("sqrt", np.sqrt, lambda dy, y, _x: dy / (2 * y), doc="``sqrt(x)``; its derivative is inf at 0")
square = Op("square", np.square, lambda dy, _y, x: dy * (2 * x), doc="``x * x``")
reciprocal = Op("reciprocal", lambda x: np.true_divide(1, x), lambda dy, y, _x: -dy * y * y, doc="``1 / x``")
sin = Op("sin", np.sin, lambda dy, _y, x: dy * cos(x), doc="``sin(x)``, x in radians")
cos: Op = Op("cos", np.cos, lambda dy, _y, x: -dy * sin(x), doc="``cos(x)``, x in radians")
tanh = Op("tanh", np.tanh, lambda dy, y, _x: dy * (1 - y * y), doc="``tanh(x)``")
sigmoid = Op(
    "sigmoid",
    logistic,
    lambda dy, y, _x: dy * y * (1 - y),
    fused=sigmoid_fused,
    doc="``1 / (1 + exp(-x))``",
)
relu = Op(
    "relu",
    rectified,
    lambda dy, y, _x: dy * (y != 0).astype(dy.dtype),
    fused=relu_fused,
    doc="``max(x, 0)``; its derivative is 0 at 0, and 1 at NaN",
)
