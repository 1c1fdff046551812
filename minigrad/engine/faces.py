"""The functions that users call, and where they find them. Each is registered where it is defined."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

PLACES = {
    "function": "the package",
    "method": "a method of tensors",
    "in_place": "a method of tensors with an underscore behind its name",
    "functional": "``nn.functional``",
    "functional_inplace": "the same, with the argument ``inplace`` behind its own",
    "module": "a layer of ``nn``",
    "linalg": "``linalg``",
    "special": "``special``",
    "distributed": "``distributed`` and ``distributed.nn.functional``",
}
"""Where users find functions."""

FACES: dict[str, dict[str, Callable[..., Any]]] = {place: {} for place in PLACES}
"""In each place the functions that users find there, by name. An operation in place is
listed without its underscore."""

NAMES: dict[CodeType | None, str] = {}
"""What users call a function, by its code, so that an error finds the name on the stack."""

NUMPY: dict[Callable[..., Any], Callable[..., Any]] = {}
"""For each of NumPy's functions that is an operation the one to call for tensors, with NumPy's own arguments."""


def public(
    faces: str,
    numpy: dict[Callable[..., Any], Callable[..., Any]] | None = None,
    aliases: str = "",
    name: str | None = None,
) -> Callable[[Function], Function]:
    """Make a function, or an operation, one that users call; returns it.

    Args:
        faces: where they find it, some of ``PLACES``, separated by spaces.
        numpy: functions of NumPy's that call it for tensors, each with a function of it and of NumPy's parameters.
        aliases: other names of it.
        name: its name for users, its own unless given.
    """
    places = faces.split()
    unknown = sorted(set(places) - set(PLACES))
    if unknown:
        raise ValueError(f"there are no faces {', '.join(unknown)}: there are {', '.join(PLACES)}.")

    def register(function: Function) -> Function:
        own = name or function.__name__
        for place in places:
            FACES[place].update(dict.fromkeys((own, *aliases.split()), function))
        NAMES[getattr(inspect.unwrap(function), "__code__", None)] = own
        NUMPY.update({theirs: partial(call, function) for theirs, call in (numpy or {}).items()})
        return function

    return register


def called() -> str:
    """The operation that the running program called, in front of an error in its arguments: ``"sum: "``."""
    package, name = __name__.partition(".")[0], ""
    for frame, _ in traceback.walk_stack(sys._getframe()):
        if frame.f_globals.get("__name__", "").partition(".")[0] != package:
            break
        if frame.f_code in NAMES:
            name = f"{NAMES[frame.f_code]}: "
    return name
