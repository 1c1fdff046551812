"""Ranks as threads of one process: for tests, notebooks and teaching."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from contextvars import copy_context
from threading import Barrier, BrokenBarrierError, Semaphore, Thread
from typing import Any

import numpy as np
from numpy import ndarray

from .default import within
from .group import OUTSIDE, DistributedError, Group, checked_ranks

END = "the end of the program"
"""What a rank that has returned brings to the next exchange."""


class Stopped(DistributedError):  # noqa: N818
    """An exchange that was given up because of another rank."""


class Meeting:
    """What the ranks of a group share."""

    def __init__(self, size: int, timeout: float, run: Run) -> None:
        self.size, self.timeout, self.run = size, timeout, run
        self.barrier = Barrier(size)
        self.brought: list[Any] = [None] * size
        self.exchanges = 0
        """How many there have been."""
        run.meetings.append(self)
        if run.errors:
            self.barrier.abort()

    def wait(self, rank: int, what: str) -> None:
        """Wait for all ranks; give up if one has raised, or after the timeout."""
        try:
            self.barrier.wait(self.timeout)
        except BrokenBarrierError:
            reason = self.run.reason(self.timeout)
            raise Stopped(f"rank {rank} was stopped in {what}{Group.place()}: {reason}") from None

    def exchange(self, rank: int, what: str, brought: Any) -> list[Any]:
        """What all ranks bring; all refuse together what does not fit."""
        self.brought[rank] = what, brought
        self.wait(rank, what)
        everything = list(self.brought)
        self.exchanges += rank == 0
        self.wait(rank, what)  # from here on a rank may bring the next
        if len({text for text, _ in everything}) > 1:
            found = "; ".join(f"rank {i}: {text}" for i, (text, _) in enumerate(everything))
            raise DistributedError(f"the ranks do not do the same: {found}.")
        return [each for _, each in everything]


class Run:
    """One call of ``ThreadGroup.run``: the errors of its ranks, and where they wait for each other."""

    def __init__(self) -> None:
        self.errors: dict[int, BaseException] = {}
        self.meetings: list[Meeting] = []

    def stop(self) -> None:
        """Let no rank wait any longer."""
        for meeting in list(self.meetings):
            meeting.barrier.abort()

    def reason(self, timeout: float) -> str:
        """Why the ranks were stopped."""
        for rank, error in list(self.errors.items()):
            if not isinstance(error, Stopped):
                return f"rank {rank}: {type(error).__name__}: {error}"
        return f"a rank did not come within {timeout:g} s; all ranks are stopped."


class ThreadGroup(Group):
    """One rank of several that are threads of this process; ``ThreadGroup.run`` makes them.

    Each thread begins with the random state that the process has, and draws from a copy of its own.

    Args:
        rank: its number.
        meeting: what the ranks share, of ``run``'s making.

    >>> mg.distributed.ThreadGroup.run(2, lambda group: group)
    [ThreadGroup(rank 0 of 2), ThreadGroup(rank 1 of 2)]
    """

    backend, ranks_are = "threads", "threads"

    def __init__(self, rank: int, meeting: Meeting) -> None:
        self.number, self.meeting = rank, meeting

    @classmethod
    def run(cls, size: int, function: Callable[[ThreadGroup], Any], timeout: float = 60.0) -> list[Any]:
        """Call ``function(group)`` in ``size`` threads at once, and return their results.

        In each thread its group is the default group, which ``SyncBatchNorm`` and others take unless told otherwise.

        Args:
            size: the number of ranks.
            function: what each rank does; it gets its own group.
            timeout: after so many seconds in one exchange all ranks are stopped. A rank that does not come to its
                next exchange for as long is left to itself.

        Raises:
            Exception: the first error of a rank, with a note that names the rank; the others are stopped.

        >>> mg.distributed.ThreadGroup.run(3, lambda group: int(group.sum(np.array(group.rank()))))
        [3, 3, 3]
        """
        if isinstance(size, (bool, np.bool_)) or not hasattr(size, "__index__") or operator.index(size) < 1:
            raise ValueError(f"ThreadGroup.run: size must be an integer of at least 1, got {size!r}.")
        if not 0 < timeout < math.inf:
            raise ValueError(f"ThreadGroup.run: timeout must be a positive number of seconds, got {timeout!r}.")
        size, run = operator.index(size), Run()
        meeting = Meeting(size, timeout, run)
        results: list[Any] = [None] * size
        ended = Semaphore(0)

        def work(rank: int) -> None:
            try:
                group = cls(rank, meeting)
                with within(group):
                    results[rank] = function(group)
                meeting.exchange(rank, END, None)
            except BaseException as error:
                run.errors[rank] = error
                run.stop()
            finally:
                ended.release()

        threads = [Thread(target=copy_context().run, args=(work, rank), daemon=True) for rank in range(size)]
        try:
            for thread in threads:
                thread.start()
            for _ in threads:
                if not ended.acquire(timeout=timeout if run.errors else None):
                    break  # what a rank does between two exchanges cannot be ended from outside
        except BaseException:
            run.stop()
            raise
        if run.errors:
            rank, error = min(run.errors.items(), key=lambda item: (isinstance(item[1], Stopped), item[0]))
            error.add_note(f"on rank {rank} of {size}")
            raise error
        return results

    def rank(self) -> int:
        return self.number

    def size(self) -> int:
        return self.meeting.size

    def gather(self, array: ndarray) -> ndarray:
        what = f"an exchange of {array.shape} {array.dtype}"
        return np.stack(self.meeting.exchange(self.number, what, array.copy()))

    def subgroup(self, ranks: Sequence[int]) -> Group:
        ranks = checked_ranks(ranks, self.size())
        what = f"new_group of the ranks {ranks}"
        offered = self.meeting.exchange(self.number, what, Meeting(len(ranks), self.meeting.timeout, self.meeting.run))
        return ThreadGroup(ranks.index(self.number), offered[ranks[0]]) if self.number in ranks else OUTSIDE
