"""Taking and adding elements or slices along an axis: two pairs of operations, each the derivative of the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.errors import InvalidIndexError, InvalidTypeError
from ..engine.node import Variable, describe, is_stand_in
from ..engine.op import Op
from ..kernels.adding import added_along, slices_added, taken_along
from .protocol import by_protocol

add_slices = by_protocol(slices_added)


def take_elements(x: Any, index: Any, axis: int, distinct: bool = False) -> Any:
    """``taken_along`` in NumPy's functions."""
    reached = tuple(slice(n) for n in index.shape)
    return np.take_along_axis(x[(*reached[:axis], slice(None), *reached[axis + 1 :])], index, axis)


@by_protocol
def add_elements(values: ndarray, index: ndarray, shape: tuple[int, ...], axis: int, distinct: bool = False) -> ndarray:
    """Zeros of ``shape`` with values added at an index along an axis."""
    if not distinct:
        return added_along(values, index, shape, axis)
    y = np.zeros(shape, values.dtype)
    np.put_along_axis(y, index, values, axis)
    return y


elements_taken = Op(
    "gather",
    take_elements,
    lambda dy, _y, _x, index, axis, distinct: elements_added(dy, index, _x.shape, axis, distinct),
    None,
    kernel=lambda x, index, axis, distinct: taken_along(x, index, axis),
    doc="the elements at an index along an axis; ``distinct`` says that no place is named twice",
)
elements_added: Op = Op(
    "scatter_add",
    add_elements,
    lambda dy, _y, _values, index, _shape, axis, distinct: elements_taken(dy, index, axis, distinct),
    None,
    doc="zeros with values added at an index along an axis; ``distinct`` says that no place is named twice",
)
slices_taken = Op(
    "index_select",
    lambda x, index, axis: np.take(x, index, axis),
    lambda dy, _y, _x, index, axis: slices_added_op(dy, index, _x.shape[axis], axis),
    None,
    doc="the slices at an index along an axis",
)
slices_added_op: Op = Op(
    "index_add",
    add_slices,
    lambda dy, _y, _values, index, _length, axis: slices_taken(dy, index, axis),
    None,
    doc="zeros with slices added at an index along an axis",
)


def integer_index(name: str, index: Any) -> Any:
    """An index of integers as a tensor or an array; anything else is refused."""
    if not isinstance(index, (Variable, ndarray)):
        index = np.asarray(index)
        index = index if index.size else index.astype(np.int64)
    if index.dtype.kind not in "iu":
        raise InvalidTypeError(f"{name}: an index must be of integers, got {describe(index)}: use index.long().")
    return index


def all_inside(index: ndarray, length: int) -> bool:
    """Whether an index is from 0 to ``length - 1`` throughout."""
    if not index.size:
        return True
    if index.dtype == np.int64:
        return bool(index.view(np.uint64).max() < length)  # one look: as these, negative ones are the largest
    return bool(index.min() >= 0 and index.max() < length)


def refuse_outside(name: str, index: ndarray, dim: int, length: int, least: int = 0) -> None:
    """Refuse an index outside of an axis, or less than ``least``.

    Raises:
        InvalidIndexError: with the index, and where it may be.
    """
    if all_inside(index, length) or (least and index.min() >= least and index.max() < length):
        return
    wrong = index[(index < least) | (index >= length)].flat[0]
    raise InvalidIndexError(
        f"{name}: index {wrong} is out of range for dim {dim} of length {length}: "
        + (f"expected {least} to {length - 1}." if length else "there is nothing to index.")
    )


def constant_index(index: Any) -> Any:
    """An index that nobody else can change: an array, or what stands for one."""
    array = index.array if isinstance(index, Variable) else index
    return array if is_stand_in(array) else array.copy()
