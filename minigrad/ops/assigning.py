"""Elements set by an index, as a new tensor: what ``y[index] = value`` and ``index_put`` record."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.node import array_of, real_array_of
from ..engine.op import Op
from .choosing import where
from .indexing import taken
from .protocol import by_protocol
from .shapes import reshape


@by_protocol
def with_elements(x: ndarray, value: Any, index: tuple[Any, ...]) -> ndarray:
    """A copy of ``x``, in its layout, with other elements at an index; of several for one element the last one."""
    y = x.copy("K")
    y[index] = value
    return y


@by_protocol
def last_written(shape: tuple[int, ...], index: tuple[Any, ...]) -> ndarray:
    """Which of the values for an index are in an array of ``shape`` after all have been written to it."""
    numbers = np.zeros(shape, np.intp)
    own = np.arange(numbers[index].size).reshape(numbers[index].shape)
    numbers[index] = own
    return np.asarray(numbers[index] == own)


def remaining(dy: Any, index: tuple[Any, ...]) -> Any:
    """``dy[index]``, but 0 where another value was written to the same element later."""
    gradient = taken(dy, index)
    if not any(getattr(part, "dtype", np.bool_) != np.bool_ for part in index):
        return gradient  # only integers in an array can name an element twice
    return where(last_written(dy.shape, index), gradient, 0)


assigned: Op = Op(
    "index_put",
    with_elements,
    lambda dy, _y, _x, _value, index: assigned(dy, 0.0, index),
    lambda dy, _y, _x, _value, index: remaining(dy, index),
    doc="a copy with other elements at an index; of several for one element the last one",
)


def setitem(x: Any, value: Any, index: tuple[Any, ...]) -> Any:
    """A copy with other elements at an index; leading axes of length 1 of the value may be too many."""
    shape = np.shape(real_array_of(array_of(x))[tuple(map(real_array_of, index))])
    own = getattr(value, "shape", ())
    if len(own) > len(shape) and set(own[: len(own) - len(shape)]) == {1}:
        value = reshape(value, own[len(own) - len(shape) :])
    return assigned(x, value, index)
