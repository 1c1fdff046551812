"""Choosing between values, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.dtypes import refuse_overflow
from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.node import Variable
from ..engine.op import Op
from .arguments import TWO_OPERANDS

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["clamp", "clamp_max", "clamp_min", "clip", "fmax", "fmin", "maximum", "minimum"]


def choose(condition: ndarray, input: Any, other: Any) -> ndarray:
    """``input`` where ``condition`` is true, else ``other``; OverflowError for an integer that does not fit."""
    return np.where(condition, fitting(input, other), fitting(other, input))


def fitting(value: Any, other: Any) -> Any:
    """A number beside integers as one of them: NumPy 2.4 takes -1 beside uint8 as 255, NumPy 2.5 refuses it."""
    if type(value) is not int or not isinstance(other, ndarray) or other.dtype.kind not in "iu":
        return value
    refuse_overflow(value, other.dtype)
    return np.array(value).astype(other.dtype)


where: Op = Op(
    "where",
    choose,
    None,
    lambda dy, _y, condition, _a, _b: where(condition, dy, 0),
    lambda dy, _y, condition, _a, _b: where(condition, 0, dy),
    promotes=(1, 2),
    chooses="choose the operand before the function, mg.log(mg.where(mask, x, 1)), not its result.",
    doc="``input`` where ``condition`` is true, else ``other``",
)


def inside(x: Any, low: Any, high: Any) -> Any:
    """Whether low < x < high; None is no limit."""
    if low is None or high is None:
        return x < high if low is None else x > low
    return (x > low) & (x < high)


def limit(input: ndarray, low: Any, high: Any) -> ndarray:
    """``min(max(input, low), high)``; None is no limit."""
    y = input if low is None else np.maximum(input, low)
    return y if high is None else np.minimum(y, high)


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


@public("function method in_place", {np.clip: lambda f, a, a_min=None, a_max=None: f(a, a_min, a_max)}, aliases="clip")
def clamp(input: Any, min: Any = None, max: Any = None) -> Tensor:
    """Limit every element to [min, max].

    Args:
        input: the tensor.
        min: lower bound, a number or a tensor that broadcasts; None is no bound.
        max: upper bound, likewise.

    With numbers as bounds the gradient passes where min < input < max; it is 0 at the bounds.
    Tensors as bounds get their own gradient, and a tie is halved, as in ``maximum``.

    >>> mg.clamp(mg.tensor([-1.0, 0.5, 2.0]), 0, 1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise InvalidValueError("clamp needs a bound: give min, max, or both.")
    if isinstance(min, (Variable, ndarray)) or isinstance(max, (Variable, ndarray)):
        if min is None or max is None:
            return minimum(input, max) if min is None else maximum(input, min)
        return limited_by_tensors(input, min, max)
    return limited(input, min, max)


clip = clamp


@public("function method in_place")
def clamp_min(input: Any, min: Any) -> Tensor:
    """``max(x, min)``: ``clamp`` with a lower bound only.

    Args:
        input: the tensor.
        min: a number, at which the derivative is 0, or a tensor that broadcasts, which gets gradients.

    >>> mg.clamp_min(mg.tensor([-1.0, 2.0]), 0)
    tensor([0., 2.])
    """
    return clamp(input, min)


@public("function method in_place")
def clamp_max(input: Any, max: Any) -> Tensor:
    """``min(x, max)``: ``clamp`` with an upper bound only.

    Args:
        input: the tensor.
        max: a number, at which the derivative is 0, or a tensor that broadcasts, which gets gradients.

    >>> mg.clamp_max(mg.tensor([-1.0, 2.0]), 0)
    tensor([-1.,  0.])
    """
    return clamp(input, None, max)


def share(dy: Any, ties: Any, loses: Any) -> Any:
    """The gradient of an operand of maximum or minimum: half at a tie, nothing, or all; of NaN both have all."""
    return where(ties, dy / 2, where(loses, 0, dy))


maximum = Op(
    "maximum",
    np.maximum,
    lambda dy, _y, a, b: share(dy, a == b, a < b),
    lambda dy, _y, a, b: share(dy, a == b, b < a),
    faces="function method",
    doc="``max(a, b)``, elementwise; each gets half of the gradient at a tie. NaN wins: ``fmax`` prefers numbers."
    + TWO_OPERANDS,
    example="mg.maximum(mg.tensor([1.0, 5.0, mg.nan]), 2) -> tensor([2., 5., nan])",
)
minimum = Op(
    "minimum",
    np.minimum,
    lambda dy, _y, a, b: share(dy, a == b, a > b),
    lambda dy, _y, a, b: share(dy, a == b, b > a),
    faces="function method",
    doc="``min(a, b)``, elementwise; each gets half of the gradient at a tie. NaN wins: ``fmin`` prefers numbers."
    + TWO_OPERANDS,
    example="mg.minimum(mg.tensor([1.0, 5.0, mg.nan]), 2) -> tensor([1., 2., nan])",
)
fmax = Op(
    "fmax",
    np.fmax,
    lambda dy, _y, a, b: share(dy, a == b, a < b),
    lambda dy, _y, a, b: share(dy, a == b, b < a),
    faces="function method",
    doc="``maximum``, but of a number and NaN the number; each gets all of the gradient then." + TWO_OPERANDS,
    example="mg.fmax(mg.tensor([1.0, 5.0, mg.nan]), 2) -> tensor([2., 5., 2.])",
)
fmin = Op(
    "fmin",
    np.fmin,
    lambda dy, _y, a, b: share(dy, a == b, a > b),
    lambda dy, _y, a, b: share(dy, a == b, b > a),
    faces="function method",
    doc="``minimum``, but of a number and NaN the number; each gets all of the gradient then." + TWO_OPERANDS,
    example="mg.fmin(mg.tensor([1.0, 5.0, mg.nan]), 2) -> tensor([1., 2., 2.])",
)
