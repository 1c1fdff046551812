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
from .indexing import placed, take
from .reductions import narrowed, widened
from .shapes import reshape
from .windows import added_windows, batched, check_room, per_axis, refuse, unbatched, windows_of, windows_over

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d"]

# -- the largest element -----------------------------------------------------------------------


def flat_windows(x: Any, windows: Windows) -> Any:
    """The windows with their elements along one axis, the last."""
    found = windows_of(x, windows, lowest(x.dtype))
    return found.reshape(*x.shape[:2], *windows.counts, windows.size)


def place_of_largest(input: Any, windows: Windows) -> Any:
    """Which element of its window the largest one is: the first at a tie, and the last NaN, as in PyTorch."""
    found = flat_windows(input, windows)
    first = np.argmax(found, -1)
    if input.dtype.kind != "f":
        return first
    is_nan = (found != found)[..., ::-1]
    return np.where(np.any(is_nan, -1), windows.size - 1 - np.argmax(is_nan, -1), first)


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
        if padding:  # which is chosen only where all elements are -inf: then the first of them is meant
            at = np.where(at < 0, at % dilation, at)
        if elements is not None:
            length, at = elements[axis][0], take(elements[axis][1], (at,))
        index = index * length + at if axis else at
    return index


def indices(input: Any, windows: Windows, elements: Any = None) -> Any:
    """The index of the largest element of each window in the flattened lengths"""
    return position(place_of_largest(input, windows), windows, elements)


def indices_of_array(input: ndarray, windows: Windows, elements: Any = None) -> Any:
    """``indices`` of an array."""
    y = kernels.largest(input, windows)
    if kernels.is_whole(windows) or (input.dtype.kind == "f" and not all_finite(y)):
        return indices(input, windows, elements)
    return position(kernels.place_of_largest(input, y, windows), windows, elements)


def by_largest(dy: Any, y: Any, x: Any, windows: Windows) -> Any:  # y is saved for the twin on arrays
    """The gradient of each maximum at its index, added up."""
    index = array_of(largest_index(array_of(x), windows))
    samples, channels = x.shape[:2]
    rows = (samples * channels, index[0, 0].size if samples * channels else windows.number)
    flat = reshape(dy, rows)
    where = (np.arange(rows[0])[:, None], index.reshape(rows))
    return reshape(placed(flat, (rows[0], int(np.prod(windows.lengths))), where), x.shape)


def largest_on_arrays(dy: ndarray, _cache: Any, _needs: Any, y: ndarray, x: ndarray, windows: Windows) -> tuple[Any]:
    """The rule on arrays, without indices where all maxima are finite."""
    if not all_finite(y):
        return (by_largest(dy, y, x, windows),)
    return (kernels.largest_backward(dy, y, x, windows),)


largest = Op(
    "max_pool",
    lambda input, windows: np.maximum.reduce(flat_windows(input, windows), -1),
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
    axes = tuple(range(2 + len(windows.kernel), 2 + 2 * len(windows.kernel)))
    total = plain_sum(windows_of(input, windows), axes)
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
