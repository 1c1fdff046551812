"""Pooling as modules: the largest element or the mean of each window."""

from __future__ import annotations

from typing import Any, ClassVar

from ...ops import adaptive_pooling as adaptive
from ...ops import pooling
from ...ops.pooling import check_padding
from ...ops.windows import per_axis, refuse
from .function_layer import FunctionLayer


class Pool(FunctionLayer):
    """What the pooling layers share: the checks of their settings."""

    kernel_size: Any
    stride: Any = None
    padding: Any = 0
    _dims: ClassVar[int]

    def __post_init__(self) -> None:
        name, dims = type(self).__name__, self._dims
        if self.stride is None or self.stride == ():
            self.stride = self.kernel_size
        kernel = per_axis(name, "kernel_size", self.kernel_size, dims, 1)
        per_axis(name, "stride", self.stride, dims, 1)
        per_axis(name, "dilation", getattr(self, "dilation", 1), dims, 1)
        check_padding(name, per_axis(name, "padding", self.padding, dims, 0), kernel)


class MaxPool(Pool, shown=("kernel_size", "stride", "padding", "dilation", "ceil_mode")):
    """The largest element of each window."""

    dilation: Any = 1
    return_indices: bool = False
    ceil_mode: bool = False


class MaxPool1d(MaxPool, function=pooling.max_pool1d):
    """The largest element of each window of the last axis.

    Input (N, C, L) or (C, L), output (N, C, L') or (C, L') with
    ``L' = (L + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1``.

    Args:
        kernel_size: how many elements a window has.
        stride: from one window to the next; None: ``kernel_size``.
        padding: elements in front of and behind the axis that are never the largest, at most half of a window.
        dilation: from one element of a window to the next.
        return_indices: whether to return a tuple with the indices (int64) of the largest elements, too.
        ceil_mode: whether a last window may go beyond the padding.

    >>> nn.MaxPool1d(2)(mg.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[3., 2.]])
    """

    _dims = 1


class MaxPool2d(MaxPool, function=pooling.max_pool2d):
    """The largest element of each window of the last two axes: ``MaxPool1d`` of images.

    Input (N, C, H, W) or (C, H, W), output with the lengths of ``MaxPool1d`` along both axes.

    Args:
        kernel_size, stride, padding, dilation: as of ``MaxPool1d``, a number for both axes or one for each.
        return_indices: whether to return a tuple with the indices, too: ``row * W + column``.
        ceil_mode: whether a last window may go beyond the padding.

    >>> nn.MaxPool2d(2)(mg.tensor([[[1.0, 2.0], [4.0, 3.0]]]))
    tensor([[[4.]]])
    """

    _dims = 2


class AvgPool1d(Pool, function=pooling.avg_pool1d, shown=("kernel_size", "stride", "padding")):
    """The mean of each window of the last axis.

    Input (N, C, L) or (C, L), output (N, C, L') or (C, L') with
    ``L' = (L + 2 * padding - kernel_size) // stride + 1``.

    Args:
        kernel_size: how many elements a window has.
        stride: from one window to the next; None: ``kernel_size``.
        padding: zeros in front of and behind the axis, at most half of a window.
        ceil_mode: whether a last window may go beyond the padding; what is there does not count.
        count_include_pad: whether padding counts in the mean.

    >>> nn.AvgPool1d(2)(mg.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[2., 1.]])
    """

    ceil_mode: bool = False
    count_include_pad: bool = True
    _dims = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("kernel_size", "stride", "padding"):  # PyTorch keeps, and prints, tuples in this one
            setattr(self, name, per_axis(type(self).__name__, name, getattr(self, name), 1, 0))


class AvgPool2d(Pool, function=pooling.avg_pool2d, shown=("kernel_size", "stride", "padding")):
    """The mean of each window of the last two axes: ``AvgPool1d`` of images.

    Input (N, C, H, W) or (C, H, W), output with the lengths of ``AvgPool1d`` along both axes.

    Args:
        kernel_size, stride, padding: as of ``AvgPool1d``, a number for both axes or one for each.
        ceil_mode: whether a last window may go beyond the padding; what is there does not count.
        count_include_pad: whether padding counts in the mean.
        divisor_override: an integer other than 0 by which the sum of each window is divided instead.

    >>> nn.AvgPool2d(2)(mg.ones(1, 3, 8, 8)).shape
    (1, 3, 4, 4)
    """

    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None
    _dims = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.divisor_override is not None:
            pooling.divisor(type(self).__name__, self.divisor_override)


class AdaptivePool(FunctionLayer, shown=("output_size",)):
    """As many windows as wanted, as even as they can be."""

    output_size: Any
    _dims: ClassVar[int]

    def __post_init__(self) -> None:
        name, dims = type(self).__name__, self._dims
        given = self.output_size if isinstance(self.output_size, (tuple, list)) else (self.output_size,)
        if len(given) not in (1, dims):
            raise refuse(name, f"output_size must be an integer, or one for each of {dims} axes, got {given!r}.")
        per_axis(name, "output_size", tuple(0 if n is None and dims > 1 else n for n in given), dims, 0)


class AdaptiveAvgPool1d(AdaptivePool, function=adaptive.adaptive_avg_pool1d):
    """The mean of each of ``output_size`` windows of the last axis: (N, C, L) to (N, C, output_size).

    Window i of n has the elements from ``floor(i * L / n)`` to ``ceil((i + 1) * L / n)``.

    >>> nn.AdaptiveAvgPool1d(2)(mg.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[2., 1.]])
    """

    _dims = 1


class AdaptiveAvgPool2d(AdaptivePool, function=adaptive.adaptive_avg_pool2d):
    """The mean of each window of the last two axes: (N, C, H, W) to (N, C, *output_size).

    ``output_size`` is the number of windows along both axes, or a tuple of one for each; None: as many as elements.

    >>> nn.AdaptiveAvgPool2d((1, None))(mg.ones(8, 16, 7, 5)).shape
    (8, 16, 1, 5)
    """

    _dims = 2


class AdaptiveMaxPool(AdaptivePool):
    """The largest element of each window, and its index if asked for."""

    return_indices: bool = False


class AdaptiveMaxPool1d(AdaptiveMaxPool, function=adaptive.adaptive_max_pool1d):
    """The largest element of each of ``output_size`` windows of the last axis: (N, C, L) to (N, C, output_size).

    With ``return_indices`` a tuple of it and the indices (int64). The windows are those of ``AdaptiveAvgPool1d``.

    >>> nn.AdaptiveMaxPool1d(2)(mg.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[3., 2.]])
    """

    _dims = 1


class AdaptiveMaxPool2d(AdaptiveMaxPool, function=adaptive.adaptive_max_pool2d):
    """The largest element of each window of the last two axes: (N, C, H, W) to (N, C, *output_size).

    With ``return_indices`` a tuple of it and the indices, ``row * W + column``. The windows are those of
    ``AdaptiveAvgPool2d``.

    >>> nn.AdaptiveMaxPool2d(1)(mg.ones(8, 3, 5, 5)).shape
    (8, 3, 1, 1)
    """

    _dims = 2
