"""Functions of arrays that stand-ins may take over, as they do NumPy's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..engine.node import is_stand_in


def by_protocol(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that leaves its work to its first argument if that is a stand-in (NumPy's protocol, NEP 18).

    For what cannot be said in NumPy's own functions without writing to a new array.
    """

    @functools.wraps(function)
    def public(array: Any, *args: Any) -> Any:
        if is_stand_in(array):
            return array.__array_function__(public, (type(array),), (array, *args), {})
        return function(array, *args)

    return public
