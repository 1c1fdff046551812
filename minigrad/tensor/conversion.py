"""From what users write (numbers, lists, arrays) to arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.node import Variable

DEFAULT_FLOAT = np.dtype(np.float32)


def array_from(data: Any, dtype: Any = None) -> ndarray:
    """A new array: Python floats become float32; what is NumPy's or a tensor keeps its dtype.

    Raises:
        TypeError: for values that are not numbers.
        ValueError: for lists that are not rectangular.
    """
    if isinstance(data, Variable):
        data = data.array
    typed = isinstance(data, (ndarray, np.generic))
    try:
        array = np.array(data, dtype)
    except ValueError as error:
        raise ValueError(f"cannot make a tensor: {error} Nested lists must have rows of one length.") from error
    if array.dtype.kind not in "fiub":
        kind = type(data).__name__ if array.dtype == object else f"{array.dtype} values"
        raise TypeError(f"cannot make a tensor of {kind}: expected real numbers or booleans.")
    if not typed and dtype is None and array.dtype == np.float64 and not holds_arrays(data):
        array = array.astype(DEFAULT_FLOAT)
    return array


def holds_arrays(data: Any) -> bool:
    """Whether nested lists contain NumPy values or tensors, whose dtype counts."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (ndarray, np.generic, Variable))
