"""Taking elements out by an index: ints, slices, ``None``, ``...``, masks and integer arrays.

Indexing follows NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.node import Variable, is_stand_in
from ..engine.op import Op
from ..kernels.adding import added_at
from .protocol import by_protocol


def take(x: ndarray, index: tuple[Any, ...]) -> ndarray:
    """``x[index]``, an array also where NumPy returns a number."""
    try:
        return np.asarray(x[index])
    except RuntimeError:  # a real array refuses to be indexed with a stand-in, which knows how
        stand_in: Any = next(filter(is_stand_in, index), None)
        if stand_in is None:
            raise
        return stand_in.taken_from(x, index)


@by_protocol
def put(values: ndarray, shape: tuple[int, ...], index: tuple[Any, ...]) -> ndarray:
    """Zeros of ``shape`` with ``values`` added at ``index``: an element named twice gets both."""
    if any(isinstance(part, ndarray) and part.dtype.kind != "b" for part in index):
        return added_at(shape, index, values)
    y = np.zeros(shape, values.dtype)
    y[index] = values
    return y


taken = Op(
    "getitem",
    lambda x, index: x[index],
    lambda dy, _y, _x, index: placed(dy, _x.shape, index),
    kernel=take,
    view=True,
    doc="the elements at an index",
)
placed: Op = Op(
    "put",
    put,
    lambda dy, _y, _values, shape, index: taken(dy, index),
    doc="zeros with values added at an index",
)


def array_index(index: Any) -> tuple[Any, ...]:
    """An index as a tuple of ints, slices, None, Ellipsis and arrays of its own."""
    if not isinstance(index, tuple):
        return (index if type(index) is int else own(index),)
    return tuple([own(part) for part in index])


def own(part: Any) -> Any:
    """One part of an index; sequences, tensors and arrays as an array nobody else can change."""
    if isinstance(part, Variable):
        part = part.array
    if isinstance(part, (list, tuple, range)):
        part = np.array(part) if part else np.array(part, np.int64)
    if not isinstance(part, ndarray):
        return part
    if part.dtype.kind not in "iub":
        raise IndexError(f"an index must be of integers or booleans, got {part.dtype} {part.shape}.")
    return part.copy()


def getitem(x: Any, index: Any) -> Any:
    """``x[index]``; its gradient adds up where an index names an element several times."""
    return taken(x, array_index(index))
