"""A progress bar while something runs, and lines above it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from .output import complain, say, terminal

DELAY = 1.0
"""Seconds after which a bar is shown."""
LOOK = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {unit}s [{elapsed}<{remaining}]"
"""What a bar says: at 40 columns, too, the time that is left."""
BEHIND = len("^C^C") + 1
"""Columns behind a bar, for Ctrl-C that terminals show there, and which would else begin a new line."""


QUIET = ContextVar("QUIET", default=False)
"""Whether the command was asked to show no progress."""


class Plain:
    """What is shown without tqdm: the lines, no bar."""

    def __init__(self, total: int, unit: str) -> None:
        pass

    def update(self, steps: int = 1) -> None:
        """One more step is done, or so many."""

    def write(self, line: str) -> None:
        """Print a line."""
        say(line)

    def above(self, lines: Iterable[str]) -> Iterator[str]:
        """The lines, which others print, above the bar."""
        yield from lines

    def close(self) -> None:
        """Remove the bar."""


class Quiet(Plain):
    """What is shown with ``--quiet``: nothing."""

    def write(self, line: str) -> None:
        pass


class Bar(Plain):
    """A bar by tqdm with the time that is left, on terminals only and after a second; lines are printed above it."""

    def __init__(self, total: int, unit: str) -> None:
        from tqdm import tqdm

        shown: dict[str, Any] = {
            "leave": False,
            "disable": not terminal(sys.stderr),
            "file": sys.stderr,
            "mininterval": 0.1,
            "delay": DELAY,
            "dynamic_ncols": True,
            "bar_format": LOOK,
        }
        self.bar: Any = tqdm(total=total, unit=unit, **shown)
        self.bar.dynamic_ncols = room

    def update(self, steps: int = 1) -> None:
        self.bar.update(steps)

    def write(self, line: str) -> None:
        for each in self.above([line]):
            say(each)

    def above(self, lines: Iterable[str]) -> Iterator[str]:
        self.remove()
        yield from lines
        if self.shown():
            self.bar.refresh()

    def close(self) -> None:
        self.remove()
        self.bar.close()

    def remove(self) -> None:
        """Remove the bar from the screen, if it is there, and ^C behind it."""
        if self.shown():
            columns, _ = room(sys.stderr)
            with contextlib.suppress(OSError):
                print(f"\r{' ' * (columns + BEHIND - 1)}\r", end="", file=sys.stderr, flush=True)

    def shown(self) -> bool:
        """Whether there is a bar by now."""
        return not self.bar.disable and self.bar.format_dict["elapsed"] >= DELAY


def room(stream: Any) -> tuple[int, int]:
    """Columns for a bar, and rows of a terminal."""
    columns = rows = 0
    with contextlib.suppress(OSError):  # a terminal that has gone
        columns, rows = os.get_terminal_size(stream.fileno())
    return (columns or 80) - BEHIND, rows or 24


def progress(total: int, unit: str, quiet: bool | None = None) -> Plain:
    """A bar of ``total`` steps, or nothing; without tqdm only lines, and one that says how to get the bar."""
    if QUIET.get() if quiet is None else quiet:
        return Quiet(total, unit)
    try:
        return Bar(total, unit)
    except ImportError:
        if terminal(sys.stderr):
            complain("no progress bar: tqdm is missing, get it with pip install tqdm")
        return Plain(total, unit)
