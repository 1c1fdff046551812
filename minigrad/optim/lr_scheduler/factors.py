"""Schedules that multiply rates: by functions, in steps, for a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ...engine.arguments import real, whole
from ..optimizer import Optimizer
from .scheduler import Group, LRScheduler, functions_of


def positive(value: Any, name: str) -> int:
    """A number of epochs."""
    return whole(value, 1, f"{name} must be an integer of at least 1")


def factor(value: Any, name: str) -> float:
    """A number to multiply rates by."""
    return real(value, lambda number: number >= 0, f"{name} must be a number of at least 0")


class LambdaLR(LRScheduler):
    """The first rate times a function of the epoch.

    Args:
        optimizer: whose rates are set.
        lr_lambda: the function, or a list of one for each group.
        last_epoch: see ``LRScheduler``.

    >>> optimizer = optim.SGD(nn.Linear(2, 2).parameters(), lr=1.0)
    >>> schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> optimizer.step(), schedule.step()
    (None, None)
    >>> schedule.get_last_lr()
    [0.5]
    """

    not_saved: ClassVar[Sequence[str]] = ("optimizer", "lr_lambdas")

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        self.lr_lambdas: list[Callable[[int], float]] = functions_of(lr_lambda, optimizer, "lr_lambda")
        super().__init__(optimizer, last_epoch)

    def factor_of(self, group: Group) -> float:
        """The function's value for a group; a group that was added later has the last function."""
        places = [own is group for own in self.optimizer.param_groups]
        return self.lr_lambdas[min(places.index(True), len(self.lr_lambdas) - 1)](self.last_epoch)

    def rate(self, group: Group, base: float) -> float:
        return base * self.factor_of(group)


class MultiplicativeLR(LambdaLR):
    """In each epoch the rate times a function of the epoch.

    Args:
        optimizer: whose rates are set.
        lr_lambda: the function, or a list of one for each group; epoch 0 does not ask it.
        last_epoch: see ``LRScheduler``.
    """

    def rate(self, group: Group, base: float) -> float:
        rate: float = group["lr"]
        return rate * self.factor_of(group) if self.last_epoch > 0 else rate


class StepLR(LRScheduler):
    """The rate times ``gamma`` every ``step_size`` epochs.

    Args:
        optimizer: whose rates are set.
        step_size: epochs between two changes.
        gamma: the factor.
        last_epoch: see ``LRScheduler``.

    >>> optimizer = optim.SGD(nn.Linear(2, 2).parameters(), lr=1.0)
    >>> optim.lr_scheduler.StepLR(optimizer, step_size=30)
    StepLR(epoch 0, lr 1)
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = positive(step_size, "StepLR: step_size"), factor(gamma, "StepLR: gamma")
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        rate: float = group["lr"]
        return rate * self.gamma if self.last_epoch > 0 and self.last_epoch % self.step_size == 0 else rate

    def closed_rate(self, group: Group, base: float) -> float:
        return base * self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(LRScheduler):
    """The rate times ``gamma`` at each of some epochs.

    Args:
        optimizer: whose rates are set.
        milestones: the epochs, in any order; one that stands twice counts twice.
        gamma: the factor.
        last_epoch: see ``LRScheduler``.
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        message = "MultiStepLR: milestones must be integers of at least 0"
        self.milestones = Counter(whole(epoch, 0, message) for epoch in milestones)
        self.gamma = factor(gamma, "MultiStepLR: gamma")
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        rate: float = group["lr"] * self.gamma ** self.milestones[self.last_epoch]
        return rate

    def closed_rate(self, group: Group, base: float) -> float:
        return base * self.gamma ** sum(times for epoch, times in self.milestones.items() if epoch <= self.last_epoch)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.milestones = Counter(self.milestones)  # from files they come as a dict, from older ones as a list


class ExponentialLR(LRScheduler):
    """The rate times ``gamma`` in every epoch.

    Args:
        optimizer: whose rates are set.
        gamma: the factor.
        last_epoch: see ``LRScheduler``.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = factor(gamma, "ExponentialLR: gamma")
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        rate: float = group["lr"]
        return rate * self.gamma if self.last_epoch > 0 else rate

    def closed_rate(self, group: Group, base: float) -> float:
        return base * self.gamma**self.last_epoch


class LinearLR(LRScheduler):
    """The rate times a factor that goes in equal steps from ``start_factor`` to ``end_factor``: a warm-up.

    Args:
        optimizer: whose rates are set.
        start_factor: the factor in epoch 0, above 0.
        end_factor: the factor from epoch ``total_iters`` on.
        total_iters: how many epochs the change takes.
        last_epoch: see ``LRScheduler``.

    A group that is added meanwhile has the factor of the epoch; in PyTorch it ends above the rate it asked for.
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        message = f"{type(self).__name__}: the first factor must be a number above 0, to 1"
        self.start_factor = real(start_factor, lambda number: 0 < number <= 1, message)
        self.end_factor = real(end_factor, lambda number: 0 <= number <= 1, "LinearLR: end_factor must be from 0 to 1")
        self.total_iters = positive(total_iters, f"{type(self).__name__}: total_iters")
        super().__init__(optimizer, last_epoch)

    def factor_at(self, epoch: float) -> float:
        """The factor in an epoch."""
        return self.start_factor + (self.end_factor - self.start_factor) * min(epoch / self.total_iters, 1)

    def rate(self, group: Group, base: float) -> float:
        rate: float = group["lr"]
        if self.last_epoch == 0:
            return rate * self.factor_at(0)
        return rate * (self.factor_at(self.last_epoch) / self.factor_at(self.last_epoch - 1))

    def closed_rate(self, group: Group, base: float) -> float:
        return base * self.factor_at(self.last_epoch)

    def joins(self, group: Group) -> None:
        group["lr"] *= self.factor_at(self.last_epoch)


class ConstantLR(LinearLR):
    """The rate times ``factor`` until epoch ``total_iters``.

    Args:
        optimizer: whose rates are set.
        factor: the factor, above 0, to 1.
        total_iters: how many epochs it holds.
        last_epoch: see ``LRScheduler``.
    """

    not_in_pytorch: ClassVar[Sequence[str]] = ("start_factor", "end_factor")

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        self.factor = factor
        super().__init__(optimizer, factor, 1.0, total_iters, last_epoch)

    def factor_at(self, epoch: float) -> float:
        return self.factor if epoch < self.total_iters else 1.0
