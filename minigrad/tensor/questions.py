"""What is asked of values and dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.arguments import a_type
from ..engine.dtypes import category, get_default_dtype
from ..engine.errors import InvalidTypeError
from ..engine.node import Variable, no_tensor
from .conversion import real_dtype

__all__ = ["can_cast", "finfo", "iinfo", "is_complex", "is_floating_point", "is_nonzero", "is_tensor", "numel"]


def of_tensor(input: Any) -> Any:
    """A tensor; anything else is refused."""
    if not isinstance(input, Variable):
        raise InvalidTypeError(no_tensor(input))
    return input


def is_tensor(obj: Any) -> bool:
    """Whether it is a tensor.

    Args:
        obj: anything.

    >>> mg.is_tensor(mg.ones(2)), mg.is_tensor(np.ones(2))
    (True, False)
    """
    return isinstance(obj, Variable)


def is_floating_point(input: Any) -> bool:
    """Whether the elements of a tensor are floats.

    >>> mg.is_floating_point(mg.tensor([1, 2]))
    False
    """
    return of_tensor(input).is_floating_point()


def is_complex(input: Any) -> bool:
    """Whether the elements of a tensor are complex: they never are.

    >>> mg.is_complex(mg.tensor([1.0]))
    False
    """
    return of_tensor(input).is_complex()


def is_nonzero(input: Any) -> bool:
    """Whether the only element of a tensor is not 0.

    >>> mg.is_nonzero(mg.tensor([0.0]))
    False
    """
    return of_tensor(input).is_nonzero()


def numel(input: Any) -> int:
    """How many elements a tensor has.

    >>> mg.numel(mg.ones(2, 3))
    6
    """
    return of_tensor(input).numel()


def can_cast(from_: Any, to: Any) -> bool:
    """Whether values of a dtype become another one without losing their kind: booleans, integers, floats, upwards.

    Args:
        from_, to: dtypes.

    >>> mg.can_cast(mg.int64, mg.float16), mg.can_cast(mg.float32, mg.int64)
    (True, False)
    """
    return category(real_dtype(from_)) <= category(real_dtype(to))


class finfo:
    """The limits of a float dtype, the default one unless given, as Python's numbers.

    Args:
        type: the dtype.

    Raises:
        TypeError: for any other dtype.

    >>> mg.finfo(mg.float32).eps
    1.1920928955078125e-07
    """

    def __init__(self, type: Any = None) -> None:
        dtype = get_default_dtype() if type is None else real_dtype(type)
        if dtype.kind != "f":
            raise InvalidTypeError(f"finfo is for float dtypes, got {dtype}: use mg.iinfo.")
        found = np.finfo(dtype)
        self.bits, self.dtype = int(found.bits), str(dtype)
        self.eps, self.max, self.min = float(found.eps), float(found.max), float(found.min)
        self.tiny = self.smallest_normal = float(found.smallest_normal)
        self.resolution = 10.0**-found.precision

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return f"finfo({', '.join(f'{name}={getattr(self, name):g}' for name in names)}, dtype={self.dtype})"


class iinfo:
    """The limits of an integer dtype.

    Args:
        type: the dtype.

    Raises:
        TypeError: for any other dtype.

    >>> mg.iinfo(mg.int8).max
    127
    """

    def __init__(self, type: Any) -> None:
        if type is None:
            raise InvalidTypeError(f"iinfo needs a dtype, got {a_type(type)}.")
        dtype = real_dtype(type)
        if dtype.kind not in "iu":
            raise InvalidTypeError(f"iinfo is for integer dtypes, got {dtype}: use mg.finfo.")
        found = np.iinfo(dtype)
        self.bits, self.dtype, self.max, self.min = int(found.bits), str(dtype), int(found.max), int(found.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
