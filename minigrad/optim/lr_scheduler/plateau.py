"""A schedule that follows a measure."""

from __future__ import annotations

import math
from typing import Any

from ...engine.arguments import not_negative, real, whole
from ..optimizer import Optimizer
from .scheduler import LRScheduler, for_each_group, optimizer_of


class ReduceLROnPlateau(LRScheduler):
    """The rate times ``factor`` when a measure has not improved for more than ``patience`` epochs.

    Args:
        optimizer: whose rates are set.
        mode: ``"min"`` if less is better, ``"max"`` if more is.
        factor: below 1.
        patience: epochs without improvement that are waited for.
        threshold: how much better counts as an improvement.
        threshold_mode: ``"rel"``: of the best so far; ``"abs"``: in its units.
        cooldown: epochs after a change in which nothing is counted.
        min_lr: a smallest rate, or one for each group.
        eps: smaller changes of the rate are not made.

    ``step(measure)`` after each epoch. NaN counts as no improvement. With ``"rel"`` a measure below 0 has to be better
    by ``threshold`` times its size; in PyTorch nothing ever fires then.

    >>> optimizer = optim.SGD(nn.Linear(2, 2).parameters(), lr=1.0)
    >>> schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    >>> for loss in [2.0, 1.0, 1.0]:
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.1]
    """

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
        threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0, min_lr: Any = 0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        kind = "ReduceLROnPlateau"
        self.optimizer = optimizer_of(optimizer, kind)
        for name, value, known in [("mode", mode, ("min", "max")), ("threshold_mode", threshold_mode, ("rel", "abs"))]:
            if value not in known:
                raise ValueError(f"{kind}: {name} must be {known[0]!r} or {known[1]!r}, got {value!r}.")
        self.mode, self.threshold_mode = mode, threshold_mode
        self.factor = real(factor, lambda number: 0 <= number < 1, f"{kind}: factor must be a number from 0 to below 1")
        self.patience = whole(patience, 0, f"{kind}: patience must be an integer of at least 0")
        self.threshold = real(threshold, not_negative, f"{kind}: threshold must be a number of at least 0")
        self.cooldown = whole(cooldown, 0, f"{kind}: cooldown must be an integer of at least 0")
        self.min_lrs = for_each_group(min_lr, optimizer, f"{kind}: min_lr")
        self.eps = eps
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = 0
        self.last_epoch = 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]

    @property
    def in_cooldown(self) -> bool:
        """Whether nothing is counted because the rate has just changed."""
        return self.cooldown_counter > 0

    def is_better(self, a: float, best: float) -> bool:
        """Whether a measure is better than the best so far by the threshold."""
        if math.isinf(best):
            return a < best if self.mode == "min" else a > best
        margin = self.threshold * (abs(best) if self.threshold_mode == "rel" else 1)
        return a < best - margin if self.mode == "min" else a > best + margin

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Count the epoch with this measure, a number or a tensor of one element."""
        measure = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(measure, self.best):
            self.best, self.num_bad_epochs = measure, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def reduce(self) -> None:
        """Multiply the rates by the factor."""
        groups = self.optimizer.param_groups
        smallest = [*self.min_lrs, *[self.min_lrs[-1]] * (len(groups) - len(self.min_lrs))]
        for group, least in zip(groups, smallest):
            rate = max(group["lr"] * self.factor, least)
            if group["lr"] - rate > self.eps:
                group["lr"] = rate
