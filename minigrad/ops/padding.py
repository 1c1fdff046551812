"""Padding: elements put in front of and behind the axes, or cut off there."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.faces import public
from ..engine.node import Variable, describe
from ..engine.op import Op
from ..engine.scope import call_path
from .arguments import shape_of
from .indexing import getitem
from .joining import cat
from .shapes import expand

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["pad"]

Widths = tuple[tuple[int, int], ...]
"""For each axis how many elements are put in front of it and behind it; negative: cut off."""


def kept(shape: tuple[int, ...], widths: Widths) -> tuple[slice, ...]:
    """The elements of an array that are not cut off."""
    return tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(shape, widths))


def surrounded(input: Any, widths: Widths, value: Any) -> Any:
    """``input`` surrounded by a number"""
    return np.pad(input[kept(input.shape, widths)], [(max(a, 0), max(b, 0)) for a, b in widths], constant_values=value)


def surrounded_array(input: ndarray, widths: Widths, value: Any) -> ndarray:
    """``surrounded`` of an array, in one step instead of one for each axis."""
    shape = tuple(n + a + b for n, (a, b) in zip(input.shape, widths))
    y = np.zeros(shape, input.dtype) if value == 0 else np.full(shape, value, input.dtype)
    y[kept(shape, turned(widths))] = input[kept(input.shape, widths)]
    return y


def turned(widths: Widths) -> Widths:
    """The widths that take them back."""
    return tuple((-a, -b) for a, b in widths)


surround: Op = Op(
    "pad",
    surrounded,
    lambda dy, _y, _x, widths, value: surround(dy, turned(widths), 0),
    kernel=surrounded_array,
    doc="``x`` surrounded by a number; negative widths cut elements off",
)


# -- padding with elements of the axis -----------------------------------------------------------


def reflected(x: Any, axis: int, ahead: int, behind: int) -> list[Any]:
    """What a mirror at the first and at the last element shows."""
    n = x.shape[axis]
    end = n - 2 - behind
    return [part(x, axis, slice(ahead, 0, -1)), x, part(x, axis, slice(n - 2, end if end >= 0 else None, -1))]


def replicated(x: Any, axis: int, ahead: int, behind: int) -> list[Any]:
    """The first and the last element, again and again."""

    def repeated(element: slice, times: int) -> Any:
        shape = (*x.shape[:axis], times, *x.shape[axis + 1 :])
        return expand(part(x, axis, element), shape)

    return [repeated(slice(1), ahead), x, repeated(slice(-1, None), behind)]


def wrapped(x: Any, axis: int, ahead: int, behind: int) -> list[Any]:
    """The end in front, the beginning behind."""
    n = x.shape[axis]
    return [part(x, axis, slice(n - ahead, None)), x, part(x, axis, slice(behind))]


def part(x: Any, axis: int, places: slice) -> Any:
    """Some elements along an axis."""
    return getitem(x, (*(slice(None),) * axis, places))


MODES: dict[str, tuple[Callable[..., list[Any]], Callable[[int], float]]] = {
    "reflect": (reflected, lambda n: n - 1),
    "replicate": (replicated, lambda n: math.inf if n else 0),
    "circular": (wrapped, lambda n: n),
}
"""The modes that pad with elements of the axis: the pieces of the result, and the most that an axis may be padded."""


def cut_off(x: Any, axis: int, widths: tuple[int, int]) -> Any:
    """Without the elements that negative widths cut off."""
    ahead, behind = (max(-width, 0) for width in widths)
    return part(x, axis, slice(ahead, x.shape[axis] - behind)) if ahead or behind else x


def padded_along(x: Any, axis: int, widths: tuple[int, int], mode: str) -> Any:
    """Padded along one axis. What is cut off can still be reflected, but is no part of a circle, as in PyTorch."""
    pieces, most = MODES[mode]
    circular = mode == "circular"
    x = cut_off(x, axis, widths) if circular else x
    ahead, behind = (max(width, 0) for width in widths)
    if max(ahead, behind) > most(x.shape[axis]):
        raise ValueError(
            f"pad{call_path()}: mode {mode!r} can pad an axis of {x.shape[axis]} elements by at most "
            f"{most(x.shape[axis])} on each side, got {widths}."
        )
    y = cat([piece for piece in pieces(x, axis, ahead, behind) if piece is x or piece.shape[axis]], axis)
    return y if circular else cut_off(y, axis, widths)


def widths_of(shape: tuple[int, ...], pad: Any) -> Widths:
    """The widths of all axes; users write those of the last axes, from the last one backwards."""
    try:
        numbers = [operator.index(n) for n in pad]
    except TypeError:
        raise TypeError(
            f"pad{call_path()}: pad must be integers, (left, right, top, bottom, ...) from the last axis backwards, "
            f"got {pad!r}."
        ) from None
    if len(numbers) % 2 or len(numbers) > 2 * len(shape):
        raise ValueError(
            f"pad{call_path()}: pad must have two integers for each axis that is padded, of input {shape} up to "
            f"{2 * len(shape)}, got {len(numbers)}: {tuple(numbers)}."
        )
    pairs = list(zip(numbers[::2], numbers[1::2]))[::-1]
    widths = ((0, 0),) * (len(shape) - len(pairs)) + tuple(pairs)
    for n, (a, b) in zip(shape, widths):
        if n + min(a, 0) + min(b, 0) < 0:
            raise ValueError(
                f"pad{call_path()}: {(a, b)} cuts more off an axis of input {shape} than its {n} elements."
            )
    return widths


def fitting(value: Any, dtype: np.dtype[Any]) -> Any:
    """The number to pad with, as one of the dtype."""
    if isinstance(value, Variable) or not isinstance(value, (int, float, np.generic)):
        raise TypeError(f"pad{call_path()}: value must be a number, got {describe(value)}.")
    try:
        return {"f": float, "b": bool}.get(dtype.kind, int)(value)
    except (ValueError, OverflowError):
        raise ValueError(f"pad{call_path()}: value {value} is no {dtype}: convert the input, e.g. x.float().") from None


@public("functional")
def pad(input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Tensor:
    """Put elements in front of and behind the last axes.

    Args:
        input: the tensor.
        pad: how many, from the last axis backwards: (left, right), (left, right, top, bottom), ... A negative number
            cuts elements off.
        mode: ``"constant"``: ``value``; ``"reflect"``: what a mirror at the first and the last element shows;
            ``"replicate"``: the first and the last element again and again; ``"circular"``: the end in front and the
            beginning behind.
        value: the number for mode "constant"; None is 0.

    Raises:
        ValueError, TypeError: for widths that do not fit the input, also of more elements than a mode has for an axis.

    >>> F.pad(mg.tensor([1.0, 2.0, 3.0]), (2, 1), mode="reflect")
    tensor([3., 2., 1., 2., 3., 2.])
    """
    widths = widths_of(shape_of(input), pad)
    if mode == "constant":
        result: Tensor = surround(input, widths, 0 if value is None else fitting(value, input.dtype))
        return result
    if mode not in MODES:
        raise ValueError(f"pad{call_path()}: there are modes 'constant', {', '.join(map(repr, MODES))}, got {mode!r}.")
    if value:
        raise ValueError(f"pad{call_path()}: mode {mode!r} pads with elements: value is for mode 'constant'.")
    padded = [axis for axis, ends in enumerate(widths) if any(ends)]
    y = input
    for axis in padded:
        y = padded_along(y, axis, widths[axis], mode)
    return y if padded else getitem(input, ...)
