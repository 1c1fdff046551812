"""Batch normalisation as one node of the graph, which knows its mode.

S. Ioffe, C. Szegedy, Batch normalization: accelerating deep network training by reducing internal
covariate shift, 2015. Channels are axis 1; statistics are taken over all other axes.

    xhat = (x - mean) / sqrt(var + eps)        y = weight * xhat + bias

In training, mean and (biased) variance are those of the batch: they depend on ``x``, and the
derivative runs through them. In evaluation they are the running estimates: constants.

    training     dx = weight / sqrt(var + eps) * (dy - sum(dy) / n - xhat * sum(dy * xhat) / n)
    evaluation   dx = weight / sqrt(var + eps) * dy
    both         dweight = sum(dy * xhat)      dbias = sum(dy)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy import ndarray

from ...engine.arguments import detached
from ...engine.faces import public
from ...engine.modes import current
from ...engine.node import Effect, Variable, array_of, clock, cure, describe, wrap
from ...engine.op import Op
from ...engine.scope import call_path
from ...kernels import batch_norm as kernels
from ...kernels.constants import at_least_float32
from ..arguments import shape_of
from ..choosing import where as choose
from ..functions import reciprocal, sqrt, square
from ..reductions import mean as mean_of
from ..reductions import sum as sum_of
from ..shapes import astype, reshape
from .running import update_running
from .shown import batch_norm_shown

if TYPE_CHECKING:
    from ...tensor.tensor import Tensor

__all__ = ["batch_norm"]

# -- the derivative, as mathematics: for arrays and for tensors --------------------------------


def per_channel(vector: Any, ndim: int) -> Any:
    """A value per channel, shaped to broadcast with a batch of ``ndim`` axes."""
    return vector if ndim == 2 else reshape(vector, (-1, *(1,) * (ndim - 2)))


def other_axes(x: Any) -> tuple[int, ...]:
    """All axes but the channels'."""
    return (0, *range(2, len(x.shape)))


def standardised(x: Any, mean: Any, var: Any, eps: float, training: bool) -> tuple[Any, Any]:
    """``xhat`` and ``1 / sqrt(var + eps)``; in training both are functions of ``x``.

    They are computed in the precision of ``var``, which forward has chosen.
    """
    ndim = len(x.shape)
    x = astype(x, at_least_float32(x.dtype) if var is None else var.dtype)
    if training:
        d = x - mean_of(x, other_axes(x), True)
        d = d - mean_of(d, other_axes(x), True)
        inverse = reciprocal(sqrt(mean_of(square(d), other_axes(x), True) + eps))
    else:
        d = x - per_channel(mean, ndim)
        inverse = per_channel(reciprocal(sqrt(var + eps)), ndim)
        if not eps:  # of a variance that goes to 0 the limit is 0 where x is the mean
            return choose(d == 0, 0, d * inverse), inverse
    return d * inverse, inverse


@np.errstate(divide="ignore", invalid="ignore")
def without_eps(x: ndarray, weight: Any, bias: Any, mean: ndarray, var: ndarray) -> Any:
    """The output in evaluation with eps 0: by the definition, since a variance may be 0."""
    y = standardised(x, mean, var, 0, False)[0]
    y = y if weight is None else y * per_channel(weight, x.ndim)
    y = y if bias is None else y + per_channel(bias, x.ndim)
    return astype(y, x.dtype)


def by_input(
    dy: Any, _y: Any, x: Any, weight: Any, _bias: Any, mean: Any, var: Any, eps: float, training: bool, *_: Any
) -> Any:
    """``(g - mean(g) - xhat * mean(g * xhat)) / sqrt(var + eps)``, ``g = dy * weight``; in evaluation no means."""
    xhat, inverse = standardised(x, mean, var, eps, training)
    g = dy if weight is None else dy * per_channel(weight, len(x.shape))
    if training:
        axes = other_axes(x)
        g = g - mean_of(g, axes, True) - xhat * mean_of(g * xhat, axes, True)
    return g * inverse


def by_weight(
    dy: Any, _y: Any, x: Any, _weight: Any, _bias: Any, mean: Any, var: Any, eps: float, training: bool, *_: Any
) -> Any:
    """``sum(dy * xhat)`` of each channel."""
    return sum_of(dy * standardised(x, mean, var, eps, training)[0], other_axes(x))


def by_bias(dy: Any, _y: Any, _x: Any, _weight: Any, _bias: Any, *_: Any) -> Any:
    """``sum(dy)`` of each channel."""
    return sum_of(astype(dy, at_least_float32(dy.dtype)), other_axes(dy))


# -- the same for arrays, fast -----------------------------------------------------------------


def declared_effects(
    _mean: Any, _var: Any, _eps: Any, training: bool, momentum: float, buffers: Sequence[Any], batches: int | None
) -> list[Effect]:
    """Which buffers the node reads or writes; ``batches`` is what it has counted up to."""
    running = [buffer for buffer in buffers[:2] if buffer is not None]
    if not training:
        return [Effect("reads", buffer, "") for buffer in running]
    counted = [Effect("writes", buffer, "+1", str(batches)) for buffer in buffers[2:] if buffer is not None]
    return [Effect("writes", buffer, f"{momentum:.3g}") for buffer in running] + counted


