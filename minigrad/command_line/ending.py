"""What ends training early: Ctrl-C, or numbers that are not finite. One line says so, after what was finished."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import pictures
from .errors import CommandError
from .output import complain
from .progress import progress


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


def written(
    jobs: Mapping[str, Callable[[Path], Any]], folder: Path, quiet: bool = False
) -> tuple[list[str], list[str], CommandError | None]:
    """Write the files that a run ends with, all that can be; pictures of matplotlib's, PNG, only if it is there.

    Args:
        jobs: by the name of a file what writes it, and may return another path that it has written.
        folder: where they are written.
        quiet: whether there is no bar.

    Returns:
        The names of the files that were written, which pictures are missing, and the error if others are, also after
        Ctrl-C.
    """
    without = [name for name in jobs if pictures.MISSING and name.endswith(".png")]
    missing = [f"no {' '.join(without)}: {pictures.MISSING}"] if without else []
    names: list[str] = []
    failures: dict[str, list[str]] = {}
    bar = progress(len(jobs), "file", quiet)
    try:
        for name in [name for name in jobs if name not in without]:
            try:
                names.append((jobs[name](folder / name) or folder / name).name)
            except Exception as error:  # an optional package may raise anything, and what else is done is to be kept
                kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
                failures.setdefault(f"{kind}{' '.join(str(error).split())}", []).append(name)
            bar.update()
    except KeyboardInterrupt:
        left = [name for name in jobs if name not in (*names, *without)]
        return names, missing, CommandError(f"stopped before the end: no {' '.join(left)}.", code=130)
    finally:
        bar.close()
    said = "; ".join(f"no {' '.join(those)}: {reason}" for reason, those in failures.items())
    return names, missing, CommandError(said, code=1) if failures else None


@contextlib.contextmanager
def collected_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """The warnings of the library, to be said at the end; NumPy's about overflow are dropped."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        yield caught


def distinct(caught: Sequence[warnings.WarningMessage]) -> list[str]:
    """The text of the first warning from each place in the code."""
    return list({(w.filename, w.lineno): str(w.message) for w in reversed(caught)}.values())[::-1]
