"""Lines of the user's program, for messages and warnings."""

from __future__ import annotations

import sys
import traceback
from types import FrameType
from typing import Any

OWN = frozenset((__name__.partition(".")[0], "numpy"))
BETWEEN = frozenset(("contextlib", "functools"))
"""Modules of Python whose functions only pass on."""


def line_outside() -> str:
    """The innermost line of the running program that is not minigrad's own."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in OWN:
            return named_line(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        frame = frame.f_back
    return "an unknown line"


def level_outside() -> int:
    """The ``stacklevel`` by which a warning of whoever asks is one of the innermost line outside of minigrad."""
    level, frame = 0, sys._getframe(1)
    names = OWN | BETWEEN
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in names:
        level, frame = level + 1, frame.f_back
    return level + 1


def raised_outside(error: BaseException) -> BaseException | None:
    """An error, if a function that is not minigrad's raised it, whose traceback helps; else None.

    ``raise Error(reason) from raised_outside(error)`` then shows one traceback, not two that say the same.
    """
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    names = (frame.f_globals.get("__name__", "").partition(".")[0] for frame in frames)
    return error if any(name not in OWN for name in names) else None


def named_line(line: str) -> str:
    """A line, ``"train.py:12"``, as people know it: if it is a notebook's, ``Cell In[3], line 12`` as in tracebacks."""
    file, _, number = line.rpartition(":")
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    name_of = getattr(getattr(shell, "compile", None), "format_code_name", None)
    cell = name_of(file) if name_of else None
    return f"{' '.join(cell)}, line {number}" if cell else line
