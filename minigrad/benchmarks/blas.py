"""The BLAS under NumPy: what it is, and how fast it multiplies matrices as it is and with other settings.

Its settings are read when NumPy is loaded. Others are therefore measured in child processes, and the
process that asks stays as it is.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

CORE: Any = importlib.import_module("numpy._core._multiarray_umath")
"""The part of NumPy that is linked to the BLAS, and knows the processor."""
SYMBOLS = ("scipy_openblas_get_{}64_", "scipy_openblas_get_{}", "openblas_get_{}64_", "openblas_get_{}")
"""The names of a question to OpenBLAS: those of NumPy's own wheels, and those of everyone else."""
KERNELS = "OPENBLAS_CORETYPE"
OPENBLAS_THREADS = ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")
"""OpenBLAS takes the first of them that is set."""
ONE_THREAD = dict.fromkeys((*OPENBLAS_THREADS, "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS"), "1")
FALL_ASLEEP = {"OPENBLAS_THREAD_TIMEOUT": "20"}
"""After a product OpenBLAS's threads keep the cores busy for a tenth of a second, which can halve what another
process measures meanwhile; with this, for less than a millisecond."""
AVX512_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}

PAYS = 1.15
"""From this gain on a setting is worth making."""
SIZE, TOY_SIZE, ROUNDS = 1024, 128, 5
SECONDS, PATIENCE = 0.08, 3.0
"""How long one measurement takes, and after how many seconds no further round of them begins."""


class Blas(NamedTuple):
    """A BLAS library; None is what it does not tell."""

    library: str
    version: str
    kernels: str | None
    threads: int | None


# -- what there is -----------------------------------------------------------------------------


def ask_openblas(question: str, kind: str) -> Any:
    """What the OpenBLAS that NumPy has loaded answers to ``openblas_get_<question>``; None if it is another BLAS."""
    try:
        import ctypes  # some builds of Python are without

        # symbols are found through the library that is linked to theirs, but for Windows
        wheel = Path(np.__file__).parents[1].glob("numpy.libs/*openblas*.dll")
        libraries = [ctypes.CDLL(str(file)) for file in (wheel if os.name == "nt" else [CORE.__file__])]
    except (ImportError, OSError):
        return None
    functions = (getattr(library, symbol.format(question), None) for library in libraries for symbol in SYMBOLS)
    function = next(filter(None, functions), None)
    if function is None:
        return None
    function.restype = getattr(ctypes, kind)
    return function()


def configuration() -> str:
    """What OpenBLAS says of its version, its build and the kernels in use; empty if it is another BLAS."""
    return (ask_openblas("config", "c_char_p") or b"").decode()


def blas_in_use() -> Blas:
    """The BLAS of this process."""
    words = configuration().split()
    if words:
        kernels = ask_openblas("corename", "c_char_p")
        threads = ask_openblas("num_threads", "c_int")
        return Blas("OpenBLAS", words[1], kernels and kernels.decode(), threads)
    build: Any = np.show_config(mode="dicts")
    built_with = build.get("Build Dependencies", {}).get("blas", {})
    name, version = built_with.get("name", "unknown BLAS"), built_with.get("version", "unknown")
    return Blas("OpenBLAS" if "openblas" in name else name, version, None, None)


def describe_blas(blas: Blas) -> str:
    """One line for people: ``OpenBLAS 0.3.31, SkylakeX kernels, 1 thread``."""
    version = "" if blas.version == "unknown" else " " + ".".join(blas.version.split(".")[:3])
    kernels = f", {blas.kernels} kernels" if blas.kernels else ""
    threads = f", {blas.threads} thread{'s' if blas.threads > 1 else ''}" if blas.threads else ""
    return f"{blas.library}{version}{kernels}{threads}"


