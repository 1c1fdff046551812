"""How the processes of a run come together, and part."""

from __future__ import annotations

import datetime
import math
from typing import Any

from ..groups.default import default_group, process
from ..groups.mpi import MPIGroup, world

OTHERS = 'ranks are processes that MPI starts, "mpi", or threads of one process, distributed.ThreadGroup.run'


def init_process_group(
    backend: str | None = None, init_method: str | None = None, timeout: Any = None, world_size: int = -1,
    rank: int = -1,
) -> None:  # fmt: skip
    """Bring the processes together that ``mpiexec`` has started; they are the default group.

    ``mpiexec -n 2 python -m mpi4py train.py`` starts two. Without ``mpiexec`` there is one rank. From then on an error
    that is not caught, and a rank that ends before the others, stop all ranks with one line for each.

    Args:
        backend: ``"mpi"``, by the package mpi4py: ``pip install "minigrad[distributed]"``.
        init_method: None: ``mpiexec`` knows where the processes are.
        timeout: how long a rank waits for the others in an exchange before all are stopped, in seconds or as a
            ``datetime.timedelta``; 60 seconds unless given.
        world_size, rank: what MPI says, or -1.

    Raises:
        ImportError: without mpi4py, or without an MPI.
        RuntimeError: if there is a default group already, or for the ``mpiexec`` of another MPI.
        ValueError: for another backend, or numbers that are not MPI's.

    >>> def main():  # in train.py, which ends with a call of it
    ...     mg.distributed.init_process_group("mpi")
    ...     rank, size = mg.distributed.get_rank(), mg.distributed.get_world_size()
    ...     print(f"rank {rank} of {size}")
    ...     mg.distributed.destroy_process_group()
    >>> mg.distributed.init_process_group("nccl")
    Traceback (most recent call last):
        ...
    ValueError: init_process_group: backend must be 'mpi', got 'nccl': ranks are processes that MPI starts, ...
    """
    if default_group() is not None:
        raise RuntimeError("init_process_group: there is a default group already: call destroy_process_group first.")
    if backend not in (None, "mpi"):
        raise ValueError(f"init_process_group: backend must be 'mpi', got {backend!r}: {OTHERS}.")
    if init_method is not None:
        raise ValueError("init_process_group: init_method must be None: mpiexec knows where the processes are.")
    group = world(seconds(timeout))
    for name, given, found in (("world_size", world_size, group.size()), ("rank", rank, group.rank())):
        if given not in (-1, found):
            raise ValueError(f"init_process_group: {name} is {found}, as mpiexec has started it, got {given!r}.")
    process.group = group


def destroy_process_group() -> None:
    """Wait for all ranks; after that there is no default group. Without one it does nothing.

    >>> mg.distributed.destroy_process_group()
    >>> mg.distributed.is_initialized()
    False
    """
    if isinstance(process.group, MPIGroup):
        process.group.leave()
    process.group = None


def is_available() -> bool:
    """Whether there can be several ranks, which threads can be: True.

    >>> mg.distributed.is_available()
    True
    """
    return True


def seconds(timeout: Any) -> float:
    """A timeout in seconds."""
    if timeout is None:
        return 60.0
    number = timeout.total_seconds() if isinstance(timeout, datetime.timedelta) else timeout
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 < number < math.inf:
        raise ValueError(f"init_process_group: timeout must be a positive number of seconds, got {timeout!r}.")
    return float(number)
