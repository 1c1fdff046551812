"""What ends training early: Ctrl-C, or numbers that are not finite. One line says so, after what was finished."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from .errors import CommandError
from .output import complain


class DivergenceError(ArithmeticError):
    """A loss is not finite."""


def finite(value: float, what: str, where: str) -> float:
    """The value.

    Raises:
        DivergenceError: if it is not finite, saying ``what`` it is, and ``where`` in the training.
    """
    if not math.isfinite(value):
        raise DivergenceError(f"the {what} is {value} {where}")
    return value


def diverged(error: DivergenceError, lr: float) -> CommandError:
    """The end of a run that diverged, with the cure."""
    return CommandError(f"{error}: start again with an --lr below {lr:g}.", code=1)


def finishing() -> None:
    """Say at once after Ctrl-C why the command still takes seconds to end."""
    complain("stopping: first what was finished is drawn; Ctrl-C again leaves that out")


@contextlib.contextmanager
def collected_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """The warnings of the library, to be said at the end; NumPy's about overflow are dropped."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        yield caught


def distinct(caught: Sequence[warnings.WarningMessage]) -> list[str]:
    """The text of the first warning from each place in the code."""
    return list({(w.filename, w.lineno): str(w.message) for w in reversed(caught)}.values())[::-1]
