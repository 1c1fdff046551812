"""Work on many blocks, by this thread and, where that pays, by others."""

from __future__ import annotations

import contextvars
import functools
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

MOST = 4
"""More threads than a few only wait for the memory, and for each other."""


@functools.lru_cache(maxsize=1)
def helpers() -> Any:
    """The threads that help; None if one is to do all.

    There are as many as NumPy's BLAS was told to use, or as there are cores.
    """
    told = (os.environ.get(name, "") for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"))
    threads = next((int(number) for number in told if number.isdecimal()), os.cpu_count() or 1)
    if threads < 2:
        return None
    from concurrent.futures import ThreadPoolExecutor  # few need it, and it takes long to import

    return ThreadPoolExecutor(min(MOST, threads) - 1, "minigrad")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=helpers.cache_clear)  # threads do not survive a fork


def for_each(task: Callable[..., Any], blocks: Sequence[Iterable[Any]], shared: bool) -> list[Any]:
    """``[task(*block) for block in blocks]``; if it is to be ``shared``, with the help of other threads.

    Whoever is free takes the next block, so that nobody waits for a thread that is slow, or
    that does not wake up in time.
    """
    pool = helpers() if shared else None
    if pool is None:
        return [task(*block) for block in blocks]
    results: list[Any] = [None] * len(blocks)
    pending = iter(enumerate(blocks))  # next() of it is atomic

    def work() -> None:
        for i, block in pending:
            results[i] = task(*block)

    helping = [pool.submit(contextvars.copy_context().run, work) for _ in range(pool._max_workers)]
    work()
    for future in helping:
        if not future.cancel():
            future.result()
    return results
