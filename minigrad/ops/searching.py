"""Searching in sorted sequences, and the distinct elements of a tensor."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.node import Variable, array_of, describe, wrap
from ..engine.op import Op
from .along import elements_taken
from .arguments import one_axis, one_name, shape_of

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["bucketize", "searchsorted", "unique", "unique_consecutive"]

# -- places in sorted sequences -------------------------------------------------------------------


def search(sequence: Any, x: Any, side: Any, dtype: Any) -> Any:
    """Where elements belong in a sorted vector, or in each of several rows of sorted numbers."""
    if sequence.ndim == 1:
        return np.asarray(np.searchsorted(sequence, x, side)).astype(dtype)
    rows = itertools.product(*map(range, sequence.shape[:-1]))
    found = [np.searchsorted(sequence[row], x[row], side) for row in rows]
    return np.stack(found).reshape(x.shape).astype(dtype) if found else np.zeros(x.shape, dtype)


searchsorted_op = Op("searchsorted", search, None, None, doc="where elements belong in sorted rows")


@public("function")
def searchsorted(
    sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None,
    sorter: Any = None,
) -> Tensor:  # fmt: skip
    """Where elements belong in a sorted sequence: how many of its elements are smaller.

    Args:
        sorted_sequence: a vector in ascending order, or rows of them (..., n).
        input: a number or a tensor of elements to look for; (..., m) where there are rows, each for its row.
        out_int32: whether the result is int32 instead of int64.
        right: count equal elements as well.
        side: ``"right"`` for ``right=True``, ``"left"`` for False.
        sorter: the indices that sort the sequence, if it is not in order.

    >>> mg.searchsorted(mg.tensor([1, 3, 5]), mg.tensor([3, 4]))
    tensor([1, 2])
    """
    shape = shape_of(sorted_sequence)
    if side not in (None, "left", "right") or (side == "left" and right):
        raise InvalidValueError(f"searchsorted: side must be 'left' or 'right', as right says, got {side!r}, {right}.")
    if not isinstance(input, (Variable, ndarray)):
        input = np.asarray(input, sorted_sequence.dtype if isinstance(input, int) else None)
    if not shape or (len(shape) > 1 and input.shape[:-1] != shape[:-1]):
        raise InvalidValueError(
            "searchsorted: the sequence must be a vector, or have the rows of the input, got "
            f"{describe(sorted_sequence)} and {describe(input)}."
        )
    if sorter is not None:
        if shape_of(sorter) != shape:
            raise InvalidValueError(f"searchsorted: sorter must be {shape} as the sequence, got {describe(sorter)}.")
        sorted_sequence = elements_taken(sorted_sequence, sorter, len(shape) - 1, True)
    side = "right" if right or side == "right" else "left"
    return searchsorted_op(sorted_sequence, input, side, np.dtype(np.int32 if out_int32 else np.int64))


@public("function")
def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """The number of each element's bucket: how many boundaries are smaller, with ``right`` also those that are equal.

    Args:
        input: a number or a tensor.
        boundaries: a vector in ascending order.
        out_int32: int32 instead of int64.
        right: count equal boundaries as well.

    >>> mg.bucketize(mg.tensor([[3, 6], [9, 1]]), mg.tensor([1, 3, 5, 7, 9]))
    tensor([[1, 3],
            [4, 0]])
    """
    if len(shape_of(boundaries)) != 1:
        raise InvalidValueError(f"bucketize: boundaries must be a vector, got {describe(boundaries)}.")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


# -- distinct elements ----------------------------------------------------------------------------

unique_op = Op(
    "unique",
    lambda x, axis: np.unique(x, axis=axis, equal_nan=False),
    None,
    doc="the distinct elements, or layers along an axis, in ascending order",
)
unique_consecutive_op = Op(
    "unique_consecutive",
    lambda x, axis, index: np.take(x if axis is not None else x.reshape(-1), index, axis or 0),
    None,
    doc="the first elements, or layers along an axis, of runs of equal ones",
)


def together(values: Any, inverse: ndarray | None, counts: ndarray | None) -> Any:
    """The distinct elements, and what else was asked for, as tensors if they are one."""
    found = [each for each in (inverse, counts) if each is not None]
    return (values, *(map(wrap, found) if isinstance(values, Variable) else found)) if found else values


def axis_of_layers(x: Any, dim: Any, axis: Any) -> int | None:
    """The axis whose layers are compared; None: the elements are."""
    dim = one_name(dim, axis)
    shape_of(x)
    return None if dim is None else one_axis(dim, len(x.shape))


@public("function method")
def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None, *, axis: int | None = None,
) -> Any:  # fmt: skip
    """The distinct elements in ascending order.

    Args:
        input: the tensor.
        sorted: accepted; they always come in order.
        return_inverse: also return where each element of the input is among them.
        return_counts: also return how often each is in the input.
        dim: compare the layers along this axis instead of elements.
        axis: NumPy's name of dim.

    Returns:
        The elements; or a tuple of them, the inverse and the counts, as far as these were asked for. NaN equals
        nothing. There is no derivative.

    >>> mg.unique(mg.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    along, inverse, counts = axis_of_layers(input, dim, axis), None, None
    values = unique_op(input, along)
    if return_inverse:
        _, inverse = np.unique(array_of(input), return_inverse=True, axis=along, equal_nan=False)
        inverse = inverse.reshape(input.shape if along is None else -1)
    if return_counts:
        _, counts = np.unique(array_of(input), return_counts=True, axis=along, equal_nan=False)
    return together(values, inverse, counts)


@public("function method")
def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None,
    *, axis: int | None = None,
) -> Any:  # fmt: skip
    """The first of each run of equal elements; the arguments and results are those of ``unique``.

    >>> mg.unique_consecutive(mg.tensor([1, 1, 2, 2, 1]))
    tensor([1, 2, 1])
    """
    along, x = axis_of_layers(input, dim, axis), array_of(input)
    layers = x.reshape(-1, 1) if along is None else np.moveaxis(x, along, 0).reshape((*x.shape, 1)[along], -1)
    differs = np.any(layers[1:] != layers[:-1], axis=1)
    begins = np.concatenate([np.ones(min(len(layers), 1), bool), differs])
    (index,) = np.nonzero(begins)
    inverse = np.cumsum(begins) - 1
    counts = np.diff(index, append=len(layers))
    inverse = inverse.reshape(x.shape) if along is None else inverse
    values = unique_consecutive_op(input, along, index)
    return together(values, inverse if return_inverse else None, counts if return_counts else None)
