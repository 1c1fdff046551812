"""From what users write (numbers, lists, arrays) to arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.dtypes import get_default_dtype, in_other_dtype, native, refuse_overflow
from ..engine.errors import InvalidTypeError
from ..engine.modes import current
from ..engine.node import Variable, array_of, as_array, leaves, requires_grad

REAL = "fiub"
"""The kinds of dtypes a tensor can have: floats, integers with and without sign, booleans."""


def array_from(data: Any, dtype: Any = None) -> ndarray:
    """A new array: Python floats become the default dtype; what has a dtype or a buffer (arrays, tensors) keeps it.

    Raises:
        TypeError: for values, or a dtype, that are not real numbers or booleans.
        ValueError: for lists that are not rectangular.
        RuntimeError: for lists that hold tensors of a graph.
    """
    if dtype is not None:
        dtype = real_dtype(dtype)
        return in_other_dtype(fitting_array(data, dtype), dtype)
    others = tuple(leaves(data)) if isinstance(data, (list, tuple)) else (data,)
    array = real_array(data, others)
    drifts = array.dtype == np.float64 and not any(map(asks_for_float64, others))
    return array.astype(
        get_default_dtype() if drifts else native(array.dtype), copy=isinstance(data, (Variable, ndarray))
    )


def fitting_array(data: Any, dtype: np.dtype[Any]) -> ndarray:
    """The values as NumPy sees them, to be converted to a dtype.

    Raises:
        OverflowError: for a number that an integer dtype cannot hold; one without sign takes negative ones, which count
            from its end, as in PyTorch. Values that have a dtype, of a tensor or an array, wrap around.
    """
    array = real_array(data)
    if dtype.kind in "iu" and array is not data and not isinstance(data, Variable) and array.size:
        with np.errstate(invalid="ignore"):
            ends = np.trunc([array.min(), array.max()]) if array.dtype.kind == "f" else (array.min(), array.max())
        for value in ends:
            refuse_overflow(value.item(), dtype)
    return array


def real_array(data: Any, others: Sequence[Any] | None = None) -> ndarray:
    """The values as NumPy sees them, refused unless they are real numbers or booleans.

    ``others`` are the ``leaves`` of a list, if they are known.
    """
    if isinstance(data, (list, tuple)):
        refuse_graph(leaves(data) if others is None else others)
    if isinstance(data, (Variable, ndarray)):
        array = data.array if isinstance(data, Variable) else as_array(data)
    else:
        try:
            array = np.array(data)
        except ValueError as error:
            raise ValueError(f"no tensor can be made of this: {error} Nested lists need rows of one length.") from error
    if array.dtype.kind not in REAL:
        kind = type(data).__name__ if array.dtype == object else f"{array.dtype} values"
        raise InvalidTypeError(f"no tensor can be made of {kind}: expected real numbers or booleans{columns(data)}.")
    return array


def columns(data: Any) -> str:
    """For a table with columns of several kinds, which pandas and others give as objects: their dtypes and the cure."""
    dtypes: Any = getattr(data, "dtypes", None)
    if not hasattr(dtypes, "items"):
        return ""
    kinds = ", ".join(f"{name}: {dtype}" for name, dtype in dtypes.items())
    return f", its columns are {kinds}: choose those of numbers and convert them, table[[...]].astype('float32')"


def refuse_graph(values: Iterable[Any]) -> None:
    """Refuse tensors of a graph in a list."""
    if any(map(requires_grad, values)) and current().recording:
        raise RuntimeError(
            "a list that holds tensors that require grad cannot become a tensor of values, it would lose their graph: "
            "use mg.stack(list), or detach them, x.detach()."
        )


def asks_for_float64(data: Any) -> bool:
    """Whether this has a dtype or a buffer, and is of float64."""
    if type(data) is float:
        return False
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
