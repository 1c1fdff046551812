"""Other views of the same elements: parts, other orders of axes, and shapes like those of others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.errors import InvalidIndexError, InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.node import Variable, describe, no_tensor
from ..engine.op import Op
from .arguments import axis_too, integers, one_axis, shape_of, sizes
from .indexing import taken
from .reductions import sum as sum_along
from .shapes import clone, expand, given, permuted, reshaped

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "broadcast_tensors",
    "broadcast_to",
    "contiguous",
    "detach",
    "expand_as",
    "moveaxis",
    "movedim",
    "narrow",
    "ravel",
    "reshape_as",
    "select",
    "sum_to_size",
    "t",
    "unflatten",
    "view",
    "view_as",
]


def part(x: Any, axis: int, index: Any) -> Any:
    """``x`` at an index along one axis, a slice say."""
    return taken(x, (*(slice(None),) * axis, index))


# -- shapes ------------------------------------------------------------------------------------


def same_memory(x: ndarray, shape: tuple[int, ...]) -> ndarray:
    """``x`` in another shape, refused where that needs a copy."""
    y = x.reshape(shape)
    if not x.flags.c_contiguous and y.size and not np.may_share_memory(x, y):
        raise InvalidValueError(
            "its elements do not lie side by side: use x.reshape(...), which copies, or x.contiguous()."
        )
    return y


viewed = Op(
    "view",
    same_memory,
    lambda dy, _y, _x, shape: reshaped(dy, _x.shape),
    view=True,
    doc="the same memory in another shape",
)


def as_other_dtype(x: Any, dtype: np.dtype[Any]) -> Any:
    """The bits of ``x`` read as another dtype: its memory, outside the graph."""
    try:
        bits = (x.array if isinstance(x, Variable) else x).view(dtype)
    except (TypeError, ValueError) as error:
        raise InvalidValueError(f"view: {describe(x)} cannot be read as {dtype}: {error}") from error
    if not isinstance(x, Variable):
        return bits
    y: Any = detach(x)
    y.array = bits
    return y


@public("method")
def view(input: Any, *shape: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """The same memory in another shape, ``x.view(2, -1)``, or read as another dtype, ``x.view(mg.int32)``.

    Bits that are read as another dtype have no gradient.

    Args:
        shape, size: the lengths, as integers or one tuple; one may be -1.
        dtype: instead of a shape.

    Raises:
        RuntimeError: where it would be a copy; ``reshape`` makes one.

    >>> mg.arange(6).view(2, -1).shape
    (2, 3)
    """
    if len(shape) == 1 and isinstance(shape[0], (type, np.dtype, str)):
        (dtype,), shape = shape, ()
    if dtype is None:
        return viewed(input, sizes(given("view", "size", shape, size)))
    if shape or size is not None:
        raise InvalidTypeError("view takes lengths or a dtype, not both.")
    dtype = np.dtype(dtype)
    return viewed(input, shape_of(input)) if dtype == input.dtype else as_other_dtype(input, dtype)


@public("method")
def view_as(input: Any, other: Any) -> Tensor:
    """The same memory in the shape of ``other``."""
    return view(input, shape_of(other))


@public("method")
def reshape_as(input: Any, other: Any) -> Tensor:
    """The same elements in the shape of ``other``."""
    return reshaped(input, shape_of(other))


@public("method")
def expand_as(input: Any, other: Any) -> Tensor:
    """Repeated to the shape of ``other``, without copying."""
    return expand(input, shape_of(other))


@public("function method", {np.ravel: lambda f, a: f(a)})
def ravel(input: Any) -> Tensor:
    """All elements along one axis.

    >>> mg.ravel(mg.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    return reshaped(input, (math.prod(shape_of(input)),))


@public("function method")
@axis_too
def unflatten(input: Any, dim: int, sizes: Any) -> Tensor:
    """One axis as several, of lengths ``sizes``, of which one may be -1: the reverse of ``flatten``.

    Args:
        dim: the axis.
        axis: NumPy's name of dim.

    >>> mg.unflatten(mg.zeros(2, 6), 1, (3, -1)).shape
    (2, 3, 2)
    """
    shape = shape_of(input)
    axis = one_axis(dim, len(shape))
    lengths = integers("sizes", tuple(sizes))
    known, n = math.prod(k for k in lengths if k != -1), (*shape, 1)[axis]
    free = lengths.count(-1)
    if not lengths or free > 1 or known < 0 or (n % known if free and known else known != n):
        raise InvalidValueError(f"unflatten: {n} elements along dim {dim} cannot have lengths {lengths}.")
    return reshaped(
        input, (*shape[:axis], *(n // max(known, 1) if k == -1 else k for k in lengths), *shape[axis + 1 :])
    )


@public("method")
def sum_to_size(input: Any, *size: Any) -> Tensor:
    """The sum over what broadcasting from a shape to this one has repeated.

    Args:
        size: that shape, as integers or one tuple.

    >>> mg.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    shape, wanted = shape_of(input), sizes(size)
    added = len(shape) - len(wanted)
    if added < 0 or any(n not in (1, m) for n, m in zip(wanted, shape[added:])):
        raise InvalidValueError(f"sum_to_size: a tensor of shape {wanted} cannot be broadcast to {shape}.")
    axes = (*range(added), *(i + added for i, n in enumerate(wanted) if n != shape[i + added]))
    return reshaped(sum_along(input, axes) if axes else input, wanted)


@public("function method")
def broadcast_to(input: Any, size: Any) -> Tensor:
    """Repeated along axes of length 1 and new axes in front to a shape, without copying; -1 keeps a length.

    Args:
        size: the shape.

    >>> mg.broadcast_to(mg.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, tuple(size))


@public("function")
def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that operands of these shapes have together, as a plain tuple.

    Args:
        shapes: tuples, or lengths of vectors.

    >>> mg.broadcast_shapes((2, 1), 3)
    (2, 3)
    """
    lengths = [integers("a size", tuple(s) if isinstance(s, (tuple, list)) else (s,)) for s in shapes]
    return together("broadcast_shapes", *lengths)


def together(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that operands of an operation have together; refused if they have none."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise InvalidValueError(f"{name}: {', '.join(map(str, shapes))} do not broadcast.") from None


@public("function")
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors in the one shape that they broadcast to, as read-only views.

    Args:
        tensors: one or more.

    >>> [x.shape for x in mg.broadcast_tensors(mg.ones(2, 1), mg.ones(3))]
    [(2, 3), (2, 3)]
    """
    shape = together("broadcast_tensors", *map(shape_of, tensors))
    return tuple(expand(x, shape) for x in tensors)


def at_least(ndim: int, tensors: tuple[Any, ...]) -> Any:
    """Tensors with new axes of length 1 up to ``ndim``; one of one."""
    if len(tensors) == 1 and not isinstance(tensors[0], (list, tuple)):
        shape = shape_of(tensors[0])
        missing = ndim - len(shape)
        behind = 1 if ndim == 3 and shape else 0  # NumPy's and PyTorch's order: (1, n, 1) of (n,)
        return reshaped(tensors[0], (*(1,) * (missing - behind), *shape, *(1,) * behind)) if missing > 0 else tensors[0]
    several = tensors[0] if len(tensors) == 1 else tensors
    return tuple(at_least(ndim, (x,)) for x in several)


@public("function")
def atleast_1d(*tensors: Any) -> Any:
    """Each tensor with at least one axis; of several, or a list, a tuple.

    Args:
        tensors: one or more.

    >>> mg.atleast_1d(mg.tensor(3.0))
    tensor([3.])
    """
    return at_least(1, tensors)


@public("function")
def atleast_2d(*tensors: Any) -> Any:
    """Each tensor with at least two axes, new ones in front; of several, or a list, a tuple.

    Args:
        tensors: one or more.

    >>> mg.atleast_2d(mg.tensor([1.0, 2.0])).shape
    (1, 2)
    """
    return at_least(2, tensors)


@public("function")
def atleast_3d(*tensors: Any) -> Any:
    """Each tensor with at least three axes: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1).

    Args:
        tensors: one or more.

    >>> mg.atleast_3d(mg.ones(2)).shape
    (1, 2, 1)
    """
    return at_least(3, tensors)


# -- the order of axes ---------------------------------------------------------------------------


@public("function method in_place")
def t(input: Any) -> Tensor:
    """A matrix transposed; a vector as it is.

    >>> mg.t(mg.ones(2, 3)).shape
    (3, 2)
    """
    ndim = len(shape_of(input))
    if ndim > 2:
        raise InvalidValueError(f"t: expected a matrix or a vector, got {describe(input)}: use x.mT or x.transpose.")
    return permuted(input, tuple(range(ndim))[::-1])


@public("function method", {np.moveaxis: lambda f, a, source, destination: f(a, source, destination)}, "moveaxis")
def movedim(input: Any, source: Any, destination: Any) -> Tensor:
    """Move axes to other positions; the others keep their order.

    Args:
        source, destination: an axis and its new place, or tuples of them.

    >>> mg.movedim(mg.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    ndim = len(shape_of(input))
    source, destination = (
        tuple(one_axis(d, ndim) for d in (dims if isinstance(dims, (tuple, list)) else (dims,)))
        for dims in (source, destination)
    )
    if len(source) != len(destination) or any(len(set(dims)) != len(dims) for dims in (source, destination)):
        raise InvalidValueError(f"movedim: source {source} and destination {destination} must name as many axes, once.")
    order = [axis for axis in range(ndim) if axis not in source]
    for to, axis in sorted(zip(destination, source)):
        order.insert(to, axis)
    return permuted(input, tuple(order) if ndim else ())


moveaxis = movedim


# -- parts ---------------------------------------------------------------------------------------


@public("function method")
@axis_too
def narrow(input: Any, dim: int, start: Any, length: int) -> Tensor:
    """``length`` elements from ``start`` on along an axis, as a view; a negative start counts from the end.

    Args:
        dim: the axis.
        axis: NumPy's name of dim.

    >>> mg.narrow(mg.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    shape = shape_of(input)
    if not shape:
        raise InvalidValueError("narrow: a tensor of a single number has no parts.")
    axis = one_axis(dim, len(shape))
    start, length = integers("start and length", (start, length))
    n = shape[axis]
    if not -n <= start <= n:
        raise InvalidIndexError(f"narrow: start {start} is out of range for dim {dim} of length {n}.")
    first = start + n if start < 0 else start
    if length < 0 or first + length > n:
        raise InvalidValueError(f"narrow: dim {dim} of length {n} has no {length} elements from {start} on.")
    return part(input, axis, slice(first, first + length))


@public("function method")
@axis_too
def select(input: Any, dim: int, index: Any) -> Tensor:
    """One element along an axis, which is gone then, as a view; a negative index counts from the end.

    Args:
        dim: the axis.
        axis: NumPy's name of dim.

    >>> mg.select(mg.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    shape = shape_of(input)
    if not shape:
        raise InvalidIndexError("select: a tensor of a single number has no parts.")
    axis = one_axis(dim, len(shape))
    (index,) = integers("index", (index,))
    if not -shape[axis] <= index < shape[axis]:
        raise InvalidIndexError(f"select: index {index} is out of range for dim {dim} of {describe(input)}.")
    return part(input, axis, index)


# -- memory --------------------------------------------------------------------------------------


@public("method")
def contiguous(input: Any) -> Tensor:
    """Itself if its elements lie in memory in row-major order, else a copy that does."""
    shape_of(input)
    array = input.array if isinstance(input, Variable) else input
    return input if array.flags.c_contiguous else clone(input)


@public("function method in_place")
def detach(input: Any) -> Tensor:
    """The same memory outside the graph: a constant.

    >>> x = mg.ones(2, requires_grad=True)
    >>> (x * 2).detach()
    tensor([2., 2.])
    """
    if not isinstance(input, Variable):
        raise InvalidTypeError(f"detach: {no_tensor(input)}")
    constant: Any = input
    return constant.detach()
