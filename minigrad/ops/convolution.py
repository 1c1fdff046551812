"""Convolution and its transpose over one and two axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine.errors import InvalidTypeError
from ..engine.faces import public
from ..engine.op import Op
from ..engine.shown import Shown
from ..kernels import convolution as kernels
from ..kernels.convolution import filters
from ..kernels.sums import plain_sum
from ..kernels.windows import Windows
from .arguments import shape_of
from .reductions import narrowed, sum, widened
from .windows import added_windows, batched, check_room, per_axis, refuse, unbatched, windows_of, windows_over

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]

# Of three arrays, the input (N, C, *lengths), the output (N, O, *counts) and the weight (O, C / groups, *kernel), each
# is a bilinear function of the other two, and these functions are each other's derivatives.


def columns(x: Any, windows: Windows, groups: int) -> Any:
    """The windows as matrices (N, groups, C / groups * kernel, windows)."""
    dims, (samples, channels) = len(windows.kernel), x.shape[:2]
    order = (0, 1, *range(2 + dims, 2 + 2 * dims), *range(2, 2 + dims))
    return (
        windows_of(x, windows)
        .transpose(order)
        .reshape(samples, groups, channels // groups * windows.size, windows.number)
    )


def by_group(y: Any, windows: Windows, groups: int) -> Any:
    """An output (N, O, *counts) as matrices (N, groups, O / groups, windows)."""
    return y.reshape(y.shape[0], groups, y.shape[1] // groups, windows.number)


def plus_bias(y: Any, bias: Any) -> Any:
    """A number for each channel added."""
    return y if bias is None else y + widened(bias).reshape(-1, *(1,) * (len(y.shape) - 2))


def over_windows(input: Any, weight: Any, bias: Any, windows: Windows, groups: int) -> Any:
    """For each window and each filter the sum of the products of their elements, plus the bias"""
    y = filters(widened(weight), groups) @ columns(widened(input), windows, groups)
    return narrowed(plus_bias(y.reshape(input.shape[0], weight.shape[0], *windows.counts), bias), input)


def into_windows(input: Any, weight: Any, bias: Any, windows: Windows, groups: int) -> Any:
    """For each element of the input the filters times it, added up where the windows lie, plus the bias"""
    products = filters(widened(weight), groups).swapaxes(1, 2) @ by_group(widened(input), windows, groups)
    channels = weight.shape[1] * groups
    values = products.reshape(input.shape[0], channels, *windows.kernel, *windows.counts)
    return narrowed(plus_bias(added_windows(values, windows), bias), input)


def over_samples(input: Any, output: Any, windows: Windows, groups: int) -> Any:
    """For each filter the sum over all windows of the window times the output there"""
    outputs = by_group(widened(output), windows, groups).swapaxes(2, 3)
    products = plain_sum(columns(widened(input), windows, groups) @ outputs, (0,))
    shape = (output.shape[1], input.shape[1] // groups, *windows.kernel)
    return narrowed(products.swapaxes(1, 2).reshape(shape), input)


def by_bias(dy: Any) -> Any:
    """The gradient of the bias."""
    return sum(dy, (0, *range(2, len(dy.shape))))


convolution: Op = Op(
    "convolution",
    over_windows,
    lambda dy, _y, _x, weight, _bias, windows, groups: transposed(dy, weight, None, windows, groups),
    lambda dy, _y, x, _weight, _bias, windows, groups: weight_op(x, dy, windows, groups),
    lambda dy, _y, _x, _weight, _bias, windows, groups: by_bias(dy),
    kernel=kernels.convolve,
    on_arrays=kernels.convolve_backward,
    promotes=(0, 1, 2),
    mixes=False,
    shows=lambda node: Shown(adds=2),
    doc="``sum(window * filter) + bias`` for each window and each filter",
)
transposed: Op = Op(
    "conv_transpose",
    into_windows,
    lambda dy, _y, _x, weight, _bias, windows, groups: convolution(dy, weight, None, windows, groups),
    lambda dy, _y, x, _weight, _bias, windows, groups: weight_op(dy, x, windows, groups),
    lambda dy, _y, _x, _weight, _bias, windows, groups: by_bias(dy),
    kernel=kernels.convolve_transposed,
    promotes=(0, 1, 2),
    mixes=False,
    shows=lambda node: Shown(adds=2),
    doc="the transpose of a convolution: ``x * filter`` added up where the windows of the output lie, plus the bias",
)
weight_op: Op = Op(
    "convolution_weight",
    over_samples,
    lambda dy, _y, _x, output, windows, groups: transposed(output, dy, None, windows, groups),
    lambda dy, _y, x, _output, windows, groups: convolution(x, dy, None, windows, groups),
    kernel=kernels.weight_gradient,
    promotes=(0, 1),
    mixes=False,
    doc="``sum(window * output)`` over all windows and samples: the gradient of a convolution's filters",
)

# -- what users call -----------------------------------------------------------------------------


def check_filters(name: str, input: Any, weight: Any, bias: Any, dims: int, groups: Any, transposes: bool) -> int:
    """The number of groups; refused if the operands do not fit together."""
    (groups,) = per_axis(name, "groups", groups, 1, 1)
    shape, channels = shape_of(weight), input.shape[1]
    form = ("in", "out / groups") if transposes else ("out", "in / groups")
    axes = ", ".join(["kernel", "kernel"][:dims])
    if len(shape) != dims + 2 or 0 in shape[2:]:
        raise refuse(name, f"the weight must be ({', '.join(form)}, {axes}), and no kernel empty, got {shape}.")
    if shape[0] % groups:
        raise refuse(name, f"groups {groups} must divide the first length of the weight {shape}.")
    expected = shape[0] if transposes else shape[1] * groups
    if channels != expected:
        raise refuse(
            name,
            f"weight {shape} with groups {groups} wants {expected} channels, got {channels} in input {input.shape}.",
        )
    outputs = shape[1] * groups if transposes else shape[0]
    if bias is not None and shape_of(bias) != (outputs,):
        raise refuse(name, f"the bias must be ({outputs},), one for each output channel, got {shape_of(bias)}.")
    if "b" in (input.dtype.kind, weight.dtype.kind):
        raise InvalidTypeError(f"{name}: booleans cannot be convolved: convert them, e.g. x.float().")
    return groups


def padding_of(name: str, padding: Any, windows: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """The padding in front of and behind each axis; ``windows`` are kernel, stride and dilation."""
    kernel, stride, dilation = windows
    if padding == "same":
        if set(stride) != {1}:
            raise refuse(name, f"padding='same' is for stride 1, got stride {stride}: give the padding as numbers.")
        total = [d * (k - 1) for d, k in zip(dilation, kernel)]
        return tuple(n // 2 for n in total), tuple(n - n // 2 for n in total)
    if isinstance(padding, str) and padding != "valid":
        raise refuse(name, f"padding must be integers, 'same' or 'valid', got {padding!r}.")
    numbers = per_axis(name, "padding", 0 if padding == "valid" else padding, len(kernel), 0)
    return numbers, numbers


def convolved(
    name: str, dims: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Any:
    """A convolution over the last ``dims`` axes."""
    x, alone = batched(name, input, dims)
    groups = check_filters(name, x, weight, bias, dims, groups, False)
    kernel = weight.shape[2:]
    stride, dilation = per_axis(name, "stride", stride, dims, 1), per_axis(name, "dilation", dilation, dims, 1)
    ahead, behind = padding_of(name, padding, (kernel, stride, dilation))
    windows = windows_over(x.shape[2:], kernel, stride, ahead, behind, dilation)
    check_room(name, windows)
    return unbatched(convolution(x, weight, bias, windows, groups), alone)


def convolved_back(
    name: str, dims: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, output_padding: Any,
    groups: Any, dilation: Any,
) -> Any:  # fmt: skip
    """A transposed convolution over the last ``dims`` axes."""
    x, alone = batched(name, input, dims)
    groups = check_filters(name, x, weight, bias, dims, groups, True)
    kernel = weight.shape[2:]
    stride, dilation = per_axis(name, "stride", stride, dims, 1), per_axis(name, "dilation", dilation, dims, 1)
    ahead, more = per_axis(name, "padding", padding, dims, 0), per_axis(name, "output_padding", output_padding, dims, 0)
    if any(m >= max(s, d) for m, s, d in zip(more, stride, dilation)):
        raise refuse(name, f"output_padding must be less than stride or dilation, got {more}, {stride} and {dilation}.")
    lengths = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + m + 1
        for n, s, p, d, k, m in zip(x.shape[2:], stride, ahead, dilation, kernel, more)
    )
    if min(lengths) < 1:
        raise refuse(name, f"nothing is left: the output of input {x.shape} would be {lengths}. Use less padding.")
    windows = Windows(lengths, x.shape[2:], kernel, stride, ahead, dilation)
    return unbatched(transposed(x, weight, bias, windows, groups), alone)


@public("function functional")
def conv1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:
    """The sum of the products of each window of the last axis with each filter (a cross-correlation).

    ``y[n, o, i] = bias[o] + sum(x[n, c, i * stride - padding + k * dilation] * weight[o, c, k])`` over c and k.

    Args:
        input: (N, C, L), or (C, L) without a batch.
        weight: the filters (O, C / groups, K).
        bias: (O,) or None.
        stride: from one window to the next.
        padding: zeros in front of and behind the axis; ``"valid"`` is 0, ``"same"`` keeps the length (for stride 1; of
            an odd number of zeros there is one more behind).
        dilation: from one element of a window to the next.
        groups: into how many groups the channels are divided; each has its own filters.

    Returns:
        (N, O, (L + 2 * padding - dilation * (K - 1) - 1) // stride + 1), or that without N.

    Raises:
        ValueError, TypeError: for shapes and settings that do not fit, and for floats of two dtypes.

    >>> mg.conv1d(mg.tensor([[1.0, 2.0, 4.0, 8.0]]), mg.tensor([[[1.0, 10.0]]]))
    tensor([[21., 42., 84.]])
    """
    result: Tensor = convolved("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)
    return result


@public("function functional")
def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:
    """The sum of the products of each window of the last two axes with each filter: ``conv1d`` of images.

    Args:
        input: (N, C, H, W), or (C, H, W) without a batch.
        weight: the filters (O, C / groups, K, K).
        bias: (O,) or None.
        stride, padding, dilation: as of ``conv1d``, a number for both axes or one for each.
        groups: into how many groups the channels are divided; each has its own filters.

    Returns:
        (N, O, H, W) with the lengths of ``conv1d`` along both axes, or that without N.

    Raises:
        ValueError, TypeError: for shapes and settings that do not fit, and for floats of two dtypes.

    >>> mg.conv2d(mg.zeros(8, 3, 28, 28), mg.zeros(16, 3, 5, 5), stride=2, padding=2).shape
    (8, 16, 14, 14)
    """
    result: Tensor = convolved("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)
    return result


@public("function functional")
def conv_transpose1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Tensor:  # fmt: skip
    """The transpose of ``conv1d`` as a linear function, its gradient: each element times the filters, added up.

    Args:
        input: (N, C, L), or (C, L) without a batch.
        weight: the filters (C, O / groups, K).
        bias: (O,) or None.
        stride: from one window of the output to the next.
        padding: elements that are cut off at both ends of the output.
        output_padding: elements that are added behind it, fewer than stride or dilation.
        groups: into how many groups the channels are divided; each has its own filters.
        dilation: from one element of a window to the next.

    Returns:
        (N, O, (L - 1) * stride - 2 * padding + dilation * (K - 1) + output_padding + 1), or that without N.

    Raises:
        ValueError, TypeError: for shapes and settings that do not fit, and for floats of two dtypes.

    >>> mg.conv_transpose1d(mg.tensor([[1.0, 2.0]]), mg.tensor([[[1.0, 10.0]]]))
    tensor([[ 1., 12., 20.]])
    """
    result: Tensor = convolved_back(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )
    return result


@public("function functional")
def conv_transpose2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Tensor:  # fmt: skip
    """The transpose of ``conv2d`` as a linear function, its gradient: each element times the filters, added up.

    Args:
        input: (N, C, H, W), or (C, H, W) without a batch.
        weight: the filters (C, O / groups, K, K).
        bias: (O,) or None.
        stride, padding, output_padding, dilation: as of ``conv_transpose1d``, a number for both axes or one for each.
        groups: into how many groups the channels are divided; each has its own filters.

    Returns:
        (N, O, H, W) with the lengths of ``conv_transpose1d`` along both axes, or that without N.

    Raises:
        ValueError, TypeError: for shapes and settings that do not fit, and for floats of two dtypes.

    >>> mg.conv_transpose2d(mg.zeros(8, 16, 7, 7), mg.zeros(16, 3, 4, 4), stride=2, padding=1).shape
    (8, 3, 14, 14)
    """
    result: Tensor = convolved_back(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )
    return result
