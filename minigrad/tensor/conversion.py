"""From what users write (numbers, lists, arrays) to arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.node import Variable

DEFAULT_FLOAT = np.dtype(np.float32)
REAL = "fiub"
"""The kinds of dtypes a tensor can have: floats, integers with and without sign, booleans."""


def array_from(data: Any, dtype: Any = None) -> ndarray:
    """A new array: Python floats become float32; what is NumPy's or a tensor keeps its dtype.

    Raises:
        TypeError: for values, or a dtype, that are not real numbers or booleans.
        ValueError: for lists that are not rectangular.
    """
    array = real_array(data)
    if dtype is None:
        drifts = array.dtype == np.float64 and not asks_for_float64(data)
        dtype = DEFAULT_FLOAT if drifts else array.dtype
    return array.astype(real_dtype(dtype))


def real_array(data: Any) -> ndarray:
    """The values as NumPy sees them, refused unless they are real numbers or booleans."""
    if isinstance(data, (Variable, ndarray)):
        array = data.array if isinstance(data, Variable) else np.asarray(data)
    else:
        try:
            array = np.array(data)
        except ValueError as error:
            raise ValueError(f"no tensor can be made of this: {error} Nested lists need rows of one length.") from error
    if array.dtype.kind not in REAL:
        kind = type(data).__name__ if array.dtype == object else f"{array.dtype} values"
        raise TypeError(f"no tensor can be made of {kind}: expected real numbers or booleans.")
    return array


def asks_for_float64(data: Any) -> bool:
    """Whether there is a float64 of NumPy's or a tensor of that dtype, also somewhere in nested lists."""
    if isinstance(data, (list, tuple)):
        kinds = set(map(type, data))
        return not kinds <= {float, int, bool} and any(map(asks_for_float64, data))
    return isinstance(data, (ndarray, np.generic, Variable)) and data.dtype == np.float64


def real_dtype(dtype: Any) -> np.dtype[Any]:
    """A NumPy dtype; TypeError for one that does not stand for real numbers or booleans."""
    dtype = np.dtype(dtype)
    if dtype.kind not in REAL:
        raise TypeError(f"a tensor cannot be of dtype {dtype}: expected real numbers or booleans.")
    return dtype
