"""The dtype in which operands are computed together: PyTorch's rules of promotion.

Booleans come before integers, integers before floats: the highest of these categories decides. Within it arrays and
tensors with axes decide, then those without, then Python and NumPy numbers. So ``float32 tensor * 0-d float64 tensor``
is float32, as is ``int64 tensor * 0.5``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .errors import InvalidTypeError
from .node import Variable
from .scope import call_path

float16, float32, float64 = map(np.dtype, (np.float16, np.float32, np.float64))
int8, int64, uint64 = map(np.dtype, (np.int8, np.int64, np.uint64))

NUMPYS_OWN = (int8, float16, float64, uint64)
"""The dtypes of results that NumPy makes of operands of other dtypes, and PyTorch does not."""

CATEGORIES = {"b": 0, "u": 1, "i": 1, "f": 2}
"""The categories of the kinds of dtypes, lowest first."""

WITH_AXES, WITHOUT_AXES, NUMBER = range(3)
"""The ranks of operands, highest first."""

OF_NUMBERS = {bool: np.dtype(np.bool_), int: int64, float: float32}
"""The dtypes of Python's numbers; that of floats is the default dtype."""


def get_default_dtype() -> np.dtype[Any]:
    """The dtype of Python floats, and of new tensors that are told no other: float32 unless it was set.

    >>> mg.get_default_dtype()
    dtype('float32')
    """
    return OF_NUMBERS[float]


def set_default_dtype(d: Any) -> None:
    """Set the dtype of Python floats: of new tensors, parameters, and quotients of integers. What is there stays.

    Args:
        d: float16, float32 or float64.

    Raises:
        TypeError: for any other dtype.

    >>> mg.set_default_dtype(mg.float64)
    >>> mg.tensor(0.5).dtype, (mg.tensor([1, 2]) / 2).dtype
    (dtype('float64'), dtype('float64'))
    >>> mg.set_default_dtype(mg.float32)
    """
    dtype = native(np.dtype(d))
    if d is None or dtype not in (float16, float32, float64):  # NumPy takes None for float64
        raise InvalidTypeError(f"the default dtype must be float16, float32 or float64, got {d}.")
    OF_NUMBERS[float] = dtype


def native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """A dtype in the byte order of this machine, which is that of all tensors."""
    return dtype if dtype.isnative else dtype.newbyteorder("=")


def in_other_dtype(array: Any, dtype: np.dtype[Any]) -> Any:
    """An array in another dtype; NaN, infinities and large floats become some integer, silently as in PyTorch."""
    if dtype.kind not in "iu":
        return array.astype(dtype)
    with np.errstate(invalid="ignore"):
        return array.astype(dtype)


def category(dtype: np.dtype[Any]) -> int:
    """Of booleans, integers or floats; others are refused."""
    try:
        return CATEGORIES[dtype.kind]
    except KeyError:
        raise TypeError(f"expected real numbers or booleans, got {dtype} values.") from None


def promote_types(type1: Any, type2: Any) -> np.dtype[Any]:
    """The smallest dtype that values of both can be converted to, as in PyTorch: of an integer and a float the float.

    PyTorch promotes no integers of 16 and more bits without sign; they follow NumPy here, but stay integers.

    Args:
        type1, type2: dtypes.

    >>> mg.promote_types(mg.int64, mg.float32)
    dtype('float32')
    """
    first, second = np.dtype(type1), np.dtype(type2)
    low, high = category(first), category(second)
    if 2 in (low, high) and low != high:
        return native(first if low > high else second)
    both = np.promote_types(first, second)
    return int64 if both.kind == "f" and high < 2 else both


def result_type(*values: Any) -> np.dtype[Any]:
    """The dtype of an elementwise operation of tensors, arrays and numbers, as in PyTorch.

    Args:
        values: tensors, arrays and numbers. Numbers count by their kind only, tensors without axes less than others.

    >>> mg.result_type(mg.ones(2, dtype=mg.float16), 2.5)
    dtype('float16')
    """
    return combined(frozenset(map(standing, values)))


def standing(value: Any) -> tuple[int, np.dtype[Any]]:
    """The rank and the dtype an operand has a say with."""
    if isinstance(value, (Variable, ndarray)):
        array = value.array if isinstance(value, Variable) else value
        return (WITH_AXES if array.ndim else WITHOUT_AXES), array.dtype
    if isinstance(value, np.generic):
        value = value.item()
    dtype = OF_NUMBERS.get(type(value))
    if dtype is not None:
        return NUMBER, dtype
    array = np.asarray(value)
    return WITH_AXES, OF_NUMBERS[float] if array.dtype == float64 else array.dtype


