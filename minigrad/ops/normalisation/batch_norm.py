"""Batch normalisation as one node of the graph, in training or evaluation mode.

S. Ioffe, C. Szegedy, Batch normalization: accelerating deep network training by reducing internal
covariate shift, 2015. Channels are axis 1; statistics are taken over all other axes.

    xhat = (x - mean) / sqrt(var + eps)        y = weight * xhat + bias

In training, mean and (biased) variance are those of the batch: they depend on ``x``, and the
derivative runs through them. In evaluation they are the running estimates: constants.

    training     dx = weight / sqrt(var + eps) * (dy - sum(dy) / n - xhat * sum(dy * xhat) / n)
    evaluation   dx = weight / sqrt(var + eps) * dy
    both         dweight = sum(dy * xhat)      dbias = sum(dy)

In training the running estimates move towards the batch's mean and unbiased variance:

    running = running * (1 - momentum) + new * momentum

With a mask the sums and means are those of the values that count, and the others' output and gradient are 0. With a
group of ranks the means are those over all of them, and ``n`` is the number of all their values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ...engine.faces import public
from ...engine.host import watch
from ...engine.modes import current
from ...engine.node import Effect, Variable, array_of, clock, wrap
from ...engine.op import Op
from ...engine.scope import call_path
from ...engine.ways import way
from ...groups.group import Group
from ...kernels import batch_norm as kernels
from ...kernels.constants import at_least_float32
from ..choosing import where as choose
from ..exchange import checked_group
from ..functions import reciprocal, sqrt, square
from ..reductions import sum as sum_of
from ..shapes import in_dtype, reshape
from .checks import check, check_buffers, refuse_gradient
from .masks import Pooled, counted, counting, kept_or_zero, known, mean_of_kept
from .running import move_running, update_running, warn_unusable
from .shown import batch_norm_shown, unusable

if TYPE_CHECKING:
    from ...tensor.tensor import Tensor

__all__ = ["batch_norm"]


def per_channel(vector: Any, ndim: int) -> Any:
    """A value per channel, shaped to broadcast with a batch of ``ndim`` axes."""
    return vector if ndim == 2 else reshape(vector, (-1, *(1,) * (ndim - 2)))


def other_axes(x: Any) -> tuple[int, ...]:
    """All axes but the channels'."""
    return (0, *range(2, len(x.shape)))


# -- the definition and its derivatives: for arrays, tensors and stand-ins ----------------------


def centred(x: Any, axes: tuple[int, ...], mask: Any = None, pooled: Any = None) -> tuple[Any, Any]:
    """``x - mean`` along axes, and the mean in two parts: the second is what the first, rounded, lacks."""
    mean = mean_of_kept(x, axes, mask, pooled)
    rough = x - mean
    rough = kept_or_zero(rough, mask)
    rest = mean_of_kept(rough, axes, mask, pooled)
    d = rough - rest
    return kept_or_zero(d, mask), (mean, rest)


def standardised(x: Any, mean: Any, var: Any, eps: float, training: bool, mask: Any, pooled: Any) -> tuple[Any, Any]:
    """``xhat``, 0 where a mask is, and ``1 / sqrt(var + eps)``; in training both are functions of ``x``.

    They are computed in the precision of ``var``, which the kernel has chosen.
    """
    ndim = len(x.shape)
    x = kept_or_zero(in_dtype(x, at_least_float32(x.dtype) if var is None else var.dtype), mask)
    if training:
        d, _ = centred(x, other_axes(x), mask, pooled)
        var = mean_of_kept(square(d), other_axes(x), mask, pooled)
        inverse = reciprocal(sqrt(var + eps))
    else:
        d = kept_or_zero(x - per_channel(mean, ndim), mask)
        inverse = per_channel(reciprocal(sqrt(var + eps)), ndim)
        if not eps:  # of a variance that goes to 0 the limit is 0 where x is the mean
            return choose(d == 0, 0, d * inverse), inverse
    xhat = d * inverse
    return xhat, inverse


def definition(
    input: Any, weight: Any, bias: Any, mean: Any, var: Any, eps: float, training: bool, mask: Any = None,
    pooled: Any = None, momentum: Any = None, buffers: Any = (), batches: Any = None,
) -> Any:  # fmt: skip
    """``weight * xhat + bias``; the last three are for ``effects``."""
    y, _inverse = standardised(input, mean, var, eps, training, mask, pooled)
    y = y if weight is None else y * per_channel(weight, input.ndim)
    y = y if bias is None else kept_or_zero(y + per_channel(bias, input.ndim), mask)
    return in_dtype(y, input.dtype)


