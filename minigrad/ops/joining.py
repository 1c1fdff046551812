"""Joining tensors: operations of any number of operands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import a_type
from ..engine.dtypes import promoted, result_type
from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.node import Variable, describe
from ..engine.op import Op
from .arguments import one_axis, one_name

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["cat", "concat", "concatenate", "stack"]


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


@public("function", {np.concatenate: lambda f, arrays, axis=0: f(arrays, axis)}, "concat concatenate")
def cat(tensors: Sequence[Any], dim: int | None = None, *, axis: int | None = None) -> Tensor:
    """Join tensors along an axis they have; their other lengths must be equal.

    Args:
        tensors: a list of at least one tensor; dtypes promote. Vectors without elements go with all shapes, as an empty
            list that one begins with.
        dim: the axis, 0 unless given.
        axis: NumPy's name of dim.

    Raises:
        ValueError: for no tensors, and for lengths that do not fit.
        TypeError: for what is no list of tensors.

    >>> mg.cat([mg.tensor([1, 2]), mg.tensor([3])])
    tensor([1, 2, 3])
    """
    tensors = operands_to_join("cat", tensors)
    shape = next((x.shape for x in tensors if x.shape != (0,)), (0,))
    along = one_axis(one_name(dim, axis) or 0, len(shape))
    if len(shape) != 1:
        nothing = (*shape[:along], 0, *shape[along + 1 :])
        tensors = [x.reshape(nothing) if x.shape == (0,) else x for x in tensors]
    return cat_op(*tensors, along)


concat = concatenate = cat


@public("function", {np.stack: lambda f, arrays, axis=0: f(arrays, axis)})
def stack(tensors: Sequence[Any], dim: int | None = None, *, axis: int | None = None) -> Tensor:
    """Join tensors of one shape along a new axis.

    Args:
        tensors: a list of at least one tensor; dtypes promote.
        dim: where the new axis is in the result, 0 unless given.
        axis: NumPy's name of dim.

    Raises:
        ValueError: for no tensors, and for shapes that differ.
        TypeError: for what is no list of tensors.

    >>> mg.stack([mg.tensor([1, 2]), mg.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    tensors = operands_to_join("stack", tensors)
    return stack_op(*tensors, one_axis(one_name(dim, axis) or 0, len(tensors[0].shape) + 1))


def operands_to_join(name: str, tensors: Sequence[Any]) -> list[Any]:
    """The tensors as a list; refused when there are none or something else is among them."""
    if isinstance(tensors, Variable):
        raise InvalidTypeError(
            f"{name}: expected a list of tensors, got one {describe(tensors)}: write {name}([a, b])."
        )
    if not isinstance(tensors, Iterable):
        raise InvalidTypeError(f"{name}: expected a list of tensors, got {describe(tensors)}: write {name}([a, b]).")
    tensors = list(tensors)
    if not tensors:
        raise InvalidValueError(f"{name} needs at least one tensor.")
    for i, x in enumerate(tensors):
        if not isinstance(x, (Variable, ndarray)):
            raise InvalidTypeError(f"{name}: item {i} is {a_type(x)}, expected a tensor.")
    one_dtype = len({x.dtype for x in tensors}) == 1
    return tensors if one_dtype or not any(isinstance(x, Variable) for x in tensors) else promoted(tensors)


def tensor_of_list(values: Sequence[Any]) -> Any:
    """Lists of tensors and numbers, nested as they may be, as one recorded tensor."""
    items = [tensor_of_list(value) if isinstance(value, (list, tuple)) else value for value in values]
    numbers = [i for i, item in enumerate(items) if not isinstance(item, (Variable, ndarray))]
    for i in numbers:
        items[i] = np.asarray(items[i], result_type(*items))
    return stack(items)
