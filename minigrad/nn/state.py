"""Values on their way into parameters and buffers: converted and checked before the first is written."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..tensor.tensor import Tensor


def converted(array: ndarray, dtype: np.dtype[Any]) -> ndarray:
    """A copy in another dtype; OverflowError for a value that it cannot hold."""
    with np.errstate(all="ignore"):
        copy = array.astype(dtype)
    lost = np.isfinite(array) & ~np.isfinite(copy) if dtype.kind == "f" else copy != array
    if lost.any():
        raise OverflowError(f"{array[lost][0]} is too large for {dtype}")
    return copy


def all_converted(title: str, arrays: dict[str, ndarray | None], dtype: np.dtype[Any]) -> list[ndarray | None]:
    """Copies of arrays in another dtype; OverflowError that names the one with a value it cannot hold."""
    copies = []
    for name, array in arrays.items():
        try:
            copies.append(None if array is None else converted(array, dtype))
        except OverflowError as error:
            raise OverflowError(f"{title}: {name}: {error}.") from error
    return copies


def fitting(name: str, leaf: Tensor, value: Any) -> ndarray:
    """A copy of a saved value, in the dtype of the parameter or buffer it is for; ValueError if it does not fit."""
    try:
        array = value.array if isinstance(value, Tensor) else np.asarray(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is no array: {error}") from error
    if array.shape != leaf.shape:
        raise ValueError(f"size mismatch for {name}: the state has {array.shape}, the model {leaf.shape}.")
    if not np.can_cast(array.dtype, leaf.dtype, "same_kind"):
        raise ValueError(f"dtype mismatch for {name}: the state has {array.dtype}, the model {leaf.dtype}.")
    if not leaf.array.flags.writeable:
        raise ValueError(f"{name} of the model is read-only: give it memory of its own, {name}.data = values.clone().")
    try:
        return converted(array, leaf.dtype)
    except OverflowError as error:
        raise ValueError(f"overflow in {name}: {error}.") from error