def by_input(
    dy: Any, _y: Any, x: Any, weight: Any, _bias: Any, mean: Any, var: Any, eps: float, training: bool, mask: Any,
    pooled: Any, *_: Any,
) -> Any:  # fmt: skip
    """``(g - mean(g) - xhat * mean(g * xhat)) / sqrt(var + eps)``, ``g = dy * weight``; in evaluation no means."""

    def scaled() -> Any:
        g = kept_or_zero(dy, mask)
        return g if weight is None else g * per_channel(weight, len(x.shape))

    def gradient() -> Any:
        xhat, inverse = standardised(x, mean, var, eps, training, mask, pooled)
        g = way("directly", scaled)
        if training:
            axes = other_axes(x)
            mean_g = way("through the mean", mean_of_kept, g, axes, mask, pooled)

            def through_var() -> Any:
                mean_gx = mean_of_kept(g * xhat, axes, mask, pooled)
                return xhat * mean_gx

            g = kept_or_zero(g - mean_g - way("through the variance", through_var), mask)
        return g * inverse

    return way("batch_norm: gradient of its input", gradient, branch=False)


def by_weight(
    dy: Any, _y: Any, x: Any, _weight: Any, _bias: Any, mean: Any, var: Any, eps: float, training: bool, mask: Any,
    pooled: Any, *_: Any,
) -> Any:  # fmt: skip
    """``sum(dy * xhat)`` of each channel; with a group over the values of this rank, as is ``sum(dy)``."""
    return sum_of(kept_or_zero(dy, mask) * standardised(x, mean, var, eps, training, mask, pooled)[0], other_axes(x))


def by_bias(
    dy: Any, _y: Any, _x: Any, _weight: Any, _bias: Any, _mean: Any, _var: Any, _eps: Any, _training: Any, mask: Any,
    *_: Any,
) -> Any:  # fmt: skip
    """``sum(dy)`` of each channel."""
    return sum_of(kept_or_zero(in_dtype(dy, at_least_float32(dy.dtype)), mask), other_axes(dy))


def statistics(x: Any, mask: Any = None) -> tuple[Any, Any]:
    """The mean and the biased variance of each channel of a batch."""
    d, (mean, rest) = centred(kept_or_zero(in_dtype(x, at_least_float32(x.dtype)), mask), other_axes(x), mask)
    return reshape(mean + rest, (-1,)), reshape(mean_of_kept(square(d), other_axes(x), mask), (-1,))


# -- the same for NumPy's own arrays, fast -------------------------------------------------------


def kernel(
    x: ndarray, weight: Any, bias: Any, mean: Any, var: Any, eps: float, training: bool, mask: Any = None,
    pooled: Pooled | None = None, *_: Any,
) -> tuple[ndarray, Any]:  # fmt: skip
    """The output and the cache of its derivative.

    In evaluation with eps 0, where a variance may be 0, it is the definition's output, without a cache.
    """
    if mask is not None:  # the values that count, as a batch (n, C)
        y, cache = kernel(kernels.taken(x, mask), weight, bias, mean, var, eps, training, None, pooled)
        return kernels.put(y, mask, x.shape), cache
    if training:
        return kernels.normalise(x, weight, bias, None, None, eps, None if pooled is None else pooled.group)
    if eps:
        return kernels.normalise(x, weight, bias, mean, var, eps)
    with np.errstate(divide="ignore", invalid="ignore"):
        return definition(x, weight, bias, mean, var, eps, training), None


def on_arrays(
    dy: ndarray, cache: Any, needs: Any, y: Any, x: Any, weight: Any, bias: Any, mean: Any, var: Any, eps: Any,
    training: bool, mask: Any, pooled: Pooled | None, *others: Any,
) -> Any:  # fmt: skip
    """The gradients of input, weight and bias by the kernel; by the rules if there is no cache for it."""
    if not cache:
        saved = y, x, weight, bias, mean, var, eps, training, mask, pooled, *others
        return batch_norm_op.by_rules(dy, cache, needs, *saved)
    group = None if pooled is None else pooled.group
    if mask is None:
        return kernels.fused(dy, cache, needs, training, weight, group)
    dx, *sums = kernels.fused(kernels.taken(dy, mask), cache, needs, training, weight, group)
    return None if dx is None else kernels.put(dx, mask, dy.shape), *sums


# -- the operation -------------------------------------------------------------------------------


def effects(
    _mean: Any, var: Any, _eps: Any, training: bool, _mask: Any, _pooled: Any, momentum: float,
    buffers: Sequence[Any], batches: Any,
) -> list[Effect]:  # fmt: skip
    """Which buffers a call has read or written; ``batches`` is what it has counted up to."""
    running = [buffer for buffer in buffers[:2] if buffer is not None]
    if not training:
        return [Effect("reads", buffer, "") for buffer in running]
    counted = [Effect("writes", buffer, "+1", str(batches)) for buffer in buffers[2:] if buffer is not None]
    moved = int(var.size - np.count_nonzero(unusable(var, buffers)))
    some = f" in {moved} of {var.size} channels" * (moved < var.size)
    return [Effect("writes", buffer, some, weight=momentum) for buffer in running * bool(moved)] + counted


batch_norm_op = Op(
    "batch_norm",
    definition,
    by_input,
    by_weight,
    by_bias,
    kernel=kernel,
    caches=True,
    on_arrays=on_arrays,
    effects=effects,
    shows=batch_norm_shown,
    doc="``(x - mean) / sqrt(var + eps) * weight + bias``, per channel",
)


