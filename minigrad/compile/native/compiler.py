"""The C compiler of this machine: found, tried once, and used to build shared objects.

``MINIGRAD_CC`` names it, a path or a command with arguments; else it is cc, gcc or clang of ``PATH``, else the one in
the package ziglang. Each is tried by building a library of one function, which tells the version and how many float32
numbers the processor's vectors hold. No flag of the kind of ``-ffast-math`` is given or taken: it would cancel the
corrections that keep sums exact, and a library that is linked with it changes arithmetic in the whole process.
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import shlex
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..execution import CannotBuild as CannotBuild
from . import cache

ctypes: Any
try:
    import ctypes
except ImportError:  # some builds of Python are without
    ctypes = None

COMMANDS = ("cc", "gcc", "clang")
FAST_MATH = {"-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-fassociative-math"}
FLAGS = ("-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-w")
POINTERS = ("-Wno-incompatible-pointer-types",)
"""To compilers of today a pointer to bytes in place of one to floats is an error, which -w does not silence."""
"""Optimisation that changes no result but by fused multiply-add, and no warnings."""
SHARED = ("-shared",) if sys.platform == "win32" else ("-shared", "-fPIC")
MATHEMATICS = () if sys.platform == "win32" else ("-lm",)
THIS_PROCESSOR = ("-march=native", "-mcpu=native", "")
"""How compilers are asked for the instructions of the processor they run on: the first that works."""
SECONDS = 120.0
"""How long a compiler may take."""
PACKAGE = "minigrad[compile]"
INSTALL = {
    "darwin": "Install Apple's (xcode-select --install)",
    "win32": "Install gcc or clang",
}.get(sys.platform, "Install gcc (your system's package gcc, with libc6-dev or glibc-devel)")
CURE = f'{INSTALL}, or {sys.executable} -m pip install "{PACKAGE}", or set MINIGRAD_CC to another compiler.'
PROBE = """
#ifdef __FAST_MATH__
#error it is set to -ffast-math
#endif
#if defined __AVX512F__
#define LANES "16"
#elif defined __AVX__
#define LANES "8"
#elif defined __SSE2__ || defined __ARM_NEON || defined __VSX__
#define LANES "4"
#else
#define LANES "1"
#endif
#if defined __clang__
#define NAME "clang"
#elif defined __GNUC__
#define NAME "gcc"
#else
#define NAME "C compiler"
#endif
#ifdef _WIN32
__declspec(dllexport)
#endif
const char *minigrad_compiler(void) { return NAME "\\n" __VERSION__ "\\n" LANES; }
"""
"""A library that tells what it was built by, and for what."""

hung: dict[tuple[str, ...], str] = {}
"""Compilers that did not end in this process: nobody waits for them a second time."""


class Compiler(NamedTuple):
    """A C compiler that works here."""

    name: str
    """gcc, clang or zig."""
    version: str
    command: tuple[str, ...]
    """The program and the arguments that the user has given it."""
    native: str
    """The flag for the instructions of this processor; empty where none is taken."""
    lanes: int
    """How many float32 numbers a vector of the processor holds."""

    @property
    def path(self) -> str:
        """The program."""
        return self.command[0]

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of every build."""
        return (*FLAGS, *filter(None, [self.native]), *SHARED, *POINTERS)


def found() -> Compiler | None:
    """The compiler of this machine; None if there is none (``search`` says why)."""
    try:
        return search()
    except CannotBuild:
        return None


def search() -> Compiler:
    """The compiler of this machine.

    Raises:
        CannotBuild: if there is none, or the one that ``MINIGRAD_CC`` names does not work.
    """
    return first_working(*(os.environ.get(name, "") for name in ("MINIGRAD_CC", "PATH", "MINIGRAD_CACHE")))


