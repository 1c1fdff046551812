"""What all schedules share: the optimiser whose rates they set, the epoch, and saving."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from ...engine.arguments import a_type, entries, whole
from ..optimizer import Optimizer

Group = dict[str, Any]
"""A group of an optimiser's parameters with its settings."""


def optimizer_of(value: Any, kind: str) -> Optimizer:
    """An optimiser, or refused."""
    if not isinstance(value, Optimizer):
        raise TypeError(f"{kind}: {a_type(value)} is not an optimiser: pass the optimiser itself.")
    return value


def for_each_group(value: Any, optimizer: Optimizer, name: str) -> list[Any]:
    """One value for each group: those of a list, or the same for all.

    Raises:
        ValueError: for a list of another length.
    """
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{name}: expected one for each of {count} parameter groups, got {len(value)}.")
    return list(value)


class LRScheduler:
    """The base of all schedules: a subclass says in ``rate`` what a group's rate is in an epoch.

    Args:
        optimizer: its groups' ``lr`` is set, and ``initial_lr`` remembers where it began.
        last_epoch: -1 to begin; the epoch of a run that goes on, whose groups have ``initial_lr``.

    A schedule of one's own:

        class Halving(optim.lr_scheduler.LRScheduler):
            def rate(self, group, base):
                return group["lr"] / 2 if self.last_epoch else group["lr"]

    A group that is added to the optimiser later takes part from its own rate on.
    """

    not_saved: ClassVar[Sequence[str]] = ("optimizer", "_optimizer_steps")
    """Attributes that are no part of the state."""
    not_in_pytorch: ClassVar[Sequence[str]] = ()
    """Attributes that PyTorch's states lack: with those they stay as they are."""

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        kind = type(self).__name__
        self.optimizer = optimizer_of(optimizer, kind)
        self.last_epoch = whole(last_epoch, -1, f"{kind}: last_epoch must be an integer of at least -1")
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ValueError(
                    f"{kind}: last_epoch={last_epoch} goes on with an earlier schedule, but group {number} has no "
                    "initial_lr: load the optimiser's state first, or begin anew with last_epoch=-1."
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self._step_count = 0
        self._last_lr: list[float] = []
        self._optimizer_steps = steps_of(optimizer)
        self.step()

    def rate(self, group: Group, base: float) -> float:
        """A group's rate in the epoch ``last_epoch``, from its rate in the epoch before or from its first, ``base``."""
        raise NotImplementedError(f"{type(self).__name__} is a schedule without a rule: it needs a method rate.")

    def closed_rate(self, group: Group, base: float) -> float:
        """A group's rate in the epoch ``last_epoch`` whatever it was before, for ``step(epoch)``."""
        return self.rate(group, base)

    def joins(self, group: Group) -> None:
        """A group was added after the schedule had begun: by default its rate is what it asked for."""

    def get_lr(self) -> list[float]:
        """The groups' rates in the epoch ``last_epoch``."""
        return [self.rate(group, base) for group, base in zip(self.optimizer.param_groups, self.base_lrs)]

    def get_last_lr(self) -> list[float]:
        """The groups' rates as the last step has set them."""
        return list(self._last_lr)

    def step(self, epoch: float | None = None) -> None:
        """Set the rates of the next epoch, or of the one that is given."""
        if epoch is None and self._step_count == 1 and steps_of(self.optimizer) == self._optimizer_steps:
            warnings.warn(
                f"{type(self).__name__}: scheduler.step() was called before optimizer.step(): the first rate of the "
                "schedule is skipped. Call optimizer.step() first.",
                stacklevel=2,
            )
        for group in self.optimizer.param_groups[len(self.base_lrs) :]:
            self.base_lrs.append(group.setdefault("initial_lr", group["lr"]))
            self.joins(group)
        self._step_count += 1
        if epoch is None:
            self.last_epoch += 1
            rates = self.get_lr()
        else:
            self.last_epoch = epoch  # type: ignore[assignment]
            groups = zip(self.optimizer.param_groups, self.base_lrs)
            rates = [self.closed_rate(group, base) for group, base in groups]
        self._set(rates)

    def _set(self, rates: Sequence[float]) -> None:
        """Give each group its rate."""
        for group, rate in zip(self.optimizer.param_groups, rates):
            group["lr"] = float(rate)
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Every attribute but the optimiser and functions."""
        return {name: getattr(self, name) for name in self._saved_names()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what ``state_dict`` returned, here or in PyTorch; the optimiser's own state is loaded apart.

        Raises:
            ValueError: if it is not the state of such a schedule.
        """
        own = self._saved_names()
        needed = [name for name in own if name not in self.not_in_pytorch]
        entries(state_dict, needed, f"{type(self).__name__}: this is not the state of such a schedule")
        vars(self).update({name: state_dict[name] for name in own if name in state_dict})

    def _saved_names(self) -> list[str]:
        """The attributes that are saved."""
        return [name for name in vars(self) if name not in {*LRScheduler.not_saved, *self.not_saved}]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(epoch {self.last_epoch}, lr {', '.join(f'{rate:.4g}' for rate in self._last_lr)})"
        )


def steps_of(optimizer: Optimizer) -> int:
    """A number that rises with every step of the optimiser: called, or replayed by a program."""
    return optimizer._calls + sum(block.step for blocks in optimizer._blocks for block in blocks)


def functions_of(value: Any, optimizer: Optimizer, name: str) -> list[Callable[[int], float]]:
    """One function of the epoch for each group."""
    functions = for_each_group(value, optimizer, name)
    for function in functions:
        if not callable(function):
            raise TypeError(f"{name} must be a function of the epoch, got {a_type(function)}.")
    return functions
