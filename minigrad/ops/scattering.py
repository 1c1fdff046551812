"""Putting values at an index along one axis: in place of others, added to them, or reduced together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.node import Variable, array_of, describe, written
from .along import constant_index, elements_added, integer_index
from .arguments import axis_too
from .arithmetic import add_op, div_op
from .assigning import assigned
from .choosing import where
from .gathering import along, refuse_longer
from .indexing import placed, taken
from .joining import cat
from .prod import prod
from .putting import value_for, values_like
from .reductions import amax, amin
from .shapes import expand, in_shape, reshaped, unsqueeze, with_an_axis
from .views import ravel

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["scatter", "scatter_add", "scatter_reduce"]


def at_elements(axis: int, index: Any) -> tuple[Any, ...]:
    """An index of the elements at ``index`` along an axis, at the place that it has along the others."""
    grid: list[Any] = list(np.indices(index.shape, sparse=True))
    grid[axis] = index
    return tuple(grid)


def elements(name: str, input: Any, dim: Any, index: Any, src: Any) -> tuple[Any, int, Any, Any]:
    """The tensor, the axis, the index, and of the source the part as long as the index."""
    axis, x, index, _ = along(name, input, dim, index)
    src = with_an_axis(values_like(name, input, src))
    shape, reach = x.shape, index.shape
    refuse_longer(name, shape, reach, axis)
    if len(src.shape) != len(shape) or any(n > m for n, m in zip(reach, src.shape)):
        raise InvalidValueError(f"{name}: the source {describe(src)} must be at least as long as the index {reach}.")
    return x, axis, index, src if src.shape == reach else taken(src, tuple(map(slice, reach)))


REDUCTIONS_OF_SCATTER = {"add": "sum", "multiply": "prod"}


@public("function method in_place")
@axis_too
def scatter(
    input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """A copy with values at an index along one axis: ``y[i, index[i, j]] = src[i, j]`` for a matrix and ``dim=1``.

    Args:
        input: the tensor.
        dim: the axis.
        index: integers from 0, of as many axes as ``input``, along the others no longer than it.
        src: the values, at least as long as ``index`` and of the dtype of ``input``; or one number.
        value: one number for all, instead.
        reduce: "add" or "multiply": with what is there, instead of overwriting it.

    Of several values for one element the last one counts, and has the gradient.

    Raises:
        IndexError: for an index out of range.

    >>> mg.scatter(mg.zeros(2, 3), 1, mg.tensor([[2], [0]]), 5)
    tensor([[0., 0., 5.],
            [5., 0., 0.]])
    """
    if (src is None) is (value is None):
        raise TypeError("scatter needs either src, a tensor, or value, a number.")
    if reduce is not None and reduce not in REDUCTIONS_OF_SCATTER:
        raise InvalidValueError(
            f"scatter: reduce must be 'add', 'multiply' or None, got {reduce!r}: use scatter_reduce."
        )
    src = value if src is None else src
    if not (isinstance(src, (Variable, ndarray, list)) and np.ndim(array_of(src))):
        index = integer_index("scatter", index)
        src = expand(value_for("scatter", input, src), index.shape)
    if reduce is not None:
        return scatter_reduce(input, dim, index, src, REDUCTIONS_OF_SCATTER[reduce])
    x, axis, index, src = elements("scatter", input, dim, index, src)
    y = assigned(x, src, at_elements(axis, constant_index(index)))
    return in_shape(y, input.shape)


@public("function method in_place")
@axis_too
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Tensor:
    """A copy with values added at an index along one axis: ``y[i, index[i, j]] += src[i, j]`` for ``dim=1``.

    Args:
        input: the tensor.
        dim: the axis.
        index: integers from 0, of as many axes as ``input``, along the others no longer than it.
        src: the values, at least as long as ``index`` and of the dtype of ``input``.

    Raises:
        IndexError: for an index out of range.

    >>> mg.scatter_add(mg.zeros(3), 0, mg.tensor([0, 2, 2]), mg.ones(3))
    tensor([1., 0., 2.])
    """
    x, axis, index, src = elements("scatter_add", input, dim, index, src)
    y = add_op(x, elements_added(src, index, x.shape, axis))
    return in_shape(y, input.shape)


# -- reductions ----------------------------------------------------------------------------------


def lowest(dtype: np.dtype[Any]) -> Any:
    """No more than any number."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min if dtype.kind in "iu" else False


