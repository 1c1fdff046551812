"""New tensors: from values, filled, in steps, random.

Shapes are given as numbers or as one tuple: ``zeros(2, 3)`` is ``zeros((2, 3))``. Floats are float32
unless ``dtype`` says otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import a_type, detached, real
from ..engine.dtypes import native
from ..engine.host import host
from ..engine.node import as_array, wrap
from ..ops.arguments import integers, shape_of, sizes
from .conversion import DEFAULT_FLOAT, REAL, array_from, real_dtype
from .random import generator
from .tensor import Tensor


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of ``data``: a number, nested lists, a NumPy array or a tensor.

    Python floats become float32 and ints int64. What has a dtype or a buffer keeps it unless ``dtype`` is given:
    arrays, ``array.array``, memoryviews, columns of tables. Tensors have this machine's byte order.

    Raises:
        RuntimeError: for lists that hold tensors that require grad, while operations are recorded: use ``mg.stack``.
        TypeError, ValueError: for what is not of real numbers, for nested lists that are not rectangular.

    >>> mg.tensor([[1, 2.5], [3, 4]])
    tensor([[1.0000, 2.5000],
            [3.0000, 4.0000]])
    """
    result: Tensor = wrap(array_from(data, dtype))
    return result.requires_grad_() if requires_grad else result


def as_tensor(data: Any, dtype: Any = None) -> Tensor:
    """``data`` itself if it is a tensor of that dtype, over the same memory if it is an array.

    >>> mg.as_tensor([1, 2])
    tensor([1, 2])
    """
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return from_numpy(data) if isinstance(data, ndarray) and dtype in (None, data.dtype) else tensor(data, dtype)


def from_numpy(array: ndarray) -> Tensor:
    """A tensor over the array's own memory, which is not copied (except from another byte order than the machine's).

    Do not write to the array while the graph needs it: unlike changes of tensors, that cannot be
    noticed. ``tensor(array)`` copies.

    >>> array = np.zeros(2)
    >>> mg.from_numpy(array)[0] = 1
    >>> array
    array([1., 0.])
    """
    if not isinstance(array, ndarray) or array.dtype.kind not in REAL:
        raise TypeError(
            f"from_numpy expects an array of numbers or booleans, got {getattr(array, 'dtype', type(array).__name__)}."
        )
    result: Tensor = wrap(array if array.dtype.isnative else array.astype(native(array.dtype)))
    result.memory.shared = True
    return result


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor over the memory of another library's array, which is not copied: PyTorch's, JAX's, Arrow's, NumPy's.

    What the other library holds to be read-only cannot be changed in place: change ``x.clone()``.

    Raises:
        TypeError: for what has no ``__dlpack__``, or holds no real numbers.

    >>> array = np.zeros(2)
    >>> mg.from_dlpack(array)[0] = 1
    >>> array
    array([1., 0.])
    """
    if not hasattr(ext_tensor, "__dlpack__"):
        raise TypeError(f"from_dlpack expects an array with __dlpack__, got {a_type(ext_tensor)}: use mg.tensor(...).")
    return from_numpy(np.from_dlpack(ext_tensor))


def made(array: ndarray, dtype: Any, requires_grad: bool) -> Tensor:
    """A tensor around a fresh array."""
    result: Tensor = wrap(array.astype(real_dtype(array.dtype if dtype is None else dtype), copy=False))
    return result.requires_grad_() if requires_grad else result


def number(name: str, value: Any) -> int | float:
    """A number as Python's own, an int if it was of integers; anything else is refused."""
    return real(value.item() if isinstance(value, np.generic) else value, lambda _: True, f"{name} must be a number")


def float_dtype(name: str, dtype: Any) -> np.dtype[Any]:
    """The dtype of random numbers, which would be all 0 as integers."""
    dtype = real_dtype(DEFAULT_FLOAT if dtype is None else dtype)
    if dtype.kind != "f":
        raise TypeError(f"{name}: random numbers are floats, got dtype {dtype}: give a float dtype, or use mg.randint.")
    return dtype


