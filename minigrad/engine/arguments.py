"""Arguments that must be numbers or switches: made Python's own, or refused."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from .errors import InvalidValueError
from .modes import current
from .node import Variable, array_of, describe, written

Value = TypeVar("Value")


def detached(value: Value) -> Value:
    """An argument by which nothing is differentiated.

    Raises:
        RuntimeError: for a tensor of a graph, while operations are recorded.
    """
    if isinstance(value, Variable) and value.node is not None and current().recording:
        raise RuntimeError(
            f"a tensor {describe(value)} that requires grad is used as a plain number, which would lose its graph: "
            "pass its value, x.item() or x.detach()."
        )
    return value


def real(value: Any, allowed: Callable[[float], bool], message: str, shown: Any = None) -> int | float:
    """A real number as Python's own, whatever kind of number (also an array or a tensor without axes) it was.

    Args:
        value: the argument.
        allowed: whether a finite number will do; false for NaN.
        message: for errors, the argument's name and which numbers it may be.
        shown: what errors say was given, by default ``value``.

    Raises:
        RuntimeError: for a tensor of a graph, while operations are recorded.
        ValueError: for anything that is no real number, a boolean too, and for numbers that are not finite or allowed.
    """
    is_array = isinstance(value, (Variable, np.ndarray))
    given = f"got {describe(value) if is_array and value.shape else repr(value if shown is None else shown)}."
    if is_array and value.shape == ():
        value = array_of(detached(value)).item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InvalidValueError(f"{message}, {given}")
    try:
        number = float(value)
    except OverflowError:  # an integer or a fraction
        number = math.inf
    if math.isinf(number):
        raise InvalidValueError(f"{message}, and finite, {given}")
    if not allowed(number):  # NaN never is
        raise InvalidValueError(f"{message}, {given}")
    return int(value) if isinstance(value, int) else number


def a_type(value: Any) -> str:
    """The type of a value behind its article, for messages: "an int"."""
    name = type(value).__name__
    if value is None:
        return "None"
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"


def whole(value: Any, least: int, message: str) -> int:
    """An integer of at least ``least`` as Python's own.

    Raises:
        ValueError: for anything else, a boolean too; ``message`` is the argument's name and what it may be.
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise InvalidValueError(f"{message}, got {written(value)}.")
    return int(value)


def switch(value: Any, name: str) -> bool:
    """True or False as Python's own; also NumPy's, or 0 or 1.

    Raises:
        ValueError: for anything else, such as text, all of which Python takes for true.
    """
    if not isinstance(value, (int, np.bool_)) or value not in (0, 1):
        raise ValueError(f"{name} must be True or False, got {value!r}.")
    return bool(value)


def entries(state: Any, names: Sequence[str], message: str) -> list[Any]:
    """The values under ``names`` in a saved state.

    Raises:
        ValueError: for what is no dict or lacks one of them; ``message`` is what it should be the state of.
    """
    if not isinstance(state, Mapping):
        raise ValueError(f"{message}: expected the dict that state_dict() returned, got {a_type(state)}.")
    missing = [name for name in names if name not in state]
    if missing:
        raise ValueError(f"{message}: it has no {', '.join(missing)}. Load what state_dict() returned.")
    return [state[name] for name in names]


def seeded(seed: Any) -> np.random.Generator:
    """A new generator from a seed.

    Raises:
        ValueError: unless it is an integer of at least 0.
    """
    return np.random.default_rng(whole(seed, 0, "seed must be an integer of at least 0"))


def not_negative(number: float) -> bool:
    """Whether a number is at least 0."""
    return number >= 0


def below_one(number: float) -> bool:
    """Whether a number is at least 0 and less than 1."""
    return 0 <= number < 1