@functools.lru_cache(8)  # not of failures: a compiler may be installed while the process runs
def first_working(asked: str, _path: str, _cache: str) -> Compiler:
    """The first compiler that works, or else why there is none."""
    if ctypes is None:
        raise CannotBuild("this Python has no ctypes", "Install a Python that was built with libffi.")
    if asked.strip():
        try:
            return tried(named(asked))
        except CannotBuild as error:
            cure = error.cure or "Name one that works in MINIGRAD_CC, or unset it."
            raise CannotBuild(f"MINIGRAD_CC is {asked!r}: {error.reason}", cure) from None
    broken = []
    for command in candidates():
        try:
            return tried(command)
        except CannotBuild as error:
            broken.append(error.reason)
    raise CannotBuild(broken[0] if broken else "no C compiler is found", CURE)


# -- where compilers are -----------------------------------------------------------------------


def named(text: str) -> tuple[str, ...]:
    """The command that ``MINIGRAD_CC`` gives: a path, in which spaces are part of it, or a command with arguments.

    Raises:
        CannotBuild: if there is no such program, or it is asked to change arithmetic.
    """
    text = text.strip()
    try:
        words = [text] if shutil.which(text) else shlex.split(text, posix=os.name == "posix")
    except ValueError as error:
        raise CannotBuild(f"it cannot be read ({error})") from None
    program = shutil.which(os.path.expanduser(words[0].strip('"')))
    if program is None:
        raise CannotBuild(f"there is no program {words[0]}")
    fast = FAST_MATH.intersection(words)
    if fast:
        reason = f"{min(fast)} changes arithmetic in the whole process"
        raise CannotBuild(reason, f"Leave {min(fast)} out of MINIGRAD_CC.")
    return (os.path.abspath(program), *words[1:])


def candidates() -> Iterator[tuple[str, ...]]:
    """The commands of compilers that may be here, the best first."""
    seen = set()
    for name in COMMANDS:
        path = shutil.which(name)
        if path and os.path.realpath(path) not in seen and not a_stub(path):
            seen.add(os.path.realpath(path))
            yield (os.path.abspath(path),)
    package = find_spec("ziglang")
    for place in (package.submodule_search_locations or ()) if package else ():
        program = shutil.which("zig", path=place)
        yield (program, "cc") if program else (sys.executable, "-m", "ziglang", "cc")


def a_stub(path: str) -> bool:
    """Whether this is Apple's stand-in for a compiler, which opens a window to ask whether to install one."""
    if sys.platform != "darwin" or os.path.dirname(path) != "/usr/bin":
        return False
    with contextlib.suppress(OSError):
        return subprocess.run(["/usr/bin/xcode-select", "-p"], capture_output=True).returncode != 0
    return True


@functools.cache
def processor() -> str:
    """The processor as far as it decides what code it can run."""
    lines = []
    with contextlib.suppress(OSError), open("/proc/cpuinfo", "rb", buffering=0) as file:
        first = file.read(8192).decode(errors="replace").split("\n\n")[0]  # the cores are alike
        decisive = ("model name", "cpu family", "model", "stepping", "flags", "Features", "CPU ")
        lines = [line for line in first.splitlines() if line.startswith(decisive)]
    features = getattr(np._core._multiarray_umath, "__cpu_features__", {})  # type: ignore[attr-defined]
    known = sorted(name for name, present in features.items() if present)
    system = (sys.platform, platform.machine(), str(struct.calcsize("P")), os.environ.get("PROCESSOR_IDENTIFIER", ""))
    return "\n".join([*system, *known, *lines])


# -- trying them -------------------------------------------------------------------------------


def tried(command: tuple[str, ...]) -> Compiler:
    """A compiler that has built a library here, which could be loaded; remembered until its program changes.

    Raises:
        CannotBuild: if it does not work.
    """
    if command in hung:
        raise CannotBuild(hung[command], "Set MINIGRAD_CC to another compiler.")
    try:
        status = os.stat(command[0])
    except OSError as error:
        raise CannotBuild(f"{command[0]} cannot be found ({error.strerror})") from None
    identity = (*command, str(status.st_mtime_ns), str(status.st_size), processor(), PROBE, *FLAGS)
    key = cache.digest(*identity)
    with contextlib.suppress(TypeError, ValueError):
        name, version, native, lanes = cache.memories().get(key, ())
        return Compiler(str(name), str(version), command, str(native), int(lanes))
    for native in THIS_PROCESSOR:
        try:
            answer = probe(command, native)
        except CannotBuild as error:
            if native and command not in hung:
                continue
            raise CannotBuild(f"{shlex.join(command)} does not work: {error.reason}", error.cure) from None
        name, version, lanes = answer
        compiler = Compiler("zig" if command[1:] == ("cc",) else name, version, command, native, int(lanes))
        cache.remember(key, (compiler.name, version, native, compiler.lanes))
        return compiler
    raise AssertionError("the last way takes no flag")


