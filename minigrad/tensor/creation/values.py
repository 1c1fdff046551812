"""Tensors from values: numbers, lists, arrays and other tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ...engine.arguments import a_type
from ...engine.dtypes import native
from ...engine.errors import InvalidValueError
from ...engine.node import Variable, describe, wrap
from ..conversion import REAL, array_from, real_dtype
from ..device import on_cpu

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["as_tensor", "asarray", "from_dlpack", "from_numpy", "tensor"]


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False, *, device: Any = None) -> Tensor:
    """A tensor with a copy of ``data``: a number, nested lists, a NumPy array or a tensor.

    Python floats become float32 and ints int64. What has a dtype or a buffer keeps it unless ``dtype`` is given:
    arrays, ``array.array``, memoryviews, columns of tables. Tensors have this machine's byte order.

    Args:
        data: what the values are.
        dtype: converts them.
        requires_grad: whether gradients of it are wanted.
        device: accepted as in PyTorch: ``"cpu"``, all there is.

    Raises:
        RuntimeError: for lists that hold tensors that require grad, while operations are recorded: use ``mg.stack``.
        TypeError, ValueError: for what is not of real numbers, for nested lists that are not rectangular.

    >>> mg.tensor([[1, 2.5], [3, 4]])
    tensor([[1.0000, 2.5000],
            [3.0000, 4.0000]])
    """
    on_cpu(device)
    result: Tensor = wrap(array_from(data, dtype))
    return result.requires_grad_() if requires_grad else result


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """``data`` itself if it is a tensor of that dtype, over the same memory if it is an array.

    Args:
        data, dtype, device: as of ``tensor``.

    >>> mg.as_tensor([1, 2])
    tensor([1, 2])
    """
    on_cpu(device)
    if isinstance(data, Variable):
        tensor_: Any = data
        return tensor_ if dtype is None else tensor_.astype(dtype)
    # never dtype == None: to NumPy that is True of float64
    shares = isinstance(data, ndarray) and (dtype is None or data.dtype == real_dtype(dtype))
    return from_numpy(data) if shares else tensor(data, dtype)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of ``obj``, over the same memory if that is possible.

    Args:
        obj: a tensor, an array, numbers or nested lists of numbers.
        dtype: of the tensor, by default that of ``obj``.
        device: the CPU.
        copy: True always copies, False never does, None only where it must.
        requires_grad: whether the tensor is a leaf that requires grad; else it is a constant, unless ``obj`` itself is
            returned.

    Raises:
        ValueError: with ``copy=False`` for what cannot be shared.

    >>> array = np.zeros(2)
    >>> mg.asarray(array)[0] = 1
    >>> array
    array([1., 0.])
    """
    on_cpu(device)
    has_memory = isinstance(obj, (Variable, ndarray))
    shares = has_memory and (dtype is None or obj.dtype == real_dtype(dtype)) and obj.dtype.isnative
    if copy is False and not shares:
        what = describe(obj) if has_memory else type(obj).__name__
        raise InvalidValueError(f"asarray: {what} cannot be shared as dtype {dtype}: use copy=None, which may copy.")
    own: Any = obj
    if copy or not shares:
        if isinstance(obj, Variable) and not requires_grad:
            return own.to(dtype or obj.dtype, copy=True)  # recorded
        return tensor(obj, dtype, requires_grad)
    result = from_numpy(own) if isinstance(obj, ndarray) else own
    if requires_grad and not result.is_leaf:
        result = result.detach()
    return result.requires_grad_() if requires_grad else result


def from_numpy(ndarray: ndarray) -> Tensor:
    """A tensor over the array's own memory, which is not copied (except from another byte order than the machine's).

    Do not write to the array while the graph needs it: unlike changes of tensors, that cannot be
    noticed. ``tensor(array)`` copies.

    Args:
        ndarray: the array, of real numbers or booleans.

    >>> array = np.zeros(2)
    >>> mg.from_numpy(array)[0] = 1
    >>> array
    array([1., 0.])
    """
    array = ndarray
    if not is_real_array(array):
        raise TypeError(
            f"from_numpy expects an array of numbers or booleans, got {getattr(array, 'dtype', type(array).__name__)}."
        )
    result: Tensor = wrap(array if array.dtype.isnative else array.astype(native(array.dtype)))
    result.memory.shared = True
    return result


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor over the memory of another library's array, which is not copied: PyTorch's, JAX's, Arrow's, NumPy's.

    What the other library holds to be read-only cannot be changed in place: change ``x.clone()``.

    Args:
        ext_tensor: whatever has ``__dlpack__``.

    Raises:
        TypeError: for what has no ``__dlpack__``, or holds no real numbers.

    >>> array = np.zeros(2)
    >>> mg.from_dlpack(array)[0] = 1
    >>> array
    array([1., 0.])
    """
    if not hasattr(ext_tensor, "__dlpack__"):
        raise TypeError(f"from_dlpack expects an array with __dlpack__, got {a_type(ext_tensor)}: use mg.tensor(...).")
    if isinstance(ext_tensor, ndarray):
        return from_numpy(ext_tensor)  # by DLPack it would be read-only with NumPy 2.0
    return from_numpy(np.from_dlpack(ext_tensor))


def is_real_array(value: Any) -> bool:
    """Whether it is one of NumPy's arrays, of real numbers or booleans."""
    return isinstance(value, ndarray) and value.dtype.kind in REAL
