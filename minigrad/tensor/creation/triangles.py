"""Where the elements of triangles are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.errors import InvalidTypeError, InvalidValueError
from ...ops.arguments import integers
from ..device import on_cpu
from .arguments import made

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["tril_indices", "triu_indices"]


def triangle_indices(name: str, function: Any, row: Any, col: Any, offset: Any, dtype: Any, device: Any) -> Tensor:
    """The rows and the columns of the elements of a triangle, as two rows of a tensor."""
    row, col, offset = integers(name, (row, col, offset))
    if row < 0 or col < 0:
        raise InvalidValueError(f"{name}: row and col must be at least 0, got {row} and {col}.")
    on_cpu(device)
    dtype = np.dtype(dtype)
    if dtype.kind not in "iu":
        raise InvalidTypeError(f"{name}: dtype must be of integers, got {dtype}.")
    return made(np.stack(function(row, offset, col)), dtype, False)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None) -> Tensor:
    """Where the elements of a matrix on and below a diagonal are: a row of rows, a row of columns.

    Args:
        row, col: the matrix's lengths.
        offset: how far the diagonal is to the right of the main one.
        dtype: of integers; int64 unless given.
        device: as of ``tensor``.

    >>> mg.tril_indices(2, 3, 1)
    tensor([[0, 0, 1, 1, 1],
            [0, 1, 0, 1, 2]])
    """
    return triangle_indices("tril_indices", np.tril_indices, row, col, offset, dtype, device)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None) -> Tensor:
    """Where the elements of a matrix on and above a diagonal are: a row of rows, a row of columns.

    Args:
        row, col: the matrix's lengths.
        offset: how far the diagonal is to the right of the main one.
        dtype: of integers; int64 unless given.
        device: as of ``tensor``.

    >>> mg.triu_indices(2, 3, 1)
    tensor([[0, 0, 1],
            [1, 2, 2]])
    """
    return triangle_indices("triu_indices", np.triu_indices, row, col, offset, dtype, device)
