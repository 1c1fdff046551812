"""PyTorch's older names of tensors of one dtype: ``FloatTensor(2, 3)``, ``LongTensor([1, 2])``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.arguments import a_type
from ..engine.errors import InvalidTypeError
from ..engine.node import Variable, wrap
from .conversion import array_from
from .creation.arguments import new_shape

if TYPE_CHECKING:
    from .tensor import Tensor


class TensorOf:
    """Makes tensors of one dtype: zeros of a shape, or a copy of a list, an array or a tensor.

    Args:
        data: lengths, ``FloatTensor(2, 3)``, or values, ``FloatTensor(values)``.

    ``isinstance(x, mg.FloatTensor)`` asks for the dtype, ``x.type(mg.FloatTensor)`` converts.

    >>> mg.FloatTensor(2, 3).shape, mg.LongTensor([3, 1, 2])
    ((2, 3), tensor([3, 1, 2]))
    >>> isinstance(mg.ones(2), mg.DoubleTensor)
    False
    """

    def __init__(self, name: str, dtype: str) -> None:
        self.__name__, self.dtype = name, np.dtype(dtype)

    def __call__(self, *data: Any) -> Tensor:
        """Zeros of a shape, ``FloatTensor(2, 3)``, or the values of ``FloatTensor(values)``."""
        if all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in data):
            return wrap(np.zeros(new_shape(self.__name__, data or (0,), None, None), self.dtype))
        if len(data) != 1 or isinstance(data[0], (bool, float, np.generic)):
            raise InvalidTypeError(
                f"{self.__name__} takes lengths or one list, array or tensor, got {a_type(data[0])}."
            )
        return wrap(array_from(data[0], self.dtype))

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, Variable) and value.dtype == self.dtype

    def __repr__(self) -> str:
        return f"<class 'minigrad.{self.__name__}'>"


DTYPES = {
    "BoolTensor": "bool", "ByteTensor": "uint8", "CharTensor": "int8", "ShortTensor": "int16", "IntTensor": "int32",
    "LongTensor": "int64", "HalfTensor": "float16", "FloatTensor": "float32", "DoubleTensor": "float64",
}  # fmt: skip
"""The dtype by PyTorch's name of its tensors."""

NAMES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
"""The name by dtype."""


def typed(dtype: Any) -> Any:
    """What ``x.type(...)`` is given as a dtype: one of the names above, also as text with a dot, stands for its own."""
    if isinstance(dtype, TensorOf):
        return dtype.dtype
    if isinstance(dtype, str):
        return DTYPES.get(dtype.rpartition(".")[2], dtype)
    return dtype


BoolTensor, ByteTensor, CharTensor, ShortTensor, IntTensor, LongTensor, HalfTensor, FloatTensor, DoubleTensor = (
    TensorOf(name, dtype) for name, dtype in DTYPES.items()
)

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor", "LongTensor",
    "ShortTensor",
]  # fmt: skip
