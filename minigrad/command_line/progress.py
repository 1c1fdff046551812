"""A progress bar while something runs, and lines above it."""

from __future__ import annotations

import sys
from typing import Any

from .output import complain, say

DELAY = 1.0
"""Seconds after which a bar is shown."""


class Plain:
    """What is shown without tqdm: the lines, no bar."""

    def __init__(self, total: int, unit: str) -> None:
        pass

    def update(self) -> None:
        """One more step is done."""

    def write(self, line: str) -> None:
        """Print a line."""
        say(line)

    def clear(self) -> None:
        """Make room for lines that others print."""

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
            "disable": None,
            "file": sys.stderr,
            "mininterval": 0.1,
            "delay": DELAY,
        }
        self.bar: Any = tqdm(total=total, unit=unit, **shown)

    def update(self) -> None:
        self.bar.update()

    def write(self, line: str) -> None:
        self.bar.clear()
        say(line)
        if self.bar.format_dict["elapsed"] >= DELAY:
            self.bar.refresh()

    def clear(self) -> None:
        self.bar.clear()

    def close(self) -> None:
        self.bar.close()


def progress(total: int, unit: str, quiet: bool = False) -> Plain:
    """A bar of ``total`` steps, or nothing; without tqdm only lines, and one that says how to get the bar."""
    if quiet:
        return Quiet(total, unit)
    try:
        return Bar(total, unit)
    except ImportError:
        if sys.stderr.isatty():
            complain("no progress bar: tqdm is missing, get it with pip install tqdm")
        return Plain(total, unit)
