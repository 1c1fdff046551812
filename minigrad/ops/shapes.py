"""Operations that move elements without computing: other shapes, other orders, joined together."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine import node as records
from ..engine.dtypes import promoted, result_type
from ..engine.node import Variable, describe
from ..engine.op import Op


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of a tensor or an array; anything else is refused."""
    try:
        return x.array.shape if isinstance(x, Variable) else x.shape
    except AttributeError:
        raise TypeError(f"expected a tensor, got {describe(x)}: make it one, mg.tensor(...).") from None


def one_axis(dim: Any, ndim: int) -> int:
    """An axis counted from the front; IndexError if there is none such."""
    axis, axes = operator.index(dim), max(ndim, 1)
    if not -axes <= axis < axes:
        raise IndexError(
            f"dim {axis} is out of range for a tensor of {ndim} dimensions: expected {-axes} to {axes - 1}."
        )
    return axis % axes


def one_name(dim: Any, axis: Any) -> Any:
    """What was passed as ``dim`` or by NumPy's name ``axis``; None if neither."""
    if dim is not None and axis is not None:
        raise TypeError("dim and axis are two names of one argument: give only one.")
    return axis if dim is None else dim


def sizes(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """``f(2, 3)`` and ``f((2, 3))`` mean the same."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    return tuple(operator.index(n) for n in shape)


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


def pieces(dy: Any, needs: Sequence[Any], *args: Any) -> list[Any]:
    """The rule of cat: each operand has its part of the gradient."""
    *operands, axis = args
    found, start, before = [], 0, (slice(None),) * axis
    for operand, need in zip(operands, needs):
        part = (*before, slice(start, start + operand.shape[axis]))
        found.append(dy[part] if need else None)
        start += operand.shape[axis]
    return found


def layers(dy: Any, needs: Sequence[Any], *args: Any) -> list[Any]:
    """The rule of stack: each operand has its layer of the gradient."""
    before = (slice(None),) * args[-1]
    indices = ((*before, i, ...) for i in range(len(needs)))
    return [dy[index] if need else None for index, need in zip(indices, needs)]


cat_op = Op(
    "cat",
    lambda *args: np.concatenate(args[:-1], args[-1]),
    variadic=pieces,
    doc="operands joined along an axis",
)
stack_op = Op(
    "stack",
    lambda *args: np.stack(args[:-1], args[-1]),
    variadic=layers,
    doc="operands joined along a new axis",
)


def cat(tensors: Sequence[Any], dim: int | None = None, *, axis: int | None = None) -> Any:
    """Join tensors along an axis they have (0 unless given); their other lengths must be equal."""
    tensors = operands_to_join("cat", tensors)
    return cat_op(*tensors, one_axis(one_name(dim, axis) or 0, len(tensors[0].shape)))


def stack(tensors: Sequence[Any], dim: int | None = None, *, axis: int | None = None) -> Any:
    """Join tensors of one shape along a new axis (0 unless given)."""
    tensors = operands_to_join("stack", tensors)
    return stack_op(*tensors, one_axis(one_name(dim, axis) or 0, len(tensors[0].shape) + 1))


def operands_to_join(name: str, tensors: Sequence[Any]) -> list[Any]:
    """The tensors as a list; refused when there are none or something else is among them."""
    if isinstance(tensors, Variable):
        raise TypeError(f"{name}: expected a list of tensors, got one {describe(tensors)}: write {name}([a, b]).")
    tensors = list(tensors)
    if not tensors:
        raise ValueError(f"{name} needs at least one tensor.")
    for i, x in enumerate(tensors):
        if not isinstance(x, (Variable, ndarray)):
            raise TypeError(f"{name}: item {i} is a {type(x).__name__}, expected a tensor.")
    return promoted(tensors) if any(isinstance(x, Variable) for x in tensors) else tensors


def tensor_of_list(values: Sequence[Any]) -> Any:
    """Lists of tensors and numbers, nested as they may be, as one recorded tensor."""
    items = [tensor_of_list(value) if isinstance(value, (list, tuple)) else value for value in values]
    numbers = [i for i, item in enumerate(items) if not isinstance(item, (Variable, ndarray))]
    for i in numbers:
        items[i] = np.asarray(items[i], result_type(*items))
    return stack(items)


records.tensor_of_list = tensor_of_list
