"""Schedules one after the other, and several at once."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ...engine.arguments import entries, whole
from ..optimizer import Optimizer
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler, optimizer_of


def schedules_of(schedulers: Iterable[Any], optimizer: Optimizer | None, kind: str) -> list[LRScheduler]:
    """A list of schedules of one optimiser."""
    found = list(schedulers)
    if not found:
        raise ValueError(f"{kind}: expected at least one schedule, got none.")
    for number, scheduler in enumerate(found):
        if not isinstance(scheduler, LRScheduler) or isinstance(scheduler, ReduceLROnPlateau):
            raise TypeError(
                f"{kind}: number {number} is {type(scheduler).__name__}, expected a schedule that needs no measure."
            )
        if scheduler.optimizer is not (optimizer or found[0].optimizer):
            raise ValueError(f"{kind}: schedule {number} is of another optimiser: make all for one.")
    return found


class Combined(LRScheduler):
    """The base of schedules that consist of schedules, whose states they save."""

    not_saved: ClassVar[Sequence[str]] = ("optimizer", "_schedulers")
    _schedulers: list[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        message = f"{type(self).__name__}: this is not the state of such a schedule"
        (states,) = entries(state_dict, ["_schedulers"], message)
        if len(states) != len(self._schedulers):
            raise ValueError(f"{message}: it has {len(states)} schedules, this one {len(self._schedulers)}.")
        before = self.state_dict()
        try:
            for scheduler, state in zip(self._schedulers, states):
                scheduler.load_state_dict(state)
            super().load_state_dict({"last_epoch": self._schedulers[0].last_epoch, **state_dict})
        except ValueError:
            for scheduler, state in zip(self._schedulers, before["_schedulers"]):
                scheduler.load_state_dict(state)
            raise


class SequentialLR(Combined):
    """One schedule after the other, each from its epoch 0 on.

    Args:
        optimizer: whose rates are set.
        schedulers: the schedules, all of this optimiser.
        milestones: the epochs in which the second, the third, ... begin.
        last_epoch: -1; the schedules' own epochs count.

    >>> optimizer = optim.SGD(nn.Linear(2, 2).parameters(), lr=1.0)
    >>> warm = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> falling = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> schedule = optim.lr_scheduler.SequentialLR(optimizer, [warm, falling], milestones=[3])
    >>> rates = []
    >>> for epoch in range(5):
    ...     rates += schedule.get_last_lr()
    ...     optimizer.step()
    ...     schedule.step()
    >>> rates
    [0.25, 0.5, 0.75, 1.0, 0.5]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Iterable[LRScheduler], milestones: Iterable[int], last_epoch: int = -1
    ) -> None:
        kind = "SequentialLR"
        self.optimizer = optimizer_of(optimizer, kind)
        self._schedulers = schedules_of(schedulers, optimizer, kind)
        message = f"{kind}: milestones must be integers of at least 1"
        self._milestones = [whole(epoch, 1, message) for epoch in milestones]
        if len(self._milestones) != len(self._schedulers) - 1 or self._milestones != sorted(set(self._milestones)):
            raise ValueError(
                f"{kind}: {len(self._schedulers)} schedules need {len(self._schedulers) - 1} rising milestones, "
                f"got {self._milestones}."
            )
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        for scheduler in self._schedulers:  # undo the rates that the constructors have set
            scheduler.last_epoch -= 1
            scheduler._step_count -= 1
        self._schedulers[0].step()
        self._last_lr = self._schedulers[0].get_last_lr()

    def step(self, epoch: float | None = None) -> None:
        """Set the rates of the next epoch."""
        if epoch is not None:
            raise TypeError("SequentialLR: step() takes no epoch: its schedules count their own.")
        self.last_epoch += 1
        number = bisect.bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[number]
        begins = number > 0 and self._milestones[number - 1] == self.last_epoch
        scheduler.step(0 if begins else None)
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(Combined):
    """Several schedules at once: each multiplies the rate that the one before has left.

    Args:
        schedulers: the schedules, all of one optimiser.
        optimizer: theirs.
    """

    def __init__(self, schedulers: Iterable[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self._schedulers = schedules_of(schedulers, optimizer, "ChainedScheduler")
        self.optimizer = self._schedulers[0].optimizer
        self.last_epoch = 0
        self._last_lr = self._schedulers[-1].get_last_lr()

    def step(self, epoch: float | None = None) -> None:
        """Set the rates of the next epoch."""
        if epoch is not None:
            raise TypeError("ChainedScheduler: step() takes no epoch: its schedules count their own.")
        self.last_epoch += 1
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]
