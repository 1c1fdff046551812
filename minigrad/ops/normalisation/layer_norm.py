"""Normalisation of each sample by its own statistics: of layers, of groups of channels, of single channels.

J. Ba et al., Layer normalization, 2016.  Y. Wu, K. He, Group normalization, 2018.  D. Ulyanov et al., Instance
normalization, 2016.  B. Zhang, R. Sennrich, Root mean square layer normalization, 2019.

    xhat = (x - mean) / sqrt(var + eps)        y = weight * xhat + bias
    dx = (g - mean(g) - xhat * mean(g * xhat)) / sqrt(var + eps)        g = dy * weight
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.arguments import detached, real
from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.faces import public
from ...engine.modes import current
from ...engine.node import Variable, array_of, clock, describe
from ...engine.op import Op
from ...engine.scope import call_path
from ...kernels.constants import at_least_float32
from ...kernels.layer_norm import gradients_of_rows, normalise_rows
from ..arguments import shape_of, sizes
from ..functions import reciprocal, sqrt, square
from ..reductions import mean, sum
from ..shapes import in_dtype, reshape
from .batch_norm import batch_norm, centred, statistics
from .checks import check_buffers, refuse_gradient
from .running import move_running

if TYPE_CHECKING:
    from ...tensor.tensor import Tensor

__all__ = ["group_norm", "instance_norm", "layer_norm", "rms_norm"]


def last_axes(x: Any, rank: int) -> tuple[int, ...]:
    """The last axes, counted from the front."""
    return tuple(range(len(x.shape) - rank, len(x.shape)))


def standardised(x: Any, rank: int, eps: float) -> tuple[Any, Any]:
    """``xhat`` and ``1 / sqrt(var + eps)``, at least in float32: functions of ``x``."""
    axes = last_axes(x, rank)
    d, _ = centred(in_dtype(x, at_least_float32(x.dtype)), axes)
    var = mean(square(d), axes, True)
    inverse = reciprocal(sqrt(var + eps))
    xhat = d * inverse
    return xhat, inverse


def definition(input: Any, weight: Any, bias: Any, rank: int, eps: float) -> Any:
    """``weight * xhat + bias``"""
    y, _ = standardised(input, rank, eps)
    y = y if weight is None else y * weight
    return in_dtype(y if bias is None else y + bias, input.dtype)


def by_input(dy: Any, _y: Any, x: Any, weight: Any, _bias: Any, rank: int, eps: float) -> Any:
    """``(g - mean(g) - xhat * mean(g * xhat)) / sqrt(var + eps)`` with ``g = dy * weight``"""
    xhat, inverse = standardised(x, rank, eps)
    axes = last_axes(x, rank)
    g = dy
    if weight is not None:
        g = dy * weight
    mean_g = mean(g, axes, True)
    mean_gx = mean(g * xhat, axes, True)
    return (g - mean_g - xhat * mean_gx) * inverse


def over_samples(x: Any, rank: int) -> Any:
    """The sum over all axes but the last."""
    return sum(in_dtype(x, at_least_float32(x.dtype)), tuple(range(len(x.shape) - rank)))


layer_norm_op = Op(
    "layer_norm",
    definition,
    by_input,
    lambda dy, _y, x, _weight, _bias, rank, eps: over_samples(dy * standardised(x, rank, eps)[0], rank),
    lambda dy, _y, _x, _weight, _bias, rank, eps: over_samples(dy, rank),
    kernel=normalise_rows,
    caches=True,
    on_arrays=gradients_of_rows,
    doc="``(x - mean) / sqrt(var + eps) * weight + bias`` over the last axes",
)


# -- checks ----------------------------------------------------------------------------------------


def check_input(name: str, input: Any) -> tuple[int, ...]:
    """The shape of what is to be normalised; refused unless it is of floats."""
    shape = shape_of(input)
    if input.dtype.kind != "f":
        raise InvalidTypeError(
            f"{name}{call_path()}: expected a float input, got {describe(input)}: convert it, e.g. x.float()."
        )
    return shape


def check_parameters(name: str, input: Any, shape: tuple[int, ...], **values: Any) -> None:
    """Refuse a weight or the like of another shape, or of another float dtype; that of float16 may be float32."""
    for own, value in values.items():
        if value is None:
            continue
        if shape_of(value) != shape:
            raise InvalidValueError(
                f"{name}{call_path()}: input {input.shape} wants a {own} {shape}, got {describe(value)}."
            )
        if value.dtype not in (input.dtype, at_least_float32(input.dtype)):
            raise InvalidTypeError(
                f"{name}{call_path()}: input is {input.dtype} but {own} is {value.dtype}: convert one, "
                f"x.to(mg.{value.dtype}) or module.to(mg.{input.dtype})."
            )


def check_normalized_shape(name: str, input: Any, normalized_shape: Any) -> tuple[int, ...]:
    """The lengths of the axes that are normalised; refused unless the input ends with them."""
    shape, wanted = check_input(name, input), sizes((normalized_shape,))
    if not wanted or shape[-len(wanted) :] != wanted:
        raise InvalidValueError(
            f"{name}{call_path()}: normalized_shape {wanted} must be the last lengths of the input, got {shape}."
        )
    return wanted


def check_eps(name: str, eps: Any) -> float:
    """What is added to variances, as Python's own number."""
    return eps if type(eps) is float else real(eps, lambda number: True, f"{name}{call_path()}: eps must be a number")


