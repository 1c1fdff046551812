"""Rendering DOT text: by the program ``dot``, or by pygraphviz, which brings Graphviz as a library."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator

NOISE = (b"Fontconfig warning:", b"Fontconfig error:")
"""How lines about the system's font configuration begin: no user of a picture can do anything about them."""

one_at_a_time = threading.Lock()
"""The standard error stream belongs to the whole process."""


class RenderingError(RuntimeError):
    """A picture could not be rendered; the message says why, and the cure."""


def render(source: str, format: str) -> bytes:
    """DOT as svg, png or pdf: by the ``dot`` program, else by pygraphviz.

    Raises:
        RenderingError: if there is neither, or it failed.
    """
    if shutil.which("dot"):
        import graphviz  # its import takes longer than that of all minigrad

        try:
            by_dot: bytes = graphviz.pipe("dot", format, source.encode(), quiet=True)
            return by_dot
        except (subprocess.CalledProcessError, OSError) as error:
            raise RenderingError(f"dot could not render the graph: {error}") from error
    try:
        import pygraphviz
    except ImportError:
        raise RenderingError(
            "nothing here can render a graph. Get a renderer with: pip install pygraphviz, or install your "
            "system's graphviz package, which has the program dot."
        ) from None
    try:
        with without_noise():
            by_library: bytes = pygraphviz.AGraph(string=source).draw(format=format, prog="dot")
            return by_library
    except (OSError, ValueError) as error:
        raise RenderingError(f"pygraphviz could not render the graph: {error}") from error


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