@functools.lru_cache(maxsize=1024)
def combined(standings: frozenset[tuple[int, np.dtype[Any]]]) -> np.dtype[Any]:
    """The dtype of operands of these ranks and dtypes."""
    result: np.dtype[Any] | None = None
    for rank in (WITH_AXES, WITHOUT_AXES, NUMBER):
        dtypes = [dtype for standing, dtype in standings if standing == rank]
        if not dtypes:
            continue
        together = functools.reduce(promote_types, dtypes[1:], native(dtypes[0]))
        if result is None or category(together) > category(result):
            result = together
    if result is None:
        raise TypeError("result_type needs at least one tensor, array or number.")
    category(result)  # refuses what is no number
    return result


def promoted(values: Sequence[Any]) -> list[Any]:
    """The values in the dtype they are computed in; numbers stay as they are, they widen nothing."""
    dtype = result_type(*values)
    return [converted(value, dtype) for value in values]


def converted(value: Any, dtype: np.dtype[Any]) -> Any:
    """A tensor, array or list in a dtype; a number as it is."""
    if isinstance(value, (list, tuple)):
        return np.asarray(value, dtype)
    return (
        value.astype(dtype) if getattr(value, "dtype", dtype) != dtype and not isinstance(value, np.generic) else value
    )


def refuse_overflow(value: float, dtype: np.dtype[Any]) -> None:
    """Refuse a number that an integer dtype cannot hold; one without sign takes negative integers, as in PyTorch.

    Raises:
        OverflowError: with the number and the dtype.
    """
    limits = np.iinfo(dtype)
    lowest = -limits.max if dtype.kind == "u" and isinstance(value, int) else limits.min
    if not lowest <= value <= limits.max:  # NaN is not
        raise OverflowError(f"{value} does not fit {dtype}, {limits.min} to {limits.max}.")


def wrapped(values: Sequence[Any]) -> list[Any]:
    """The values, numbers that do not fit the integers they meet wrapped around, as in PyTorch.

    Raises:
        OverflowError: for a number of more than 64 bits, and for one that does not fit floats.
    """
    dtype = result_type(*[0 if type(value) is int else value for value in values])
    if dtype.kind == "f":
        raise OverflowError(f"a number does not fit {dtype}.")
    limits = np.iinfo(dtype)
    found = []
    for value in values:
        if type(value) is int:
            if not -(1 << 63) <= value < 1 << 64:
                raise OverflowError("it has more than 64 bits.")
            value = (value - limits.min) % (limits.max - limits.min + 1) + limits.min
        found.append(value)
    return found


def refuse_two_floats(name: str, names: Iterable[str], values: Iterable[Any]) -> None:
    """Refuse operands of a product or layer that are of two float dtypes: computing in the wider would go unnoticed."""
    floats = [(own, value.dtype) for own, value in zip(names, values) if hasattr(value, "dtype")]
    floats = [(own, dtype) for own, dtype in floats if dtype.kind == "f"]
    for other, dtype in floats[1:]:
        if dtype != floats[0][1]:
            raise InvalidTypeError(two_floats(name, *floats[0], other, dtype))


def two_floats(name: str, first: str, dtype: Any, other: str, other_dtype: Any) -> str:
    """What is wrong with two operands of different float dtypes, and the cure."""
    return (
        f"{name}{call_path()}: {first} is {dtype} but {other} is {other_dtype}: convert one, "
        f"x.to(mg.{other_dtype}) or module.to(mg.{dtype})."
    )


def settled(op: Any, array: Any, args: Sequence[Any]) -> Any:
    """A result in PyTorch's dtype if it has none of the arguments'.

    NumPy makes other floats of integers and booleans, squares booleans in int8 and sums integers without sign as such.
    """
    dtype = array.dtype
    if dtype is float32 or dtype not in NUMPYS_OWN:
        return array
    values = [value.array if isinstance(value, Variable) else value for value in args]
    if dtype in [x.dtype if isinstance(x, ndarray) else x for x in values if isinstance(x, (ndarray, np.dtype))]:
        return array
    default = OF_NUMBERS[float]
    if dtype == float16:  # too coarse to compute in
        array = op.compute(*[x.astype(float32) if isinstance(x, ndarray) else x for x in values])[0]
        return array if array.dtype == default else array.astype(default)
    return array.astype(default if dtype == float64 else int64)
