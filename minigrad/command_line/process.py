"""The command's own process: settings that must be made before NumPy is imported.

They are made for the commands that train, never in a process that imports the library.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from .. import _starting
from ..benchmarks import blas
from ..compile.native import cache
from ..io.atomic import replacing

RESTARTS = os.name == "posix"
"""Whether a process can be replaced here."""


def settings() -> dict[str, str]:
    """The settings of the command's own process that the user has not made.

    Toy nets have products too small for two threads: they gain nothing, and as soon as another process
    wants a core they wait for each other, which makes a step up to a hundred times slower. Kernels
    other than those that the BLAS chose are taken only where ``minigrad doctor`` measured that it pays.
    """
    if not blas.configuration():  # another BLAS, with other variables
        return {}
    found = {} if any(name in os.environ for name in blas.OPENBLAS_THREADS) else {"OPENBLAS_NUM_THREADS": "1"}
    kernels = blas.alternative()
    if kernels and remembered().get(machine(), 0.0) >= blas.PAYS:
        found |= kernels
    return found


def restart_with_settings() -> None:
    """Run the same command again, in this process's place, with the settings the user has not made."""
    missing = settings()
    if missing and RESTARTS:
        if blas.KERNELS in missing:
            print(f"with {blas.KERNELS}={missing[blas.KERNELS]}, as minigrad doctor found", flush=True)
        _starting.hold()
        try:
            os.execve(sys.executable, sys.orig_argv, {**os.environ, **missing})
        finally:
            _starting.release()


def heed_termination() -> None:
    """Let SIGTERM, by which systems that run jobs end them, do what Ctrl-C does, unless it is ignored."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


# -- what the doctor found ---------------------------------------------------------------------


def memory() -> Path:
    """The file in the user's cache folder that keeps, for each machine, the gain of other kernels."""
    return cache.user_folder() / "blas.json"


def machine() -> str:
    """All that the gain depends on: the processor, NumPy, and its BLAS with the kernels in use."""
    return f"{blas.processor()}; NumPy {np.__version__}; {blas.configuration()}"


def remembered() -> dict[str, float]:
    """The gains by machine; none if the file is missing, damaged or something else."""
    try:
        content = json.loads(memory().read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    gains = content.items() if isinstance(content, dict) else ()
    return {machine: gain for machine, gain in gains if isinstance(gain, float)}


def remember(gain: float) -> Path:
    """Keep the gain measured on this machine; returns the file.

    Raises:
        OSError: if it cannot be written.
    """
    if not memory().is_absolute():
        raise OSError("this user has no home folder")
    gains = {**remembered(), machine(): gain}
    memory().parent.mkdir(parents=True, exist_ok=True)
    with replacing(memory()) as file:
        file.write(json.dumps(gains, indent=1).encode())
    return memory()
