"""The functions that users call, and where they find them. Each is registered where it is defined."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class Face(NamedTuple):
    """A function that users call."""

    function: Callable[..., Any]
    places: frozenset[str]
    numpy: dict[Callable[..., Any], Callable[..., Any]]
    """For functions of NumPy's how they call it."""


FACES: dict[str, Face] = {}
"""Every function that users call, by name."""

PLACES = {"function", "method", "functional", "module"}
"""The package, tensors, ``nn.functional``, a layer of ``nn``."""


def public(
    faces: str, numpy: dict[Callable[..., Any], Callable[..., Any]] | None = None, aliases: str = ""
) -> Callable[[Function], Function]:
    """Make a function, or an operation, one that users call; returns it.

    Args:
        faces: where they find it: ``function`` (of the package), ``method`` (of tensors), ``functional``
            (``nn.functional``), ``module`` (a layer of ``nn``).
        numpy: functions of NumPy's that call it for tensors, each with a function of it and of NumPy's parameters.
        aliases: other names of it.
    """
    places = frozenset(faces.split())
    if not places <= PLACES:
        raise ValueError(
            f"there are no faces {', '.join(sorted(places - PLACES))}: there are {', '.join(sorted(PLACES))}."
        )

    def register(function: Function) -> Function:
        calls: dict[Any, Any] = {theirs: partial(call, function) for theirs, call in (numpy or {}).items()}
        for name in (function.__name__, *aliases.split()):
            FACES[name] = Face(function, places, calls)
        return function

    return register
