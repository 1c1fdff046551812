"""The group that is meant where none is named: this thread's, else the process's, else none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .group import Group

of_thread: ContextVar[Group | None] = ContextVar("minigrad.groups", default=None)


class Process:
    """What ``init_process_group`` has set."""

    group: Group | None = None


process = Process()


def default_group() -> Group | None:
    """The default group, or None."""
    return of_thread.get() or process.group


@contextmanager
def within(group: Group) -> Iterator[None]:
    """Code whose default group is this one."""
    token = of_thread.set(group)
    try:
        yield
    finally:
        of_thread.reset(token)
