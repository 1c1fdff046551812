"""Gradients cut down to a size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...engine.arguments import a_type, not_negative, real
from ...engine.errors import InvalidValueError
from ...engine.host import check
from ...engine.node import Variable, array_of, as_array, is_stand_in, wrap
from ...ops.norms import norm_of, norm_on_arrays
from ...tensor.tensor import Tensor


def gradients_of(parameters: Any, name: str) -> list[Tensor]:
    """The gradients of those parameters that have one."""
    if isinstance(parameters, Variable):
        parameters = [parameters]
    if not isinstance(parameters, Iterable):
        raise TypeError(f"{name} takes parameters, got {a_type(parameters)}: pass model.parameters().")
    listed = list(parameters)
    for parameter in listed:
        if not isinstance(parameter, Variable):
            raise TypeError(f"{name} takes parameters, got {a_type(parameter)}: pass model.parameters().")
    return [parameter.grad for parameter in listed if parameter.grad is not None]


def refuse_nonfinite(total: Any, power: float) -> None:
    """Refuse a norm that is infinite or NaN."""
    if not np.isfinite(total):
        raise InvalidValueError(
            f"the norm of order {power} of the gradients is {total}: find the first NaN or infinity with "
            "mg.autograd.detect_anomaly(), or pass error_if_nonfinite=False."
        )


def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all elements of some tensors together.

    Args:
        tensors: a tensor, or several; 0 for none.
        norm_type: the power p of ``sum(|x|**p)**(1/p)``; ``inf`` for the largest size.
        error_if_nonfinite: refuse a norm that is infinite or NaN.
        foreach: accepted as in PyTorch.

    The norm of tensors of float16 is computed and returned in float32, in which it does not overflow.

    >>> nn.utils.get_total_norm([mg.tensor([3.0]), mg.tensor([[4.0]])])
    tensor(5.)
    """
    power = float(norm_type)
    listed = [tensors] if isinstance(tensors, Variable) else list(tensors)
    arrays = [x.array.astype(np.promote_types(x.dtype, np.float32), copy=False) for x in listed]
    norm = norm_of if any(map(is_stand_in, arrays)) else norm_on_arrays
    norms = [as_array(norm(x, tuple(range(x.ndim)), False, power)) for x in arrays if x.size]
    together = power or 1.0  # counts of what is not 0 add up
    total = norm(np.stack(norms), (0,), False, together) if norms else np.float32(0)
    if error_if_nonfinite:
        check(refuse_nonfinite, total, power)
    result: Tensor = wrap(as_array(total))
    return result


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Any, foreach: bool | None = None) -> None:
    """Scale gradients by ``min(1, max_norm / (total_norm + 1e-6))``, in place.

    Args:
        parameters: a parameter, or several.
        max_norm: the largest norm that stays.
        total_norm: the gradients' norm, as ``get_total_norm`` gives it.
        foreach: accepted as in PyTorch.

    >>> weight = nn.Parameter(mg.ones(2))
    >>> (3 * weight).sum().backward()
    >>> nn.utils.clip_grads_with_norm_([weight], 1.0, nn.utils.get_total_norm([weight.grad]))
    >>> weight.grad
    tensor([0.7071, 0.7071])
    """
    limit = real(max_norm, not_negative, "max_norm must be a number of at least 0")
    norm = array_of(total_norm)
    factor: Any = np.minimum(limit / ((norm if is_stand_in(norm) else float(norm)) + 1e-6), 1)  # NaN stays
    for gradient in gradients_of(parameters, "clip_grads_with_norm_"):
        gradient.detach().mul_(wrap(factor) if is_stand_in(factor) else float(factor))


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:  # fmt: skip
    """Scale the gradients of all parameters together so that their norm is at most ``max_norm``; in place.

    Args:
        parameters: a parameter, or several; those without gradient are left out.
        max_norm: the largest norm.
        norm_type: the power of the norm; ``inf`` for the largest size.
        error_if_nonfinite: refuse a norm that is infinite or NaN, before anything is changed.
        foreach: accepted as in PyTorch.

    Returns:
        The norm before.

    >>> weight = nn.Parameter([3.0, 4.0])
    >>> weight.grad = mg.tensor([3.0, 4.0])
    >>> nn.utils.clip_grad_norm_(weight, max_norm=1.0)
    tensor(5.)
    >>> weight.grad
    tensor([0.6000, 0.8000])
    """
    parameters = [parameters] if isinstance(parameters, Variable) else list(parameters)
    norm = get_total_norm(gradients_of(parameters, "clip_grad_norm_"), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, norm)
    return norm


def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Limit every element of the gradients to ``[-clip_value, clip_value]``, in place.

    Args:
        parameters: a parameter, or several; those without gradient are left out.
        clip_value: the largest size.
        foreach: accepted as in PyTorch.

    >>> weight = nn.Parameter([1.0, 2.0])
    >>> weight.grad = mg.tensor([3.0, -0.5])
    >>> nn.utils.clip_grad_value_([weight], 1.0)
    >>> weight.grad
    tensor([ 1.0000, -0.5000])
    """
    limit = real(clip_value, not_negative, "clip_value must be a number of at least 0")
    for gradient in gradients_of(parameters, "clip_grad_value_"):
        gradient.detach().clamp_(-limit, limit)
