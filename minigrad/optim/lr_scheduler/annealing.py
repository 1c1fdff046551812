"""Schedules that take rates down along a curve: polynomials and cosines, with restarts."""

from __future__ import annotations

import math

from ...engine.arguments import real
from ..optimizer import Optimizer
from .factors import positive
from .scheduler import Group, LRScheduler


class PolynomialLR(LRScheduler):
    """``(1 - epoch / total_iters)**power`` of the rate, 0 from epoch ``total_iters`` on.

    Args:
        optimizer: whose rates are set.
        total_iters: the epoch in which the rate is 0.
        power: the polynomial's.
        last_epoch: see ``LRScheduler``.
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = positive(total_iters, "PolynomialLR: total_iters")
        self.power = real(power, lambda _: True, "PolynomialLR: power must be a number")
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        rate: float = group["lr"]
        if not 0 < self.last_epoch <= self.total_iters:
            return rate
        left = self.total_iters - self.last_epoch
        return rate * float((left / (left + 1)) ** self.power)

    def closed_rate(self, group: Group, base: float) -> float:
        return base * float((1 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power)


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the rate to ``eta_min`` in ``T_max`` epochs, and up again (I. Loshchilov, F. Hutter, 2017).

        eta_min + (base - eta_min) * (1 + cos(pi * epoch / T_max)) / 2

    Args:
        optimizer: whose rates are set.
        T_max: epochs from the largest to the smallest rate.
        eta_min: the smallest rate.
        last_epoch: see ``LRScheduler``.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:  # noqa: N803
        self.T_max = positive(T_max, "CosineAnnealingLR: T_max")
        self.eta_min = real(eta_min, lambda _: True, "CosineAnnealingLR: eta_min must be a number")
        super().__init__(optimizer, last_epoch)

    def height(self, epoch: float) -> float:
        """From 1 for the largest rate to 0 for ``eta_min``."""
        return (1 + math.cos(math.pi * epoch / self.T_max)) / 2

    def rate(self, group: Group, base: float) -> float:
        rate: float = group["lr"]
        if self.last_epoch == 0:
            return rate
        if self._step_count == 1:  # a run that goes on
            return self.closed_rate(group, base)
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # up from eta_min, no multiple of which it is
            return rate + (base - self.eta_min) * self.height(self.T_max + 1)
        return self.eta_min + (rate - self.eta_min) * (self.height(self.last_epoch) / self.height(self.last_epoch - 1))

    def closed_rate(self, group: Group, base: float) -> float:
        return self.eta_min + (base - self.eta_min) * self.height(self.last_epoch)


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from the rate to ``eta_min``, again and again (I. Loshchilov, F. Hutter, SGDR, 2017).

    Args:
        optimizer: whose rates are set.
        T_0: epochs of the first descent.
        T_mult: each descent takes so many times the epochs of the one before.
        eta_min: the smallest rate.
        last_epoch: see ``LRScheduler``.

    ``step(epoch)`` takes fractions, too: ``schedule.step(epoch + i / batches)`` after each batch.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1  # noqa: N803
    ) -> None:  # fmt: skip
        self.T_0 = positive(T_0, "CosineAnnealingWarmRestarts: T_0")
        self.T_mult = positive(T_mult, "CosineAnnealingWarmRestarts: T_mult")
        self.eta_min = real(eta_min, lambda _: True, "CosineAnnealingWarmRestarts: eta_min must be a number")
        self.T_i, self.T_cur = self.T_0, float(last_epoch)
        super().__init__(optimizer, last_epoch)

    def step(self, epoch: float | None = None) -> None:
        """Set the rates of the next epoch, or of the one that is given, which may be a fraction."""
        message = "CosineAnnealingWarmRestarts: epoch must be a number of at least 0"
        now = self.last_epoch + 1 if epoch is None else real(epoch, lambda number: number >= 0, message)
        start, length = 0, self.T_0
        if self.T_mult == 1:
            start = int(now // length) * length
        else:
            while now >= start + length:
                start, length = start + length, length * self.T_mult
        self.T_i, self.T_cur = length, now - start
        super().step(now)
        self.last_epoch = math.floor(now)

    def rate(self, group: Group, base: float) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
