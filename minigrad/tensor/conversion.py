"""From what users write (numbers, lists, arrays) to arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.dtypes import native
from ..engine.modes import current
from ..engine.node import Variable, array_of, as_array, holds_tensors

DEFAULT_FLOAT = np.dtype(np.float32)
REAL = "fiub"
"""The kinds of dtypes a tensor can have: floats, integers with and without sign, booleans."""


def array_from(data: Any, dtype: Any = None) -> ndarray:
    """A new array: Python floats become float32; what has a dtype or a buffer (arrays, tensors, memoryviews) keeps it.

    Raises:
        TypeError: for values, or a dtype, that are not real numbers or booleans.
        ValueError: for lists that are not rectangular.
        RuntimeError: for lists that hold tensors of a graph.
    """
    array = real_array(data)
    if dtype is None:
        drifts = array.dtype == np.float64 and not asks_for_float64(data)
        dtype = DEFAULT_FLOAT if drifts else array.dtype
    return array.astype(real_dtype(dtype))


def real_array(data: Any) -> ndarray:
    """The values as NumPy sees them, refused unless they are real numbers or booleans."""
    if isinstance(data, (list, tuple)) and current().recording and holds_tensors(data, in_graph=True):
        raise RuntimeError(
            "a list that holds tensors that require grad cannot become a tensor of values, it would lose their graph: "
            "use mg.stack(list), or detach them, x.detach()."
        )
    if isinstance(data, (Variable, ndarray)):
        array = data.array if isinstance(data, Variable) else as_array(data)
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
    """Whether this, or an item of nested lists, has a dtype or a buffer, and is of float64."""
    if isinstance(data, (list, tuple)):
        kinds = set(map(type, data))
        return not kinds <= {float, int, bool} and any(map(asks_for_float64, data))
    return says_its_dtype(data) and as_array(array_of(data)).dtype == np.float64


def says_its_dtype(data: Any) -> bool:
    """Whether data is an array to NumPy, by an attribute or by its buffer; Python's numbers and sequences are not."""
    if any(hasattr(data, name) for name in ("__array__", "__array_interface__", "__array_struct__")):
        return True
    try:
        memoryview(data)
    except TypeError:
        return False
    return True


def real_dtype(dtype: Any) -> np.dtype[Any]:
    """A NumPy dtype, native; TypeError for one that does not stand for real numbers or booleans."""
    dtype = native(np.dtype(dtype))
    if dtype.kind not in REAL:
        raise TypeError(f"a tensor cannot be of dtype {dtype}: expected real numbers or booleans.")
    return dtype
