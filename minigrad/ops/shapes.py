"""Operations that move elements without computing: other shapes, other orders, joined together."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import node as records
from ..engine.op import Op
from .arguments import one_axis, one_name, shape_of, sizes
from .joining import tensor_of_list

reshaped = Op(
    "reshape",
    lambda x, shape: x.reshape(shape),
    lambda dy, _y, _x, shape: reshape(dy, _x.shape),
    view=True,
    doc="the same elements in another shape",
)
permuted = Op(
    "permute",
    lambda x, axes: x.transpose(axes),
    lambda dy, _y, _x, axes: permute(dy, tuple(axes.index(i) for i in range(len(axes)))),
    view=True,
    doc="the axes in another order",
)
expanded = Op(
    "expand",
    lambda x, shape: np.broadcast_to(x, shape),
    lambda dy, _y, _x, shape: dy,
    view=True,
    doc="repeated along axes of length 1 and new axes in front, without copying",
)
cast = Op(
    "astype",
    lambda x, dtype: x.astype(dtype),
    lambda dy, _y, _x, dtype: dy,
    doc="the same values in another dtype",
)


clone = Op("clone", np.copy, lambda dy, _y, _x: dy, doc="a copy of ``x``")


def reshape(x: Any, *shape: Any) -> Any:
    """The same elements in another shape, in row-major order; one length may be -1."""
    shape_of(x)
    return reshaped(x, sizes(shape))


def permute(x: Any, *axes: Any) -> Any:
    """The axes in the given order: ``permute(x, 2, 0, 1)``."""
    ndim = len(shape_of(x))
    order = tuple(one_axis(i, ndim) for i in sizes(axes))
    if sorted(order) != list(range(ndim)):
        raise ValueError(f"permute needs each of the {ndim} axes once, got {sizes(axes)}.")
    return permuted(x, order)


def swapaxes(x: Any, dim0: int, dim1: int) -> Any:
    """Swap two axes."""
    order = list(range(len(shape_of(x))))
    a, b = one_axis(dim0, len(order)), one_axis(dim1, len(order))
    if order:
        order[a], order[b] = order[b], order[a]
    return permuted(x, tuple(order))


transpose = swapaxes


def expand(x: Any, *shape: Any) -> Any:
    """Repeat ``x`` along axes of length 1 and new axes in front; -1 keeps a length.

    The result is a read-only view: no memory is used.
    """
    wanted = sizes(shape)
    added = len(wanted) - len(shape_of(x))
    if added < 0 or any(n < 0 for n in wanted[:added]) or any(n < -1 for n in wanted):
        raise ValueError(f"expand: cannot expand a tensor {x.shape} to {wanted}.")
    return expanded(x, tuple(x.shape[i - added] if n == -1 else n for i, n in enumerate(wanted)))


def squeeze(x: Any, dim: Any = None, *, axis: Any = None) -> Any:
    """Remove the axes of length 1, or only those named by ``dim`` that have length 1."""
    dim, ndim = one_name(dim, axis), len(shape_of(x))
    named = (
        range(ndim) if dim is None else [one_axis(d, ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    )
    return reshaped(x, tuple(n for i, n in enumerate(x.shape) if n != 1 or i not in named))


def unsqueeze(x: Any, dim: int) -> Any:
    """Insert an axis of length 1 at ``dim``."""
    position = one_axis(dim, len(shape_of(x)) + 1)
    return reshaped(x, (*x.shape[:position], 1, *x.shape[position:]))


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Join the axes from ``start_dim`` to ``end_dim``, both included, into one."""
    ndim = len(shape_of(x))
    start, end = one_axis(start_dim, ndim), one_axis(end_dim, ndim)
    if start > end:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}.")
    joined = 1
    for n in x.shape[start : end + 1]:
        joined *= n
    return reshaped(x, (*x.shape[:start], joined, *x.shape[end + 1 :]))


def astype(x: Any, dtype: Any) -> Any:
    """The same values in another dtype; the gradient comes back in the old one."""
    return cast(x, np.dtype(dtype))


# -- joining: operations of any number of operands ---------------------------------------------


records.tensor_of_list = tensor_of_list
