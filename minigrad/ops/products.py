"""Matrix products: ``matmul`` of all ranks, and ``linear``, the layer's ``x @ weight.T + bias``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.op import Op
from ..engine.shown import Shown
from ..kernels.constants import float32, float64
from ..kernels.linear import affine, check_affine, linear_fused
from ..kernels.sums import column_sums
from .arguments import shape_of
from .reductions import narrowed, widened
from .shapes import reshape, squeeze, swapaxes, unsqueeze

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["linear", "matmul"]


def matrix_product(input: Any, other: Any) -> Any:
    """``input @ other``; of float16 computed in float32, whose BLAS is faster than NumPy's own loops."""
    dtype = input.dtype
    if dtype is float32 or dtype is float64:
        return input @ other
    if dtype.kind == "b":
        raise TypeError("sums of products of booleans are not defined: convert them, x.long() or x.float().")
    return narrowed(widened(input) @ widened(other), input)


product = Op(
    "matmul",
    matrix_product,
    lambda dy, _y, _a, b: dy @ swapaxes(b, -1, -2),
    lambda dy, _y, a, _b: swapaxes(a, -1, -2) @ dy,
    promotes=(0, 1),
    mixes=False,
    doc="the matrix product over the last two axes; the axes in front broadcast",
)


@public("function method linalg", {np.matmul: lambda f, x1, x2: f(x1, x2)})
def matmul(input: Any, other: Any) -> Tensor:
    """The matrix product, with ``np.matmul``'s ranks.

    A vector in front counts as a row, one behind as a column, and that axis goes away again.
    Axes in front of the last two broadcast.

    The sums are those of BLAS, which adds up in blocks, but not where a matrix meets a vector or has a single row or
    column: over 300,000 elements a float32 result may be off by 1e-3 there, as in PyTorch. The weight's
    gradient of ``linear``, a sum over all rows of a batch, is taken in blocks of its own.

    Args:
        input, other: of at least one axis; axes in front of the last two broadcast.

    >>> mg.matmul(mg.ones(2, 3), mg.ones(3))
    tensor([3., 3.])
    >>> mg.matmul(mg.ones(5, 2, 3), mg.ones(3, 4)).shape
    (5, 2, 4)
    """
    a, b = input, other
    shapes = shape_of(a), shape_of(b)
    ranks = len(shapes[0]), len(shapes[1])
    if 0 in ranks:
        raise InvalidValueError(
            f"matmul: {shapes[0]} @ {shapes[1]}: a single number has no matrix product, write a * b."
        )
    inner, outer = shapes[0][-1], shapes[1][-2 if ranks[1] > 1 else -1]
    if inner != outer:
        raise InvalidValueError(
            f"matmul: {shapes[0]} @ {shapes[1]}: the last length of the left one, {inner}, must equal "
            f"{'the last but one' if ranks[1] > 1 else 'the length'} of the right one, {outer}. "
            "Is one of them to be transposed, x.T?"
        )
    if 1 not in ranks:
        return product(a, b)
    a = unsqueeze(a, 0) if ranks[0] == 1 else a
    b = unsqueeze(b, 1) if ranks[1] == 1 else b
    y = product(a, b)
    y = squeeze(y, -2) if ranks[0] == 1 else y
    return squeeze(y, -1) if ranks[1] == 1 else y


def rows(x: Any) -> Any:
    """``x`` with all axes but the last joined."""
    return x if len(x.shape) == 2 else reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def affine_definition(input: Any, weight: Any, bias: Any) -> Any:
    """``input @ weight.T + bias``"""
    check_affine(input, weight, bias)
    y = widened(input) @ widened(weight).T
    return narrowed(y if bias is None else y + bias, input)


linear_op = Op(
    "linear",
    affine_definition,
    lambda dy, _y, _x, weight, _bias: dy @ weight,
    lambda dy, _y, x, _weight, _bias: rows(dy).swapaxes(0, 1) @ rows(x),
    lambda dy, _y, _x, _weight, _bias: column_sums(rows(dy)),
    kernel=affine,
    on_arrays=linear_fused,
    promotes=(0, 1, 2),
    mixes=False,
    shows=lambda node: Shown(adds=2 if len(node.shape) == 2 else None),
    doc="``x @ weight.T + bias``",
)


@public("function functional module")
def linear(input: Any, weight: Any, bias: Any = None) -> Tensor:
    """``x @ weight.T + bias``: x (..., in), weight (out, in), bias (out,) or None, result (..., out).

    >>> mg.linear(mg.ones(1, 2), mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([0.5, 0.5]))
    tensor([[3.5000, 7.5000]])
    """
    return linear_op(input, weight, bias)
