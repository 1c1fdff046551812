"""Tensors with one value everywhere, or on the diagonal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.arguments import detached
from ...engine.dtypes import get_default_dtype
from ...ops.arguments import shape_of
from ..conversion import array_from
from ..device import on_cpu
from .arguments import made, new_shape, shape_from

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["empty", "empty_like", "eye", "full", "full_like", "ones", "ones_like", "zeros", "zeros_like"]


def zeros(
    *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of zeros.

    Args:
        lengths, size: the shape, as integers or one tuple.
        dtype: the default dtype, float32, unless given.
        device, requires_grad: as of ``tensor``.

    >>> mg.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    shape = new_shape("zeros", lengths, size, device)
    return made(np.zeros(shape, dtype or get_default_dtype()), None, requires_grad)


def ones(*lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones.

    Args:
        lengths, size: the shape, as integers or one tuple.
        dtype: the default dtype, float32, unless given.
        device, requires_grad: as of ``tensor``.

    >>> mg.ones(2, 3)
    tensor([[1., 1., 1.],
            [1., 1., 1.]])
    """
    shape = new_shape("ones", lengths, size, device)
    return made(np.ones(shape, dtype or get_default_dtype()), None, requires_grad)


def empty(
    *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor to be filled later, which holds anything until then.

    Args:
        lengths, size: the shape, as integers or one tuple.
        dtype: the default dtype, float32, unless given.
        device, requires_grad: as of ``tensor``.

    >>> mg.empty(2, 3).shape
    (2, 3)
    """
    shape = new_shape("empty", lengths, size, device)
    return made(np.empty(shape, dtype or get_default_dtype()), None, requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of shape ``size`` with one value everywhere; its dtype is that of the value.

    Args:
        size: a tuple, or a length.
        fill_value: a number.
        dtype, device, requires_grad: as of ``tensor``.

    >>> mg.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    on_cpu(device)
    return made(np.full(shape_from("full", (size,)), array_from(detached(fill_value), dtype)), None, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A matrix with ones on its diagonal, else zeros; n rows, m (default n) columns.

    Args:
        dtype: the default dtype, float32, unless given.
        device, requires_grad: as of ``tensor``.

    >>> mg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    on_cpu(device)
    rows, columns = shape_from("eye", (n, n if m is None else m))
    return made(np.eye(rows, columns, dtype=dtype or get_default_dtype()), None, requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the shape and dtype of ``input``.

    Args:
        dtype: that of ``input`` unless given.
        device, requires_grad: as of ``tensor``.

    >>> mg.zeros_like(mg.tensor([1, 2]))
    tensor([0, 0])
    """
    return zeros(shape_of(input), dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the shape and dtype of ``input``.

    Args:
        dtype: that of ``input`` unless given.
        device, requires_grad: as of ``tensor``.

    >>> mg.ones_like(mg.tensor([1, 2]))
    tensor([1, 1])
    """
    return ones(shape_of(input), dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor to be filled later, of the shape and dtype of ``input``.

    Args:
        dtype: that of ``input`` unless given.
        device, requires_grad: as of ``tensor``.

    >>> mg.empty_like(mg.tensor([1, 2])).dtype
    dtype('int64')
    """
    return empty(shape_of(input), dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """One value everywhere, in the shape and dtype of ``input``.

    Args:
        fill_value: a number.
        dtype: that of ``input`` unless given.
        device, requires_grad: as of ``tensor``.

    >>> mg.full_like(mg.zeros(2), 7)
    tensor([7., 7.])
    """
    shape = shape_of(input)
    return full(shape, fill_value, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)
