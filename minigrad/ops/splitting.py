"""Splitting a tensor into parts, which are views of it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.errors import InvalidIndexError, InvalidValueError
from ..engine.faces import public
from ..engine.node import Variable, array_of, describe
from .arguments import axis_too, integers, one_axis, shape_of
from .views import part

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["chunk", "dsplit", "hsplit", "split", "tensor_split", "unbind", "vsplit"]


def axis_to_split(name: str, input: Any, dim: Any) -> tuple[int, int]:
    """The axis and its length; refused of a single number."""
    shape = shape_of(input)
    if not shape:
        raise InvalidValueError(f"{name}: a tensor of a single number has no parts.")
    axis = one_axis(dim, len(shape))
    return axis, shape[axis]


def parts(x: Any, axis: int, borders: Sequence[int]) -> tuple[Any, ...]:
    """The parts of ``x`` between borders along an axis."""
    return tuple(part(x, axis, slice(a, b)) for a, b in itertools.pairwise(borders))


@public("function")
@axis_too
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of one length, of which the last may be shorter, or of given lengths, as views.

    Args:
        tensor: the tensor.
        split_size_or_sections: the length of each part, or a list of the lengths of all, which add up to the axis.
        dim: the axis.

    >>> [part.tolist() for part in mg.split(mg.arange(5), 2)]
    [[0, 1], [2, 3], [4]]
    >>> [part.tolist() for part in mg.split(mg.arange(5), [1, 4])]
    [[0], [1, 2, 3, 4]]
    """
    axis, n = axis_to_split("split", tensor, dim)
    sizes = split_size_or_sections
    if isinstance(sizes, (list, tuple)):
        lengths = integers("a length", tuple(sizes))
        if any(k < 0 for k in lengths) or sum(lengths) != n:
            raise InvalidValueError(f"split: lengths {lengths} must be at least 0 and add up to {n}, dim {dim}.")
        borders = [0, *np.cumsum(lengths).tolist()]
    else:
        (size,) = integers("the length of parts", (sizes,))
        if size < 0 or (n and not size):
            raise InvalidValueError(f"split: parts of dim {dim} of length {n} cannot have length {size}.")
        borders = [*range(0, n, size or 1), n] if n else [0, 0]
    return parts(tensor, axis, borders)