def probe(command: tuple[str, ...], native: str) -> list[str]:
    """Name, version and lanes of a compiler, from a library that it has built."""
    with cache.workplace() as (place, _):
        compiler = Compiler("", "", command, native, 1)
        library = load(compiled(compiler, PROBE, place))
        function = library.minigrad_compiler
        function.restype = ctypes.c_char_p
        return str(function().decode(errors="replace")).split("\n")


# -- building ----------------------------------------------------------------------------------


def build(source: str, flags: Sequence[str] = (), compiler: Compiler | None = None) -> Any:
    """The shared object of a C source as a ``ctypes.CDLL``, built or from the cache.

    The same source gives the same library in the same process, so it must keep no data of its own that is
    written to. Functions are exported under Windows if they are declared ``__declspec(dllexport)``.

    Args:
        source: C, as gcc and clang take it.
        flags: Further flags, behind those of every build.
        compiler: Another than the one of this machine.

    Raises:
        CannotBuild: if there is no compiler, or it fails, or what it builds cannot be loaded.
    """
    compiler = compiler or search()
    if compiler.command in hung:
        raise CannotBuild(hung[compiler.command], "Set MINIGRAD_CC to another compiler.")
    key = cache.digest(source, compiler.name, compiler.version, *compiler.flags, *flags, processor())
    before = cache.kept(key)
    if before:
        with contextlib.suppress(CannotBuild):  # another process may have removed it in the meantime
            return load(before)
    with cache.workplace() as (place, keeps):
        built = compiled(compiler, source, place, flags)
        return load(cache.keep(key, built) if keeps else built)


def load(path: Path) -> Any:
    """A shared object, loaded."""
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise CannotBuild(
            f"the library that was built cannot be loaded ({error})",
            "Set MINIGRAD_CACHE to a folder that programs can be run from.",
        ) from None


def compiled(compiler: Compiler, source: str, place: Path, flags: Sequence[str] = ()) -> Path:
    """The shared object that a compiler makes of a source in a folder.

    Raises:
        CannotBuild: if it makes none.
    """
    program, library = place / "program.c", place / f"program{cache.SUFFIX}"
    program.write_text(source, encoding="utf-8")
    output = ("-o", library.name, program.name)
    status, said = run((*compiler.command, *compiler.flags, *flags, *output, *MATHEMATICS), compiler.command, place)
    if status:
        raise CannotBuild(f"it ended with status {status}: {complaint(said)}")
    if not library.is_file() or not library.stat().st_size:
        raise CannotBuild("it ended without an error and wrote no library")
    return library


def complaint(text: str) -> str:
    """The line of a compiler's output that says most: the first error, else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines[-1:] or ["no message"])[0][:200]


def run(command: Sequence[str], compiler: tuple[str, ...], place: Path) -> tuple[int, str]:
    """The exit status of a command and what it says, in English.

    The command and all that it starts are ended when it takes too long, and when this process is interrupted.
    """
    environment = {**os.environ, "LC_ALL": "C", "LANGUAGE": "C"}
    output = place / "output"
    with output.open("wb") as file:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd=place,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise CannotBuild(f"{compiler[0]} cannot be run ({error.strerror or error})") from None
        try:
            status = child.wait(SECONDS)
        except subprocess.TimeoutExpired:
            hung[compiler] = f"{shlex.join(compiler)} did not end within {SECONDS:g} seconds"
            raise CannotBuild(hung[compiler], "Set MINIGRAD_CC to another compiler.") from None
        finally:
            end(child)
    return status, output.read_bytes()[-100_000:].decode(errors="replace")


def end(child: subprocess.Popen[bytes]) -> None:
    """End a process, with all that it has started, if it has not ended."""
    if child.poll() is not None:
        return
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()