def normalise(x: ndarray, weight: Any, bias: Any, mean: Any, var: Any, eps: float) -> tuple[Any, Any, Any, Any]:
    """The kernel's output, cache, mean and variance; in evaluation with eps 0 the definition's, without a cache."""
    if mean is not None and var is not None and not eps:
        return without_eps(x, weight, bias, mean, var), None, mean, var
    return kernels.normalise(x, weight, bias, mean, var, eps)


def fused(dy: ndarray, cache: Any, needs: Any, *saved: Any) -> Any:
    """The gradients of input, weight and bias by the kernel; by the rules if there is no cache for it."""
    return kernels.fused(dy, cache, needs, *saved) if cache else batch_norm_op.by_rules(dy, cache, needs, *saved)


batch_norm_op = Op(
    "batch_norm",
    lambda x, weight, bias, mean, var, eps, training, momentum, buffers, batches: normalise(
        x, weight, bias, None if training else mean, None if training else var, eps
    )[0],
    by_input,
    by_weight,
    by_bias,
    on_arrays=fused,
    effects=declared_effects,
    shows=batch_norm_shown,
    doc="``(x - mean) / sqrt(var + eps) * weight + bias``, per channel",
)

# -- what users call ---------------------------------------------------------------------------


@public("function")
def batch_norm(
    input: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5, num_batches_tracked: Any = None,
) -> Tensor:  # fmt: skip
    """Normalise each channel of a batch (N, C, ...), then scale and shift it.

    Args:
        input: the batch, at least 2 axes, floats. float16 is computed, and its statistics are kept, in
            float32.
        running_mean, running_var: the running estimates (C,), both or none. Read when evaluating;
            in training moved in place towards the batch's mean and unbiased variance.
        weight, bias: scale (gamma) and shift (beta), (C,) or None.
        training: use the statistics of the batch, and let the gradient run through them.
        momentum: the weight of the new batch in the running estimates.
        eps: added to the variance.
        num_batches_tracked: a 0-d integer tensor to count training batches in, or None.

    Raises:
        ValueError: for shapes that do not fit, fewer than 2 values per channel in training,
            missing statistics in evaluation, a negative running variance, an eps that is not positive (in
            evaluation: negative), running statistics that are read-only or share their memory.
        TypeError: for dtypes that do not fit.
        RuntimeError: for running statistics that require grad. After any error no buffer has changed.

    A tensor may have two roles, weight and running_var say: the derivative is that at the values of the call.
    """
    recording = current().recording
    if isinstance(input, ndarray) and (isinstance(weight, Variable) or isinstance(bias, Variable)) and recording:
        input = wrap(input.copy())  # nobody can tell when the caller's own array changes
    # array_of, written out: five calls of it would be a measurable part of a small batch
    array = input.array if isinstance(input, Variable) else input
    gamma = weight.array if isinstance(weight, Variable) else weight
    beta = bias.array if isinstance(bias, Variable) else bias
    kept_mean, mean_memory = running_mean, None
    if isinstance(running_mean, Variable):
        kept_mean, mean_memory = running_mean.array, running_mean.memory
        if running_mean.node is not None and recording:
            refuse_gradient("running_mean")
    kept_var, var_memory = running_var, None
    if isinstance(running_var, Variable):
        kept_var, var_memory = running_var.array, running_var.memory
        if running_var.node is not None and recording:
            refuse_gradient("running_var")
    check(array, kept_mean, kept_var, gamma, beta, training, momentum, eps)
    buffers = running_mean, running_var, num_batches_tracked
    if not training:
        if recording:  # copies: what is saved is what was used, whatever becomes of the running statistics
            kept_mean, kept_var = kept_mean.copy(), kept_var.copy()
        y, cache, mean, var = normalise(array, gamma, beta, kept_mean, kept_var, eps)
        return batch_norm_op.record(y, cache, input, weight, bias, mean, var, eps, training, momentum, buffers, None)
    count = array_of(num_batches_tracked)
    if kept_mean is not None and (mean_memory is var_memory or not kept_var.flags.writeable):
        check_buffers(kept_mean, kept_var)
    # what this call changes is saved as it is before
    if isinstance(input, Variable) and (input.memory is mean_memory or input.memory is var_memory):
        input = wrap(array.copy(), input.node)
        array = input.array
    if isinstance(weight, Variable) and (weight.memory is mean_memory or weight.memory is var_memory):
        weight = wrap(weight.array.copy(), weight.node)
    batches = None if count is None else count.item() + 1
    y, cache, mean, var = normalise(array, gamma, beta, None, None, eps)
    output = batch_norm_op.record(y, cache, input, weight, bias, mean, var, eps, training, momentum, buffers, batches)
    if kept_mean is not None and array.size:
        update_running(kept_mean, kept_var, mean, var, momentum, cache[0])
    if count is not None:
        count.fill(batches)  # a third of the time of += 1
    now = clock()
    for buffer in buffers:
        if isinstance(buffer, Variable):
            buffer.memory.changed = now
    return output


