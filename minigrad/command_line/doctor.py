"""``minigrad doctor``: what minigrad finds on this machine, and what to do about it."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from .. import __version__
from ..benchmarks import blas
from ..compile.execution import CannotBuild
from ..compile.native import blas as products_of_blas
from ..compile.native import cache, compiler
from ..graph.rendering import RenderingError, render
from . import process
from .progress import progress
from .results import Lines, Result

LABEL, WIDTH = 12, 88
PIP = f"{sys.executable} -m pip"
EXTRAS = {
    "matplotlib": "it draws the curves of minigrad train and compare",
    "pygraphviz": "it renders graphs where there is no program dot",
    "tqdm": "it shows progress bars",
}
"""What can be installed besides, and what for."""
COUNTED = (
    "import mpi4py; from mpi4py import MPI; world, name = MPI.COMM_WORLD, MPI.get_vendor(); "
    "world.rank or print(f'<{world.size}, {mpi4py.__version__} with {name[0]} {\".\".join(map(str, name[1]))}>')"
)
"""What the first of the processes that were started together says, and each if it takes itself for the only one."""


class Finding(NamedTuple):
    """What was found, and what to do about it."""

    label: str
    text: str
    cures: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """Its lines, and under them the cures."""
        first, *others = textwrap.wrap(self.text, WIDTH - LABEL, break_long_words=False, break_on_hyphens=False)
        below = [f"{'':<{LABEL}}{line}" for line in [*others, *(f"-> {cure}" for cure in self.cures)]]
        return [f"{self.label:<{LABEL}}{first}", *below]


Findings: TypeAlias = Iterator[Finding]


def finding(label: str, text: str, *cures: str) -> Findings:
    """A finding."""
    yield Finding(label, text, cures)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad doctor``."""
    command.add_argument("--clear-cache", action="store_true", help="remove what compiled steps were built to, and end")


def run(options: argparse.Namespace) -> Lines:
    """The lines of the findings: what takes long comes last."""
    found: list[Finding] = []
    parts: Sequence[Findings] = (cleared(),) if options.clear_cache else examined()
    bar = progress(len(parts), "part", options.quiet)
    try:
        for part in parts:
            for each in part:
                found.append(each)
                yield from bar.above(each.lines if each.cures or not options.quiet else ())
            bar.update()
    finally:
        bar.close()
    yield Result(findings=[each._asdict() for each in found])


def examined() -> list[Findings]:
    """All that is examined, part by part."""
    extras = [extra(name, use) for name, use in EXTRAS.items()]
    measured = [products(), *[commands()] * process.RESTARTS]
    return [versions(), library(), native(), kept(), renderer(), *extras, ranks(), *measured]


def versions() -> Findings:
    """minigrad, Python, NumPy and what they run on."""
    yield from finding("minigrad", f"{__version__} in {Path(__file__).parents[1]}")
    yield from finding("Python", f"{platform.python_version()}, {sys.executable}")
    yield from finding("NumPy", np.__version__)
    yield from finding("system", f"{platform.system()} {platform.release()}, {platform.machine()}")
    yield from finding("processor", f"{blas.processor()}, {os.cpu_count()} cores")


def library() -> Findings:
    """The BLAS, and the variables that change it."""
    yield from finding("BLAS", blas.describe_blas(blas.blas_in_use()))
    variables = [f"{name}={os.environ[name]}" for name in (blas.KERNELS, *blas.ONE_THREAD) if name in os.environ]
    if variables:
        yield from finding("", f"your environment sets {' '.join(variables)}")
    asked, found = os.environ.get(blas.KERNELS), blas.blas_in_use().kernels
    if asked and found and asked.lower() != found.lower():
        yield from finding("", f"which is not followed: there are no {asked} kernels here", f"unset {blas.KERNELS}")