def kept(buffer: Any, name: str, recording: bool) -> tuple[Any, Any]:
    """The array of running statistics, whose gradient would be lost, and the memory if they are a tensor."""
    if not isinstance(buffer, Variable):
        return buffer, None
    if buffer.node is not None and recording:
        refuse_gradient(name)
    return buffer.array, buffer.memory


def pooling(group: Any, training: bool) -> Pooled | None:
    """The ranks whose statistics are pooled, if there are others and the statistics are the batch's."""
    group = checked_group("batch_norm", group)
    return Pooled(group) if training and group.size() > 1 else None


def as_before(x: Any, mean_memory: Any, var_memory: Any) -> Any:
    """An operand to be saved as it is before this call moves the running statistics: copied, if it is one of them."""
    if isinstance(x, Variable) and (x.memory is mean_memory or x.memory is var_memory):
        return wrap(x.array.copy(), x.node)
    return x


@public("function")
def batch_norm(
    input: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5, num_batches_tracked: Any = None,
    *, mask: Any = None, group: Group | None = None,
) -> Tensor:  # fmt: skip
    """Normalise each channel of a batch (N, C, ...), then scale and shift it.

    ``(x - mean) / sqrt(var + eps) * weight + bias``, with the biased variance. S. Ioffe, C. Szegedy, Batch
    normalization, 2015.

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
        mask: booleans of the input's shape without channels, or (N,) for whole samples, True where values count.
            The others, padding say, take no part in the statistics, whatever they are, and their output and gradient
            are 0.
        group: of ``minigrad.distributed``, whose ranks hold the parts of one batch, equal ones or not, even none: its
            statistics are those of all ranks, which all must call this, and walk back through it. It is not asked in
            evaluation. Weight and bias get the gradients of this rank's part.

    Raises:
        ValueError: for shapes that do not fit, fewer than 2 values per channel, or 2 that count, in training (with a
            group on all ranks together, each of which refuses), missing statistics in evaluation, a negative running
            variance, an eps that is not positive (in evaluation: negative), running statistics that are read-only or
            share their memory.
        TypeError: for dtypes that do not fit.
        RuntimeError: for running statistics that require grad. After any error no buffer has changed.

    A tensor may have two roles, weight and running_var say: the derivative is that at the values of the call.

    >>> x = mg.tensor([[1.0], [3.0]])
    >>> mean, var = mg.zeros(1), mg.ones(1)
    >>> F.batch_norm(x, mean, var, training=True), mean, var
    (tensor([[-1.0000],
            [ 1.0000]]), tensor([0.2000]), tensor([1.1000]))
    """
    recording = current().recording
    if isinstance(input, ndarray) and (isinstance(weight, Variable) or isinstance(bias, Variable)) and recording:
        input = wrap(input.copy())  # nobody can tell when the caller's own array changes
    # array_of, written out: five calls of it would be a measurable part of a small batch
    array = input.array if isinstance(input, Variable) else input
    gamma = weight.array if isinstance(weight, Variable) else weight
    beta = bias.array if isinstance(bias, Variable) else bias
    mean, mean_memory = kept(running_mean, "running_mean", recording)
    var, var_memory = kept(running_var, "running_var", recording)
    pooled = None if group is None else pooling(group, training)
    check(array, mean, var, gamma, beta, training, momentum, eps, pooled)
    if mask is not None:
        mask = counting(array, mask, training and pooled is None, recording)
    buffers = running_mean, running_var, num_batches_tracked
    if not training:
        if recording:  # copies: what is saved is what was used, whatever becomes of the running statistics
            mean, var = mean.copy(), var.copy()
        settings = eps, False, mask, None, momentum, buffers, None
        y, cache = batch_norm_op.compute(array, gamma, beta, mean, var, *settings)
        return batch_norm_op.record(y, cache, input, weight, bias, mean, var, *settings)
    if mean is not None and (mean_memory is var_memory or not var.flags.writeable):
        check_buffers(mean, var)
    input, weight = as_before(input, mean_memory, var_memory), as_before(weight, mean_memory, var_memory)
    array = array_of(input)
    count = array_of(num_batches_tracked)
    batches = None if count is None else count.item() + 1
    y, cache = batch_norm_op.compute(
        array, gamma, beta, None, None, eps, True, mask, pooled, momentum, buffers, batches
    )
    if pooled is not None:
        pooled = known(pooled, cache[0].n, mask)
    new_mean, new_var = (cache[0].mean, cache[0].var) if cache else statistics(array, mask)
    output = batch_norm_op.record(
        y, cache, input, weight, bias, new_mean, new_var, eps, True, mask, pooled, momentum, buffers, batches
    )
    if mean is not None and (array.size if pooled is None else pooled.n):
        if cache:
            update_running(mean, var, new_mean, new_var, momentum, cache[0])
        else:
            n = counted(array.shape, mask, var.dtype)
            watch(warn_unusable, move_running(mean, var, new_mean, new_var, momentum, n), call_path())
    if count is not None:
        count.fill(batches)  # a third of the time of += 1
    now = clock()
    for buffer in buffers:
        if isinstance(buffer, Variable):
            buffer.memory.changed = now
    return output