# -- what users call -------------------------------------------------------------------------------


@public("functional")
def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """Normalise each sample over its last axes, then scale and shift it.

    ``(x - mean) / sqrt(var + eps) * weight + bias``, with the biased variance; exact also far from 0. J. Ba et al.,
    Layer normalization, 2016.

    Args:
        input: floats (..., *normalized_shape). float16 is computed in float32.
        normalized_shape: the lengths of the last axes, a tuple, or the last length.
        weight, bias: scale and shift, of this shape, or None.
        eps: added to the variance.

    Raises:
        ValueError, TypeError: for shapes and dtypes that do not fit.

    >>> F.layer_norm(mg.tensor([[1.0, 3.0]]), (2,), eps=0.0)
    tensor([[-1.,  1.]])
    """
    wanted = check_normalized_shape("layer_norm", input, normalized_shape)
    check_parameters("layer_norm", input, wanted, weight=weight, bias=bias)
    return layer_norm_op(input, weight, bias, len(wanted), check_eps("layer_norm", eps))


@public("functional")
def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """Normalise groups of channels of each sample (N, C, ...), then scale and shift each channel.

    ``(x - mean) / sqrt(var + eps) * weight + bias``, with the biased variance of the group. Y. Wu, K. He, Group
    normalization, 2018.

    Args:
        input: floats, at least 2 axes; channels are axis 1. float16 is computed in float32.
        num_groups: how many groups; C is a multiple of it.
        weight, bias: scale and shift (C,), or None.
        eps: added to the variance.

    Raises:
        ValueError, TypeError: for shapes and dtypes that do not fit, and for a single value per group.

    >>> F.group_norm(mg.tensor([[1.0, 3.0, 10.0, 30.0]]), 2, eps=0.0)
    tensor([[-1.,  1., -1.,  1.]])
    """
    shape = check_input("group_norm", input)
    if len(shape) < 2 or not isinstance(num_groups, (int, np.integer)) or num_groups < 1 or shape[1] % num_groups:
        raise InvalidValueError(
            f"group_norm{call_path()}: expected an input (N, C, ...) and a num_groups that divides C, got "
            f"{describe(input)} and {num_groups!r}."
        )
    check_parameters("group_norm", input, shape[1:2], weight=weight, bias=bias)
    if math.prod(shape) == num_groups:
        raise InvalidValueError(
            f"group_norm{call_path()}: expected more than 1 value per group, got {describe(input)} and {num_groups} "
            "groups."
        )
    return by_groups(input, (shape[0] * num_groups, -1), weight, bias, check_eps("group_norm", eps))


def by_groups(input: Any, groups: tuple[int, int], weight: Any, bias: Any, eps: float) -> Any:
    """The groups of an input normalised, then each channel scaled and shifted."""
    shape = input.shape
    if 0 in shape:
        groups = groups[0], 0
    y = reshape(layer_norm_op(reshape(input, groups), None, None, 1, eps), shape)
    y, channels = in_dtype(y, y.dtype if weight is None else weight.dtype), (-1, *(1,) * (len(shape) - 2))
    y = y if weight is None else y * reshape(weight, channels)
    return in_dtype(y if bias is None else y + reshape(bias, channels), input.dtype)