def full(size: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of shape ``size`` with one value everywhere; its dtype is that of the value.

    >>> mg.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    return made(np.full(sizes((size,)), array_from(detached(fill_value), dtype)), None, requires_grad)


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros.

    >>> mg.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return made(np.zeros(sizes(size), dtype or DEFAULT_FLOAT), None, requires_grad)


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones.

    >>> mg.ones(2, 3)
    tensor([[1., 1., 1.],
            [1., 1., 1.]])
    """
    return made(np.ones(sizes(size), dtype or DEFAULT_FLOAT), None, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A matrix with ones on its diagonal, else zeros; n rows, m (default n) columns.

    >>> mg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return made(np.eye(*sizes((n, n if m is None else m)), dtype=dtype or DEFAULT_FLOAT), None, requires_grad)


def arange(start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """``start``, ``start + step``, ... below ``end``; ``arange(n)`` counts from 0. int64 for ints, else float32.

    >>> mg.arange(2, 10, 3)
    tensor([2, 5, 8])
    """
    start, end = (0, start) if end is None else (start, end)
    array = np.arange(number("start", start), number("end", end), number("step", step))
    return made(array, DEFAULT_FLOAT if dtype is None and array.dtype.kind == "f" else dtype, requires_grad)


def linspace(start: float, end: float, steps: int, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included.

    >>> mg.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    return made(
        np.linspace(number("start", start), number("end", end), integers("steps", (steps,))[0]),
        dtype or DEFAULT_FLOAT,
        requires_grad,
    )


def randn(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Random numbers of mean 0 and variance 1, normally distributed.

    >>> mg.randn(2, 3).shape
    (2, 3)
    """
    size, dtype = sizes(size), float_dtype("randn", dtype)
    return made(as_array(host(generator.standard_normal, size, np.float32)), dtype, requires_grad)


def rand(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Random numbers, evenly distributed in [0, 1).

    >>> mg.rand(2, 3).shape
    (2, 3)
    """
    size, dtype = sizes(size), float_dtype("rand", dtype)
    values = made(as_array(host(generator.random, size, np.float32)), dtype, False).array
    # rounded to a coarser dtype, numbers just below 1 would reach it
    return made(np.minimum(values, np.nextafter(values.dtype.type(1), 0)), values.dtype, requires_grad)


def randint(low: int, high: Any, size: Any = None, *, dtype: Any = None) -> Tensor:
    """Random integers from ``low`` to below ``high``, int64; ``randint(high, size)`` starts from 0.

    >>> mg.randint(0, 6, (3,)).dtype
    dtype('int64')
    """
    low, high, size = (0, low, high) if size is None else (low, high, size)
    low, high = integers("low and high", (low, high))
    return made(as_array(host(generator.integers, low, high, sizes((size,)))), dtype, False)


def randperm(n: int) -> Tensor:
    """The integers below ``n`` in random order.

    >>> mg.randperm(5).shape
    (5,)
    """
    return made(host(generator.permutation, integers("n", (n,))[0]), None, False)


def zeros_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the shape and dtype of ``input``.

    >>> mg.zeros_like(mg.tensor([1, 2]))
    tensor([0, 0])
    """
    return zeros(shape_of(input), dtype=dtype or input.dtype, requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the shape and dtype of ``input``.

    >>> mg.ones_like(mg.tensor([1, 2]))
    tensor([1, 1])
    """
    return ones(shape_of(input), dtype=dtype or input.dtype, requires_grad=requires_grad)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """One value everywhere, in the shape and dtype of ``input``.

    >>> mg.full_like(mg.zeros(2), 7)
    tensor([7., 7.])
    """
    return full(shape_of(input), fill_value, dtype=dtype or input.dtype, requires_grad=requires_grad)


def randn_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Normally distributed random numbers of the shape and dtype of ``input``.

    >>> mg.randn_like(mg.zeros(2, 3)).shape
    (2, 3)
    """
    return randn(shape_of(input), dtype=dtype or input.dtype, requires_grad=requires_grad)


def rand_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Evenly distributed random numbers of the shape and dtype of ``input``.

    >>> mg.rand_like(mg.zeros(2, 3)).shape
    (2, 3)
    """
    return rand(shape_of(input), dtype=dtype or input.dtype, requires_grad=requires_grad)