def renderer() -> Findings:
    """What ``draw`` renders with, tried on a small graph."""
    name = "dot" if shutil.which("dot") else "pygraphviz"
    if name == "pygraphviz" and not find_spec(name):
        cures = f"{PIP} install pygraphviz", "or install your system's package graphviz, which has the program dot"
        yield from finding("renderer", "none: graphs are saved as text, not as pictures", *cures)
        return
    try:
        version = re.search(rb"graphviz version (\S+)", render("digraph { a -> b }", "svg"))
    except RenderingError as error:
        yield from finding("renderer", str(error), f"reinstall {name}")
    else:
        yield from finding("renderer", f"{name}, graphviz {version[1].decode() if version else 'of unknown version'}")


def extra(name: str, use: str) -> Findings:
    """One optional package: present, missing, or broken."""
    try:
        package = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            yield from finding(name, f"broken: {error}", f"{PIP} install {error.name}")
        elif name == "pygraphviz" and shutil.which("dot"):
            yield from finding(name, "missing, and not needed: dot renders the graphs")
        else:
            yield from finding(name, f"missing: {use}", f"{PIP} install {name}")
    except Exception as error:  # the packages' own code: whatever it raises, they cannot be used
        yield from finding(name, f"broken: {error}", f"{PIP} install --force-reinstall {name}")
    else:
        yield from finding(name, getattr(package, "__version__", "of unknown version"))


def ranks() -> Findings:
    """Whether processes can train together: mpi4py, an MPI, and the program that starts them, which have to fit."""
    if not find_spec("mpi4py"):
        use = "it lets processes train together, minigrad.distributed"
        yield from finding("mpi4py", f"missing: {use}", f'{PIP} install "minigrad[distributed]"')
        return
    beside = Path(sys.executable).with_name("mpiexec")
    starter = str(beside) if beside.exists() else shutil.which("mpiexec")
    command = [*([starter, "-n", "2"] if starter else []), sys.executable, "-c", COUNTED]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield from finding("mpi4py", f"{starter} does not start processes: {error}", f"{PIP} install mpich")
        return
    said = re.findall(r"<(\d+), (.*?)>", done.stdout)
    if not said:
        yield from finding("mpi4py", "installed, but no MPI library that it can load", f"{PIP} install mpich")
    elif not starter:
        yield from finding("mpi4py", f"{said[0][1]}, but no mpiexec that starts processes", f"{PIP} install mpich")
    elif said[0][0] != "2":
        text = f"{said[0][1]}, but {starter} is of another MPI: each process would train alone"
        yield from finding("mpi4py", text, f"{PIP} install mpich, and take {beside}")
    else:
        yield from finding("mpi4py", f"{said[0][1]}, started by {starter}")


# -- compiled steps ----------------------------------------------------------------------------


def native() -> Findings:
    """The C compiler of compiled steps, tried now, and what multiplies their matrices."""
    try:
        with warnings.catch_warnings():  # of the cache, which is a finding of its own
            warnings.simplefilter("ignore")
            found = compiler.search()
            compiler.probe(found.command, found.native)
    except CannotBuild as error:
        yield from finding(
            "compiler", f"none, compiled steps run with NumPy: {error.reason}", error.cure or compiler.CURE
        )
        return
    lanes = f"vectors of {found.lanes} float32 numbers"
    yield from finding("compiler", f"{found.name} {found.version}, {shlex.join(found.command)}, {lanes}")
    products = products_of_blas.products()
    if products:
        names = products.names.format("sgemm")
        text = (
            f"products of matrices are those of NumPy's {products.library} ({names}, integers of {products.bits} bits)"
        )
    else:
        text = "products of matrices are its own: NumPy's BLAS has other names here"
    yield from finding("", text)


def kept() -> Findings:
    """The cache of what the compiler has built."""
    trouble = cache.trouble()
    if trouble:
        reason, _, cure = trouble.partition(". ")
        yield from finding("cache", f"not used: {reason}", cure)
    else:
        yield from finding("cache", f"{cache.folder()}, {amount(cache.contents())}, emptied by doctor --clear-cache")


