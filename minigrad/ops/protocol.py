"""Functions of arrays that stand-ins may take over, as they do NumPy's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..engine.node import is_stand_in

KNOWN: set[Callable[..., Any]] = set()
"""All of them: a program can repeat them."""


def by_protocol(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that leaves its work to a stand-in among its arguments (NumPy's protocol, NEP 18).

    For what cannot be said in NumPy's own functions without writing to a new array.
    """

    @functools.wraps(function)
    def public(*args: Any) -> Any:
        for arg in args:
            for part in arg if type(arg) is tuple else (arg,):
                if is_stand_in(part):
                    return part.__array_function__(public, (type(part),), args, {})
        return function(*args)

    KNOWN.add(public)
    return public
