"""Operations that move elements without computing: other shapes, other orders, joined together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import node as records
from ..engine.dtypes import get_default_dtype, in_other_dtype
from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.node import describe
from ..engine.op import Op
from .arguments import one_axis, one_name, shape_of, sizes
from .joining import tensor_of_list

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = [
    "astype",
    "clone",
    "expand",
    "flatten",
    "permute",
    "reshape",
    "squeeze",
    "swapaxes",
    "swapdims",
    "transpose",
    "unsqueeze",
]

reshaped: Op = Op(
    "reshape",
    lambda x, shape: x.reshape(shape),
    lambda dy, _y, _x, shape: reshaped(dy, _x.shape),
    view=True,
    doc="the same elements in another shape",
)
permuted: Op = Op(
    "permute",
    lambda x, axes: x.transpose(axes),
    lambda dy, _y, _x, axes: permuted(dy, tuple(axes.index(i) for i in range(len(axes)))),
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
    in_other_dtype,
    lambda dy, _y, _x, dtype: dy,
    doc="the same values in another dtype",
)
clone = Op(
    "clone",
    lambda input: input.copy(),
    lambda dy, _y, _x: dy,
    faces="function method",
    doc="a copy, in memory of its own; gradients flow through it",
    example="x = mg.zeros(3)\ny = mg.clone(x).fill_(7)\nx, y -> (tensor([0., 0., 0.]), tensor([7., 7., 7.]))",
)


def given(function: str, name: str, separate: tuple[Any, ...], together: Any) -> tuple[Any, ...]:
    """Integers that are given one by one, or together under a name."""
    if separate and together is not None:
        raise InvalidTypeError(f"{function} got {name} twice: once by position and once by name.")
    return separate if together is None else (together,)


@public("function method", {np.reshape: lambda f, a, shape: f(a, shape)})
def reshape(input: Any, *lengths: Any, shape: Any = None) -> Tensor:
    """The same elements in another shape, in row-major order; a view where that is possible.

    Args:
        input: the tensor.
        lengths, shape: the shape, as integers or one tuple; one length may be -1, which is what the others leave.

    Raises:
        ValueError: for a shape of another number of elements.

    >>> mg.reshape(mg.arange(6), (2, -1))
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    shape_of(input)
    wanted = sizes(given("reshape", "shape", lengths, shape))
    if any(n < -1 for n in wanted):  # NumPy takes any negative length for -1
        raise InvalidValueError(f"reshape: {describe(input)} cannot have the shape {wanted}: no length is below -1.")
    return reshaped(input, wanted)


@public("function method", {np.transpose: lambda f, a, axes=None: f(a, axes or tuple(range(a.ndim))[::-1])})
def permute(input: Any, *axes: Any, dims: Any = None) -> Tensor:
    """The axes in another order, as a view: axis i of the result is axis ``dims[i]`` of the input.

    Args:
        input: the tensor.
        axes, dims: all axes, each once, as integers or one tuple: ``permute(x, 2, 0, 1)``.

    >>> mg.permute(mg.ones(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """
    ndim, axes = len(shape_of(input)), sizes(given("permute", "dims", axes, dims))
    order = tuple(one_axis(i, ndim) for i in axes)
    if sorted(order) != list(range(ndim)):
        raise InvalidValueError(f"permute needs each of the {ndim} axes once, got {axes}.")
    return permuted(input, order)


