"""Pooling over one and two axes: the largest element or the mean of each window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.errors import InvalidTypeError
from ..engine.faces import public
from ..engine.node import array_of
from ..engine.op import Op
from ..kernels import pooling as kernels
from ..kernels.finite import all_finite
from ..kernels.pooling import divisors, lowest
from ..kernels.sums import plain_sum
from ..kernels.windows import Windows
from .indexing import take
from .reductions import narrowed, widened
from .windows import (
    added_windows,
    batched,
    check_room,
    padded,
    per_axis,
    refuse,
    unbatched,
    windows_of,
    windows_over,
)

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d"]

# -- the largest element -----------------------------------------------------------------------


FEW = 16
"""Elements of a window that are compared one by one, in all windows at once."""


def parts(x: Any, windows: Windows, value: Any) -> list[Any]:
    """For each element of a window that element of all windows, with a number as padding."""
    found = windows_of(x, windows, value)
    return [found[(..., *place)] for place in np.ndindex(*windows.kernel)]


def flat_windows(x: Any, windows: Windows, value: Any) -> Any:
    """The windows with their elements along one axis, the last."""
    return windows_of(x, windows, value).reshape(*x.shape[:2], *windows.counts, windows.size)


def largest_of_windows(input: Any, windows: Windows) -> Any:
    """``max(window)`` of each window"""
    x = padded(input, windows, lowest(input.dtype))
    if max(windows.kernel) <= FEW:
        y = kernels.along_axes(np.maximum, x, windows)
        return y.copy() if windows.size == 1 else y
    every = windows_of(input, windows, lowest(x.dtype))
    return np.maximum.reduce(every, tuple(range(-len(windows.kernel), 0)))


def first_inside(windows: Windows) -> Any:
    """The first element of each window that is no padding: the largest one if all are -inf."""
    place: Any = 0
    for n, size, stride, padding, dilation in zip(
        windows.counts, windows.kernel, windows.stride, windows.padding, windows.dilation
    ):
        ahead = np.maximum(padding - np.arange(n) * stride, 0)
        place = np.add.outer(place * size, -(-ahead // dilation))
    return place.astype(np.int32)


def place_of_largest(input: Any, windows: Windows) -> Any:
    """Which element of its window the largest one is: the first at a tie, and the last NaN, as in PyTorch."""
    start = first_inside(windows) if any(windows.padding) else np.int32(0)
    if windows.size <= FEW:
        best, *others = parts(input, windows, lowest(input.dtype))
        place: Any = start
        for k, part in enumerate(others, 1):
            better = part > best
            if input.dtype.kind == "f":
                better = better | (part != part)
            place = np.where(better, np.int32(k), place)
            best = np.maximum(best, part)
        return place if others else np.zeros_like(best, dtype=np.int32)
    found = flat_windows(input, windows, lowest(input.dtype))
    first = np.argmax(found, -1)
    if any(windows.padding):
        first = np.where(np.max(found, -1) > lowest(input.dtype), first, start)
    if input.dtype.kind == "f":
        is_nan = (found != found)[..., ::-1]
        first = np.where(np.any(is_nan, -1), windows.size - 1 - np.argmax(is_nan, -1), first)
    return first.astype(np.int32)


def position(place: Any, windows: Windows, elements: Any) -> Any:
    """Where in the flattened lengths an element of each window is.

    ``elements`` is for windows of elements that were taken out: along each axis the length and where they were.
    """
    index: Any = 0
    after = windows.size
    settings = zip(windows.lengths, windows.counts, windows.kernel, windows.stride, windows.padding, windows.dilation)
    for axis, (length, n, size, stride, padding, dilation) in enumerate(settings):
        after //= size
        starts = np.arange(n) * stride - padding
        steps = place // after % size * dilation
        at = starts.reshape(-1, *(1,) * (len(windows.kernel) - 1 - axis)) + steps
        if elements is not None:
            length, at = elements[axis][0], take(elements[axis][1], (at,))
        index = index * length + at if axis else at
    return index


def indices(input: Any, windows: Windows, elements: Any = None) -> Any:
    """The index of the largest element of each window in the flattened lengths"""
    return position(place_of_largest(input, windows).astype(np.int64), windows, elements)


def indices_of_array(input: ndarray, windows: Windows, elements: Any = None) -> Any:
    """``indices`` of an array."""
    y = kernels.largest(input, windows)
    if kernels.is_whole(windows) or (input.dtype.kind == "f" and not all_finite(y)):
        return indices(input, windows, elements)
    return position(kernels.place_of_largest(input, y, windows), windows, elements)


def by_largest(dy: Any, y: Any, x: Any, windows: Windows) -> Any:  # y is saved for the twin on arrays
    """The gradient of each maximum at its element of the window, added up."""
    return given_to(dy, place_of_largest(array_of(x), windows), windows)


def largest_on_arrays(dy: ndarray, _cache: Any, _needs: Any, y: ndarray, x: ndarray, windows: Windows) -> tuple[Any]:
    """The rule on arrays, without indices where all maxima are finite."""
    if not all_finite(y):
        return (by_largest(dy, y, x, windows),)
    return (kernels.largest_backward(dy, y, x, windows),)


def elements_at(x: Any, place: Any, windows: Windows) -> Any:
    """The element at a place of each window"""
    if windows.size > FEW:
        return np.take_along_axis(flat_windows(x, windows, 0), place[..., None], -1)[..., 0]
    y, *others = parts(x, windows, 0)
    for k, part in enumerate(others, 1):
        y = np.where(place == k, part, y)
    return y if others else y.copy()


def at_elements(dy: Any, place: Any, windows: Windows) -> Any:
    """Each number at a place of its window, added up"""
    given, dy = dy, widened(dy)
    if windows.size <= FEW:
        values = np.stack([np.where(place == k, dy, dy.dtype.type(0)) for k in range(windows.size)], 2)
    else:
        numbers = np.arange(windows.size, dtype=np.int32).reshape(-1, *(1,) * len(windows.kernel))
        values = np.where(place[:, :, None] == numbers, dy[:, :, None], dy.dtype.type(0))
    return narrowed(added_windows(values.reshape(*dy.shape[:2], *windows.kernel, *windows.counts), windows), given)


given_to: Op = Op(
    "max_pool_spread",
    at_elements,
    lambda dy, _y, _x, place, windows: taken_from(dy, place, windows),
    None,
    doc="each number at one place of its window, added up where the windows lie",
)
taken_from: Op = Op(
    "max_pool_elements",
    elements_at,
    lambda dy, _y, _x, place, windows: given_to(dy, place, windows),
    None,
    doc="the element at one place of each window: the transpose of ``max_pool_spread``",
)
largest = Op(
    "max_pool",
    largest_of_windows,
    by_largest,
    kernel=kernels.largest,
    on_arrays=largest_on_arrays,
    doc="``max(window)`` of each window; the first element that is the largest has the gradient, of NaN the last",
)
largest_index = Op(
    "max_pool_indices",
    indices,
    None,
    kernel=indices_of_array,
    doc="where in the flattened lengths the largest element of each window is",
)

# -- the mean ----------------------------------------------------------------------------------


def quotient(total: Any, windows: Windows, *settings: Any) -> Any:
    """A sum, or a gradient, divided by what counts of its window; of integers without the part behind the point."""
    by = divisors(windows, *settings)
    if total.dtype.kind != "f":
        return (total - np.fmod(total, by)) // by
    return total / (by.astype(total.dtype) if isinstance(by, ndarray) else by)


def mean(input: Any, windows: Windows, count_include_pad: bool, divisor_override: int | None) -> Any:
    """``sum(window) / number``"""
    x, dims = widened(input), len(windows.kernel)
    if max(windows.kernel) <= FEW and not kernels.is_whole(windows):
        total = kernels.along_axes(np.add, padded(x, windows), windows)
    else:
        total = plain_sum(windows_of(x, windows), tuple(range(2 + dims, 2 + 2 * dims)))
    return narrowed(quotient(total, windows, count_include_pad, divisor_override), input)


def mean_of_array(input: ndarray, windows: Windows, *settings: Any) -> Any:
    """``mean`` of an array."""
    return narrowed(quotient(kernels.window_sums(input, windows), windows, *settings), input)


def shared(dy: Any, windows: Windows, count_include_pad: bool, divisor_override: int | None) -> Any:
    """``dy / number`` at each element of its window, added up"""
    part = quotient(widened(dy), windows, count_include_pad, divisor_override)
    places = part.reshape(*dy.shape[:2], *(1,) * len(windows.kernel), *windows.counts)
    values = np.broadcast_to(places, (*dy.shape[:2], *windows.kernel, *windows.counts))
    return narrowed(added_windows(values, windows), dy)


def shared_on_arrays(dy: ndarray, windows: Windows, *settings: Any) -> Any:
    """``shared`` of an array."""
    return narrowed(kernels.spread_over_windows(quotient(widened(dy), windows, *settings), windows), dy)


averaged: Op = Op(
    "avg_pool",
    mean,
    lambda dy, _y, _x, windows, count_include_pad, divisor_override: spread(
        dy, windows, count_include_pad, divisor_override
    ),
    kernel=mean_of_array,
    doc="``sum(window) / number`` of each window",
)
spread: Op = Op(
    "avg_pool_spread",
    shared,
    lambda dy, _y, _x, windows, count_include_pad, divisor_override: averaged(
        dy, windows, count_include_pad, divisor_override
    ),
    kernel=shared_on_arrays,
    doc="each number, divided by the number of elements of its window, at all of them: the transpose of ``avg_pool``",
)

# -- what users call -----------------------------------------------------------------------------


def pools(
    name: str, lengths: tuple[int, ...], kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any
) -> Windows:
    """The windows of a pooling function."""
    dims = len(lengths)
    kernel = per_axis(name, "kernel_size", kernel_size, dims, 1)
    steps = kernel if stride is None or stride == () else per_axis(name, "stride", stride, dims, 1)
    pads, dilation = per_axis(name, "padding", padding, dims, 0), per_axis(name, "dilation", dilation, dims, 1)
    check_padding(name, pads, kernel)
    windows = windows_over(lengths, kernel, steps, pads, pads, dilation, bool(ceil_mode))
    check_room(name, windows)
    for n, p, s, d in zip(lengths, pads, steps, dilation):
        # a window that begins in the padding has its first element of the input at the rest of the division
        if any(start % d >= n for start in range(-p, 0, s)):
            raise refuse(name, f"a window has only padding: dilation {dilation} steps over the input {lengths}.")
    return windows


def check_padding(name: str, padding: tuple[int, ...], kernel: tuple[int, ...]) -> None:
    """Refuse more padding than half of a window."""
    if any(2 * p > k for p, k in zip(padding, kernel)):
        raise refuse(name, f"padding must be at most half of the kernel, got padding {padding} and kernel {kernel}.")


def divisor(name: str, given: Any) -> int:
    """The number by which the sums of windows are divided, if it is given."""
    (number,) = per_axis(name, "divisor_override", given, 1, -(1 << 62))
    if not number:
        raise refuse(name, "divisor_override must be other than 0: None divides by the number of elements.")
    return number


def refuse_bools(name: str, x: Any) -> None:
    """Refuse booleans, which have no order and no mean."""
    if x.dtype.kind == "b":
        raise InvalidTypeError(f"{name}: booleans cannot be pooled: convert them, e.g. x.float().")


def max_pooled(name: str, input: Any, dims: int, settings: tuple[Any, ...], return_indices: bool) -> Any:
    """The largest element of each window, and its index if asked for."""
    x, alone = batched(name, input, dims)
    refuse_bools(name, x)
    windows = pools(name, x.shape[2:], *settings)
    y = unbatched(largest(x, windows), alone)
    return (y, unbatched(largest_index(x, windows), alone)) if return_indices else y


def avg_pooled(name: str, input: Any, dims: int, settings: tuple[Any, ...], count_include_pad: Any, by: Any) -> Any:
    """The mean of each window."""
    x, alone = batched(name, input, dims)
    refuse_bools(name, x)
    windows = pools(name, x.shape[2:], *settings)
    return unbatched(averaged(x, windows, bool(count_include_pad), by), alone)


@public("functional")
def max_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest element of each window of the last axis.

    The first element that is the largest has the gradient. Of NaN, which is the largest, it is the last.

    Args:
        input: (N, C, L), or (C, L) without a batch.
        kernel_size: how many elements a window has.
        stride: from one window to the next; None: ``kernel_size``.
        padding: elements in front of and behind the axis that are never the largest, at most half of a window.
        dilation: from one element of a window to the next.
        ceil_mode: whether a last window may go beyond the padding.
        return_indices: whether to return the indices of the largest elements, too.

    Returns:
        (N, C, (L + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1), or that without N; with
        ``return_indices`` a tuple of it and the indices (int64).

    Raises:
        ValueError, TypeError: for shapes and settings that do not fit, and for booleans.

    >>> F.max_pool1d(mg.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    settings = (kernel_size, stride, padding, dilation, ceil_mode)
    return max_pooled("max_pool1d", input, 1, settings, return_indices)


@public("functional")
def max_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest element of each window of the last two axes: ``max_pool1d`` of images.

    Args:
        input: (N, C, H, W), or (C, H, W) without a batch.
        kernel_size, stride, padding, dilation: as of ``max_pool1d``, a number for both axes or one for each.
        ceil_mode: whether a last window may go beyond the padding.
        return_indices: whether to return the indices of the largest elements, too: ``row * W + column``.

    Returns:
        (N, C, H, W) with the lengths of ``max_pool1d`` along both axes, or that without N; with ``return_indices`` a
        tuple of it and the indices (int64).

    Raises:
        ValueError, TypeError: for shapes and settings that do not fit, and for booleans.

    >>> y, indices = F.max_pool2d(mg.tensor([[[1.0, 2.0], [4.0, 3.0]]]), 2, return_indices=True)
    >>> indices
    tensor([[[2]]])
    """
    settings = (kernel_size, stride, padding, dilation, ceil_mode)
    return max_pooled("max_pool2d", input, 2, settings, return_indices)