def processor() -> str:
    """The processor's name, with the numbers that tell models apart where the name does not."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        pairs = (line.split(":", 1) for line in itertools.takewhile(str.strip, file) if ":" in line)
        fields = {name.strip(): value.strip() for name, value in pairs}
        if "model name" in fields:
            numbers = ", ".join(
                f"{name.split()[-1]} {fields.get(name)}" for name in ("cpu family", "model", "stepping")
            )
            return f"{fields['model name']} ({numbers})"
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            return subprocess.check_output(command, text=True).strip()
    return platform.processor() or platform.machine()


# -- what may be faster ------------------------------------------------------------------------


def alternative() -> dict[str, str]:
    """The setting that may make this process's BLAS faster and is safe; empty if there is none."""
    return safe_setting(configuration(), getattr(CORE, "__cpu_features__", {}), os.environ)


def safe_setting(configuration: str, features: Mapping[str, bool], environment: Mapping[str, str]) -> dict[str, str]:
    """The kernels for AVX-512, for a processor that has it and an OpenBLAS that can choose but chose others.

    On some AMD processors its choice runs at half of the speed. What the user chose is not touched.
    """
    words = set(configuration.split())
    chose_others = "DYNAMIC_ARCH" in words and not words & AVX512_KERNELS and KERNELS not in environment
    return {KERNELS: "SkylakeX"} if chose_others and features.get("AVX512_SKX") else {}


# -- measuring ---------------------------------------------------------------------------------


class Speed(NamedTuple):
    """The BLAS of a child process, and the GFLOPS of its products in each round."""

    blas: Blas
    rounds: list[float]

    @property
    def gflops(self) -> float:
        """The median."""
        return statistics.median(self.rounds)

    def gain(self, other: Speed) -> float:
        """How many times as fast as ``other`` this is: the median over the rounds."""
        return statistics.median(mine / others for mine, others in zip(self.rounds, other.rounds))


def measure(
    settings: Mapping[str, Mapping[str, str]], size: int = SIZE, done: Callable[[], Any] = lambda: None
) -> dict[str, Speed]:
    """The speed of products of square float32 matrices with each of the settings: variables of the environment.

    The child processes measure in turn, so that a change of the machine's speed meets all. One that
    fails is left out. ``done`` is called after each of ``ROUNDS`` rounds.
    """
    rounds: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        children = {name: stack.enter_context(start(setting, size)) for name, setting in settings.items()}
        for child in children.values():
            ask(child)  # until all of them are up, they disturb each other
        end = time.perf_counter() + PATIENCE
        while len(rounds) < ROUNDS and (not rounds or time.perf_counter() < end):
            rounds.append({name: ask(child) for name, child in children.items()})
            done()
    return {
        name: Speed(Blas(*rounds[0][name][0]), [answers[name][1] for answers in rounds])
        for name in settings
        if all(answers[name] for answers in rounds)
    }


def start(setting: Mapping[str, str], size: int) -> subprocess.Popen[bytes]:
    """A Python that finds the same packages as this one, and answers each line with a measurement."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import answer; answer({size})"
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(
        [sys.executable, "-c", code], env={**FALL_ASLEEP, **os.environ, **setting}, bufsize=0, **pipes
    )


def ask(child: subprocess.Popen[bytes]) -> Any:
    """A child's BLAS and GFLOPS; None if it has failed."""
    assert child.stdin and child.stdout
    try:
        child.stdin.write(b"\n")
        return json.loads(child.stdout.readline())
    except (OSError, ValueError):
        return None


def answer(size: int) -> None:
    """The child's part: measure for each line."""
    matrix = np.linspace(-1, 1, size * size, dtype=np.float32).reshape(size, size)
    product = matrix @ matrix
    for _ in sys.stdin:
        times: list[float] = []
        end = time.perf_counter() + SECONDS
        while not times or time.perf_counter() < end:
            begin = time.perf_counter()
            np.matmul(matrix, matrix, out=product)
            times.append(time.perf_counter() - begin)
        print(json.dumps([blas_in_use(), 2e-9 * size**3 / min(times)]), flush=True)
