"""Elements at an index, a tensor of integers or a mask, and where elements are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.errors import InvalidIndexError, InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.host import check
from ..engine.node import array_of, describe, is_stand_in
from ..engine.op import Op
from .along import all_inside, constant_index, elements_taken, integer_index, refuse_outside, slices_taken
from .arguments import axis_too, one_axis, shape_of
from .choosing import where as chosen
from .indexing import taken
from .shapes import expand, reshaped, with_an_axis
from .splitting import unbind
from .views import ravel, together

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = [
    "argwhere",
    "gather",
    "index_select",
    "masked_select",
    "nonzero",
    "take",
    "take_along_dim",
    "where",
]


@public("function method")
@axis_too
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Tensor:
    """Elements along one axis: ``y[i, j] = x[i, index[i, j]]`` for a matrix and ``dim=1``.

    Args:
        input: the tensor.
        dim: the axis.
        index: integers from 0, of as many axes; along the others it may be shorter than ``input``. A change of the
            index before backward is noticed.
        sparse_grad: accepted for PyTorch's sake; gradients are dense.

    Returns:
        The elements, in the shape of ``index``; the gradient is added up where an element is taken several times.

    Raises:
        IndexError: for an index out of range.

    >>> mg.gather(mg.tensor([[1, 2], [3, 4]]), 1, mg.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    axis, x, index, shape = along("gather", input, dim, index)
    refuse_longer("gather", x.shape, index.shape, axis)
    y = elements_taken(x, index, axis)
    return y if y.shape == shape else reshaped(y, shape)


def along(name: str, input: Any, dim: Any, index: Any) -> tuple[int, Any, Any, tuple[int, ...]]:
    """The axis, the tensor and an index of as many axes in its range, both with an axis; the shape the index had."""
    axis, index = one_axis(dim, len(shape_of(input))), integer_index(name, index)
    shape = index.shape
    x = input
    if not shape or not x.shape:
        x, index = with_an_axis(x), with_an_axis(index)
    if len(index.shape) != len(x.shape):
        raise InvalidValueError(
            f"{name}: the index must have as many axes as the tensor, {describe(input)}, got {describe(index)}."
        )
    check(refuse_outside, name, array_of(index), axis, x.shape[axis])
    return axis, x, index, shape


def refuse_longer(name: str, shape: tuple[int, ...], index: tuple[int, ...], axis: int) -> None:
    """Refuse an index that is longer than a tensor along another axis."""
    if index != shape and any(n > m for k, (n, m) in enumerate(zip(index, shape)) if k != axis):
        raise InvalidValueError(
            f"{name}: an index {index} must be no longer than {shape} along axes other than {axis}."
        )


def vector_index(name: str, input: Any, dim: Any, index: Any) -> tuple[int, Any]:
    """The axis, and a vector of integers in its range."""
    shape, index = shape_of(input), with_an_axis(integer_index(name, index))
    axis = one_axis(dim, len(shape))
    if len(index.shape) > 1:
        raise InvalidIndexError(f"{name}: the index must be a vector, got {describe(index)}.")
    check(refuse_outside, name, array_of(index), axis, (*shape, 1)[axis])
    return axis, index


def from_the_front(index: Any, axis: int, length: int) -> Any:
    """An index with places that were counted from the end counted from the front."""
    places = array_of(index)
    if not is_stand_in(places) and all_inside(places, length):
        return index
    check(refuse_outside, "take_along_dim", places, axis, length, -length)
    return chosen(index < 0, index + length, index)


@public("function method", {np.take_along_axis: lambda f, arr, indices, axis=-1: f(arr, indices, axis)})
@axis_too
def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Tensor:
    """Elements along one axis, as ``argsort`` and ``argmax(keepdim=True)`` name them.

    Args:
        input: the tensor.
        indices: integers; negative ones count from the end. Along the other axes both broadcast.
        dim: the axis; None for the flattened tensors.

    Raises:
        IndexError: for an index out of range.

    >>> x = mg.tensor([[3, 1, 2]])
    >>> mg.take_along_dim(x, x.argmax(1, keepdim=True), 1)
    tensor([[3]])
    """
    indices = integer_index("take_along_dim", indices)
    if dim is None:
        input, indices, dim = ravel(input), ravel(indices), 0
    shape, wanted = shape_of(input), indices.shape
    axis = one_axis(dim, len(shape))
    if len(shape) != len(wanted) or not shape:
        raise InvalidValueError(
            f"take_along_dim: both must have as many axes, got {describe(input)} and {describe(indices)}."
        )
    indices = from_the_front(indices, axis, shape[axis])
    if any(n != m for k, (n, m) in enumerate(zip(shape, wanted)) if k != axis):
        rest = together(
            "take_along_dim", (*shape[:axis], 1, *shape[axis + 1 :]), (*wanted[:axis], 1, *wanted[axis + 1 :])
        )
        input, indices = (expand(x, (*rest[:axis], -1, *rest[axis + 1 :])) for x in (input, indices))
    return elements_taken(input, indices, axis)


@public("function method")
@axis_too
def index_select(input: Any, dim: int, index: Any) -> Tensor:
    """The slices at an index along an axis, as a copy.

    Args:
        input: the tensor.
        dim: the axis.
        index: a vector of integers from 0, or one of them.

    Raises:
        IndexError: for an index out of range, or of more than one axis.

    >>> mg.index_select(mg.tensor([[1, 2], [3, 4]]), 1, mg.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    axis, index = vector_index("index_select", input, dim, index)
    y = slices_taken(with_an_axis(input), index, axis)
    return y if shape_of(input) else reshaped(y, ())


def numpys_take(function: Any, a: Any, indices: Any, axis: Any = None) -> Any:
    """``np.take``: of the flattened tensor, or slices along an axis."""
    if axis is None:
        return function(a, indices)
    index = constant_index(integer_index("take", indices))
    return taken(a, (*(slice(None),) * one_axis(axis, len(a.shape)), index))


@public("function method", {np.take: numpys_take})
def take(input: Any, index: Any) -> Tensor:
    """The elements of the flattened tensor at an index, in its shape; negative ones count from the end.

    Args:
        index: integers of any shape; out of range is an IndexError.

    >>> mg.take(mg.tensor([[1, 2], [3, 4]]), mg.tensor([0, -1]))
    tensor([1, 4])
    """
    return taken(ravel(input), (constant_index(integer_index("take", index)),))


def bool_mask(name: str, mask: Any) -> Any:
    """A mask as a tensor or an array of booleans; anything else is refused."""
    if not hasattr(mask, "dtype"):
        mask = np.asarray(mask)
    if mask.dtype.kind != "b":
        raise InvalidTypeError(f"{name}: a mask must be of booleans, got {describe(mask)}: use mask.bool().")
    return mask


@public("function method")
def masked_select(input: Any, mask: Any) -> Tensor:
    """The elements where a mask is true, along one axis; both broadcast.

    >>> x = mg.tensor([1, 2, 3])
    >>> mg.masked_select(x, x > 1)
    tensor([2, 3])
    """
    mask = bool_mask("masked_select", mask)
    shape = together("masked_select", shape_of(input), mask.shape) or (1,)
    return taken(expand(input, shape), (constant_index(expand(mask, shape)),))


# -- where elements are --------------------------------------------------------------------------


def places_of_nonzero(input: ndarray) -> Any:
    """The index of each element that is not 0, as rows."""
    return np.stack(input.reshape(input.shape or (1,)).nonzero(), -1)[:, : input.ndim]


nonzero_op = Op("nonzero", places_of_nonzero, doc="the index of each element that is not 0, as rows")


@public("function method")
def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """Where elements are not 0: (n, ndim) integers, or with ``as_tuple`` an index vector for each axis.

    The shape depends on the values, so a step with it is not captured.

    >>> mg.nonzero(mg.tensor([[0, 5], [7, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    return unbind(nonzero_op(with_an_axis(input)), 1) if as_tuple else nonzero_op(input)


@public("function method", {np.argwhere: lambda f, a: f(a)})
def argwhere(input: Any) -> Tensor:
    """Where elements are not 0, as rows: ``nonzero``.

    The result is (k, n), int64, for k elements of a tensor of n axes; there is no derivative.

    >>> mg.argwhere(mg.tensor([0.0, 2.0, 3.0]))
    tensor([[1],
            [2]])
    """
    return nonzero_op(input)


@public("function", {np.where: lambda f, condition, x=None, y=None: f(condition, x, y)})
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """``input`` where ``condition`` is true, else ``other``; of a condition alone, where it is true, as a tuple.

    Both are computed, and where the derivative of the one not taken is infinite or NaN, its gradient is NaN: 0 times
    infinity. Choose the operand before the operation: ``log(where(x > 0, x, 1))`` instead of
    ``where(x > 0, log(x), 0)``.

    Args:
        condition: booleans; of other numbers all but 0 count as true.
        input, other: tensors or numbers; all three broadcast.

    >>> mg.where(mg.tensor([True, False]), 1.0, mg.tensor([2.0, 3.0]))
    tensor([1., 3.])
    >>> mg.where(mg.tensor([0, 4, 5]))
    (tensor([1, 2]),)
    """
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if input is None or other is None:
        raise InvalidTypeError("where needs both input and other, or neither: mg.where(condition, input, other).")
    return chosen(condition, input, other)