@public("function functional")
def avg_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """The mean of each window of the last axis.

    Args:
        input: (N, C, L), or (C, L) without a batch. Of integers the mean is rounded towards 0.
        kernel_size: how many elements a window has.
        stride: from one window to the next; None: ``kernel_size``.
        padding: zeros in front of and behind the axis, at most half of a window.
        ceil_mode: whether a last window may go beyond the padding; what is there does not count.
        count_include_pad: whether padding counts in the mean.

    Returns:
        (N, C, (L + 2 * padding - kernel_size) // stride + 1), or that without N.

    Raises:
        ValueError, TypeError: for shapes and settings that do not fit, and for booleans.

    >>> mg.avg_pool1d(mg.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[2., 1.]])
    """
    settings = (kernel_size, stride, padding, 1, ceil_mode)
    result: Tensor = avg_pooled("avg_pool1d", input, 1, settings, count_include_pad, None)
    return result


@public("functional")
def avg_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of the last two axes: ``avg_pool1d`` of images.

    Args:
        input: (N, C, H, W), or (C, H, W) without a batch. Of integers the mean is rounded towards 0.
        kernel_size, stride, padding: as of ``avg_pool1d``, a number for both axes or one for each.
        ceil_mode: whether a last window may go beyond the padding; what is there does not count.
        count_include_pad: whether padding counts in the mean.
        divisor_override: an integer by which the sum of each window is divided instead.

    Returns:
        (N, C, H, W) with the lengths of ``avg_pool1d`` along both axes, or that without N.

    Raises:
        ValueError, TypeError: for shapes and settings that do not fit, and for booleans.

    >>> F.avg_pool2d(mg.tensor([[[1.0, 2.0], [4.0, 3.0]]]), 2)
    tensor([[[2.5000]]])
    """
    if divisor_override is not None:
        divisor_override = divisor("avg_pool2d", divisor_override)
    settings = (kernel_size, stride, padding, 1, ceil_mode)
    result: Tensor = avg_pooled("avg_pool2d", input, 2, settings, count_include_pad, divisor_override)
    return result
