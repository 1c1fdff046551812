"""Calls of modules: which module an operation belongs to, for pictures and error messages."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from .modes import current


class Settings:
    """The plain values among a module's attributes (mode, momentum): never changed, only replaced by new ones.

    So a call keeps those it found by a reference, and a picture drawn later says them.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def __deepcopy__(self, memo: Any) -> Settings:
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and self.typed() == other.typed()

    __hash__ = None  # type: ignore[assignment]

    def typed(self) -> dict[str, Any]:
        """The values with their types: 1 is not True here."""
        return {name: (type(value), value) for name, value in self.values.items()}


class Scope:
    """One call of a module: which module (``owner``, a weak reference), from which call, with which settings.

    Two calls of the same module have two scopes, so a picture can tell them apart.
    """

    __slots__ = ("outer", "owner", "settings")

    def __init__(self, owner: Callable[[], Any], outer: Scope | None, settings: Settings) -> None:
        self.owner = owner
        self.outer = outer
        self.settings = settings

    def __str__(self) -> str:
        """The path from the outermost module, e.g. ``net.2 (BatchNorm1d)``."""
        owners = [scope.owner() for scope in self.chain()]
        if owners[-1] is None:
            return "a module that is gone"
        names = [
            "?" if outer is None or inner is None else outer._name_of(inner)
            for outer, inner in itertools.pairwise(owners)
        ]
        kind = type(owners[-1]).__name__
        return f"{'.'.join(names)} ({kind})" if names else kind

    def chain(self) -> list[Scope]:
        """The scopes from the outermost call to this one."""
        scopes: list[Scope] = []
        scope: Scope | None = self
        while scope is not None:
            scopes.append(scope)
            scope = scope.outer
        return scopes[::-1]


class Derivative(Scope):
    """What a walk back records of the derivative of the operations ``of`` a call: of the same module, in no call."""

    __slots__ = ("of",)

    def __init__(self, of: Scope, outer: Scope | None) -> None:
        self.owner, self.outer, self.settings, self.of = of.owner, outer, of.settings, of

    def __str__(self) -> str:
        return str(self.of)


class Derivatives(dict[Scope | None, Scope | None]):
    """The scopes of derivatives by those of calls, nested like them inside of the call that a walk back began in."""

    def __init__(self, outside: Scope | None) -> None:
        around = outside.chain() if outside else ()
        super().__init__(dict.fromkeys([None, *around], outside))

    def __missing__(self, scope: Scope) -> Scope:
        found = self[scope] = Derivative(scope, self[scope.outer])
        return found


def call_path() -> str:
    """`` in net.2 (BatchNorm1d)`` inside a module's call, else nothing: for error messages."""
    scope = current().calls.scope
    return f" in {scope}" if scope else ""
