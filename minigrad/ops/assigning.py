"""Elements set by an index, as a new tensor: what ``y[index] = value`` records."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.node import array_of, is_stand_in, real_array_of
from ..engine.op import Op
from .indexing import taken
from .shapes import reshape


def with_elements(x: Any, value: Any, index: tuple[Any, ...]) -> Any:
    """A copy of ``x``, in its layout, with other elements at an index."""
    if is_stand_in(value) and not is_stand_in(x):  # a real array cannot take a stand-in: joined to it, it is one
        y = np.concatenate([x.reshape(-1), value.reshape(-1)]).astype(x.dtype)[: x.size].reshape(x.shape)
    else:
        y = x.copy("K")
    y[index] = value
    return y


def remaining(dy: Any, index: tuple[Any, ...]) -> Any:
    """``dy[index]``, but 0 where another value was written to the same element later."""
    gradient = taken(dy, index)
    if not any(isinstance(part, ndarray) and part.dtype.kind in "iu" for part in index):
        return gradient
    order = np.arange(int(np.prod(gradient.shape))).reshape(gradient.shape)
    last = with_elements(np.zeros(dy.shape, np.int64), order, index)[index]
    return gradient * (last == order).astype(gradient.dtype)


assigned: Op = Op(
    "setitem",
    with_elements,
    lambda dy, _y, _x, _value, index: assigned(dy, 0.0, index),
    lambda dy, _y, _x, _value, index: remaining(dy, index),
    doc="a copy with other elements at an index",
)


def setitem(x: Any, value: Any, index: tuple[Any, ...]) -> Any:
    """A copy with other elements at an index; leading axes of length 1 of the value may be too many."""
    shape = np.shape(real_array_of(array_of(x))[tuple(map(real_array_of, index))])
    own = getattr(value, "shape", ())
    if len(own) > len(shape) and set(own[: len(own) - len(shape)]) == {1}:
        value = reshape(value, own[len(own) - len(shape) :])
    return assigned(x, value, index)
