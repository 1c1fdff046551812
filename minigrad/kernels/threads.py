"""Work on many blocks, by this thread and, where that pays, by others."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .tuning import MOST_THREADS


class Settings:
    """The number of threads that was set, None for that of the environment."""

    threads: int | None = None


def of_the_environment() -> int:
    """How many threads NumPy's BLAS was told to use, or how many cores there are."""
    told = (os.environ.get(name, "") for name in ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return next((int(number) for number in told if number.isdecimal()), cores)


def get_num_threads() -> int:
    """How many threads share the work on large arrays: the number that was set, else that of the environment.

    That is the number for NumPy's BLAS (``OPENBLAS_NUM_THREADS``, ``OMP_NUM_THREADS``), or that of the cores.

    >>> mg.get_num_threads() >= 1
    True
    """
    return of_the_environment() if Settings.threads is None else Settings.threads


def set_num_threads(n: int) -> None:
    """Set how many threads share the work on large arrays; NumPy's BLAS keeps the number of the environment.

    Args:
        n: how many, from 1.

    Raises:
        ValueError: unless it is an integer of at least 1.

    >>> before = mg.get_num_threads()
    >>> mg.set_num_threads(1)
    >>> mg.get_num_threads()
    1
    >>> mg.set_num_threads(before)
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"set_num_threads: the number of threads must be an integer of at least 1, got {n!r}.")
    Settings.threads = None if n == of_the_environment() else n
    helpers.cache_clear()


@functools.lru_cache(maxsize=1)
def helpers() -> Any:
    """The threads that help; None if one is to do all."""
    threads = get_num_threads()
    if threads < 2:
        return None
    from concurrent.futures import ThreadPoolExecutor  # few need it, and it takes long to import

    return ThreadPoolExecutor(min(MOST_THREADS, threads) - 1, "minigrad")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=helpers.cache_clear)  # threads do not survive a fork


def for_each(task: Callable[..., Any], blocks: Sequence[Iterable[Any]], shared: bool) -> list[Any]:
    """``[task(*block) for block in blocks]``; if it is to be ``shared``, with the help of other threads.

    A thread that is free takes the next block, so that none waits for a slow one, or for one that starts late.
    """
    results: list[Any] = [None] * len(blocks)
    pending = iter(enumerate(blocks))  # next() of it is atomic

    def work() -> None:
        for i, block in pending:
            results[i] = task(*block)

    helping: list[Any] = []
    with contextlib.suppress(RuntimeError):  # when the interpreter is about to end, no thread can be started any more
        pool = helpers() if shared else None
        if pool is not None:
            helping.extend(pool.submit(contextvars.copy_context().run, work) for _ in range(pool._max_workers))
    try:
        work()
    finally:
        deque(pending, 0)  # after an error no thread takes another block
        errors = [future.exception() for future in helping if not future.cancel()]
    for error in filter(None, errors):
        raise error
    return results
