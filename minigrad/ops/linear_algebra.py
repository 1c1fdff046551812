"""Matrix products: ``matmul`` of all ranks, and ``linear``, the layer's ``x @ weight.T + bias``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numpy import ndarray

from ..engine.op import Op
from ..kernels.sums import column_sums
from .shapes import reshape, shape_of, squeeze, swapaxes, unsqueeze

product = Op(
    "matmul",
    lambda input, other: input @ other,
    lambda dy, _y, _a, b: dy @ swapaxes(b, -1, -2),
    lambda dy, _y, a, _b: swapaxes(a, -1, -2) @ dy,
    promotes=(0, 1),
    mixes=False,
    doc="the matrix product over the last two axes; the axes in front broadcast",
)


def matmul(a: Any, b: Any) -> Any:
    """The matrix product, with ``np.matmul``'s ranks.

    A vector in front counts as a row, one behind as a column, and that axis goes away again.
    Axes in front of the last two broadcast.
    """
    ranks = len(shape_of(a)), len(shape_of(b))
    if 0 in ranks:
        raise ValueError(f"matmul: {a.shape} @ {b.shape}: a single number has no matrix product, write a * b.")
    inner, outer = a.shape[-1], b.shape[-2 if ranks[1] > 1 else -1]
    if inner != outer:
        raise ValueError(
            f"matmul: {a.shape} @ {b.shape}: the last length of the left one, {inner}, must equal "
            f"{'the last but one' if ranks[1] > 1 else 'the length'} of the right one, {outer}. "
            "Is one of them to be transposed, x.T?"
        )
    a = unsqueeze(a, 0) if ranks[0] == 1 else a
    b = unsqueeze(b, 1) if ranks[1] == 1 else b
    y = product(a, b)
    y = squeeze(y, -2) if ranks[0] == 1 else y
    return squeeze(y, -1) if ranks[1] == 1 else y


def rows(x: Any) -> Any:
    """``x`` with all axes but the last joined."""
    return x if len(x.shape) == 2 else reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def affine(input: ndarray, weight: ndarray, bias: ndarray | None) -> ndarray:
    """``input @ weight.T + bias``; shapes that do not fit are refused, also a bias that would broadcast."""
    if weight.ndim != 2:
        raise ValueError(f"the weight must be (out, in), got {weight.shape}.")
    out_features, in_features = weight.shape
    if input.ndim == 0 or input.shape[-1] != in_features:
        raise ValueError(
            f"expected input (..., {in_features}), got {input.shape}: its last length must be the weight's "
            f"in_features, weight {weight.shape}."
        )
    if bias is not None and bias.shape != (out_features,):
        raise ValueError(
            f"the bias must be ({out_features},), one for each row of weight {weight.shape}, got {bias.shape}."
        )
    is_matrix = input.ndim == 2
    # dot is the fastest product of two matrices, and the slowest of arrays with more axes
    y: ndarray = (input if is_matrix else rows(input)).dot(weight.T)
    if bias is not None:
        y += bias
    return y if is_matrix else y.reshape(*input.shape[:-1], out_features)


def linear_fused(
    dy: ndarray, _cache: Any, needs: Sequence[Any], _y: Any, x: ndarray, weight: ndarray, _bias: Any
) -> Sequence[ndarray | None]:
    """The three rules on arrays, with the faster product."""
    is_matrix = dy.ndim == 2
    by_row, x_by_row = (dy, x) if is_matrix else (rows(dy), rows(x))
    by_x, by_weight, by_bias = needs
    dx = by_row.dot(weight) if by_x else None
    return (
        dx if is_matrix or dx is None else dx.reshape(x.shape),
        by_row.T.dot(x_by_row) if by_weight else None,
        column_sums(by_row) if by_bias else None,
    )


linear_op = Op(
    "linear",
    affine,
    lambda dy, _y, _x, weight, _bias: dy @ weight,
    lambda dy, _y, x, _weight, _bias: rows(dy).swapaxes(0, 1) @ rows(x),
    lambda dy, _y, _x, _weight, _bias: column_sums(rows(dy)),
    fused=linear_fused,
    promotes=(0, 1, 2),
    mixes=False,
    doc="``x @ weight.T + bias``",
)


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """``x @ weight.T + bias``: x (..., in), weight (out, in), bias (out,) or None, result (..., out)."""
    return linear_op(x, weight, bias)
