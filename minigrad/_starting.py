"""Ctrl-C while the command is still being imported is one line, no traceback.

Python imports the package before any module of the command, so there is no ``try`` that could be around it. The
package imports this module first, and it imports as little as possible, because until then the traceback is Python's.
"""

from __future__ import annotations

import os
import signal
import sys


def is_the_command() -> bool:
    """Whether this process is the command, ``minigrad`` or ``python -m minigrad``, not a program with the library."""
    program = (sys.argv or [""])[0]
    if program == "-m":  # as long as the package of the module is being imported
        words = sys.orig_argv
        return "-m" in words and words[words.index("-m") + 1 :][:1] == ["minigrad"]
    return os.path.splitext(os.path.basename(program))[0] == "minigrad"


def guard() -> None:
    """End the process in one line on Ctrl-C, if it is the command; any other process is left as it is."""
    if is_the_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)
        release()


def done() -> None:
    """From now on Ctrl-C is Python's exception, which the command handles."""
    if signal.getsignal(signal.SIGINT) is stop:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    release()


def hold() -> None:
    """Let Ctrl-C wait until ``release``, also beyond the restart of this process, which forgets all handlers."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def release() -> None:
    """Let Ctrl-C that waits, and any other, take effect."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def stop(*_: object) -> None:
    """End the process at once; nothing has been begun that would have to be finished."""
    try:
        os.write(2, b"minigrad: stopped\n")
    finally:
        os._exit(130)


guard()
