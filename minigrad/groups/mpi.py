"""Ranks as processes that MPI has started, by mpi4py (an optional extra)."""

from __future__ import annotations

import atexit
import os
import sys
import time
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy import ndarray

from .group import OUTSIDE, DistributedError, Group, checked_ranks

COMMAND = "mpiexec -n 2 python -m mpi4py train.py"
NO_PACKAGE = f'minigrad.distributed needs mpi4py and an MPI: pip install "minigrad[distributed]", then {COMMAND}'
NO_LIBRARY = "mpi4py is installed, but no MPI library: pip install mpich"
OTHER_MPI = (
    "started by the mpiexec of another MPI than mpi4py uses, each process would train alone: take the one beside this "
    f"python, {os.path.join(os.path.dirname(sys.executable), 'mpiexec')}"
)
OF_OPEN_MPI = "OMPI_COMM_WORLD_SIZE"
STARTED_WITH = ("PMI_SIZE", OF_OPEN_MPI, "MPI_LOCALNRANKS", "PMIX_SIZE")
"""Variables by which an ``mpiexec`` tells its processes how many they are."""
END = "the end of the program"
NAMES = {"sum": "all_reduce", "gather": "all_gather"}
SPINS = 2000
"""How often a rank that waits asks without a pause, about a millisecond, if each has a core; then others may run."""
CODE = 16
"""Bytes of the code by which ranks compare what they do; what lies behind it is aligned."""
TEXT = 240
"""Bytes in which a rank says what it does."""
ROOM = 4608
"""Bytes beside its code that a rank may bring when all meet: beyond 4 to 8 kB a message takes MPICH twice as long."""
FEW = 8
"""Ranks: among more of them so many bytes that nobody needs would take longer than a second exchange."""
BUSY = (
    "an exchange of this group was interrupted, or goes on in another thread: a group is for one thread, and of no use "
    "after an interruption."
)
LAST_WORDS = 0.3
"""Seconds between the last line of a rank and the end of all: an abort may overtake it."""


def mpi() -> Any:
    """mpi4py's module ``MPI``, with which the processes are connected, or an error that says what is missing.

    MPICH ends a process that Open MPI has started, in words of its own, when it is to connect: so that is asked before.
    """
    try:
        import mpi4py

        if "mpi4py.MPI" not in sys.modules:
            mpi4py.rc.initialize, mpi4py.rc.finalize = False, True
        from mpi4py import MPI
    except ModuleNotFoundError as error:
        raise ImportError(f"{NO_PACKAGE}.") from error
    except (ImportError, RuntimeError) as error:
        raise ImportError(f"{NO_LIBRARY}.") from error
    if not MPI.Is_initialized():
        if OF_OPEN_MPI in os.environ and "Open MPI" not in MPI.Get_library_version():
            raise DistributedError(f"{OTHER_MPI}.")
        MPI.Init_thread()
    return MPI


def world(timeout: float) -> MPIGroup:
    """The group of all processes that were started together.

    From then on an error that nobody catches stops all of them, and so does a rank that ends before the others.
    """
    library = mpi()
    started = max((int(os.environ[name]) for name in STARTED_WITH if os.environ.get(name, "").isdecimal()), default=1)
    if started > 1 and library.COMM_WORLD.Get_size() == 1:
        raise DistributedError(f"{OTHER_MPI}.")
    group = MPIGroup(library, library.COMM_WORLD.Dup(), timeout)
    if group.size() > 1:
        group.hook_before, sys.excepthook = sys.excepthook, group.stop_at_error
        atexit.register(group.ends)
    return group


class Plan(NamedTuple):
    """One exchange that ranks may do: its code, and where small arrays of it lie when the ranks meet."""

    code: int
    own: ndarray
    of_ranks: ndarray


