"""Errors that are what PyTorch's users catch, a RuntimeError, and what NumPy's users catch as well."""

from __future__ import annotations


class InvalidValueError(ValueError, RuntimeError):
    """Shapes or values that an operation cannot take."""


class InvalidTypeError(TypeError, RuntimeError):
    """Kinds of values, or dtypes, that an operation cannot take."""


class InvalidIndexError(IndexError, RuntimeError):
    """An index that is not there."""


def catchable(kind: type[BaseException]) -> type[Exception]:
    """The class of those above for an error of this class of Python's."""
    if issubclass(kind, IndexError):
        return InvalidIndexError
    return InvalidValueError if issubclass(kind, ValueError) else InvalidTypeError
