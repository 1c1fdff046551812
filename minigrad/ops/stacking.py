"""Joining tensors beside and above each other, and combinations of their elements."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.dtypes import promoted
from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.node import describe, wrap
from .arguments import integers, shape_of
from .indexing import taken
from .joining import cat, operands_to_join, stack
from .shapes import expand, reshaped
from .views import atleast_1d, atleast_2d, atleast_3d

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = [
    "block_diag",
    "cartesian_prod",
    "column_stack",
    "combinations",
    "dstack",
    "hstack",
    "row_stack",
    "vstack",
]


@public("function", {np.hstack: lambda f, tup: f(tup)})
def hstack(tensors: Sequence[Any]) -> Tensor:
    """Tensors joined along the columns; vectors and numbers to one vector.

    Args:
        tensors: a list or tuple of them.

    >>> mg.hstack([mg.tensor([1, 2]), mg.tensor([3])])
    tensor([1, 2, 3])
    """
    tensors = atleast_1d(operands_to_join("hstack", tensors))
    return cat(tensors, 0 if len(tensors[0].shape) == 1 else 1)


@public("function", {np.vstack: lambda f, tup: f(tup)}, "row_stack")
def vstack(tensors: Sequence[Any]) -> Tensor:
    """Tensors joined along the rows; a vector is a row.

    Args:
        tensors: a list or tuple of them.

    >>> mg.vstack([mg.tensor([1, 2]), mg.tensor([[3, 4]])])
    tensor([[1, 2],
            [3, 4]])
    """
    return cat(atleast_2d(operands_to_join("vstack", tensors)), 0)


row_stack = vstack


@public("function", {np.dstack: lambda f, tup: f(tup)})
def dstack(tensors: Sequence[Any]) -> Tensor:
    """Tensors joined along the third axis, of those that have it not a new one.

    Args:
        tensors: a list or tuple of them.

    >>> mg.dstack([mg.ones(2), mg.zeros(2)]).shape
    (1, 2, 2)
    """
    return cat(atleast_3d(operands_to_join("dstack", tensors)), 2)


@public("function", {np.column_stack: lambda f, tup: f(tup)})
def column_stack(tensors: Sequence[Any]) -> Tensor:
    """Tensors joined along the columns; a vector is a column.

    Args:
        tensors: a list or tuple of them.

    >>> mg.column_stack([mg.tensor([1, 2]), mg.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    tensors = operands_to_join("column_stack", tensors)
    return cat([reshaped(x, (-1, 1)) if len(x.shape) < 2 else x for x in tensors], 1)


@public("function")
def block_diag(*tensors: Any) -> Tensor:
    """A matrix with the tensors along its diagonal; a vector is a row, a number a block of one.

    Args:
        tensors: of at most two axes.

    >>> mg.block_diag(mg.tensor([[1, 2]]), mg.tensor(3))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    if not tensors:
        return wrap(np.zeros((1, 0), np.float32))
    wrong = [x for x in tensors if len(shape_of(x)) > 2]
    if wrong:
        raise InvalidValueError(f"block_diag: expected matrices, vectors and numbers, got {describe(wrong[0])}.")
    blocks = promoted([atleast_2d(x) for x in tensors])
    width, before, rows = sum(x.shape[1] for x in blocks), 0, []
    for block in blocks:
        height, columns = block.shape
        left, right = (np.zeros((height, n), block.dtype) for n in (before, width - before - columns))
        rows.append(cat([left, block, right], 1))
        before += columns
    return cat(rows, 0)


@public("function")
def cartesian_prod(*tensors: Any) -> Tensor:
    """All rows that have an element of each vector, the last one changing fastest; of one vector itself.

    Args:
        tensors: one or more.

    >>> mg.cartesian_prod(mg.tensor([1, 2]), mg.tensor([3, 4])).tolist()
    [[1, 3], [1, 4], [2, 3], [2, 4]]
    """
    if not tensors:
        raise InvalidValueError("cartesian_prod needs at least one tensor.")
    wrong = [x for x in tensors if len(shape_of(x)) != 1]
    if wrong:
        raise InvalidValueError(f"cartesian_prod: expected vectors, got {describe(wrong[0])}.")
    if len(tensors) == 1:
        only: Tensor = tensors[0]
        return only
    shape = tuple(x.shape[0] for x in tensors)
    grids = [
        expand(reshaped(x, (*(1,) * i, -1 if x.shape[0] else 0, *(1,) * (len(shape) - i - 1))), shape)
        for i, x in enumerate(tensors)
    ]
    return reshaped(stack(grids, -1), (int(np.prod(shape)), len(shape)))


@public("function")
def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of ``r`` elements of a vector as rows, in order.

    Args:
        input: a vector.
        r: how many elements a choice has.
        with_replacement: an element may be chosen several times.

    >>> mg.combinations(mg.tensor([1, 2, 3])).tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    if len(shape_of(input)) != 1:
        raise InvalidValueError(f"combinations: expected a vector, got {describe(input)}.")
    (r,) = integers("r", (r,))
    if r < 0:
        raise InvalidValueError(f"combinations: r must be at least 0, got {r}.")
    if not r:
        return taken(input, (slice(0, 0),))
    choose: Any = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    return taken(input, (np.array([*choose(range(input.shape[0]), r)], np.intp).reshape(-1, r),))
