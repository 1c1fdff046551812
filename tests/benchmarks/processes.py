"""Work in processes of its own, started with other variables of the environment."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from minigrad.command_line.errors import CommandError


@contextlib.contextmanager
def variables(changes):
    """Variables of the environment, for the processes that are started meanwhile."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def in_fresh_process(function, *arguments, environment=None):
    """The result of a function in a new process, in which NumPy is loaded anew.

    Raises:
        CommandError: if the process dies, as it does of instructions that the processor does not have.
    """
    fresh = multiprocessing.get_context("spawn")
    with variables(environment or {}), ProcessPoolExecutor(1, fresh) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            settings = " ".join(f"{name}={value}" for name, value in (environment or {}).items())
            raise CommandError(f"the process for {settings or function.__name__} died: try without it.") from error