class MPIGroup(Group):
    """Ranks that are processes; ``init_process_group("mpi")`` makes the group of all.

    Each exchange begins with one of always the same length, by which the ranks compare what they are about to do, and
    in which small arrays travel along. For it they wait no longer than the timeout. MPI itself adds up what does not
    fit, and waits for ever. Only one thread of a process may use a group.

    Args:
        library: mpi4py's module ``MPI``.
        comm: a communicator of it.
        timeout: in seconds.

    >>> mg.distributed.MPIGroup.backend, mg.distributed.MPIGroup.ranks_are
    ('mpi', 'processes')
    """

    backend = "mpi"

    def __init__(self, library: Any, comm: Any, timeout: float) -> None:
        self.mpi, self.comm, self.timeout = library, comm, timeout
        self.number, self.count = int(comm.Get_rank()), int(comm.Get_size())
        self.plans: dict[tuple[Any, ...], Plan] = {}
        self.room = ROOM if self.count <= FEW else TEXT
        self.memory = np.zeros((self.count, CODE + self.room), np.uint8)
        self.codes = self.memory[:, :CODE].view(np.int64)[:, 0]
        self.spins = SPINS if self.count <= (os.cpu_count() or 1) else 0
        self.trouble = ""
        """Why nothing can be exchanged any more."""
        self.hook_before: Any = sys.__excepthook__
        """What shows errors that nobody catches."""

    def rank(self) -> int:
        return self.number

    def size(self) -> int:
        return self.count

    # -- exchanges -----------------------------------------------------------------------------

    def gather(self, array: ndarray) -> ndarray:
        what = "gather", array.shape, array.dtype
        if array.nbytes <= self.room:
            return self._meet(what, array).copy()
        own, parts = np.asarray(array, order="C"), np.empty((self.count, *array.shape), array.dtype)
        self._meet(what)
        self.comm.Allgather(raw(own), raw(parts))
        return parts

    def sum(self, array: ndarray, out: ndarray | None = None) -> ndarray:
        what = "sum", array.shape, array.dtype
        if array.nbytes <= self.room:
            total: ndarray = np.empty_like(array, order="C") if out is None else out
            np.add.reduce(self._meet(what, array), 0, array.dtype.type, out=total)
            return total
        if array.dtype.kind not in "fiu" or array.dtype.itemsize < 4 or not array.dtype.isnative:
            return super().sum(array, out)  # MPI knows no float16 and no other order of bytes, and adds no booleans
        total = out if out is not None and out.flags.c_contiguous else np.empty_like(array, order="C")
        self._meet(what)
        if total is not array:
            total[...] = array
        self.comm.Allreduce(self.mpi.IN_PLACE, total)  # MPI wants it in place on all ranks or on none
        if out is None or out is total:
            return total
        out[...] = total
        return out

    def broadcast(self, array: ndarray, source: int = 0) -> ndarray:
        what = f"broadcast from rank {source}", array.shape, array.dtype
        if array.nbytes <= self.room:
            found: ndarray = self._meet(what, array)[source].copy()
            return found
        copy = np.array(array, order="C")
        self._meet(what)
        self.comm.Bcast(raw(copy), source)
        return copy

    def barrier(self) -> None:
        self._meet(("barrier",))

    def subgroup(self, ranks: Sequence[int]) -> Group:
        ranks = checked_ranks(ranks, self.count)
        self._meet((f"new_group of the ranks {ranks}",))
        own = self.number in ranks
        comm = self.comm.Split(0 if own else self.mpi.UNDEFINED, ranks.index(self.number) if own else 0)
        return MPIGroup(self.mpi, comm, self.timeout) if own else OUTSIDE

    def _meet(self, what: tuple[Any, ...], array: ndarray | None = None) -> ndarray:
        """Wait for all ranks, and refuse if they do not all do the same; each rank refuses.

        Returns the arrays of all ranks, if they have brought some, in memory that the next exchange overwrites.
        """
        if self.trouble:
            raise DistributedError(self.trouble)
        plan = self.plans.get(what)
        if plan is None:
            plan = self.plans[what] = self._planned(what, array)
        self.trouble = BUSY
        self.codes[self.number] = plan.code
        if array is not None:
            plan.own[...] = array
        self._exchange(what)
        self.trouble = ""
        if self.codes.tolist().count(plan.code) < self.count:
            self._refuse(what)
        return plan.of_ranks

    def _planned(self, what: tuple[Any, ...], array: ndarray | None) -> Plan:
        """What is the same for all exchanges of one kind, shape and dtype."""
        behind = self.memory[:, CODE:]
        if array is None:
            of_ranks = behind[:, :0]
        else:
            of_ranks = behind[:, : array.nbytes].view(array.dtype).reshape(self.count, *array.shape)
        return Plan(zlib.crc32(in_words(*what).encode()), of_ranks[self.number, ...], of_ranks)

    def _exchange(self, what: tuple[Any, ...]) -> None:
        """Give all ranks this one's row of the memory."""
        self._wait(self.comm.Iallgather(self.mpi.IN_PLACE, self.memory), what)

    def _refuse(self, what: tuple[Any, ...]) -> NoReturn:
        """Tell the other ranks what this one was about to do, and say what each was."""
        text = in_words(*what).encode()[:TEXT]
        row = self.memory[self.number, CODE : CODE + TEXT]
        row[:] = 0
        row[: len(text)] = np.frombuffer(text, np.uint8)
        self._exchange(what)
        texts = [each[CODE : CODE + TEXT].tobytes().rstrip(bytes(1)).decode() for each in self.memory]
        said = "; ".join(f"rank {i}: {each}" for i, each in enumerate(texts))
        self.trouble = f"the ranks do not do the same: {said}."
        raise DistributedError(self.trouble)

    def _wait(self, request: Any, what: tuple[Any, ...]) -> None:
        """Wait until an exchange is done, at most as long as the timeout."""
        for _ in range(self.spins):
            if request.Test():
                return
        deadline = time.monotonic() + self.timeout
        while not request.Test():
            if time.monotonic() > deadline:
                self.trouble = (
                    f"rank {self.number} waited {self.timeout:g} s in {in_words(*what)}{Group.place()} for the other "
                    "ranks; all ranks are stopped."
                )
                raise DistributedError(self.trouble)
            os.sched_yield() if hasattr(os, "sched_yield") else time.sleep(0)

    # -- ends ----------------------------------------------------------------------------------

    def stop_at_error(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        """Say what nobody has caught, in one line if it concerns all ranks, and stop all of them."""
        if isinstance(error, DistributedError):
            sys.stderr.write(f"rank {self.number}: {' '.join([f'{kind.__name__}: {error}', *notes_of(error)])}\n")
        else:
            sys.stderr.write(f"rank {self.number}: all ranks are stopped by\n")
            self.hook_before(kind, error, trace)
        self.stop()

    def stop(self) -> None:
        """Stop all ranks, when what was written last has had time to arrive."""
        atexit.unregister(self.ends)
        sys.stdout.flush()
        sys.stderr.flush()
        time.sleep(LAST_WORDS)
        self.mpi.COMM_WORLD.Abort(1)

    def ends(self) -> None:
        """At the end of the program: all ranks are to end together."""
        if self.mpi.Is_finalized():
            return
        try:
            self._meet((END,))
        except DistributedError as error:
            sys.stderr.write(f"rank {self.number}: {type(error).__name__}: {error}\n")
            self.stop()

    def leave(self) -> None:
        """Wait for all ranks, and let each end when it likes to."""
        self._meet(("destroy_process_group",))
        atexit.unregister(self.ends)
        if sys.excepthook == self.stop_at_error:
            sys.excepthook = self.hook_before


def raw(array: ndarray) -> ndarray:
    """The bytes of an array, which MPI moves whatever the dtype."""
    return array.reshape(-1).view(np.uint8)


def in_words(what: str, shape: Any = None, dtype: Any = None) -> str:
    """What a rank does, by the name that users call it."""
    return what if shape is None else f"{NAMES.get(what, what)} {shape} {dtype}"


def notes_of(error: BaseException) -> list[str]:
    """The notes of an error, which say in which module it was raised."""
    return [f"({note})" for note in getattr(error, "__notes__", ())]
