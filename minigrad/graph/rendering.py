"""Rendering DOT text: by the program ``dot``, or by pygraphviz, which brings Graphviz as a library."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator

from .isolated import CrashedError, isolated

NOISE = (b"Fontconfig warning:", b"Fontconfig error:", b"Warning: graph has ", b"Warning: Unable to reclaim box space")
"""How lines begin that help no user of a picture: of the system's font configuration, of many nodes, and of an arrow
that finds little room, but is drawn."""

one_at_a_time = threading.Lock()
"""The standard error stream belongs to the whole process."""


class RenderingError(RuntimeError):
    """A picture could not be rendered; the message says why, and the cure."""


PATIENCE = 120.0
"""Seconds that a renderer may take."""
SMALLER = "Fold modules with depth= or collapse=, or save the graph as .gv and render that."
PAGE = 640
"""Points of width that the page of a notebook has."""
TALL = 9000
"""Points of height, about a dozen screens, beyond which a notebook's reader would lose the cells around a picture."""
SIZE = re.compile(r'<svg width="([\d.]+)pt"\s+height="([\d.]+)pt"')
"""The size of a picture that a renderer has made."""


def fitted(svg: str) -> str:
    """A picture that is wider than the page as one that is as wide as that: notebooks scale neither of themselves."""

    def narrowed(found: re.Match[str]) -> str:
        width = float(found[1])
        return found[0] if width <= PAGE else f'<svg width="100%" style="max-width:{width:g}pt"'

    return SIZE.sub(narrowed, svg, count=1)


def tall(svg: str) -> bool:
    """Whether a picture is too high to stand among the cells of a notebook."""
    found = SIZE.search(svg)
    return found is not None and float(found[2]) * min(1, PAGE / float(found[1])) > TALL


def render(source: str, format: str) -> bytes:
    """DOT as svg, png or pdf: by pygraphviz from 2.0 on, which brings a new Graphviz, else by the program ``dot``.

    Raises:
        RenderingError: if there is neither, or it failed.
    """
    problem = ""
    try:
        import pygraphviz

        brings_its_own = int(pygraphviz.__version__.partition(".")[0]) >= 2
    except ImportError as error:  # it is not there, or a library of the system that it needs is not
        pygraphviz, brings_its_own, problem = None, False, str(error)
    if pygraphviz is None or (shutil.which("dot") and not brings_its_own):
        return by_dot(source, format, problem)
    try:
        with without_noise():
            return isolated(lambda: bytes(pygraphviz.AGraph(string=source).draw(format=format, prog="dot")), PATIENCE)
    except CrashedError as error:
        raise RenderingError(f"pygraphviz could not render the graph: {error}. {SMALLER}") from error
    except (OSError, ValueError) as error:
        raise RenderingError(f"pygraphviz could not render the graph: {error}") from error


def by_dot(source: str, format: str, problem: str) -> bytes:
    """DOT rendered by the program ``dot``; ``problem`` is why pygraphviz could not be imported."""
    if not shutil.which("dot"):
        libraries = (
            f" pygraphviz is installed, but: {problem}. On Debian and Ubuntu: apt-get install libglib2.0-0 libx11-6 "
            "libxrender1 libxext6." if "No module named" not in problem else ""
        )  # fmt: skip
        raise RenderingError(
            'nothing here can render a graph. Get a renderer with: pip install "minigrad[show]", or install your '
            f"system's graphviz package, which has the program dot.{libraries}"
        )
    try:
        from graphviz import backend  # its import takes longer than that of all minigrad
    except ImportError as error:
        raise RenderingError(
            f"the program dot is here, but not the package that calls it ({error}). Get it with: pip install graphviz"
        ) from error
    try:
        command = backend.dot_command.command("dot", format)
        ran = backend.execute.run_check(
            command, input=source.encode(), capture_output=True, quiet=True, timeout=PATIENCE
        )
        return bytes(ran.stdout)
    except subprocess.TimeoutExpired as error:
        reason = f"it has not finished in {PATIENCE:g} s"
        raise RenderingError(f"dot could not render the graph: {reason}. {SMALLER}") from error
    except (subprocess.CalledProcessError, OSError) as error:
        raise RenderingError(f"dot could not render the graph: {error}") from error


@contextlib.contextmanager
def without_noise() -> Iterator[None]:
    """What libraries write to the standard error stream is passed on when the block ends, but for ``NOISE``."""
    with one_at_a_time, contextlib.ExitStack() as stack:
        try:
            real = os.dup(2)
            stack.callback(os.close, real)
            kept = stack.enter_context(tempfile.TemporaryFile())
        except OSError:  # no such stream, or no room for a file: nothing is filtered
            yield
            return
        flush()
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            flush()
            os.dup2(real, 2)
            kept.seek(0)
            rest = b"".join(line for line in kept if not line.startswith(NOISE))
            with contextlib.suppress(OSError):
                os.write(2, rest)


def flush() -> None:
    """Bring what Python has buffered to where the stream leads now."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.flush()
