"""Functions of this package that NumPy has not, as lines of NumPy with the same bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy import ndarray

from ..kernels.tuning import ROWS
from ..ops.assigning import with_elements
from ..ops.indexing import put
from ..ops.windows import added_windows
from .program import Value
from .typed import Typed

Lines = Iterator[str]


def zeros(typed: Typed, name: str, shape: Any, like: Value) -> str:
    """The line that makes zeros."""
    return f"{name} = np.zeros({typed.argument(shape)}, {typed.argument(like.dtype)})"


def put_lines(typed: Typed, name: str, values: Value, shape: Any, index: Any) -> Lines:
    """Values at an index, in zeros; those that meet are added up, many of them in float64."""
    size = math.prod(values.shape)
    if not any(isinstance(part, (Value, ndarray)) for part in index):
        yield zeros(typed, name, shape, values)
        yield f"{name}[{typed.index(index)}] = {typed.argument(values)}"
    elif size <= ROWS and values.dtype != np.float16:
        yield zeros(typed, name, shape, values)
        yield f"np.add.at({name}, {typed.argument(index)}, {typed.argument(values)})"
    elif len(index) == len(shape) and all(isinstance(p, (Value, ndarray)) and p.dtype.kind == "i" for p in index):
        places = typed.unique.new(f"{name}_places")
        yield f'{places} = np.ravel_multi_index({typed.argument(index)}, {typed.argument(shape)}, mode="wrap").ravel()'
        total = f"np.bincount({places}, {typed.argument(values)}.ravel(), {math.prod(shape)})"
        yield f"{name} = {total}.reshape({typed.argument(shape)}).astype({typed.argument(values.dtype)})"


def window_lines(typed: Typed, name: str, values: Value, windows: Any) -> Lines:
    """The elements of windows, added up where they lie."""
    ahead = values.shape[: len(values.shape) - 2 * len(windows.kernel)]
    yield zeros(typed, name, (*ahead, *windows.lengths), values)
    flat = typed.unique.new(f"{name}_windows")
    yield f"{flat} = {typed.argument(values)}.reshape({typed.argument((*ahead, windows.size, *windows.counts))})"
    for k, (at, which) in enumerate(windows.places):
        of_windows = (*(slice(None),) * len(ahead), k, *which[1:])
        yield f"{name}[{typed.index(at)}] += {flat}[{typed.index(of_windows)}]"


def changed_lines(typed: Typed, name: str, x: Value, value: Any, index: Any) -> Lines:
    """A copy with other elements at an index."""
    yield f"{name} = {typed.argument(x)}.copy('K')"
    yield f"{name}[{typed.index(index)}] = {typed.argument(value)}"


STRAIGHT: dict[Any, Callable[..., Lines]] = {
    put: put_lines, added_windows: window_lines, with_elements: changed_lines,
}  # fmt: skip
"""The lines by function; none, if there are none for these arguments."""