@public("method", name="split")
@axis_too
def split_into(input: Any, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """``split``, whose arguments it takes: parts of one length ``split_size``, or of given lengths, as views."""
    return split(input, split_size, dim)


@public("function method")
@axis_too
def tensor_split(
    input: Any, indices_or_sections: Any = None, dim: int = 0, *, sections: Any = None, indices: Any = None
) -> tuple[Tensor, ...]:
    """So many parts, as equal as can be, or parts between indices, as views: NumPy's ``array_split``.

    Args:
        input: the tensor.
        indices_or_sections: the number of parts, or a list of the indices at which they begin; also as ``sections``
            or ``indices``.
        dim: the axis.
        sections: the number of parts.
        indices: where the second and later parts begin; negative ones count from the end.

    >>> [part.tolist() for part in mg.tensor_split(mg.arange(5), 2)]
    [[0, 1, 2], [3, 4]]
    >>> [part.tolist() for part in mg.tensor_split(mg.arange(5), (1, -1))]
    [[0], [1, 2, 3], [4]]
    """
    axis, n = axis_to_split("tensor_split", input, dim)
    where = one_given("tensor_split", indices_or_sections, sections, indices)
    if isinstance(where, tuple):
        starts = [min(max(i + n if i < 0 else i, 0), n) for i in where]
        # of indices that go back a part is empty
        return tuple(part(input, axis, slice(a, max(a, b))) for a, b in zip([0, *starts], [*starts, n]))
    if where < 1:
        raise InvalidValueError(f"tensor_split: the number of parts must be at least 1, got {where}.")
    longer, length = n % where, n // where
    return parts(input, axis, [i * length + min(i, longer) for i in range(where + 1)])


def one_given(name: str, *ways: Any) -> int | tuple[int, ...]:
    """The number of parts or the indices between them, which are given in one of several ways."""
    values = [value for value in ways if value is not None]
    if len(values) != 1:
        raise TypeError(f"{name} needs sections, the number of parts, or indices, where they begin: one of them.")
    (value,) = values
    if isinstance(value, (Variable, ndarray)):
        value = array_of(value).tolist()
    if isinstance(value, (list, tuple)):
        return integers("an index", tuple(value))
    return integers("the number of parts", (value,))[0]


@public("function method")
@axis_too
def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` parts of one length, of which the last may be shorter, as views.

    Args:
        dim: the axis.
        axis: NumPy's name of dim.

    >>> [len(part) for part in mg.chunk(mg.arange(5), 3)], [len(part) for part in mg.chunk(mg.arange(4), 3)]
    ([2, 2, 1], [2, 2])
    """
    axis, n = axis_to_split("chunk", input, dim)
    (chunks,) = integers("chunks", (chunks,))
    if chunks < 1:
        raise InvalidValueError(f"chunk: chunks must be at least 1, got {chunks}.")
    return parts(input, axis, [0] * chunks + [0]) if not n else split(input, -(-n // chunks), axis)


@public("function method")
@axis_too
def unbind(input: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """The elements along an axis, which is gone then, as views.

    Args:
        dim: the axis.
        axis: NumPy's name of dim.

    >>> mg.unbind(mg.tensor([[1, 2], [3, 4]]), 1)
    (tensor([1, 3]), tensor([2, 4]))
    """
    shape = shape_of(input)
    if not shape:
        raise InvalidIndexError("unbind: a tensor of a single number has no axis.")
    axis = one_axis(dim, len(shape))
    return tuple(part(input, axis, i) for i in range(shape[axis]))


def split_axis(name: str, input: Any, axis: int, least: int, ways: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """``tensor_split`` along a certain axis, into parts of equal length."""
    shape = shape_of(input)
    if len(shape) < least:
        raise InvalidValueError(f"{name} needs a tensor of at least {least} axes, got {describe(input)}.")
    where = one_given(name, *ways)
    if isinstance(where, int) and (where < 1 or shape[axis] % where):
        raise InvalidValueError(f"{name}: {shape[axis]} elements along dim {axis} cannot be {where} equal parts.")
    return tensor_split(input, where, axis)


@public("function method")
def hsplit(
    input: Any, indices_or_sections: Any = None, *, sections: Any = None, indices: Any = None
) -> tuple[Tensor, ...]:
    """Equal parts along the columns, or parts between indices, as views; of a vector along its only axis.

    Args:
        indices_or_sections: how many parts, or the indices where parts begin.
        sections, indices: the same, by PyTorch's names of each.

    >>> [x.shape for x in mg.hsplit(mg.ones(2, 4), 2)]
    [(2, 2), (2, 2)]
    """
    axis = 0 if len(shape_of(input)) == 1 else 1
    return split_axis("hsplit", input, axis, 1, (indices_or_sections, sections, indices))


@public("function method")
def vsplit(
    input: Any, indices_or_sections: Any = None, *, sections: Any = None, indices: Any = None
) -> tuple[Tensor, ...]:
    """Equal parts along the rows, or parts between indices, as views.

    Args:
        indices_or_sections: how many parts, or the indices where parts begin.
        sections, indices: the same, by PyTorch's names of each.

    >>> [x.shape for x in mg.vsplit(mg.ones(4, 2), [1])]
    [(1, 2), (3, 2)]
    """
    return split_axis("vsplit", input, 0, 2, (indices_or_sections, sections, indices))


@public("function method")
def dsplit(
    input: Any, indices_or_sections: Any = None, *, sections: Any = None, indices: Any = None
) -> tuple[Tensor, ...]:
    """Equal parts along the third axis, or parts between indices, as views.

    Args:
        indices_or_sections: how many parts, or the indices where parts begin.
        sections, indices: the same, by PyTorch's names of each.

    >>> [x.shape for x in mg.dsplit(mg.ones(1, 2, 4), 2)]
    [(1, 2, 2), (1, 2, 2)]
    """
    return split_axis("dsplit", input, 2, 3, (indices_or_sections, sections, indices))
