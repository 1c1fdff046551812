"""``Group``: ranks that exchange arrays; and the group of one."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NoReturn

import numpy as np
from numpy import ndarray


class DistributedError(RuntimeError):
    """An exchange that was given up: the ranks do not do the same, or one of them has stopped."""


class ReduceOp:
    """What becomes of the values of all ranks.

    >>> def rank(group):
    ...     x = mg.tensor([1.0, group.rank()])
    ...     mg.distributed.all_reduce(x, mg.distributed.ReduceOp.AVG)
    ...     return x.tolist()
    >>> mg.distributed.ThreadGroup.run(2, rank)
    [[1.0, 0.5], [1.0, 0.5]]
    """

    SUM = "sum"
    AVG = "avg"
    MAX = "max"
    MIN = "min"
    PRODUCT = "product"


class Group:
    """Ranks that exchange arrays: each calls the same methods in the same order, with arrays of one shape and dtype.

    What all have agreed on is the same to the bit on each. It is made by ``init_process_group``, ``new_group`` or
    ``ThreadGroup.run``.

    >>> def rank(group):
    ...     return group.gather(np.array(10 * group.rank())), group.texts(f"hello from {group.rank()}")
    >>> mg.distributed.ThreadGroup.run(2, rank)[0]  # what the first rank got
    (array([ 0, 10]), ['hello from 0', 'hello from 1'])
    """

    backend = ""
    """What carries the arrays: ``"mpi"``, ``"threads"`` or ``"alone"``."""
    ranks_are = "processes"
    """What the ranks are, in words."""
    random: Any = None
    """The random state of this rank, where the process's is not its own."""
    place: ClassVar[Callable[[], str]] = staticmethod(str)
    """Where in a model this rank is, `` in net.1 (SyncBatchNorm)``: for errors. The floor of operations sets it."""

    def rank(self) -> int:
        """The number of this rank, from 0."""
        raise NotImplementedError

    def size(self) -> int:
        """How many ranks there are."""
        raise NotImplementedError

    def gather(self, array: ndarray) -> ndarray:
        """The arrays of all ranks, in their order, as one array with a first axis for the ranks."""
        raise NotImplementedError

    def sum(self, array: ndarray, out: ndarray | None = None) -> ndarray:
        """The sum of the arrays of all ranks; in ``out``, which may be the array itself, if it is given."""
        total: ndarray = np.empty_like(array) if out is None else out
        np.add.reduce(self.gather(array), 0, array.dtype.type, out=total)
        return total

    def broadcast(self, array: ndarray, source: int = 0) -> ndarray:
        """The array of one rank."""
        found: ndarray = self.gather(array)[source].copy()
        return found

    def texts(self, text: str) -> list[str]:
        """What each of the ranks has to say."""
        raw = np.frombuffer(text.encode(), np.uint8)
        lengths = self.gather(np.array(raw.size)).tolist()
        padded = np.zeros(max(lengths), np.uint8)
        padded[: raw.size] = raw
        return [row[:length].tobytes().decode() for row, length in zip(self.gather(padded), lengths)]

    def barrier(self) -> None:
        """Wait until every rank is here."""
        self.gather(np.zeros((), np.uint8))

    def subgroup(self, ranks: Sequence[int]) -> Group:
        """The group of some of the ranks, numbered anew in the order given; ``Outside`` on the others.

        All ranks must call it, also those that do not belong to it.
        """
        raise NotImplementedError

    def __deepcopy__(self, memo: Any) -> Group:
        """Copies of a module belong to the same ranks."""
        return self

    def __copy__(self) -> Group:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self!r} cannot be pickled: its ranks are those of this run. Save model.state_dict().")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(rank {self.rank()} of {self.size()})"


class Alone(Group):
    """One rank, which exchanges nothing: a program for several runs in one process, too.

    >>> group = mg.distributed.Alone()
    >>> group.sum(np.ones(2)), group.size()
    (array([1., 1.]), 1)
    """

    backend = "alone"

    def rank(self) -> int:
        return 0

    def size(self) -> int:
        return 1

    def gather(self, array: ndarray) -> ndarray:
        return array.copy()[None]

    def sum(self, array: ndarray, out: ndarray | None = None) -> ndarray:
        if out is None:
            return array.copy()
        out[...] = array
        return out

    def subgroup(self, ranks: Sequence[int]) -> Group:
        return self if checked_ranks(ranks, 1) else OUTSIDE


class Outside(Group):
    """What a rank gets in place of a group that it does not belong to; it exchanges nothing."""

    def rank(self) -> int:
        return -1

    def size(self) -> int:
        return -1

    def gather(self, array: ndarray) -> ndarray:
        raise DistributedError("this rank does not belong to the group: only its ranks may exchange arrays in it.")

    def __repr__(self) -> str:
        return "Outside()"


OUTSIDE = Outside()


def checked_ranks(ranks: Sequence[int], size: int) -> list[int]:
    """The ranks of a subgroup, if there are such."""
    try:
        found = [operator.index(rank) for rank in ranks]
    except TypeError:
        found = []
    if not found or len(set(found)) < len(found) or not all(0 <= rank < size for rank in found):
        raise ValueError(f"the ranks of a group are different integers from 0 to {size - 1}, got {ranks!r}.")
    return found
