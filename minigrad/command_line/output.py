"""Standard output and standard error, which can be full or closed, and their colours."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from typing import Any

from .errors import CommandError

COLOURS = {
    re.compile(r"^ *-> .*$|^  Cure: .*$", re.MULTILINE): "36",  # cyan
    re.compile(r"\bwrong: .*$", re.MULTILINE): "31",  # red
    re.compile(r"\bbest after epoch \d+( \([^)]*\))?|\ball right\b"): "32",  # green
}
"""Colours of parts of lines, as the numbers that terminals know them by."""
ERROR = "31"


def say(line: str) -> None:
    """Print a line at once.

    Raises:
        BrokenPipeError: if nobody reads it any more.
        CommandError: if it cannot be written for another reason.
    """
    try:
        print(painted(line) if coloured(sys.stdout) else line, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(
            f"cannot write to standard output: {error.strerror}. Free space there, or send it elsewhere.", code=1
        ) from error


def complain(text: str) -> None:
    """Print a line on standard error, if that is possible."""
    name = colour("minigrad:", ERROR) if coloured(sys.stderr) else "minigrad:"
    with contextlib.suppress(OSError):
        print(f"{name} {text}", file=sys.stderr, flush=True)


def coloured(stream: Any) -> bool:
    """Whether a stream shows colours: a terminal does, unless ``NO_COLOR`` is set or ``TERM`` is ``dumb``."""
    return not os.environ.get("NO_COLOR") and terminal(stream)


def terminal(stream: Any) -> bool:
    """Whether a stream is a terminal on which lines can be replaced and coloured, which one of ``TERM=dumb`` is not.

    There is no stream where it was closed before Python started.
    """
    return stream is not None and os.environ.get("TERM") != "dumb" and bool(stream.isatty())


def painted(line: str) -> str:
    """A line with its colours."""
    for pattern, number in COLOURS.items():
        line = pattern.sub(lambda match, number=number: colour(match[0], number), line)  # type: ignore[misc]
    return line


def colour(text: str, number: str) -> str:
    """A text in a colour."""
    return f"\x1b[{number}m{text}\x1b[0m"


def discard_output() -> None:
    """Whatever is still printed goes nowhere: at its end Python would try once more to write it."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
