"""Putting values at an index of integers or a mask: overwriting, and adding slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.dtypes import refuse_overflow
from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.host import check
from ..engine.node import Variable, array_of, describe
from .along import constant_index, integer_index, refuse_outside, slices_added_op
from .arguments import axis_too, one_axis, shape_of
from .arithmetic import add_op, scaled
from .assigning import assigned
from .choosing import where
from .gathering import bool_mask, vector_index
from .indexing import array_index, placed, take
from .shapes import astype, expand, in_shape, reshaped, with_an_axis

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = [
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "masked_fill",
]


def at_slices(axis: int, index: Any) -> tuple[Any, ...]:
    """An index of slices along an axis."""
    return (*(slice(None),) * axis, index)


# -- values --------------------------------------------------------------------------------------


def value_for(name: str, input: Any, value: Any) -> Any:
    """A number, or a tensor without axes, in the dtype of a tensor."""
    dtype = input.dtype
    if isinstance(value, (Variable, ndarray)):
        if value.shape != ():
            raise InvalidValueError(f"{name}: value must be a number, got {describe(value)}.")
        return astype(value, dtype)
    if not isinstance(value, (bool, int, float, np.generic)):
        raise InvalidTypeError(f"{name}: value must be a number, got {describe(value)}.")
    try:
        if dtype.kind in "iu":
            refuse_overflow(value if isinstance(value, int) else float(value), dtype)
        elif dtype.kind == "f" and float(np.finfo(dtype).max) < abs(float(value)) < np.inf:
            raise OverflowError(f"{value} does not fit {dtype}.")
    except OverflowError as error:
        raise InvalidValueError(f"{name}: {error}") from None
    return np.asarray(value).astype(dtype)


def values_like(name: str, input: Any, values: Any) -> Any:
    """Values as a tensor or an array, which must have the dtype of a tensor."""
    if not isinstance(values, (Variable, ndarray)):
        values = np.asarray(values, input.dtype)
    if values.dtype != input.dtype:
        raise InvalidTypeError(
            f"{name}: the values, {describe(values)}, must have the dtype of the tensor, {input.dtype}: convert them, "
            f"values.to(mg.{input.dtype})."
        )
    return values


# -- slices along an axis ------------------------------------------------------------------------


def slices(name: str, input: Any, dim: Any, index: Any, source: Any) -> tuple[Any, int, Any, Any]:
    """The tensor, the axis, the index as a vector, and the source with a slice for each of it."""
    axis, index = vector_index(name, input, dim, index)
    x, source = with_an_axis(input), with_an_axis(values_like(name, input, source))
    expected = (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    if source.shape != expected:
        raise InvalidValueError(
            f"{name}: the source must be {expected}, a slice for each index, got {describe(source)}."
        )
    return x, axis, index, source


@public("function method in_place")
@axis_too
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Tensor:
    """A copy with slices added at an index along an axis, ``alpha`` times each.

    Args:
        input: the tensor.
        dim: the axis.
        index: a vector of integers from 0.
        source: a slice for each, of the dtype of ``input``.
        alpha: a factor.

    Raises:
        IndexError: for an index out of range.

    >>> mg.index_add(mg.zeros(2, 2), 0, mg.tensor([1, 1]), mg.ones(2, 2))
    tensor([[0., 0.],
            [2., 2.]])
    """
    x, axis, index, source = slices("index_add", input, dim, index, source)
    y = add_op(x, scaled(slices_added_op(source, index, x.shape[axis], axis), alpha))
    return in_shape(y, input.shape)


@public("function method in_place")
@axis_too
def index_copy(input: Any, dim: int, index: Any, source: Any) -> Tensor:
    """A copy with other slices at an index along an axis; of several for one place the last one.

    Args:
        dim: the axis.
        index: the place of each slice, a vector of integers.
        source: the slices, as many as the index has elements; else of the input's shape.
        axis: NumPy's name of dim.

    >>> mg.index_copy(mg.zeros(2, 2), 1, mg.tensor([1]), mg.ones(2, 1))
    tensor([[0., 1.],
            [0., 1.]])
    """
    x, axis, index, source = slices("index_copy", input, dim, index, source)
    y = assigned(x, source, at_slices(axis, constant_index(index)))
    return in_shape(y, input.shape)


@public("function method in_place")
@axis_too
def index_fill(input: Any, dim: int, index: Any, value: Any) -> Tensor:
    """A copy with one value in the slices at an index along an axis; negative ones count from the end.

    Args:
        dim: the axis.
        axis: NumPy's name of dim.

    >>> mg.index_fill(mg.zeros(2, 2), 1, mg.tensor([-1]), 5)
    tensor([[0., 5.],
            [0., 5.]])
    """
    shape, index = shape_of(input), with_an_axis(integer_index("index_fill", index))
    axis = one_axis(dim, len(shape))
    n = (*shape, 1)[axis]
    if len(index.shape) > 1:
        raise InvalidValueError(f"index_fill: the index must be a vector, got {describe(index)}.")
    check(refuse_outside, "index_fill", array_of(index), axis, n, -n)
    value = value_for("index_fill", input, value)
    y = assigned(with_an_axis(input), value, at_slices(axis, constant_index(index)))
    return y if shape else reshaped(y, ())


# -- any index, masks ----------------------------------------------------------------------------


@public("function method in_place")
def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """A copy with ``y[indices] = values``, or ``+=`` that adds where an index names an element several times.

    Args:
        input: the tensor.
        indices: a tuple of index tensors, or masks.
        values: a tensor that broadcasts to ``input[indices]``, of the dtype of ``input``.
        accumulate: add instead of overwriting; then an element named twice gets both.

    >>> at = (mg.tensor([0, 0, 2]),)
    >>> mg.index_put(mg.zeros(3), at, mg.ones(3)), mg.index_put(mg.zeros(3), at, mg.ones(3), accumulate=True)
    (tensor([1., 0., 1.]), tensor([2., 0., 1.]))
    """
    if not isinstance(indices, (tuple, list)):
        raise InvalidTypeError(
            f"index_put: indices must be a tuple of tensors, got {describe(indices)}: write (index,)."
        )
    shape, index = shape_of(input), array_index(tuple(indices))
    values = values_like("index_put", input, values)
    if not accumulate:
        return assigned(input, values, index)
    reach = take(np.broadcast_to(np.zeros((), np.int8), shape), index).shape
    return add_op(input, placed(expand(values, reach), shape, index))


@public("function method in_place")
def masked_fill(input: Any, mask: Any, value: Any) -> Tensor:
    """``value``, a number, where a mask is true, else ``input``; mask and input broadcast.

    >>> x = mg.tensor([1.0, 2.0])
    >>> mg.masked_fill(x, x > 1, 0)
    tensor([1., 0.])
    """
    shape_of(input)
    return where(bool_mask("masked_fill", mask), value_for("masked_fill", input, value), input)


@public("in_place")
def fill_diagonal(input: Any, fill_value: Any, wrap: bool = False) -> Tensor:
    """``fill_value`` on the main diagonal, which with ``wrap`` goes on below a tall matrix, a row further down."""
    shape = shape_of(input)
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise InvalidValueError(f"fill_diagonal_: expected a matrix, or all axes of one length, got {describe(input)}.")
    mask = np.zeros(shape, bool)
    np.fill_diagonal(mask, True, wrap)
    return masked_fill(input, mask, fill_value)
