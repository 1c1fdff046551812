"""What the functions that make tensors share: their arguments, and the tensor around a new array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ...engine.arguments import real
from ...engine.dtypes import get_default_dtype
from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.node import wrap
from ...ops.arguments import sizes
from ...ops.shapes import given
from ..conversion import real_dtype
from ..device import on_cpu

if TYPE_CHECKING:
    from ..tensor import Tensor


def made(array: ndarray, dtype: Any, requires_grad: bool) -> Tensor:
    """A tensor around a fresh array."""
    result: Tensor = wrap(array.astype(real_dtype(array.dtype if dtype is None else dtype), copy=False))
    return result.requires_grad_() if requires_grad else result


def new_shape(name: str, separate: tuple[Any, ...], size: Any, device: Any) -> tuple[int, ...]:
    """The shape of a new tensor, given by position or as ``size``; the device is looked at, too."""
    if device is not None:
        on_cpu(device)
    return shape_from(name, separate if size is None else given(name, "size", separate, size))


def shape_from(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape of a new tensor, in which nothing may be negative."""
    shape = sizes(size)
    if shape and min(shape) < 0:
        raise InvalidValueError(f"{name}: a size must not be negative, got {shape}.")
    return shape


def number(name: str, value: Any) -> int | float:
    """A number as Python's own, an int if it was of integers; anything else is refused."""
    return real(value.item() if isinstance(value, np.generic) else value, lambda _: True, f"{name} must be a number")


def float_dtype(name: str, dtype: Any) -> np.dtype[Any]:
    """The dtype of random numbers, which would be all 0 as integers."""
    dtype = real_dtype(get_default_dtype() if dtype is None else dtype)
    if dtype.kind != "f":
        raise InvalidTypeError(
            f"{name}: random numbers are floats, got dtype {dtype}: give a float dtype, or use mg.randint."
        )
    return dtype


def refuse_range(name: str, words: tuple[str, str], low: int, high: int, dtype: np.dtype[Any]) -> None:
    """Refuse integers from ``low`` to below ``high`` where there are none, and those that a dtype does not hold."""
    if low >= high:
        raise InvalidValueError(f"{name}: {words[1]} must be above {words[0]}, got {low} and {high}.")
    if dtype.kind == "b":
        least, most = 0, 1
    else:
        limits: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
        least, most = int(limits.min), int(limits.max)
    if low < least or high - 1 > most:
        raise InvalidValueError(f"{name}: {dtype} does not hold all from {low} to {high - 1}.")
