"""Norms of vectors and matrices, none of which needs a decomposition, and the trace."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import detached
from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.node import Variable, array_of, describe
from ..engine.op import Op
from ..kernels.sums import plain_sum, sum_over
from .arguments import all_axes, floats_only, one_name, shape_of
from .arithmetic import abs, sign, sub_op
from .choosing import where
from .indexing import getitem
from .reductions import amax, amin, count, narrowed, shared, spread, sum, unreduce, unreduced_shape, widened
from .shapes import in_dtype

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["dist", "norm", "trace"]

# -- the norm of vectors ----------------------------------------------------------------------------


LIMITS = {
    np.dtype(dtype): (float(np.finfo(dtype).tiny / np.finfo(dtype).eps), float(np.finfo(dtype).max))
    for dtype in (np.float32, np.float64)
}
"""Sums of one term between these have lost nothing to terms too small for the dtype, or too large."""


@np.errstate(divide="ignore", over="ignore")
def norm_of(x: Any, axes: tuple[int, ...], keepdims: bool, p: float) -> Any:
    """``sum(|x|**p) ** (1 / p)`` of elements divided by their largest one, by the smallest if p is negative."""
    size = np.abs(widened(x))
    if p == 0:
        return narrowed(plain_sum((size != 0).astype(size.dtype), axes, keepdims), x)
    if p == 1:
        return narrowed(plain_sum(size, axes, keepdims), x)
    if math.isinf(p) or not count(x.shape, axes):
        choose = np.maximum if p > 0 else np.minimum
        initial = {"initial": size.dtype.type(0)} if p > 0 else {}
        return narrowed(choose.reduce(size, axes, keepdims=keepdims, **initial), x)
    largest = (np.maximum if p > 0 else np.minimum).reduce(size, axes, keepdims=True)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, size.dtype.type(1))
    y = plain_sum((size / scale) ** size.dtype.type(p), axes, True) ** size.dtype.type(1 / p) * scale
    return narrowed((y if keepdims else np.squeeze(y, axes)).astype(size.dtype), x)


def norm_on_arrays(x: ndarray, axes: tuple[int, ...], keepdims: bool, p: float) -> Any:
    """The root of the sum of powers, where none that counts was rounded to 0 or infinity."""
    if not 1 < p < math.inf or not x.size:
        return norm_of(x, axes, keepdims, p)
    wide = widened(x)
    with np.errstate(over="ignore", under="ignore"):
        powers = np.square(wide) if p == 2 else np.abs(wide) ** wide.dtype.type(p)
        total = np.asarray(sum_over(powers, axes, keepdims))
    lowest, highest = LIMITS[wide.dtype]
    if total.min() > count(x.shape, axes) * lowest and total.max() <= highest:
        return narrowed(np.sqrt(total) if p == 2 else total ** wide.dtype.type(1 / p), x)
    return norm_of(x, axes, keepdims, p)


def derivative_of_norm(dy: Any, y: Any, x: Any, axes: tuple[int, ...], keepdims: bool, p: float) -> Any:
    """``x / y`` to the power of p - 1, with its sign; 0 where y is. Extreme elements that tie share it."""
    if math.isinf(p):
        return shared(dy, abs(x) == unreduce(y, x, axes), x, axes) * sign(x)
    if p == 1:
        return spread(dy, x, axes) * sign(x)
    if p == 0:
        return spread(dy, x, axes) * where(np.False_, x, 0)
    y = unreduce(y, x, axes)
    ratio = x / where(y == 0, np.inf, y)
    if p == 2:
        return spread(dy, x, axes) * ratio
    if p >= 3:
        return spread(dy, x, axes) * ratio * abs(ratio) ** (p - 2)
    power = abs(where(ratio == 0, 1, ratio)) ** (p - 1)
    return spread(dy, x, axes) * sign(x) * where(ratio == 0, 0, power)


def derivative_on_arrays(
    dy: ndarray, _cache: Any, _needs: Any, y: ndarray, x: ndarray, axes: tuple[int, ...], keepdims: bool, p: float
) -> tuple[Any]:
    """The rule on arrays, with a division for each norm instead of each element."""
    limits = LIMITS.get(y.dtype)
    if p != 2 or limits is None or not y.size or not limits[0] < y.min() <= y.max() <= limits[1]:
        return (derivative_of_norm(dy, y, x, axes, keepdims, p),)
    kept = unreduced_shape(x, axes)
    return (x * (dy / y).reshape(kept),)


norm_op = Op(
    "vector_norm",
    norm_of,
    derivative_of_norm,
    kernel=norm_on_arrays,
    on_arrays=derivative_on_arrays,
    doc="``sum(|x|**p) ** (1 / p)`` along axes, without overflow; at 0 its derivative is 0",
)


def order_of(name: str, p: Any) -> float:
    """The order of a norm as a number."""
    p = detached(p)
    value = array_of(p).item() if isinstance(p, (Variable, ndarray)) and not p.shape else p
    if isinstance(value, (bool, str)) or not isinstance(value, (int, float, np.generic)) or value != value:
        raise InvalidTypeError(f"{name}: the order must be a number, also inf or -inf, got {p!r}.")
    return float(value)


def norm_along(name: str, x: Any, p: Any, dim: Any, keepdims: bool) -> Any:
    """The norm of vectors along axes."""
    p, axes = order_of(name, p), all_axes(x, dim)
    if (p < 0 or math.isinf(p)) and not count(x.shape, axes):
        raise InvalidValueError(f"{name}: no elements of {describe(x)} have a norm of order {p:g}.")
    return norm_op(x, axes, keepdims, p)


@public("linalg")
def vector_norm(
    x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False,
    *, dtype: Any = None, axis: Any = None, keepdims: bool = False,
) -> Tensor:  # fmt: skip
    """``sum(|x|**ord) ** (1 / ord)`` along ``dim``, without overflow.

    Args:
        x: the tensor, of floats.
        ord: any number; inf: the largest size, -inf: the smallest, 0: how many elements are not 0.
        dim: an int or several; None: all elements are one vector.
        keepdim: keep the axes with length 1.
        dtype: convert the elements first.
        axis, keepdims: NumPy's names of dim and keepdim.

    The derivative at 0 is 0; elements that tie for the largest or smallest share it.

    >>> mg.linalg.vector_norm(mg.tensor([3.0, 4.0]))
    tensor(5.)
    """
    return norm_along(
        "vector_norm", in_dtype(floats_only("vector_norm", x), dtype), ord, one_name(dim, axis), keepdim or keepdims
    )


# -- matrices -----------------------------------------------------------------------------------------

MATRIX_NORMS = {1: (0, amax), -1: (0, amin), math.inf: (1, amax), -math.inf: (1, amin)}
"""For an order which of the two axes is summed up, and how the largest or smallest of the sums is chosen."""


@public("linalg")
def matrix_norm(
    input: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False,
    *, dtype: Any = None, axis: Any = None, keepdims: bool = False,
) -> Tensor:  # fmt: skip
    """The norm of matrices.

    Args:
        input: the tensor, of floats and at least two axes.
        ord: ``"fro"``: the root of the sum of squares; 1 and inf: the largest sum of sizes in a column, in a row; -1
            and -inf: the smallest. Those that need singular values, 2, -2 and ``"nuc"``, are refused.
        dim: the two axes of the matrices.
        keepdim: keep the axes with length 1.
        dtype: convert the elements first.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.linalg.matrix_norm(mg.tensor([[1.0, -2.0], [3.0, 4.0]]), 1)
    tensor(6.)
    """
    input, keepdim = in_dtype(floats_only("matrix_norm", input), dtype), keepdim or keepdims
    dim = one_name(None if axis is not None and dim == (-2, -1) else dim, axis)
    if len(input.shape) < 2 or not isinstance(dim, (tuple, list)) or len(dim) != 2:
        raise InvalidValueError(f"matrix_norm: expected two axes of matrices, got dim {dim} of {describe(input)}.")
    rows, columns = all_axes(input, dim)
    if isinstance(ord, str) and ord == "fro":
        return norm_along("matrix_norm", input, 2, (rows, columns), keepdim)
    if ord in ("nuc", 2, -2):
        raise InvalidValueError(
            f"matrix_norm: the norm {ord!r} needs singular values, and minigrad decomposes no matrices: "
            "use 'fro', 1, -1, inf or -inf."
        )
    if ord not in MATRIX_NORMS:
        raise InvalidValueError(f"matrix_norm: ord must be 'fro', 1, -1, inf or -inf, got {ord!r}.")
    which, choose = MATRIX_NORMS[ord]
    added, other = ((rows, columns), (columns, rows))[which]
    sums = choose(norm_along("matrix_norm", input, 1, added, True), other, True)
    return sums if keepdim else sums.reshape(tuple(n for i, n in enumerate(input.shape) if i not in (rows, columns)))


@public("linalg", {np.linalg.norm: lambda f, x, ord=None, axis=None: f(x, ord, axis)}, name="norm")
def linalg_norm(
    input: Any, ord: Any = None, dim: Any = None, keepdim: bool = False,
    *, dtype: Any = None, axis: Any = None, keepdims: bool = False,
) -> Tensor:  # fmt: skip
    """The norm of vectors or matrices.

    Args:
        input: the tensor, of floats.
        ord: the order, as of ``vector_norm`` along one axis, as of ``matrix_norm`` along two; None: the root of the
            sum of squares.
        dim: an int or two; None: of all elements if ``ord`` is None, else of a vector or a matrix.
        keepdim: keep the axes with length 1.
        dtype: convert the elements first.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.linalg.norm(mg.tensor([3.0, 4.0]))
    tensor(5.)
    """
    input, dim, keepdim = in_dtype(floats_only("norm", input), dtype), one_name(dim, axis), keepdim or keepdims
    if ord is None:
        return norm_along("norm", input, 2, dim, keepdim)
    if dim is None and len(input.shape) not in (1, 2):
        raise InvalidValueError(f"norm: give dim where ord is given, for {describe(input)} is no vector and no matrix.")
    axes = dim if isinstance(dim, (tuple, list)) or dim is None else (dim,)
    if isinstance(ord, str) or len(axes if axes is not None else input.shape) == 2:
        return matrix_norm(input, ord, (-2, -1) if axes is None else axes, keepdim)
    return norm_along("norm", input, ord, dim, keepdim)


# -- as functions and methods ---------------------------------------------------------------------------


@public("function method")
def norm(
    input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None,
    *, axis: Any = None, keepdims: bool = False,
) -> Tensor:  # fmt: skip
    """``sum(|x|**p) ** (1 / p)`` along ``dim``, without overflow; ``linalg`` has more norms.

    Args:
        input: the tensor, of floats.
        p: any number, also inf and -inf; ``"fro"`` and None are 2.
        dim: an int or several; None: all elements are one vector.
        keepdim: keep the axes with length 1.
        dtype: convert the elements first.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.norm(mg.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if isinstance(p, str) and p not in ("fro", "nuc"):
        raise InvalidValueError(f"norm: p must be a number or 'fro', got {p!r}.")
    x, dim, keepdim = in_dtype(floats_only("norm", input), dtype), one_name(dim, axis), keepdim or keepdims
    if isinstance(p, str) and p == "nuc":
        return matrix_norm(x, p, (-2, -1) if dim is None else dim, keepdim)
    return norm_along("norm", x, 2 if p is None or isinstance(p, str) else p, dim, keepdim)


@public("function method")
def dist(input: Any, other: Any, p: float = 2) -> Tensor:
    """The norm of order ``p`` of ``input - other``, which broadcast.

    Args:
        input, other: floats.
        p: as of ``linalg.vector_norm``.

    >>> mg.dist(mg.tensor([1.0, 2.0]), mg.tensor([4.0, 6.0]))
    tensor(5.)
    """
    return norm_along("dist", floats_only("dist", sub_op(input, other)), p, None, False)


@public("function method", {np.trace: lambda f, a: f(a)})
def trace(input: Any) -> Tensor:
    """The sum of the diagonal of a matrix.

    >>> mg.trace(mg.tensor([[1, 2], [3, 4]]))
    tensor(5)
    """
    if len(shape_of(input)) != 2:
        raise InvalidValueError(f"trace: expected a matrix, got {describe(input)}.")
    diagonal = np.arange(np.minimum(*input.shape))
    return sum(getitem(input, (diagonal, diagonal)))