def highest(dtype: np.dtype[Any]) -> Any:
    """No less than any number."""
    return np.inf if dtype.kind == "f" else np.iinfo(dtype).max if dtype.kind in "iu" else True


BY_GROUPS: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "prod": (prod, lambda dtype: 1),
    "amax": (amax, lowest),
    "amin": (amin, highest),
}
"""Reductions of all values for one element together, each with the number that changes nothing."""

REDUCTIONS = ("sum", "mean", *BY_GROUPS)


@public("function method in_place")
@axis_too
def scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Tensor:
    """A copy in which each element named by an index along one axis is the reduction of all values for it.

    Args:
        input: the tensor.
        dim: the axis.
        index: integers from 0, of as many axes as ``input``, along the others no longer than it.
        src: the values, at least as long as ``index`` and of the dtype of ``input``.
        reduce: "sum", "mean", "prod", "amax" or "amin". A mean is of floats; ties of an extreme share the gradient.
        include_self: whether what ``input`` has there counts, too.

    Raises:
        IndexError: for an index out of range.

    >>> x, index = mg.zeros(3), mg.tensor([0, 0, 2])
    >>> mg.scatter_reduce(x, 0, index, mg.tensor([1.0, 2.0, 3.0]), "mean", include_self=False)
    tensor([1.5000, 0.0000, 3.0000])
    """
    if reduce not in REDUCTIONS:
        names = ", ".join(REDUCTIONS)
        raise InvalidValueError(f"scatter_reduce: reduce must be one of {names}, got {written(reduce)}.")
    x, axis, index, src = elements("scatter_reduce", input, dim, index, src)
    if reduce in BY_GROUPS:
        y = by_groups(x, axis, constant_index(index), src, *BY_GROUPS[reduce], include_self)
    else:
        y = by_sums(x, axis, index, src, reduce, include_self)
    return in_shape(y, input.shape)


def by_sums(x: Any, axis: int, index: Any, src: Any, reduce: str, include_self: bool) -> Any:
    """The sum or the mean of all values for an element."""
    if reduce == "mean" and x.dtype.kind != "f":
        raise InvalidTypeError(f"scatter_reduce: a mean needs floats, got {x.dtype}: use x.float().")
    counts = elements_added(np.ones(index.shape, np.int64), array_of(index), x.shape, axis)
    if not include_self:
        x = where(counts > 0, 0, x)
    total = add_op(x, elements_added(src, index, x.shape, axis))
    if reduce == "sum":
        return total
    return div_op(total, np.maximum(counts + (1 if include_self else 0), 1).astype(x.dtype))


def by_groups(
    x: Any, axis: int, index: Any, src: Any, reduce: Callable[..., Any], neutral: Callable[[Any], Any], with_self: bool
) -> Any:
    """A reduction of all values for an element: they are a row of a table, filled up with the neutral number."""
    named, row, column = table_of(index, x.shape, axis)
    if not named.size:
        return assigned(x, 0, (slice(0, 0),))
    filled = np.zeros((len(named), int(column.max()) + 1), bool)
    filled[row, column] = True
    table = where(filled, placed(ravel(src), filled.shape, (row, column)), np.asarray(neutral(x.dtype)).astype(x.dtype))
    if with_self:
        table = cat([unsqueeze(taken(ravel(x), (named,)), 1), table], 1)
    return reshaped(assigned(ravel(x), reduce(table, 1), (named,)), x.shape)


def table_of(index: ndarray, shape: tuple[int, ...], axis: int) -> tuple[ndarray, ndarray, ndarray]:
    """The places that an index names, in the flattened tensor, and for each value its row, and its number there."""
    places = np.ravel_multi_index(np.broadcast_arrays(*at_elements(axis, index)), shape).ravel()
    named, row, counts = np.unique(places, return_inverse=True, return_counts=True)
    order = np.argsort(row, kind="stable")
    column = np.empty_like(order)
    column[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    return named, row, column
