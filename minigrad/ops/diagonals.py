"""Diagonals of matrices, and matrices with a diagonal; triangles of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.node import describe
from ..engine.op import Op
from .arguments import integers, one_axis, shape_of
from .protocol import by_protocol
from .shapes import clone
from .views import ravel

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["diag", "diag_embed", "diagflat", "diagonal", "tril", "triu"]


def writable_diagonal(x: ndarray, offset: int, axis1: int, axis2: int) -> ndarray:
    """NumPy's diagonal, a view that can be written to if ``x`` can."""
    y = np.diagonal(x, offset, axis1, axis2)
    if x.flags.writeable:
        y.flags.writeable = True
    return y


@by_protocol
def embedded(values: ndarray, shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> ndarray:
    """Zeros of ``shape`` with values at a diagonal."""
    y = np.zeros(shape, values.dtype)
    writable_diagonal(y, offset, axis1, axis2)[...] = values
    return y


diagonal_op = Op(
    "diagonal",
    lambda x, offset, axis1, axis2: np.diagonal(x, offset, axis1, axis2),
    lambda dy, _y, _x, offset, axis1, axis2: embedded_op(dy, _x.shape, offset, axis1, axis2),
    kernel=writable_diagonal,
    view=True,
    doc="a diagonal, along the last axis",
)
embedded_op: Op = Op(
    "diag_embed",
    embedded,
    lambda dy, _y, _values, _shape, offset, axis1, axis2: diagonal_op(dy, offset, axis1, axis2),
    doc="zeros with values at a diagonal",
)


def two_axes(name: str, ndim: int, dim1: Any, dim2: Any) -> tuple[int, int]:
    """Two axes, which must be different."""
    axis1, axis2 = one_axis(dim1, ndim), one_axis(dim2, ndim)
    if axis1 == axis2:
        raise InvalidValueError(f"{name}: dim1 {dim1} and dim2 {dim2} are the same axis.")
    return axis1, axis2


@public("function method", {np.diagonal: lambda f, a, offset=0, axis1=0, axis2=1: f(a, offset, axis1, axis2)})
def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of the axes ``dim1`` and ``dim2``, which becomes the last axis, as a view.

    Args:
        input: the tensor.
        offset: how far above the main diagonal; below it if negative.
        dim1: the axis of rows.
        dim2: the axis of columns.

    >>> mg.diagonal(mg.arange(6).reshape(2, 3), 1)
    tensor([1, 5])
    """
    axes = two_axes("diagonal", len(shape_of(input)), dim1, dim2)
    return diagonal_op(input, *integers("offset", (offset,)), *axes)


@public("linalg", name="diagonal")
def diagonals(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:  # noqa: N803
    """The diagonal of each matrix: ``mg.diagonal`` of the last two axes.

    Args:
        A: the matrices, (..., n, m).
        offset: how far the diagonal is above the main one.
        dim1, dim2: the axes of rows and columns.

    >>> mg.linalg.diagonal(mg.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    return diagonal(A, offset, dim1, dim2)


@public("function method")
def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Zeros with the last axis of a tensor on a diagonal of two new axes.

    Args:
        input: the tensor, of at least one axis.
        offset: how far above the main diagonal; below it if negative.
        dim1: where in the result the axis of rows is.
        dim2: where the axis of columns is.

    >>> mg.diag_embed(mg.tensor([1, 2]), 1)
    tensor([[0, 1, 0],
            [0, 0, 2],
            [0, 0, 0]])
    """
    shape, (offset,) = shape_of(input), integers("offset", (offset,))
    if not shape:
        raise InvalidValueError("diag_embed: a tensor of a single number is no diagonal.")
    axes = two_axes("diag_embed", len(shape) + 1, dim1, dim2)
    wanted, n = list(shape[:-1]), shape[-1] + abs(offset)
    for axis in sorted(axes):
        wanted.insert(axis, n)
    return embedded_op(input, tuple(wanted), offset, *axes)


@public("function method", {np.diag: lambda f, v, k=0: f(v, k)})
def diag(input: Any, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix as a copy, or a matrix with a vector on its diagonal.

    Args:
        input: a matrix or a vector.
        diagonal: how far the diagonal is above the main one; below it if negative.

    >>> mg.diag(mg.tensor([[1, 2], [3, 4]])), mg.diag(mg.tensor([1, 2]))
    (tensor([1, 4]), tensor([[1, 0],
            [0, 2]]))
    """
    ndim = len(shape_of(input))
    if ndim not in (1, 2):
        raise InvalidValueError(f"diag: expected a matrix or a vector, got {describe(input)}: use diagonal.")
    return (
        diag_embed(input, diagonal)
        if ndim == 1
        else clone(diagonal_op(input, *integers("diagonal", (diagonal,)), 0, 1))
    )


@public("function method", {np.diagflat: lambda f, v, k=0: f(v, k)})
def diagflat(input: Any, offset: int = 0) -> Tensor:
    """A matrix with all elements of a tensor on a diagonal.

    Args:
        offset: how far the diagonal is above the main one.

    >>> mg.diagflat(mg.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(ravel(input), offset)


# -- triangles -----------------------------------------------------------------------------------


def triangle(function: Any, x: Any, diagonal: int) -> Any:
    """A triangle of each matrix; refused of a tensor without matrices, of which NumPy makes them."""
    if x.ndim < 2:
        raise InvalidValueError("it has no matrices, which are the last two axes.")
    return function(x, diagonal)


lower: Op = Op(
    "tril",
    lambda x, diagonal: triangle(np.tril, x, diagonal),
    lambda dy, _y, _x, diagonal: lower(dy, diagonal),
    doc="each matrix with 0 above a diagonal",
)
upper: Op = Op(
    "triu",
    lambda x, diagonal: triangle(np.triu, x, diagonal),
    lambda dy, _y, _x, diagonal: upper(dy, diagonal),
    doc="each matrix with 0 below a diagonal",
)


@public("function method in_place", {np.tril: lambda f, m, k=0: f(m, k)})
def tril(input: Any, diagonal: int = 0) -> Tensor:
    """The elements of each matrix on and below a diagonal, 0 above it, as a copy.

    Args:
        input: (..., n, m).
        diagonal: how far the diagonal is above the main one; below it if negative.

    >>> mg.tril(mg.ones(2, 3), 1)
    tensor([[1., 1., 0.],
            [1., 1., 1.]])
    """
    return lower(input, *integers("diagonal", (diagonal,)))


@public("function method in_place", {np.triu: lambda f, m, k=0: f(m, k)})
def triu(input: Any, diagonal: int = 0) -> Tensor:
    """The elements of each matrix on and above a diagonal, 0 below it, as a copy.

    Args:
        input: (..., n, m).
        diagonal: how far the diagonal is above the main one; below it if negative.

    >>> mg.triu(mg.ones(2, 3), 1)
    tensor([[0., 1., 1.],
            [0., 0., 1.]])
    """
    return upper(input, *integers("diagonal", (diagonal,)))