def check(
    x: Any, mean: Any, var: Any, weight: Any, bias: Any, training: bool, momentum: float, eps: float
) -> None:  # fmt: skip
    """Refuse what cannot be normalised, before anything is changed."""
    if not isinstance(x, ndarray) or x.dtype.kind != "f" or x.ndim < 2:
        refuse_input(x)
    if (mean is None) != (var is None):
        raise ValueError(f"batch_norm{call_path()}: running_mean and running_var go together: give both or none.")
    shape, dtype = x.shape, x.dtype
    channels = shape[1:2]
    try:
        for value in (mean, var, weight, bias):
            if value is not None and (value.dtype is not dtype or value.shape != channels):  # hardly ever
                check_fit(shape, dtype, running_mean=mean, running_var=var, weight=weight, bias=bias)
                break
    except AttributeError:  # a list, say
        check_fit(shape, dtype, running_mean=mean, running_var=var, weight=weight, bias=bias)
        raise
    try:
        positive = (eps if type(eps) is float else detached(eps)) > 0
        if type(momentum) is not float:
            detached(momentum)
    except TypeError:
        raise TypeError(f"batch_norm{call_path()}: eps must be a number, got {eps!r}.") from None
    if not positive and (training or eps != 0):
        need = "positive during training" if training else "at least 0"
        raise ValueError(f"batch_norm{call_path()}: batch_norm eps must be {need}, got {eps}.")
    if training:
        if x.size == shape[1] > 0:  # as many values as channels
            raise ValueError(
                f"Expected more than 1 value per channel when training, got input size {shape}{call_path()}: one value "
                "has no variance. Predict with model.eval(), or train with batches of 2 or more "
                "(DataLoader(drop_last=True))."
            )
    elif mean is None:
        raise ValueError(
            f"batch_norm{call_path()}: evaluation needs running_mean and running_var; without them pass training=True."
        )
    elif var.size and var.item(var.argmin()) < 0:
        raise ValueError(
            f"batch_norm{call_path()}: running_var has negative values: the checkpoint, or what wrote it, is wrong."
        )


def check_buffers(running_mean: ndarray, running_var: ndarray) -> None:
    """Refuse running statistics that cannot be written to, and two that are one."""
    for name, buffer in (("running_mean", running_mean), ("running_var", running_var)):
        if not buffer.flags.writeable:
            raise ValueError(
                f"batch_norm{call_path()}: {name} is read-only (an expanded view, or another's array): pass a copy."
            )
    if np.shares_memory(running_mean, running_var):
        raise ValueError(
            f"batch_norm{call_path()}: running_mean and running_var share their memory: each would overwrite the "
            "other. Pass a copy of one."
        )


def refuse_gradient(name: str) -> NoReturn:
    """Refuse running statistics in a graph: their gradient would be lost."""
    raise RuntimeError(
        f"batch_norm{call_path()}: {name} requires grad, but batch_norm has no derivative with respect to running "
        f"statistics: pass {name}.detach()."
    )


def refuse_input(x: Any) -> NoReturn:
    """Refuse what is no batch of floats."""
    shape_of(x)  # refuses what is no tensor
    if x.dtype.kind != "f":
        raise TypeError(
            f"batch_norm{call_path()}: expected a float input, got {describe(x)}: convert it, e.g. x.float()."
        )
    raise ValueError(
        f"batch_norm{call_path()}: expected at least 2D input (N, C, ...), got {describe(x)}. "
        "Is it one sample? x.unsqueeze(0)."
    )


def check_fit(shape: tuple[int, ...], dtype: Any, **values: Any) -> None:
    """Refuse values per channel that have not one element for each channel, or another precision."""
    for name, value in values.items():
        if value is None:
            continue
        if not isinstance(value, ndarray):
            raise TypeError(
                f"batch_norm{call_path()}: {name} must be a tensor of {shape[1]} values, got {describe(value)}: "
                + cure(value)
            )
        if value.shape != shape[1:2]:
            hint = ""
            if len(shape) > 2 and value.shape == shape[-1:]:
                hint = f" Is it (N, ..., C)? Channels must come second: x.transpose(1, {len(shape) - 1})."
            raise ValueError(
                f"batch_norm{call_path()}: input {shape} has {shape[1]} channels on axis 1, "
                f"but {name} is {value.shape}.{hint}"
            )
        if value.dtype not in (dtype, at_least_float32(dtype)):
            raise TypeError(
                f"batch_norm{call_path()}: input is {dtype} but {name} is {value.dtype}: convert one, "
                f"x.to(mg.{value.dtype}) or module.to(mg.{dtype})."
            )
