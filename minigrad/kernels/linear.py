"""The linear layer on arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float16, float32
from .sums import column_sums
from .tuning import MANY_ROWS, ROWS


def rows(x: ndarray) -> ndarray:
    """``x`` with all axes but the last joined; the last may have no elements."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def check_affine(input: ndarray, weight: ndarray, bias: ndarray | None) -> None:
    """Refuse shapes that do not fit, also a bias that would broadcast."""
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


def wide(x: ndarray | None) -> ndarray | None:
    """Float16 as float32, whose products BLAS computes: (64, 256) @ (256, 256) takes 290 instead of 15,400 us."""
    return None if x is None else x.astype(float32)


def affine(input: ndarray, weight: ndarray, bias: ndarray | None) -> ndarray:
    """``input @ weight.T + bias``; shapes that do not fit are refused."""
    check_affine(input, weight, bias)
    if input.dtype is float16:
        with np.errstate(over="ignore"):
            return affine(*map(wide, (input, weight, bias))).astype(float16)  # type: ignore[arg-type]
    is_matrix = input.ndim == 2
    # dot is the fastest product of two matrices, and the slowest of arrays with more axes
    y: ndarray = (input if is_matrix else rows(input)).dot(weight.T)
    if bias is not None:
        y += bias
    return y if is_matrix else y.reshape(*input.shape[:-1], len(weight))


def weight_gradient(dy: ndarray, x: ndarray) -> ndarray:
    """``dy.T @ x``, of many rows in blocks if either has a single column: BLAS adds up those one after the other."""
    n = len(dy)
    if n <= MANY_ROWS or (dy.shape[1] > 1 and x.shape[1] > 1):
        return dy.T.dot(x)
    blocks = n // ROWS
    whole = blocks * ROWS
    parts = dy[:whole].reshape(blocks, ROWS, -1).swapaxes(1, 2) @ x[:whole].reshape(blocks, ROWS, -1)
    total = column_sums(parts.reshape(blocks, -1)).reshape(parts.shape[1:])
    total += dy[whole:].T.dot(x[whole:])
    return total


def linear_fused(
    dy: ndarray, _cache: Any, needs: Sequence[Any], _y: Any, x: ndarray, weight: ndarray, _bias: Any
) -> Sequence[ndarray | None]:
    """The three rules on arrays, with the faster product."""
    if dy.dtype is float16:
        dy, x, weight = (each.astype(float32) for each in (dy, x, weight))
    is_matrix = dy.ndim == 2
    by_row, x_by_row = (dy, x) if is_matrix else (rows(dy), rows(x))
    by_x, by_weight, by_bias = needs
    dx = by_row.dot(weight) if by_x else None
    return (
        dx if is_matrix or dx is None else dx.reshape(x.shape),
        weight_gradient(by_row, x_by_row) if by_weight else None,
        column_sums(by_row) if by_bias else None,
    )
