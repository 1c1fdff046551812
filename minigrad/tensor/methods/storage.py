"""The memory under a tensor, and its elements one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy import ndarray

from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.node import Variable, array_of, describe, no_tensor, real_array_of
from ...ops.arguments import one_axis
from ..in_place import InPlace


class StorageMethods(InPlace):
    """The methods of a tensor about where and how its elements are kept."""

    __slots__ = ()

    @property
    def itemsize(self) -> int:
        """The bytes of one element."""
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self.array.nbytes

    @property
    def _version(self) -> int:
        """Grows with every change in place of its memory, also through other tensors; 0 before the first."""
        return self.memory.changed

    def element_size(self) -> int:
        """The bytes of one element."""
        return self.array.itemsize

    def stride(self, dim: int | None = None) -> Any:
        """By how many elements neighbours along each axis, or along ``dim``, are apart in memory."""
        strides = tuple(n // self.array.itemsize for n in real_array_of(self.array).strides)
        return strides if dim is None else strides[one_axis(dim, len(strides))]

    def storage_offset(self) -> int:
        """How many elements of the memory it looks at lie before its first one."""
        array = real_array_of(self.array)
        base = array.base if isinstance(array.base, ndarray) else array
        return (address(array) - address(base)) // array.itemsize

    def data_ptr(self) -> int:
        """The address of its first element."""
        return address(real_array_of(self.array))

    def is_contiguous(self) -> bool:
        """Whether its elements lie one after the other in row-major order."""
        return bool(real_array_of(self.array).flags.c_contiguous)

    def is_same_size(self, other: Any) -> bool:
        """Whether ``other``, a tensor, has the same shape."""
        return self.array.shape == array_of(other).shape

    def is_nonzero(self) -> bool:
        """Whether its only element is not 0."""
        if self.array.size != 1:
            raise InvalidValueError(f"the truth of a tensor {describe(self)} is ambiguous: use .any() or .all().")
        return bool(self.array.item())

    def apply_(self, callable: Callable[[Any], Any]) -> Self:
        """Overwrite each element with what a ``callable`` makes of it: slow, as it is called for each one.

        >>> mg.tensor([1.0, 2.0]).apply_(lambda x: x * 10)
        tensor([10., 20.])
        """
        return self._overwrite((), elementwise("apply_", callable, self.array), "apply_")

    def map_(self, tensor: Any, callable: Callable[[Any, Any], Any]) -> Self:
        """Overwrite each element with ``callable(element, element of the other tensor)``; the other one broadcasts.

        >>> mg.tensor([1.0, 5.0]).map_(mg.tensor([4.0, 2.0]), max)
        tensor([4., 5.])
        """
        if not isinstance(tensor, Variable):
            raise InvalidTypeError(f"map_: {no_tensor(tensor)}")
        try:
            other = np.broadcast_to(tensor.array, self.array.shape)
        except ValueError:
            raise InvalidValueError(f"map_: {describe(tensor)} does not broadcast to {describe(self)}.") from None
        return self._overwrite((), elementwise("map_", callable, self.array, other), "map_")


def address(array: ndarray) -> int:
    """The address of the first element of an array."""
    return int(array.__array_interface__["data"][0])


def elementwise(name: str, function: Callable[..., Any], *arrays: ndarray) -> ndarray:
    """The results of a Python function of single elements, in the first array's shape and dtype."""
    if not callable(function):
        raise InvalidTypeError(f"{name}: expected a function of single elements, got {describe(function)}.")
    results = [function(*elements) for elements in zip(*(array.ravel().tolist() for array in arrays))]
    try:
        return np.array(results, arrays[0].dtype).reshape(arrays[0].shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidTypeError(f"{name}: the function must return numbers for {arrays[0].dtype}: {error}.") from error
