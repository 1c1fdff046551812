"""Runs foreign code in a copy of this process, so that it may crash or hang there."""

from __future__ import annotations

import os
import select
import signal
import time
import warnings
from collections.abc import Callable


class CrashedError(Exception):
    """The copy has ended without a result; the message says how."""


def isolated(work: Callable[[], bytes], seconds: float) -> bytes:
    """What a function returns; where processes cannot be copied, it is called as it is.

    Raises:
        CrashedError: if it crashed, or took longer than that.
        ValueError: with the message of what it has raised.
    """
    if not hasattr(os, "fork"):
        return work()
    reading, writing = os.pipe()
    with warnings.catch_warnings():  # other threads are not needed in the copy
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        answer(work, writing)
    os.close(writing)
    try:
        result = read_all(reading, time.monotonic() + seconds)
        if result is None:
            raise CrashedError(f"it has not finished in {seconds:g} s")
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if not result:
        cause = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "no result"
        raise CrashedError(f"it crashed ({cause})")
    if result[:1] == b"-":
        raise ValueError(result[1:].decode(errors="replace"))
    return result[1:]


def answer(work: Callable[[], bytes], writing: int) -> None:
    """The life of the copy: one answer, and nothing of what this process would do at its end."""
    try:
        try:
            result = b"+" + work()
        except Exception as error:
            result = b"-" + str(error).encode()
        with open(writing, "wb") as stream:
            stream.write(result)
    finally:
        os._exit(0)


def read_all(reading: int, deadline: float) -> bytes | None:
    """What comes until the other end is closed; None if it is not by then."""
    parts = []
    while True:
        ready, _, _ = select.select([reading], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return None
        parts.append(os.read(reading, 1 << 20))
        if not parts[-1]:
            return b"".join(parts)
