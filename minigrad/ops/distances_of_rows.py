"""Distances of all rows from all rows: ``cdist`` and ``pdist``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.op import Op
from ..kernels import distances as kernels
from ..kernels.sums import plain_sum
from .arguments import shape_of
from .arithmetic import abs, sign
from .choosing import where
from .indexing import taken
from .reductions import maxima, narrowed, summed, widened

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["cdist", "pdist"]

MODES = {
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
}


def differences(x1: Any, x2: Any) -> Any:
    """``x1[i] - x2[j]`` for all pairs of rows."""
    return widened(x1)[..., :, None, :] - widened(x2)[..., None, :, :]


def norm(p: float, d: Any) -> Any:
    """The p-norm along the last axis, of powers of numbers from 0 to 1, which do not overflow."""
    if p == 2:
        return np.sqrt(plain_sum(np.square(d), (-1,), False))
    d = np.absolute(d)
    if p == 0:
        return plain_sum((d != 0).astype(d.dtype), (-1,), False)
    if p == 1:
        return plain_sum(d, (-1,), False)
    largest = np.maximum.reduce(d, -1, keepdims=True, initial=0)
    if p == np.inf:
        return largest[..., 0]
    usual = np.where((largest > 0) & (largest < np.inf), largest, np.ones_like(largest))
    return (plain_sum((d / usual) ** p, (-1,), False)) ** (1 / p) * usual[..., 0]


def norm_on_arrays(p: float, d: ndarray) -> Any:
    """The same of an array, of the powers themselves where none is too large or too small."""
    if p in (0, 1, 2, np.inf):
        return norm(p, d)
    smallest = np.finfo(d.dtype).tiny / np.finfo(d.dtype).eps
    with np.errstate(over="ignore", under="ignore"):
        powers = np.add.reduce(np.absolute(d) ** p, -1)
    is_exact = (powers > smallest) & (powers < np.inf)
    return powers ** (1 / p) if is_exact.all() or not d[~is_exact].any() else norm(p, d)


def slopes(p: float, dy: Any, y: Any, d: Any) -> Any:
    """The gradient by differences: 0 where rows are equal, and for ``p < 1`` where a difference is 0.

    Of the largest differences, for ``p = inf``, each has the whole gradient.
    """
    dy, y = dy[..., None], y[..., None]
    if p == 0:
        return where(np.False_, d, 0)
    if p == 1:
        return dy * sign(d)
    if p == 2:
        return dy / where(y == 0, np.inf, y) * d
    if p == np.inf:
        size = abs(d)
        return where(size == maxima(size, (len(d.shape) - 1,), True), dy * sign(d), 0)
    ratio = where(d == 0, np.ones((), d.dtype), abs(d) / where(y == 0, np.inf, y))
    return dy * sign(d) * ratio ** (p - 1)


def by_first(dy: Any, y: Any, x1: Any, x2: Any, p: float) -> Any:
    """The rule of the first operand."""
    return summed(slopes(p, dy, y, differences(x1, x2)), (len(dy.shape) - 1,), False)


def by_second(dy: Any, y: Any, x1: Any, x2: Any, p: float) -> Any:
    """The rule of the second operand."""
    return -summed(slopes(p, dy, y, differences(x1, x2)), (len(dy.shape) - 2,), False)


def all_distances(x1: Any, x2: Any, p: float) -> Any:
    """The distances of all rows of ``x1`` from all rows of ``x2``"""
    return narrowed(norm(p, differences(x1, x2)), x1)


def distances_on_arrays(x1: ndarray, x2: ndarray, p: float) -> Any:
    """The same in blocks, or by a product of matrices."""
    compute = kernels.euclidean if p == 2 else kernels.distances
    return narrowed(compute(widened(x1), widened(x2), partial(norm_on_arrays, p)), x1)


def gradients_on_arrays(
    dy: ndarray, _cache: Any, _needs: Any, y: ndarray, x1: ndarray, x2: ndarray, p: float
) -> Sequence[Any]:
    """Both rules on arrays, which share the differences."""
    compute = kernels.euclidean_gradients if p == 2 else kernels.by_differences
    return compute(widened(dy), widened(y), widened(x1), widened(x2), partial(slopes, p))


cdist_op = Op(
    "cdist",
    all_distances,
    by_first,
    by_second,
    kernel=distances_on_arrays,
    on_arrays=gradients_on_arrays,
    promotes=(0, 1),
    mixes=False,
    doc="the distances of all rows from all rows",
)


def checked_norm(name: str, p: float, *operands: Any) -> float:
    """The order of a norm as a Python number; refused if it is negative or NaN, or if operands are no floats."""
    if isinstance(p, bool) or not isinstance(p, (int, float, np.integer, np.floating)):
        raise InvalidTypeError(f"{name}: p must be a number, got {p!r}.")
    if not p >= 0:
        raise InvalidValueError(f"{name}: p must be from 0 to infinity, got {p}.")
    for x in operands:
        if x.dtype.kind != "f":
            raise InvalidTypeError(f"{name}: expected floats, got {tuple(x.shape)} {x.dtype}: convert it, x.float().")
    return float(p)


@public("function")
def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """The distances of all rows of ``x1`` from all rows of ``x2``: ``sum(|x1[i] - x2[j]|**p)**(1/p)``.

    Args:
        x1: (..., n, k).
        x2: (..., m, k); the axes in front broadcast.
        p: the order of the norm, from 0 (how many elements differ) to infinity (the largest difference).
        compute_mode: one of PyTorch's three, which change nothing here: a product of matrices is used for pairs far
            from each other, where it is exact.

    Returns:
        (..., n, m).

    Where rows are equal the gradient is taken as 0. Of several largest differences, for ``p=inf``, each has the whole
    gradient.

    Departs: PyTorch's Euclidean distances of more than 25 rows lose digits where they are small beside the rows.

    >>> mg.cdist(mg.tensor([[0.0, 0.0], [3.0, 4.0]]), mg.tensor([[0.0, 0.0]]))
    tensor([[0.],
            [5.]])
    """
    first, second = tuple(shape_of(x1)), tuple(shape_of(x2))
    if min(len(first), len(second)) < 2 or first[-1] != second[-1]:
        raise InvalidValueError(
            f"cdist: expected rows of one length, (..., n, k) and (..., m, k), got {first} and {second}: one row is "
            "x.unsqueeze(0)."
        )
    if compute_mode not in MODES and compute_mode is not None:
        raise InvalidValueError(f"cdist: compute_mode is one of {', '.join(sorted(MODES))}, got {compute_mode!r}.")
    return cdist_op(x1, x2, checked_norm("cdist", p, x1, x2))


@public("function functional")
def pdist(input: Any, p: float = 2.0) -> Tensor:
    """The distances of each two rows of a matrix (n, k): (n * (n - 1) / 2,), of rows 0 and 1 first, then 0 and 2.

    They are those of ``cdist`` of the matrix and itself above the diagonal.

    Args:
        p: the order of the norm, as of ``cdist``.

    >>> mg.pdist(mg.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 4.0]]))
    tensor([5., 4., 3.])
    """
    shape = tuple(shape_of(input))
    if len(shape) != 2:
        raise InvalidValueError(f"pdist: expected a matrix (n, k), got {shape}: cdist takes batches.")
    return taken(cdist_op(input, input, checked_norm("pdist", p, input)), np.triu_indices(shape[0], 1))