@public("functional")
def instance_norm(
    input: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Normalise each channel of each sample (N, C, ...), then scale and shift it.

    ``(x - mean) / sqrt(var + eps) * weight + bias``, with the biased variance of the channel. D. Ulyanov et al.,
    Instance normalization, 2016.

    Args:
        input: floats, at least 3 axes; channels are axis 1. float16 is computed in float32.
        running_mean, running_var: running estimates (C,), both or none. With the input's own statistics they are
            moved in place towards the means, over the samples, of these and of the unbiased variances; else read.
        weight, bias: scale and shift (C,), or None.
        use_input_stats: normalise with the input's own statistics.
        momentum: the weight of the new values in the running estimates.
        eps: added to the variance.

    Raises:
        ValueError, TypeError: for shapes and dtypes that do not fit; the running estimates are unchanged then.
        RuntimeError: for running estimates that require grad.

    >>> F.instance_norm(mg.tensor([[[1.0, 3.0], [10.0, 30.0]]]), eps=0.0)
    tensor([[[-1.,  1.],
             [-1.,  1.]]])
    """
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    shape = check_input("instance_norm", input)
    if math.prod(shape[2:]) == 1:
        raise InvalidValueError(
            f"instance_norm{call_path()}: expected an input (N, C, ...) with more than 1 value per channel, got "
            f"{describe(input)}."
        )
    running = running_mean, running_var
    check_parameters("instance_norm", input, shape[1:2], weight=weight, bias=bias)
    check_running(input, shape[1:2], running)
    eps = check_eps("instance_norm", eps)
    momentum = real(detached(momentum), lambda number: True, f"instance_norm{call_path()}: momentum must be a number")
    y = by_groups(input, (shape[0] * shape[1], -1), weight, bias, eps)
    if running_mean is not None and 0 not in shape:
        own_mean, own_var = statistics(array_of(input).reshape(1, shape[0] * shape[1], -1))
        new_mean, new_var = (mean(moment.reshape(shape[:2]), 0) for moment in (own_mean, own_var))
        old_mean, old_var = map(array_of, running)
        move_running(old_mean, old_var, new_mean, new_var, momentum, math.prod(shape[2:]))
        for buffer in running:
            if isinstance(buffer, Variable):
                buffer.memory.changed = clock()
    return y


def check_running(input: Any, shape: tuple[int, ...], running: tuple[Any, Any]) -> None:
    """Refuse running estimates that cannot be moved."""
    if (running[0] is None) != (running[1] is None):
        raise InvalidValueError(
            f"instance_norm{call_path()}: running_mean and running_var go together: give both or none."
        )
    if running[0] is None:
        return
    check_parameters("instance_norm", input, shape, running_mean=running[0], running_var=running[1])
    for name, buffer in zip(("running_mean", "running_var"), running):
        if isinstance(buffer, Variable) and buffer.node is not None and current().recording:
            refuse_gradient(name, "instance_norm")
    check_buffers(array_of(running[0]), array_of(running[1]), "instance_norm")


@public("functional")
def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Tensor:
    """Divide each sample by the root of the mean of its squares over its last axes, then scale it.

    ``x / sqrt(mean(x**2) + eps) * weight``: B. Zhang, R. Sennrich, Root mean square layer normalization, 2019.

    Args:
        input: floats (..., *normalized_shape). float16 is computed in float32.
        normalized_shape: the lengths of the last axes, a tuple, or the last length.
        weight: scale, of this shape, or None.
        eps: added to the mean; None is the difference of 1 and the next number in the dtype it is computed in.

    Raises:
        ValueError, TypeError: for shapes and dtypes that do not fit.

    >>> F.rms_norm(mg.tensor([[1.0, 7.0]]), (2,), eps=0.0)
    tensor([[0.2000, 1.4000]])
    """
    wanted = check_normalized_shape("rms_norm", input, normalized_shape)
    check_parameters("rms_norm", input, wanted, weight=weight)
    x = in_dtype(input, at_least_float32(input.dtype))
    eps = float(np.finfo(x.dtype).eps) if eps is None else check_eps("rms_norm", eps)
    y = x * reciprocal(sqrt(mean(square(x), last_axes(x, len(wanted)), True) + eps))
    return in_dtype(y if weight is None else y * weight, input.dtype)
