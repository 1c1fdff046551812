"""Functions of arrays that stand-ins may take over, as they do NumPy's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..engine.node import is_stand_in


def by_protocol(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that leaves its work to the first argument that is a stand-in (NumPy's protocol, NEP 18).

    For what cannot be said in NumPy's own functions without writing to a new array.
    """

    @functools.wraps(function)
    def public(*args: Any) -> Any:
        stand_in = next(filter(is_stand_in, args), None)
        if stand_in is not None:
            return stand_in.__array_function__(public, (type(stand_in),), args, {})
        return function(*args)

    return public
