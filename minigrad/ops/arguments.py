"""How users write axes and sizes."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from typing import Any, TypeVar

from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import called
from ..engine.node import Variable, describe, no_tensor, written
from ..engine.scope import call_path

Function = TypeVar("Function", bound=Callable[..., Any])

TWO_OPERANDS = """

Args:
    input, other: tensors, or one of them a number; shapes broadcast, dtypes promote."""
"""What follows the formula in the ``doc`` of an elementwise operation of two operands."""


def axis_too(function: Function) -> Function:
    """A function that takes NumPy's name ``axis`` for its argument ``dim``, too."""

    @functools.wraps(function)
    def either(*args: Any, axis: Any = None, **named: Any) -> Any:
        if axis is not None:
            named["dim"] = one_name(named.get("dim"), axis)
        return function(*args, **named)

    own = inspect.signature(function)
    axis = inspect.Parameter("axis", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="Any")
    either.__signature__ = own.replace(parameters=[*own.parameters.values(), axis])  # type: ignore[attr-defined]
    return either  # type: ignore[return-value]


def all_axes(x: Any, dim: Any, axis: Any = None) -> tuple[int, ...]:
    """The axes meant by ``dim`` or ``axis``, counted from the front; all of them for None and for ``()``."""
    dim, ndim = one_name(dim, axis), len(shape_of(x))
    if dim is None:
        return tuple(range(ndim))
    axes = tuple(one_axis(d, ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    if len(set(axes)) != len(axes):
        raise InvalidValueError(f"{called()}dim {dim} names an axis twice.")
    return axes if axes and ndim else tuple(range(ndim))


def single_axis(x: Any, dim: Any, axis: Any) -> int | None:
    """The one axis meant by ``dim`` or ``axis``, or None."""
    dim, ndim = one_name(dim, axis), len(shape_of(x))
    return None if dim is None else one_axis(dim, ndim)


def axis_or_default(x: Any, dim: Any, axis: Any, default: int) -> int:
    """The one axis meant by ``dim``, which has a default, or by ``axis``."""
    if axis is not None:
        dim = one_name(None if dim == default else dim, axis)
    return one_axis(dim, len(shape_of(x)))


def required_axis(name: str, x: Any, dim: Any, axis: Any, example: str = "dim=0 or dim=-1") -> int:
    """The one axis meant by ``dim`` or ``axis``; there is no default to guess."""
    only = single_axis(x, dim, axis)
    if only is None:
        raise TypeError(f"{name} needs dim: usually {example}.")
    return only


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of a tensor or an array; anything else is refused."""
    try:
        return x.array.shape if isinstance(x, Variable) else x.shape
    except AttributeError:
        raise InvalidTypeError(f"{called()}{no_tensor(x)}") from None


def floats_only(name: str, x: Any) -> Any:
    """A tensor or an array of floats as it is; anything else is refused."""
    shape_of(x)
    if x.dtype.kind != "f":
        raise InvalidTypeError(f"{name}{call_path()}: expected floats, got {describe(x)}: convert it, x.float().")
    return x


def one_axis(dim: Any, ndim: int) -> int:
    """An axis counted from the front; IndexError if there is none such."""
    try:
        axis, axes = operator.index(dim), max(ndim, 1)
    except TypeError:
        raise TypeError(f"{called()}dim must be an integer, got {written(dim)}.") from None
    if not -axes <= axis < axes:
        raise IndexError(
            f"{called()}dim {axis} is out of range for a tensor of {ndim} dimensions: expected {-axes} to {axes - 1}."
        )
    return axis % axes


def one_name(dim: Any, axis: Any) -> Any:
    """What was passed as ``dim`` or by NumPy's name ``axis``; None if neither."""
    if dim is not None and axis is not None:
        raise TypeError(f"{called()}dim and axis are two names of one argument: give only one.")
    return axis if dim is None else dim


def sizes(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """``f(2, 3)`` and ``f((2, 3))`` mean the same."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    return integers("a size", shape)


def integers(name: str, values: tuple[Any, ...]) -> tuple[int, ...]:
    """Integers as Python's own, whatever kind they were; anything else is refused."""
    try:
        return tuple([operator.index(n) for n in values])
    except TypeError:
        raise TypeError(f"{called()}{name} must be of integers, got {', '.join(map(written, values))}.") from None
