"""``Typed``: functions, arguments and indices of a program as they are typed in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray
from numpy.lib.stride_tricks import sliding_window_view

from .naming import UniqueNames, identifier
from .program import Value


class Typed:
    """Writes the parts of calls.

    Args:
        unique: the names that are taken.

    Attributes:
        given: the objects that the text uses by name, because they cannot be written down.
    """

    def __init__(self, unique: UniqueNames) -> None:
        self.unique = unique
        self.given: dict[str, Any] = {}
        self.is_numpy = True
        """Whether the call that is being written is NumPy's, which takes a class for a dtype."""

    def value(self, value: Value) -> str:
        """The text for a value."""
        raise NotImplementedError

    def object_name(self, thing: Any, word: str) -> str:
        """A name for an object that cannot be written down: a function of the host, a generator."""
        for name, known in self.given.items():
            if known is thing:
                return name
        name = self.unique.new(identifier(word))
        self.given[name] = thing
        return name

    def function(self, function: Any) -> str:
        """A function by its name in NumPy, or by the name under which it is given."""
        owner = getattr(function, "__self__", None)
        word = getattr(function, "__name__", type(function).__name__)
        if isinstance(owner, np.ufunc):
            return f"np.{owner.__name__}.{word}"
        if getattr(np, word, None) is function:
            return f"np.{word}"
        if function is sliding_window_view:
            return "np.lib.stride_tricks.sliding_window_view"
        return self.object_name(function, word.strip("_<>") or "function")

    def knows(self, function: Any) -> None:
        """Note whose function is called: NumPy's take a class for a dtype."""
        is_method = getattr(function, "__objclass__", None) is ndarray
        self.is_numpy = is_method or self.function(function).startswith("np.")

    def index(self, index: Any) -> str:
        """What stands in brackets."""
        parts = index if isinstance(index, tuple) and index else (index,)
        return ", ".join(map(self.index_part, parts)) + "," * (isinstance(index, tuple) and len(index) == 1)

    def index_part(self, part: Any) -> str:
        """One part of what stands in brackets."""
        if type(part) is not slice:
            return self.argument(part)
        ends = ["" if end is None else self.argument(end) for end in (part.start, part.stop)]
        return ":".join(ends) + ("" if part.step in (None, 1) else f":{self.argument(part.step)}")

    def argument(self, value: Any) -> str:
        """An argument as it is typed."""
        if isinstance(value, Value):
            return self.value(value)
        if type(value) is slice:
            return f"slice({self.argument(value.start)}, {self.argument(value.stop)}, {self.argument(value.step)})"
        if isinstance(value, tuple):
            return f"({', '.join(map(self.argument, value))}{',' * (len(value) == 1)})"
        if isinstance(value, list):
            return f"[{', '.join(map(self.argument, value))}]"
        if value is Ellipsis:
            return "..."
        if value is None or isinstance(value, (bool, int, str)):
            return repr(value)
        if isinstance(value, (float, np.floating, np.integer, np.bool)):
            return number(value)
        if isinstance(value, np.dtype) and value.isbuiltin:
            return f"np.{value.name}" if self.is_numpy else f"np.dtype(np.{value.name})"
        if isinstance(value, type) and issubclass(value, np.generic):
            return f"np.{value.__name__}"
        return self.object_name(value, type(value).__name__)


def number(value: Any) -> str:
    """A number of Python's, or of NumPy's with its dtype."""
    plain = value.item() if isinstance(value, np.generic) else value
    text = repr(plain) if np.isfinite(value) else f"float({str(plain)!r})"
    return f"np.{value.dtype.name}({text})" if isinstance(value, np.generic) else text
