"""Standard output and standard error, which can be full or closed."""

from __future__ import annotations

import contextlib
import os
import sys

from .errors import CommandError


def say(line: str) -> None:
    """Print a line at once.

    Raises:
        BrokenPipeError: if nobody reads it any more.
        CommandError: if it cannot be written for another reason.
    """
    try:
        print(line, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(
            f"cannot write to standard output: {error.strerror}. Free space there, or send it elsewhere.", code=1
        ) from error


def complain(text: str) -> None:
    """Print a line on standard error, if that is possible."""
    with contextlib.suppress(OSError):
        print(f"minigrad: {text}", file=sys.stderr, flush=True)


def discard_output() -> None:
    """Whatever is still printed goes nowhere: at its end Python would try once more to write it."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
