"""Comparing results in tests: ``mg.testing``.

>>> mg.testing.assert_close(mg.exp(mg.zeros(2)), mg.ones(2))
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from .engine.arguments import a_type
from .engine.node import Variable, array_of

__all__ = ["assert_close"]

TOLERANCES = {"float16": (1e-3, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}
"""Relative and absolute tolerances by dtype, PyTorch's; of other dtypes values must be equal."""


class Settings(NamedTuple):
    """How two values are compared."""

    allow_subclasses: bool
    tolerances: tuple[float, float] | None
    equal_nan: bool
    check_dtype: bool
    check_stride: bool


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None,
    atol: float | None = None, equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True,
    check_layout: bool = True, check_stride: bool = False, msg: str | Callable[[str], str] | None = None,
) -> None:  # fmt: skip
    """Assert that two results are close: ``|actual - expected| <= atol + rtol * |expected|``, and of one shape.

    Args:
        actual, expected: tensors, arrays, numbers or None; or lists, tuples and dicts of them, nested.
        allow_subclasses: whether the types may differ, a parameter and a tensor say.
        rtol, atol: both or neither. By default those of the dtype, the larger ones if there are two: float16 1e-3 and
            1e-5, float32 1.3e-6 and 1e-5, float64 and Python's floats 1e-7 and 1e-7, else 0.
        equal_nan: whether NaN is close to NaN.
        check_device, check_layout: accepted; there is one device and one layout.
        check_dtype: whether dtypes, and the types of numbers, must be the same.
        check_stride: whether strides must be the same.
        msg: the text of the error, or a function of the text it would have.

    Raises:
        AssertionError: if they are not, with the number of elements, the worst of them, and where it is.
        TypeError: for values of other kinds.
        ValueError: if one of ``rtol`` and ``atol`` is missing, or negative.

    >>> mg.testing.assert_close(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 2.000001]))
    >>> mg.testing.assert_close(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 2.1]))
    Traceback (most recent call last):
        ...
    AssertionError: Tensor-likes are not close!
    <BLANKLINE>
    Mismatched elements: 1 / 2 (50.0%)
    Greatest absolute difference: 0.09999990463256836 at index (1,) (up to 1e-05 allowed)
    Greatest relative difference: 0.047619004368509764 at index (1,) (up to 1.3e-06 allowed)
    """
    if (rtol is None) != (atol is None):
        raise ValueError("assert_close: give both rtol and atol, or neither.")
    tolerances = None if rtol is None or atol is None else (rtol, atol)
    if tolerances is not None and not min(tolerances) >= 0:
        raise ValueError(f"assert_close: rtol and atol must be at least 0, got {rtol} and {atol}.")
    settings = Settings(allow_subclasses, tolerances, equal_nan, check_dtype, check_stride)
    found = difference(actual, expected, settings, "")
    if found is not None:
        raise AssertionError(found if msg is None else msg(found) if callable(msg) else msg)


