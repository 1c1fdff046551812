"""Convolutions as modules: the filters, their initial values and the settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ...engine.arguments import whole
from ...ops import convolution as functions
from ...ops.arguments import integers, shape_of
from ...ops.convolution import padding_of
from ...ops.padding import MODES, pad
from ...ops.windows import per_axis, refuse
from ...tensor.creation import zeros
from .. import init
from ..module import Module
from ..parameter import Parameter


class Convolution(Module):
    """What convolutions and their transposes share: checked settings, filters and bias."""

    _dims: ClassVar[int]
    _function: ClassVar[Callable[..., Any]]
    _transposed: ClassVar[bool] = False
    weight: Parameter
    bias: Parameter | None

    def _build(
        self, in_channels: Any, out_channels: Any, kernel_size: Any, stride: Any, padding: Any, output_padding: Any,
        dilation: Any, groups: Any, bias: Any, padding_mode: Any, device: Any, dtype: Any,
    ) -> None:  # fmt: skip
        """Check the settings, make the parameters and draw them."""
        name, dims = type(self).__name__, self._dims
        self.in_channels = whole(in_channels, 1, f"{name}: in_channels must be an integer of at least 1")
        self.out_channels = whole(out_channels, 1, f"{name}: out_channels must be an integer of at least 1")
        self.groups = whole(groups, 1, f"{name}: groups must be an integer of at least 1")
        for kind, number in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if number % self.groups:
                raise refuse(name, f"{kind} {number} must be divisible by groups {self.groups}.")
        self.kernel_size = per_axis(name, "kernel_size", kernel_size, dims, 1)
        self.stride = per_axis(name, "stride", stride, dims, 1)
        self.dilation = per_axis(name, "dilation", dilation, dims, 1)
        self.output_padding = per_axis(name, "output_padding", output_padding, dims, 0)
        modes = ["zeros"] if self._transposed else ["zeros", *MODES]
        if padding_mode not in modes:
            raise refuse(name, f"padding_mode must be {' or '.join(map(repr, modes))}, got {padding_mode!r}.")
        self.padding_mode = padding_mode
        if self._transposed and isinstance(padding, str):
            raise refuse(name, f"padding must be of integers, got {padding!r}: only a convolution takes words.")
        numbers, _ = padding_of(name, padding, (self.kernel_size, self.stride, self.dilation))
        self.padding = padding if isinstance(padding, str) else numbers
        inner = (self.in_channels, self.out_channels) if self._transposed else (self.out_channels, self.in_channels)
        shape = (inner[0], inner[1] // self.groups, *self.kernel_size)
        self.weight = Parameter(zeros(shape, dtype=dtype, device=device))
        self.bias = Parameter(zeros(self.out_channels, dtype=dtype, device=device)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new parameters from the global random state."""
        bound = 1 / math.sqrt(math.prod(self.weight.shape[1:]))
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        parts = [str(self.in_channels), str(self.out_channels)]
        parts += [f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (usual,) * self._dims:
                parts.append(f"{name}={value}")
        parts += [f"groups={self.groups}"] * (self.groups != 1) + ["bias=False"] * (self.bias is None)
        return ", ".join(parts + [f"padding_mode={self.padding_mode}"] * (self.padding_mode != "zeros"))


class Conv(Convolution):
    """Convolutions; they differ in how many axes their windows have."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        self._build(
            in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip

    def forward(self, input: Any) -> Any:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            settings = (self.kernel_size, self.stride, self.dilation)
            ahead, behind = padding_of(type(self).__name__, padding, settings)
            pairs = list(zip(ahead, behind))[::-1]  # from the last axis backwards
            input = pad(input, [number for pair in pairs for number in pair], self.padding_mode)
            padding = 0
        convolve = type(self)._function
        return convolve(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(Conv):
    """The sum of the products of each window of the last axis with each filter, plus a bias.

    Input (N, C, L) or (C, L), output (N, O, L') or (O, L') with
    ``L' = (L + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1``. The weight (O, C / groups, kernel_size)
    and the bias (O,) start evenly distributed in ``±1 / sqrt(C / groups * kernel_size)``.

    Args:
        in_channels, out_channels: C and O, both divisible by ``groups``.
        kernel_size: how many elements a window has.
        stride: from one window to the next.
        padding: elements in front of and behind the axis; ``"valid"`` is 0, ``"same"`` keeps the length (for stride 1).
        dilation: from one element of a window to the next.
        groups: into how many groups the channels are divided; each has its own filters.
        bias: whether to add a bias.
        padding_mode: what the padding consists of: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        device: the CPU.
        dtype: of the parameters, by default the default dtype, float32.

    Raises:
        ValueError, TypeError: for settings that no input fits, when it is made.

    >>> nn.Conv1d(2, 4, 3, padding="same")(mg.ones(8, 2, 10)).shape
    (8, 4, 10)
    """

    _dims = 1
    _function = functions.conv1d


class Conv2d(Conv):
    """The sum of the products of each window of the last two axes with each filter, plus a bias: of images.

    Input (N, C, H, W) or (C, H, W), output (N, O, H', W') or (O, H', W') with the lengths of ``Conv1d`` along both
    axes. The weight (O, C / groups, *kernel_size) and the bias (O,) start evenly distributed in
    ``±1 / sqrt(C / groups * kernel_size[0] * kernel_size[1])``.

    Args:
        in_channels, out_channels: C and O, both divisible by ``groups``.
        kernel_size, stride, padding, dilation: as of ``Conv1d``, a number for both axes or one for each.
        groups: into how many groups the channels are divided; each has its own filters.
        bias: whether to add a bias.
        padding_mode: what the padding consists of: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        device: the CPU.
        dtype: of the parameters, by default the default dtype, float32.

    Raises:
        ValueError, TypeError: for settings that no input fits, when it is made.

    >>> nn.Conv2d(3, 16, 3, stride=2, padding=1)(mg.ones(8, 3, 28, 28)).shape
    (8, 16, 14, 14)
    """

    _dims = 2
    _function = functions.conv2d


class ConvTranspose(Convolution):
    """Transposed convolutions; they differ in how many axes their windows have."""

    _transposed = True

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1, padding_mode: str = "zeros",
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        self._build(
            in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip
        more = zip(self.output_padding, self.stride, self.dilation)
        if any(m >= max(s, d) for m, s, d in more):
            raise refuse(
                type(self).__name__,
                f"output_padding must be less than stride or dilation, got {self.output_padding}, {self.stride} and "
                f"{self.dilation}.",
            )

    def forward(self, input: Any, output_size: Any = None) -> Any:
        more = self.output_padding if output_size is None else self._missing(shape_of(input), output_size)
        convolve = type(self)._function
        return convolve(input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation)

    def _missing(self, shape: tuple[int, ...], output_size: Any) -> tuple[int, ...]:
        """The output padding with which the output has the lengths ``output_size``."""
        name, dims = type(self).__name__, self._dims
        given = output_size if isinstance(output_size, (tuple, list)) else (output_size,)
        sizes = integers(name, tuple(given))
        if len(sizes) not in (dims, len(shape)):
            raise refuse(name, f"output_size must have {dims} lengths, or those of all axes, got {output_size}.")
        sizes = sizes[-dims:]
        numbers: Any = self.padding  # of a transpose never a word
        settings = zip(shape[-dims:], self.stride, numbers, self.dilation, self.kernel_size)
        least = tuple((n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in settings)
        most = tuple(n + s - 1 for n, s in zip(least, self.stride))
        if any(not low <= n <= high for n, low, high in zip(sizes, least, most)):
            raise refuse(
                name, f"output_size must be from {least} to {most} for an input {shape}, got {tuple(output_size)}."
            )
        return tuple(np.subtract(sizes, least).tolist())


class ConvTranspose1d(ConvTranspose):
    """The transpose of ``Conv1d`` as a linear function: each element times the filters, added up, plus a bias.

    Input (N, C, L) or (C, L), output (N, O, L') or (O, L') with
    ``L' = (L - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1``. The weight
    (C, O / groups, kernel_size) and the bias (O,) start evenly distributed in
    ``±1 / sqrt(O / groups * kernel_size)``.

    Called with ``output_size`` it gives an output of that length: ``Conv1d`` with a stride maps several lengths to
    one, and this says which of them is meant.

    Args:
        in_channels, out_channels: C and O, both divisible by ``groups``.
        kernel_size: how many elements a window has.
        stride: from one window of the output to the next.
        padding: elements that are cut off at both ends of the output.
        output_padding: elements that are added behind it, fewer than stride or dilation.
        groups: into how many groups the channels are divided; each has its own filters.
        bias: whether to add a bias.
        dilation: from one element of a window to the next.
        padding_mode: ``"zeros"``.
        device: the CPU.
        dtype: of the parameters, by default the default dtype, float32.

    Raises:
        ValueError, TypeError: for settings that no input fits, when it is made.

    >>> up = nn.ConvTranspose1d(4, 2, 3, stride=2)
    >>> up(mg.ones(8, 4, 5)).shape, up(mg.ones(8, 4, 5), output_size=[12]).shape
    ((8, 2, 11), (8, 2, 12))
    """

    _dims = 1
    _function = functions.conv_transpose1d


class ConvTranspose2d(ConvTranspose):
    """The transpose of ``Conv2d`` as a linear function: ``ConvTranspose1d`` of images.

    Input (N, C, H, W) or (C, H, W), output (N, O, H', W') or (O, H', W') with the lengths of ``ConvTranspose1d`` along
    both axes. The weight (C, O / groups, *kernel_size) and the bias (O,) start evenly distributed in
    ``±1 / sqrt(O / groups * kernel_size[0] * kernel_size[1])``.

    Args:
        in_channels, out_channels: C and O, both divisible by ``groups``.
        kernel_size, stride, padding, output_padding: as of ``ConvTranspose1d``, a number for both axes or one for each.
        groups: into how many groups the channels are divided; each has its own filters.
        bias: whether to add a bias.
        dilation: from one element of a window to the next, a number for both axes or one for each.
        padding_mode: ``"zeros"``.
        device: the CPU.
        dtype: of the parameters, by default the default dtype, float32.

    Raises:
        ValueError, TypeError: for settings that no input fits, when it is made.

    >>> nn.ConvTranspose2d(16, 3, 4, stride=2, padding=1)(mg.ones(8, 16, 7, 7)).shape
    (8, 3, 14, 14)
    """

    _dims = 2
    _function = functions.conv_transpose2d
