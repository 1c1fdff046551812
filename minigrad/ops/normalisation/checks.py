"""What batch normalisation refuses, before anything is changed."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy import ndarray

from ...engine.arguments import detached
from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.host import check as check_values
from ...engine.node import cure, describe
from ...engine.scope import call_path
from ...kernels.constants import at_least_float32
from ..arguments import shape_of


def check(
    x: Any, mean: Any, var: Any, weight: Any, bias: Any, training: bool, momentum: float, eps: float,
    pooled: Any = None,
) -> None:  # fmt: skip
    """Refuse what cannot be normalised; with other ranks' values, too few of them are found out later."""
    if not isinstance(x, ndarray) or x.dtype.kind != "f" or x.ndim < 2:
        refuse_input(x)
    if (mean is None) != (var is None):
        raise InvalidValueError(
            f"batch_norm{call_path()}: running_mean and running_var go together: give both or none."
        )
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
        raise InvalidValueError(f"batch_norm{call_path()}: batch_norm eps must be {need}, got {eps}.")
    if training:
        if x.size == shape[1] > 0 and pooled is None:  # as many values as channels
            raise InvalidValueError(
                f"Expected more than 1 value per channel when training, got input size {shape}{call_path()}: one value "
                "has no variance. Predict with model.eval(), or train with batches of 2 or more "
                "(DataLoader(drop_last=True))."
            )
    elif mean is None:
        raise InvalidValueError(
            f"batch_norm{call_path()}: evaluation needs running_mean and running_var; without them pass training=True."
        )
    else:
        check_values(check_variance, var)


def check_variance(var: ndarray) -> None:
    """Refuse running variances that are negative."""
    if var.size and var.item(var.argmin()) < 0:
        raise InvalidValueError(
            f"batch_norm{call_path()}: running_var has negative values: the checkpoint, or what wrote it, is wrong."
        )


def check_buffers(running_mean: ndarray, running_var: ndarray, operation: str = "batch_norm") -> None:
    """Refuse running statistics that cannot be written to, and two that are one."""
    for name, buffer in (("running_mean", running_mean), ("running_var", running_var)):
        if not buffer.flags.writeable:
            raise InvalidValueError(
                f"{operation}{call_path()}: {name} is read-only (an expanded view, or another's array): pass a copy."
            )
    if np.shares_memory(running_mean, running_var):
        raise InvalidValueError(
            f"{operation}{call_path()}: running_mean and running_var share their memory: each would overwrite the "
            "other. Pass a copy of one."
        )


def refuse_gradient(name: str, operation: str = "batch_norm") -> NoReturn:
    """Refuse running statistics in a graph: their gradient would be lost."""
    raise RuntimeError(
        f"{operation}{call_path()}: {name} requires grad, but {operation} has no derivative with respect to running "
        f"statistics: pass {name}.detach()."
    )


def refuse_input(x: Any) -> NoReturn:
    """Refuse what is no batch of floats."""
    shape_of(x)  # refuses what is no tensor
    if x.dtype.kind != "f":
        raise InvalidTypeError(
            f"batch_norm{call_path()}: expected a float input, got {describe(x)}: convert it, e.g. x.float()."
        )
    raise InvalidValueError(
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
            raise InvalidValueError(
                f"batch_norm{call_path()}: input {shape} has {shape[1]} channels on axis 1, "
                f"but {name} is {value.shape}.{hint}"
            )
        if value.dtype not in (dtype, at_least_float32(dtype)):
            raise InvalidTypeError(
                f"batch_norm{call_path()}: input is {dtype} but {name} is {value.dtype}: convert one, "
                f"x.to(mg.{value.dtype}) or module.to(mg.{dtype})."
            )