def cleared() -> Findings:
    """Empty the cache, and say so."""
    try:
        yield from finding("cache", f"{cache.folder()}, {amount(cache.clear())} removed")
    except OSError as error:
        yield from finding("cache", f"{error.filename or cache.folder()} cannot be removed: {error.strerror or error}")


def amount(contents: cache.Contents) -> str:
    """How many files, and their size."""
    size = f"{contents.bytes / 1e6:.1f} MB" if contents.bytes >= 1e5 else f"{contents.bytes / 1e3:.0f} kB"
    return f"{contents.files} file{'' if contents.files == 1 else 's'}, {size}"


# -- matrix products ---------------------------------------------------------------------------


def products() -> Findings:
    """How fast matrices are multiplied: as it is, with one thread, and with other kernels."""
    here, alternative = blas.blas_in_use(), blas.alternative()
    settings: dict[str, dict[str, str]] = {"as it is": {}}
    if here.threads != 1:
        settings["one thread"] = blas.ONE_THREAD
    if alternative:
        settings["other kernels"] = alternative
    speeds = blas.measure(settings)
    usual, one, other = (speeds.get(name) for name in ("as it is", "one thread", "other kernels"))
    if usual is None:
        yield from finding("products", f"could not be measured: {sys.executable} fails as a child process")
        return
    text = f"{usual.gflops:.0f} GFLOPS"
    cures: list[str] = []
    if one:
        gain = usual.gain(one)
        text += f" with {here.threads or 'all'} threads, {one.gflops:.0f} with one, a gain of {gain:.2f}"
        if here.threads and gain < 1:
            cures = [f"{setting('OPENBLAS_NUM_THREADS', '1')}, or measure again when nothing else runs"]
    yield from finding("products", f"{text} ({blas.SIZE} x {blas.SIZE})", *cures)
    if other and other.blas.kernels != usual.blas.kernels:
        yield from kernels(usual, other, alternative)


def kernels(usual: blas.Speed, other: blas.Speed, alternative: dict[str, str]) -> Findings:
    """Whether other kernels pay for large products."""
    gain = other.gain(usual)
    text = f"{other.gflops:.0f} GFLOPS with {other.blas.kernels} instead of {usual.blas.kernels} kernels, "
    if gain < blas.PAYS:
        yield from finding("kernels", f"{text}a gain of {gain:.2f}: leave them as they are")
        return
    yield from finding("kernels", f"{text}a gain of {gain:.2f}", *(setting(*item) for item in alternative.items()))
    yield from finding("", "Set it before Python starts. It changes results a little: sums are rounded otherwise.")


def commands() -> Findings:
    """What the commands that train run with: other kernels only if products of a toy net's size gain by them."""
    alternative, size = blas.alternative(), blas.TOY_SIZE
    remarks = []
    if alternative:
        speeds = blas.measure(
            {"one thread": blas.ONE_THREAD, "other kernels": {**blas.ONE_THREAD, **alternative}}, size
        )
        one, other = speeds.get("one thread"), speeds.get("other kernels")
        if one and other and other.blas.kernels != one.blas.kernels:
            gain = other.gain(one)
            remarks.append(f"{other.blas.kernels} kernels: a gain of {gain:.2f} with one thread, {size} x {size}.")
            remarks.append(remembering(gain))
    chosen = " ".join(f"{name}={value}" for name, value in process.settings().items())
    yield from finding("commands", f"minigrad train, compare and bench run with {chosen or 'your settings alone'}")
    for remark in remarks:
        yield from finding("", remark)


def remembering(gain: float) -> str:
    """Remember the gain, and say so."""
    try:
        return f"Remembered in {process.remember(gain)}; set {blas.KERNELS} yourself to have others."
    except OSError as error:
        return f"Not remembered: {str(error).rstrip('.')}. Set XDG_CACHE_HOME to a folder that can be written to."


def setting(name: str, value: str) -> str:
    """The shell's command that sets a variable."""
    return f"{'export' if os.name == 'posix' else 'set'} {name}={value}"
