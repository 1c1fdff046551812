"""Padding: elements put in front of and behind the axes, or cut off there."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.node import Variable, describe
from ..engine.op import Op
from ..engine.scope import call_path
from ..kernels.taking import Taken
from .arguments import shape_of
from .taking import axes_taken

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


def reflected(n: int, ahead: int, behind: int) -> ndarray:
    """What a mirror at the first and at the last element shows."""
    return n - 1 - np.abs(n - 1 - np.abs(np.arange(-ahead, n + behind)))


def replicated(n: int, ahead: int, behind: int) -> ndarray:
    """The first and the last element, again and again."""
    return np.minimum(np.maximum(np.arange(-ahead, n + behind), 0), n - 1)


def wrapped(n: int, ahead: int, behind: int) -> ndarray:
    """The end in front, the beginning behind: of the elements that are not cut off, as in PyTorch."""
    start, end = max(-ahead, 0), n - max(-behind, 0)
    return start + np.arange(-max(ahead, 0), end - start + max(behind, 0)) % max(end - start, 1)


MODES: dict[str, tuple[Callable[[int, int, int], ndarray], Callable[[int], float]]] = {
    "reflect": (reflected, lambda n: n - 1),
    "replicate": (replicated, lambda n: math.inf if n else 0),
    "circular": (wrapped, lambda n: n),
}
"""The modes that pad with elements of the axis: which elements, and by how many of n elements at most."""


@functools.lru_cache(maxsize=256)
def elements(shape: tuple[int, ...], widths: Widths, mode: str) -> Taken:
    """Which elements an array padded with its own has."""
    index, most = MODES[mode]
    for n, ends in zip(shape, widths):
        left = n + sum(min(end, 0) for end in ends) if mode == "circular" else n
        if max(ends) > max(most(left), 0):
            raise InvalidValueError(
                f"mode {mode!r} can pad an axis of {left} elements by at most {max(most(left), 0)} on each side, "
                f"got {ends}."
            )
    found = [index(n, *ends) if any(ends) else None for n, ends in zip(shape, widths)]
    return Taken(shape, tuple(found), f"{mode} {', '.join(str(ends) for ends in widths if any(ends))}")


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
        raise InvalidValueError(
            f"pad{call_path()}: pad must have two integers for each axis that is padded, of input {shape} up to "
            f"{2 * len(shape)}, got {len(numbers)}: {tuple(numbers)}."
        )
    pairs = list(zip(numbers[::2], numbers[1::2]))[::-1]
    widths = ((0, 0),) * (len(shape) - len(pairs)) + tuple(pairs)
    for n, (a, b) in zip(shape, widths):
        if n + min(a, 0) + min(b, 0) < 0:
            raise InvalidValueError(
                f"pad{call_path()}: {(a, b)} cuts more off an axis of input {shape} than its {n} elements."
            )
    return widths


def fitting(value: Any, dtype: np.dtype[Any]) -> Any:
    """The number to pad with, as one of the dtype."""
    if isinstance(value, Variable) or not isinstance(value, (int, float, np.generic)):
        raise TypeError(f"pad{call_path()}: value must be a number, got {describe(value)}.")
    try:
        number = {"f": float, "b": bool}.get(dtype.kind, int)(value)
        if dtype.kind in "iu" and not np.iinfo(dtype).min <= number <= np.iinfo(dtype).max:
            raise OverflowError  # NumPy 2.0 would wrap around
        return number
    except (ValueError, OverflowError):
        raise InvalidValueError(
            f"pad{call_path()}: value {value} is no {dtype}: convert the input, e.g. x.float()."
        ) from None


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
        raise InvalidValueError(
            f"pad{call_path()}: there are modes 'constant', {', '.join(map(repr, MODES))}, got {mode!r}."
        )
    if value:
        raise InvalidValueError(f"pad{call_path()}: mode {mode!r} pads with elements: value is for mode 'constant'.")
    try:
        taken = elements(input.shape, widths, mode)
    except ValueError as error:
        raise InvalidValueError(f"pad{call_path()}: {error}") from None
    return axes_taken(input, taken)
