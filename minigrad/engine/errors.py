"""Errors that are what PyTorch's users catch, a RuntimeError, and what NumPy's users catch as well."""

from __future__ import annotations


class InvalidValueError(ValueError, RuntimeError):
    """Shapes or values that an operation cannot take."""


class InvalidTypeError(TypeError, NotImplementedError):
    """Kinds of values, or dtypes, that an operation cannot take: a NotImplementedError is a RuntimeError."""


class InvalidDivisorError(ZeroDivisionError, RuntimeError):
    """Integers that are divided by 0."""


class InvalidIndexError(IndexError, RuntimeError):
    """An index that is not there."""


class OutsideError(InvalidIndexError, InvalidValueError):
    """A value that is an index of something not there, a class say: PyTorch's IndexError and NumPy's ValueError."""


class EmptyAxisError(OutsideError):
    """A choice among no elements."""


def catchable(kind: type[BaseException]) -> type[Exception]:
    """The class of those above for an error of this class of Python's, or one of them itself."""
    if issubclass(kind, RuntimeError):
        return kind
    if issubclass(kind, IndexError):
        return InvalidIndexError
    if issubclass(kind, ZeroDivisionError):
        return InvalidDivisorError
    return InvalidValueError if issubclass(kind, ValueError) else InvalidTypeError
