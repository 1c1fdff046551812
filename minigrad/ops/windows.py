"""Windows over the last axes as users write them, and in NumPy's own functions for stand-ins."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..engine.errors import InvalidValueError
from ..engine.scope import call_path
from ..kernels import windows as kernels
from ..kernels.windows import Windows
from .arguments import shape_of
from .protocol import by_protocol
from .shapes import squeeze, unsqueeze

# -- elements of windows -------------------------------------------------------------------------


def padded(x: Any, windows: Windows, value: Any = 0) -> Any:
    """The array (N, C, *lengths) at least as far as windows reach, with a number as padding."""
    if not windows.pads:
        return x
    widths = [(p, max(b, 0)) for p, b in zip(windows.padding, windows.behind)]
    return np.pad(x, [(0, 0), (0, 0), *widths], constant_values=value)


def windows_of(x: Any, windows: Windows, value: Any = 0) -> Any:
    """The windows (N, C, *counts, *kernel) of ``x`` with a number as padding."""
    every = sliding_window_view(padded(x, windows, value), windows.widths, windows.axes)
    starts = [slice(0, max((n - 1) * s + 1, 0), s) for n, s in zip(windows.counts, windows.stride)]
    steps = [slice(None, None, d) for d in windows.dilation]
    return every[(slice(None), slice(None), *starts, *steps)]


added_windows = by_protocol(kernels.added_windows)


# -- what users write ----------------------------------------------------------------------------


def refuse(name: str, problem: str) -> Exception:
    """The error of a bad argument."""
    return InvalidValueError(f"{name}{call_path()}: {problem}")


def per_axis(name: str, argument: str, value: Any, dims: int, least: int) -> tuple[int, ...]:
    """An integer for each axis, of which users write one for all."""
    given = value if isinstance(value, (tuple, list)) else (value,)
    try:
        numbers = tuple([operator.index(n) for n in given])
    except TypeError:
        raise TypeError(f"{name}{call_path()}: {argument} must be of integers, got {value!r}.") from None
    if len(numbers) not in (1, dims):
        raise refuse(name, f"{argument} must be an integer, or one for each of {dims} axes, got {value!r}.")
    if min(numbers) < least:
        raise refuse(name, f"{argument} must be at least {least}, got {value!r}.")
    return numbers * dims if len(numbers) == 1 else numbers


def batched(name: str, input: Any, dims: int) -> tuple[Any, bool]:
    """The input (N, C, *lengths), and whether it had no axis N."""
    shape = shape_of(input)
    if len(shape) not in (dims + 1, dims + 2):
        axes = "L" if dims == 1 else "H, W"
        raise refuse(name, f"expected input (N, C, {axes}) or (C, {axes}), got {shape}.")
    if 0 in shape[-dims:]:
        raise refuse(name, f"only N and C may be 0, got input {shape}.")
    alone = len(shape) == dims + 1
    return (unsqueeze(input, 0) if alone else input), alone


def unbatched(y: Any, alone: bool) -> Any:
    """The output, without the axis N if the input had none."""
    return squeeze(y, 0) if alone else y


@functools.lru_cache(maxsize=256)
def windows_over(
    lengths: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...],
    behind: tuple[int, ...], dilation: tuple[int, ...], ceil_mode: bool = False,
) -> Windows:  # fmt: skip
    """The windows that fit into axes of these lengths with padding in front of and behind them.

    With ``ceil_mode`` also one that begins in them and goes beyond.
    """
    counts = []
    for n, k, s, p, b, d in zip(lengths, kernel, stride, padding, behind, dilation):
        room = n + p + b - d * (k - 1) - 1
        count = room // s + 1
        if ceil_mode and room % s and count * s < n + p:
            count += 1
        counts.append(count)
    return Windows(lengths, tuple(counts), kernel, stride, padding, dilation)


def check_room(name: str, windows: Windows) -> None:
    """Refuse windows that do not fit at all."""
    if min(windows.counts) < 1:
        raise refuse(
            name,
            f"the kernel {windows.kernel} with dilation {windows.dilation} is larger than the input "
            f"{windows.lengths} with padding {windows.padding}: use a smaller kernel, or more padding.",
        )
