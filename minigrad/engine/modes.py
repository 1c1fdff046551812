"""What each thread is doing: whether it records, in which call, and how carefully.

Every switch here is per thread, can be nested, and is restored when its block ends, also by an
exception. Each works as a context manager and as a decorator.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class _State(threading.local):
    recording = True
    anomaly = False
    scope: Scope | None = None


state = _State()


class Scope:
    """One call of a module: which module (``owner``, a weak reference) and from which call.

    Two calls of the same module have two scopes, so a picture can tell them apart.
    """

    __slots__ = ("outer", "owner")

    def __init__(self, owner: Callable[[], Any], outer: Scope | None) -> None:
        self.owner = owner
        self.outer = outer

    def __str__(self) -> str:
        """The path from the outermost module, e.g. ``net.2 (BatchNorm1d)``."""
        owners = [scope.owner() for scope in self.chain()]
        names = [
            "?" if outer is None or inner is None else outer.name_of(inner)
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


def where() -> str:
    """`` in net.2 (BatchNorm1d)`` inside a module's call, else nothing: for error messages."""
    return f" in {state.scope}" if state.scope else ""


class _Switch:
    """Sets one field of the thread's state for the length of a block or of a function."""

    field = "recording"

    def __init__(self, value: bool) -> None:
        self.value = value
        self.before: list[bool] = []

    def __enter__(self) -> None:
        self.before.append(getattr(state, self.field))
        setattr(state, self.field, self.value)

    def __exit__(self, *exception: object) -> None:
        setattr(state, self.field, self.before.pop())

    def __call__(self, function: Function) -> Function:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with type(self)(self.value):
                return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]


class set_grad_enabled(_Switch):
    """Record operations on tensors that require grad, or do not: ``with set_grad_enabled(False):``."""


class no_grad(set_grad_enabled):
    """Do not record operations: results never require grad, and in-place changes are free.

    >>> with mg.no_grad():
    ...     parameter -= learning_rate * parameter.grad
    """

    def __init__(self, value: bool = False) -> None:
        super().__init__(value)


class enable_grad(set_grad_enabled):
    """Record operations again, inside a ``no_grad`` block."""

    def __init__(self, value: bool = True) -> None:
        super().__init__(value)


class detect_anomaly(_Switch):
    """Trace a NaN to its origin: slow, for debugging.

    While it is on, every operation remembers the line of code that called it, and ``backward``
    raises ``RuntimeError`` at the first gradient that turns NaN, naming the operation, its
    module and that line. Errors in ``backward`` name the line, too.
    """

    field = "anomaly"

    def __init__(self, value: bool = True) -> None:
        super().__init__(value)


def is_grad_enabled() -> bool:
    """Whether this thread records operations now."""
    return state.recording