def difference(actual: Any, expected: Any, settings: Settings, place: str) -> str | None:
    """What is wrong with the first pair of values that are not close; None if all are."""
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        return in_mappings(actual, expected, settings, place)
    if is_sequence(actual) and is_sequence(expected):
        if len(actual) != len(expected):
            return located(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", place)
        pairs = ((f"{place}[{i}]", a, b) for i, (a, b) in enumerate(zip(actual, expected)))
        return first(pairs, settings)
    return located(of_values(actual, expected, settings), place)


def is_sequence(value: Any) -> bool:
    """Whether it is compared item by item."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def in_mappings(actual: Any, expected: Any, settings: Settings, place: str) -> str | None:
    """What is wrong with two dicts."""
    missing, additional = set(expected) - set(actual), set(actual) - set(expected)
    if missing or additional:
        keys = [sorted(some, key=repr) for some in (missing, additional)]
        return located(
            "The keys of the mappings do not match:\n"
            f"Missing keys in the actual mapping: {keys[0]}\nAdditional keys in the actual mapping: {keys[1]}",
            place,
        )
    return first(((f"{place}[{key!r}]", actual[key], expected[key]) for key in expected), settings)


def first(pairs: Any, settings: Settings) -> str | None:
    """What is wrong with the first of several pairs, each behind its place."""
    return next((found for place, a, b in pairs if (found := difference(a, b, settings, place))), None)


def located(found: str | None, place: str) -> str | None:
    """A text with the place of the item."""
    return f"{found}\n\nThe failure occurred for item {place}" if found and place else found


def of_values(actual: Any, expected: Any, settings: Settings) -> str | None:
    """What is wrong with two values that are no containers."""
    if actual is None or expected is None:
        return None if actual is expected else f"None mismatch: {actual} is not {expected}"
    arrays = [isinstance(value, (Variable, ndarray, np.generic)) for value in (actual, expected)]
    numbers = [
        isinstance(value, (bool, int, float)) and not isinstance(value, np.generic) for value in (actual, expected)
    ]
    differ = type(actual) is not type(expected)
    if not (all(arrays) or all(numbers)) or (differ and all(arrays) and not settings.allow_subclasses):
        raise TypeError(f"assert_close: {a_type(actual)} and {a_type(expected)} cannot be compared.")
    if all(arrays):
        return of_arrays(np.asarray(array_of(actual)), np.asarray(array_of(expected)), settings)
    if settings.check_dtype and differ:
        return f"The (d)types do not match: {type(actual)} != {type(expected)}."
    return of_elements(np.asarray(actual), np.asarray(expected), settings)


def of_arrays(actual: ndarray, expected: ndarray, settings: Settings) -> str | None:
    """What is wrong with two arrays."""
    facts = [("shape", actual.shape, expected.shape)]
    facts += [("dtype", actual.dtype, expected.dtype)] * settings.check_dtype  # type: ignore[list-item]
    facts += [("stride", actual.strides, expected.strides)] * settings.check_stride
    for name, own, wanted in facts:
        if own != wanted:
            return f"The values for attribute {name!r} do not match: {own} != {wanted}."
    return of_elements(actual, expected, settings)


def of_elements(actual: ndarray, expected: ndarray, settings: Settings) -> str | None:
    """What is wrong with the elements of two arrays of one shape."""
    known = [TOLERANCES.get(x.dtype.name, (0.0, 0.0)) for x in (actual, expected)]
    rtol, atol = settings.tolerances or (max(known[0][0], known[1][0]), max(known[0][1], known[1][1]))
    wrong = ~close(actual, expected, rtol, atol, settings.equal_nan)
    if not wrong.any():
        return None
    absolute, relative = errors(actual[wrong], expected[wrong])
    word = "close" if rtol or atol else "equal"
    allowed = [f" (up to {tolerance} allowed)" if word == "close" else "" for tolerance in (atol, rtol)]
    if not actual.ndim:
        return (
            f"Scalars are not {word}!\n\nExpected {expected.item()} but got {actual.item()}.\n"
            f"Absolute difference: {absolute[0]}{allowed[0]}\nRelative difference: {relative[0]}{allowed[1]}"
        )
    places = np.argwhere(wrong)
    lines = [
        f"Greatest {name} difference: {found[worst]} at index {tuple(places[worst].tolist())}{up_to}"
        for name, found, up_to in zip(("absolute", "relative"), (absolute, relative), allowed)
        for worst in [greatest(found)]
    ]
    count = f"{len(places)} / {actual.size} ({100 * len(places) / actual.size:.1f}%)"
    return "\n".join([f"Tensor-likes are not {word}!\n", f"Mismatched elements: {count}", *lines])


def close(actual: ndarray, expected: ndarray, rtol: float, atol: float, equal_nan: bool) -> Any:
    """Which elements are close; an infinite one only to itself."""
    found = np.asarray(actual == expected)
    if rtol or atol:
        a, b = actual.astype(np.float64), expected.astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            within = np.abs(a - b) <= atol + rtol * np.abs(b)
        found = found | (within & np.isfinite(a) & np.isfinite(b))
    return found | (np.isnan(actual) & np.isnan(expected)) if equal_nan else found


def errors(actual: ndarray, expected: ndarray) -> tuple[list[float], list[float]]:
    """The absolute and the relative differences of elements, in Python's numbers, so that no integer overflows."""
    pairs = [(float(a) if isinstance(a, float) else int(a), b) for a, b in zip(actual.tolist(), expected.tolist())]
    absolute = [abs(a - b) for a, b in pairs]
    return absolute, [d / abs(b) if b else math.nan if d != d else math.inf for d, (_, b) in zip(absolute, pairs)]


def greatest(values: list[float]) -> int:
    """The place of the largest number; NaN is larger than any."""
    return max(range(len(values)), key=lambda i: (math.isnan(values[i]), 0.0 if math.isnan(values[i]) else values[i]))
