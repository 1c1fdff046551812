"""A progress bar while something runs, and lines above it."""

from __future__ import annotations

import sys
from typing import Any

from .output import say


class Plain:
    """What is shown without tqdm: the lines, no bar."""

    def __init__(self, total: int, unit: str) -> None:
        pass

    def update(self) -> None:
        """One more step is done."""

    def write(self, line: str) -> None:
        """Print a line."""
        say(line)

    def close(self) -> None:
        """Remove the bar."""


class Bar(Plain):
    """A bar by tqdm, on terminals only; lines are printed above it."""

    def __init__(self, total: int, unit: str) -> None:
        from tqdm import tqdm

        self.bar: Any = tqdm(total=total, unit=unit, leave=False, disable=None, file=sys.stderr, mininterval=0.1)

    def update(self) -> None:
        self.bar.update()

    def write(self, line: str) -> None:
        self.bar.clear()
        say(line)
        self.bar.refresh()

    def close(self) -> None:
        self.bar.close()


def progress(total: int, unit: str) -> Plain:
    """A bar of ``total`` steps; without tqdm only lines, and one that says how to get the bar."""
    try:
        return Bar(total, unit)
    except ImportError:
        if sys.stderr.isatty():
            print("no progress bar: tqdm is missing, get it with pip install tqdm", file=sys.stderr)
        return Plain(total, unit)
