"""Random tensors of a given shape.

Each takes a ``generator``: a ``mg.Generator`` or one of NumPy's; by default the process's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.errors import InvalidValueError
from ...engine.host import host
from ...engine.node import as_array
from ...ops.arguments import integers, shape_of
from ..conversion import real_dtype
from ..device import on_cpu
from ..random import source
from .arguments import float_dtype, made, new_shape, refuse_range, shape_from

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm"]


def randn(
    *lengths: Any, size: Any = None, generator: Any = None,
    dtype: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Random numbers of mean 0 and variance 1, normally distributed.

    Args:
        lengths, size: the shape, as integers or one tuple.
        generator: what draws the numbers; unless given the global random state.
        dtype: the default dtype, float32, unless given.
        device, requires_grad: as of ``tensor``.

    >>> mg.randn(2, 3).shape
    (2, 3)
    """
    shape, dtype = new_shape("randn", lengths, size, device), float_dtype("randn", dtype)
    return made(as_array(host(source(generator).standard_normal, shape, np.float32)), dtype, requires_grad)


def rand(
    *lengths: Any, size: Any = None, generator: Any = None,
    dtype: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Random numbers, evenly distributed in [0, 1).

    Args:
        lengths, size: the shape, as integers or one tuple.
        generator: what draws the numbers; unless given the global random state.
        dtype: the default dtype, float32, unless given.
        device, requires_grad: as of ``tensor``.

    >>> mg.rand(2, 3).shape
    (2, 3)
    """
    shape, dtype = new_shape("rand", lengths, size, device), float_dtype("rand", dtype)
    values = made(as_array(host(source(generator).random, shape, np.float32)), dtype, False).array
    # rounded to a coarser dtype, numbers just below 1 would reach it
    return made(np.minimum(values, np.nextafter(values.dtype.type(1), 0)), values.dtype, requires_grad)


def randint(
    low: Any = 0, high: Any = None, size: Any = None, *, generator: Any = None,
    dtype: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Random integers from ``low`` to below ``high``, int64; ``randint(high, size)`` starts from 0.

    Args:
        size: the shape, a tuple.
        generator: what draws the numbers; unless given the global random state.
        dtype: of integers or floats; int64 unless given.
        device, requires_grad: as of ``tensor``.

    Raises:
        ValueError: if ``high`` is not above ``low``, or the dtype does not hold all of them.

    >>> mg.randint(0, 6, (3,)).dtype
    dtype('int64')
    """
    on_cpu(device)
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    low, high = integers("low and high", (low, high))
    shape, dtype = shape_from("randint", (size,)), real_dtype("int64" if dtype is None else dtype)
    refuse_range("randint", ("low", "high"), low, high, dtype)
    return made(as_array(host(source(generator).integers, low, high, shape)), dtype, requires_grad)


def randperm(
    n: int, *, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The integers below ``n`` in random order, int64.

    Args:
        generator: what draws the numbers; unless given the global random state.
        dtype: of integers or floats.
        device, requires_grad: as of ``tensor``.

    >>> mg.randperm(5).shape
    (5,)
    """
    on_cpu(device)
    (n,) = integers("n", (n,))
    if n < 0:
        raise InvalidValueError(f"randperm: n must be at least 0, got {n}.")
    dtype = real_dtype("int64" if dtype is None else dtype)
    return made(as_array(host(source(generator).permutation, n)), dtype, requires_grad)


def randn_like(
    input: Tensor, *, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Normally distributed random numbers of the shape and dtype of ``input``.

    Args:
        generator: what draws the numbers; unless given the global random state.
        dtype: that of ``input`` unless given.
        device, requires_grad: as of ``tensor``.

    >>> mg.randn_like(mg.zeros(2, 3)).shape
    (2, 3)
    """
    shape, dtype = shape_of(input), dtype or input.dtype
    return randn(shape, generator=generator, dtype=dtype, device=device, requires_grad=requires_grad)


def rand_like(
    input: Tensor, *, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Evenly distributed random numbers of the shape and dtype of ``input``.

    Args:
        generator: what draws the numbers; unless given the global random state.
        dtype: that of ``input`` unless given.
        device, requires_grad: as of ``tensor``.

    >>> mg.rand_like(mg.zeros(2, 3)).shape
    (2, 3)
    """
    shape, dtype = shape_of(input), dtype or input.dtype
    return rand(shape, generator=generator, dtype=dtype, device=device, requires_grad=requires_grad)


def randint_like(
    input: Tensor, low: Any = 0, high: Any = None, *, generator: Any = None,
    dtype: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Random integers from ``low`` to below ``high`` in the shape and dtype of ``input``.

    ``randint_like(input, high)`` starts from 0.

    Args:
        generator: what draws the numbers; unless given the global random state.
        dtype: that of ``input`` unless given.
        device, requires_grad: as of ``tensor``.

    >>> mg.randint_like(mg.zeros(2, 3), 6).dtype
    dtype('float32')
    """
    low, high = (0, low) if high is None else (low, high)
    shape, dtype = shape_of(input), dtype or input.dtype
    return randint(low, high, shape, generator=generator, dtype=dtype, device=device, requires_grad=requires_grad)