@public("function method in_place", {np.swapaxes: lambda f, a, axis1, axis2: f(a, axis1, axis2)}, aliases="swapdims")
def transpose(input: Any, dim0: int, dim1: int) -> Tensor:
    """Swap two axes; the result is a view.

    Args:
        input: the tensor.
        dim0, dim1: the two.

    >>> mg.transpose(mg.ones(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    order = list(range(len(shape_of(input))))
    a, b = one_axis(dim0, len(order)), one_axis(dim1, len(order))
    if order:
        order[a], order[b] = order[b], order[a]
    return permuted(input, tuple(order))


swapdims = transpose


@public("function method in_place")
def swapaxes(input: Any, axis0: int, axis1: int) -> Tensor:
    """Swap two axes: ``transpose`` by NumPy's name.

    Args:
        input: the tensor.
        axis0, axis1: the two.

    >>> mg.swapaxes(mg.ones(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    return transpose(input, axis0, axis1)


@public("function method", {np.broadcast_to: lambda f, array, shape: f(array, shape)})
def expand(input: Any, *shape: Any, size: Any = None) -> Tensor:
    """Repeat ``x`` along axes of length 1 and new axes in front.

    The result is a read-only view: no memory is used.

    Args:
        input: the tensor.
        shape, size: the lengths, as integers or one tuple; -1 keeps a length.

    Raises:
        ValueError: for another length along an axis whose length is not 1.

    >>> mg.expand(mg.tensor([[1.0], [2.0]]), (2, 3))
    tensor([[1., 1., 1.],
            [2., 2., 2.]])
    """
    wanted = sizes(shape if size is None else given("expand", "size", shape, size))
    added = len(wanted) - len(shape_of(input))
    if added < 0 or any(n < 0 for n in wanted[:added]) or any(n < -1 for n in wanted):
        raise InvalidValueError(f"expand: cannot expand a tensor {input.shape} to {wanted}.")
    return expanded(input, tuple(input.shape[i - added] if n == -1 else n for i, n in enumerate(wanted)))


@public("function method in_place", {np.squeeze: lambda f, a, axis=None: f(a, axis)})
def squeeze(input: Any, dim: Any = None, *, axis: Any = None) -> Tensor:
    """Remove axes of length 1; the result is a view.

    Args:
        input: the tensor.
        dim: an int or several, of which those of another length stay; None: all axes of length 1.
        axis: NumPy's name of dim.

    >>> mg.squeeze(mg.ones(2, 1, 3), 1).shape
    (2, 3)
    """
    dim, ndim = one_name(dim, axis), len(shape_of(input))
    named = (
        range(ndim) if dim is None else [one_axis(d, ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    )
    return reshaped(input, tuple(n for i, n in enumerate(input.shape) if n != 1 or i not in named))


@public("function method in_place", {np.expand_dims: lambda f, a, axis: f(a, axis)})
def unsqueeze(input: Any, dim: int | None = None, *, axis: int | None = None) -> Tensor:
    """Insert an axis of length 1; the result is a view.

    Args:
        input: the tensor.
        dim: where the axis is in the result; -1 is behind the last one.
        axis: NumPy's name of dim.

    >>> mg.unsqueeze(mg.ones(3), 0).shape
    (1, 3)
    """
    position = one_axis(dim if axis is None else one_name(dim, axis), len(shape_of(input)) + 1)
    return reshaped(input, (*input.shape[:position], 1, *input.shape[position:]))


@public("function method")
def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Join neighbouring axes into one; a number becomes a vector of one element.

    Args:
        input: the tensor.
        start_dim: the first of them.
        end_dim: the last of them.

    >>> mg.flatten(mg.ones(8, 3, 4), 1).shape
    (8, 12)
    """
    ndim = len(shape_of(input))
    start, end = one_axis(start_dim, ndim), one_axis(end_dim, ndim)
    if start > end:
        raise InvalidValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}.")
    joined = 1
    for n in input.shape[start : end + 1]:
        joined *= n
    return reshaped(input, (*input.shape[:start], joined, *input.shape[end + 1 :]))


@public("function")
def astype(input: Any, dtype: Any) -> Tensor:
    """The same values in another dtype; the gradient comes back in the old one.

    Args:
        input: the tensor.
        dtype: the dtype, as ``mg.float64``, ``np.int64`` or ``"float32"``; fractions are cut off for integers.

    >>> mg.astype(mg.tensor([1.5]), np.int64)
    tensor([1])
    """
    return cast(input, np.dtype(dtype))


def in_dtype(x: Any, dtype: Any) -> Any:
    """``x`` in a dtype: itself if it has that, or if none is given."""
    return x if dtype is None or x.dtype == dtype else astype(x, dtype)


def in_floats(x: Any) -> Any:
    """``x``, in the default dtype unless it is of floats."""
    return x if x.dtype.kind == "f" else astype(x, get_default_dtype())


def with_an_axis(x: Any) -> Any:
    """``x``, a number as a vector of one element."""
    return x if shape_of(x) else reshaped(x, (1,))


def in_shape(x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` in a shape: itself if it has that. It takes back ``with_an_axis``."""
    return x if x.shape == shape else reshaped(x, shape)


records.tensor_of_list = tensor_of_list
