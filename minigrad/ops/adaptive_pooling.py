"""Pooling to a given size: as many windows as wanted, as even as they can be.

Window ``i`` of ``n`` over an axis of length L has the elements from ``floor(i * L / n)`` to ``ceil((i + 1) * L / n)``.
Where not all windows have the same length and distance, their elements are taken out side by side first.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import InvalidTypeError
from ..engine.faces import public
from ..kernels.constants import float16, float32
from ..kernels.taking import Taken
from ..kernels.windows import Windows
from .choosing import where
from .pooling import averaged, largest, largest_index
from .shapes import astype, reshape
from .taking import axes_taken
from .windows import batched, per_axis, refuse, unbatched

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d"]


class Uneven:
    """Windows of several lengths along each axis.

    Args:
        lengths: of the array.
        sizes: how many windows there are.
    """

    def __init__(self, lengths: tuple[int, ...], sizes: tuple[int, ...]) -> None:
        ends = [np.arange(n + 1) * length for n, length in zip(sizes, lengths)]
        starts = [end[:-1] // max(n, 1) for end, n in zip(ends, sizes)]
        stops = [-(-end[1:] // max(n, 1)) for end, n in zip(ends, sizes)]
        kernel = tuple(int((stop - start).max(initial=1)) for start, stop in zip(starts, stops))
        grids = [start[:, None] + np.arange(k) for start, k in zip(starts, kernel)]
        self.indices = tuple([np.minimum(grid, stop[:, None] - 1).ravel() for grid, stop in zip(grids, stops)])
        """Along each axis the elements of all windows: of the shorter ones the last one again."""
        self.taken = Taken(lengths, self.indices)
        there = [(grid < stop[:, None]).ravel() for grid, stop in zip(grids, stops)]
        self.there: Any = functools.reduce(np.logical_and.outer, there)
        """Which of them are not there again."""
        numbers = [stop - start for start, stop in zip(starts, stops)]
        self.numbers: Any = functools.reduce(np.multiply.outer, numbers)
        """How many elements each window has."""
        ends_of_all = tuple(n * k for n, k in zip(sizes, kernel))
        self.windows = Windows(ends_of_all, sizes, kernel, kernel, (0,) * len(sizes), (1,) * len(sizes))
        self.places = tuple(zip(lengths, self.indices))
        """For the indices of the largest elements."""


uneven_windows = functools.lru_cache(maxsize=64)(Uneven)


def divides(lengths: tuple[int, ...], sizes: tuple[int, ...]) -> Windows | None:
    """The windows, if all have the same length and distance."""
    if any(n == 0 or length % n for n, length in zip(sizes, lengths)):
        return None
    kernel = tuple(length // n for n, length in zip(sizes, lengths))
    return Windows(lengths, sizes, kernel, kernel, (0,) * len(sizes), (1,) * len(sizes))


def sizes_of(name: str, output_size: Any, lengths: tuple[int, ...]) -> tuple[int, ...]:
    """How many windows there are along each axis; None: as many as elements, of images."""
    dims = len(lengths)
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * dims
    if len(given) != dims:
        raise refuse(name, f"output_size must be an integer, or one for each of {dims} axes, got {output_size!r}.")
    if dims > 1:
        given = tuple(length if n is None else n for n, length in zip(given, lengths))
    return per_axis(name, "output_size", given, dims, 0)


def prepared(name: str, input: Any, output_size: Any, dims: int) -> tuple[Any, bool, tuple[int, ...]]:
    """The input (N, C, *lengths), whether it had no axis N, and the sizes."""
    x, alone = batched(name, input, dims)
    if x.dtype.kind != "f":
        raise InvalidTypeError(f"{name}: expected floats, got {x.dtype}: convert them, e.g. x.float().")
    return x, alone, sizes_of(name, output_size, x.shape[2:])


def adaptive_mean(name: str, input: Any, output_size: Any, dims: int) -> Any:
    """The mean of each window."""
    x, alone, sizes = prepared(name, input, output_size, dims)
    even = divides(x.shape[2:], sizes)
    if even is not None:
        return unbatched(averaged(x, even, True, None), alone)
    uneven = uneven_windows(x.shape[2:], sizes)
    taken = axes_taken(x, uneven.taken)
    if 0 in sizes:
        return unbatched(reshape(taken, (*x.shape[:2], *sizes)), alone)
    wide = astype(taken, float32) if x.dtype == float16 else taken
    y = averaged(where(uneven.there, wide, 0), uneven.windows, True, 1) / uneven.numbers.astype(wide.dtype)
    return unbatched(astype(y, float16) if x.dtype == float16 else y, alone)


def adaptive_largest(name: str, input: Any, output_size: Any, dims: int, return_indices: bool) -> Any:
    """The largest element of each window, and its index if asked for."""
    x, alone, sizes = prepared(name, input, output_size, dims)
    even = divides(x.shape[2:], sizes)
    if even is not None:
        y, index = largest(x, even), largest_index(x, even) if return_indices else None
    else:
        uneven = uneven_windows(x.shape[2:], sizes)
        taken = axes_taken(x, uneven.taken)
        if 0 in sizes:
            y = reshape(taken, (*x.shape[:2], *sizes))
            index = reshape(astype(taken, np.int64), y.shape)
        else:
            y = largest(taken, uneven.windows)
            index = largest_index(taken, uneven.windows, uneven.places) if return_indices else None
    return (unbatched(y, alone), unbatched(index, alone)) if return_indices else unbatched(y, alone)


@public("function functional")
def adaptive_avg_pool1d(input: Any, output_size: Any) -> Tensor:
    """The mean of each of ``output_size`` windows of the last axis, which are as even as they can be.

    Args:
        input: (N, C, L), or (C, L) without a batch; floats.
        output_size: how many windows.

    Returns:
        (N, C, output_size), or that without N.

    Raises:
        ValueError, TypeError: for shapes and sizes that do not fit, and for integers and booleans.

    >>> mg.adaptive_avg_pool1d(mg.tensor([[1.0, 3.0, 5.0]]), 2)
    tensor([[2., 4.]])
    """
    result: Tensor = adaptive_mean("adaptive_avg_pool1d", input, output_size, 1)
    return result


@public("functional")
def adaptive_avg_pool2d(input: Any, output_size: Any) -> Tensor:
    """The mean of each window of the last two axes: ``adaptive_avg_pool1d`` of images.

    Args:
        input: (N, C, H, W), or (C, H, W) without a batch; floats.
        output_size: how many windows along both axes, or for each; None: as many as elements.

    Returns:
        (N, C, *output_size), or that without N.

    Raises:
        ValueError, TypeError: for shapes and sizes that do not fit, and for integers and booleans.

    >>> F.adaptive_avg_pool2d(mg.zeros(8, 16, 7, 7), 1).shape
    (8, 16, 1, 1)
    """
    result: Tensor = adaptive_mean("adaptive_avg_pool2d", input, output_size, 2)
    return result


@public("functional")
def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest element of each of ``output_size`` windows of the last axis, which are as even as they can be.

    The first element that is the largest has the gradient. Of NaN, which is the largest, it is the last.

    Args:
        input: (N, C, L), or (C, L) without a batch; floats.
        output_size: how many windows.
        return_indices: whether to return the indices of the largest elements, too.

    Returns:
        (N, C, output_size), or that without N; with ``return_indices`` a tuple of it and the indices (int64).

    Raises:
        ValueError, TypeError: for shapes and sizes that do not fit, and for integers and booleans.

    >>> F.adaptive_max_pool1d(mg.tensor([[1.0, 3.0, 5.0]]), 2)
    tensor([[3., 5.]])
    """
    return adaptive_largest("adaptive_max_pool1d", input, output_size, 1, return_indices)


@public("functional")
def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest element of each window of the last two axes: ``adaptive_max_pool1d`` of images.

    Args:
        input: (N, C, H, W), or (C, H, W) without a batch; floats.
        output_size: how many windows along both axes, or for each; None: as many as elements.
        return_indices: whether to return the indices of the largest elements, too: ``row * W + column``.

    Returns:
        (N, C, *output_size), or that without N; with ``return_indices`` a tuple of it and the indices (int64).

    Raises:
        ValueError, TypeError: for shapes and sizes that do not fit, and for integers and booleans.

    >>> F.adaptive_max_pool2d(mg.zeros(8, 16, 7, 7), (1, None)).shape
    (8, 16, 1, 7)
    """
    return adaptive_largest("adaptive_max_pool2d", input, output_size, 2, return_indices)
