"""The command's own process: settings that must be made before NumPy is imported.

They are made for the command ``minigrad`` alone, never in a process that imports the library.
"""

from __future__ import annotations

import os
import sys

SETTINGS = {"OPENBLAS_NUM_THREADS": "1"}
"""Toy nets have products too small for two threads: they gain nothing, and as soon as another process
wants a core they wait for each other, which makes a step up to a hundred times slower."""


def restart_with_settings() -> None:
    """Run the same command again, in this process's place, with the settings the user has not made."""
    missing = {name: value for name, value in SETTINGS.items() if name not in os.environ}
    if missing and os.name == "posix":
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **missing})
