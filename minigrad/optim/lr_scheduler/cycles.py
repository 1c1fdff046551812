"""Schedules that take rates up and down again, and the momentum the other way (L. Smith, 2017 and 2018)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ...engine.arguments import real, whole
from ..optimizer import Optimizer
from .scheduler import Group, LRScheduler, for_each_group, optimizer_of


def momentum_of(group: Group, kind: str) -> float:
    """A group's momentum, or the first of its betas; refused if it has neither."""
    if "betas" in group:
        return float(group["betas"][0])
    if "momentum" not in group:
        raise ValueError(f"{kind}: this optimiser has no momentum to cycle: pass cycle_momentum=False.")
    return float(group["momentum"])


def set_momentum(group: Group, momentum: float) -> None:
    """Give a group its momentum, or the first of its betas."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


SCALES: dict[str, tuple[Callable[[float, float], float], str]] = {
    "triangular": (lambda _number, _gamma: 1.0, "cycle"),
    "triangular2": (lambda number, _gamma: 1 / 2.0 ** (number - 1), "cycle"),
    "exp_range": (lambda steps, gamma: gamma**steps, "iterations"),
}
"""For each mode of ``CyclicLR`` the height of a cycle, of the cycle's number or of the number of steps."""


class CyclicLR(LRScheduler):
    """Rates that go up and down between two values, step by step (L. Smith, Cyclical learning rates, 2017).

    Args:
        optimizer: whose rates are set.
        base_lr, max_lr: the smallest and the largest rate, or one for each group.
        step_size_up, step_size_down: steps upwards, and downwards, as many unless given.
        mode: ``"triangular"``: all cycles alike; ``"triangular2"``: each half as high as the one before;
            ``"exp_range"``: ``gamma**step`` high.
        gamma: for ``"exp_range"``.
        scale_fn, scale_mode: instead of ``mode`` a function of the cycle's number, from 1, (``"cycle"``) or of the
            number of steps (``"iterations"``).
        cycle_momentum: take the momentum, or ``betas[0]``, down while the rate goes up.
        base_momentum, max_momentum: its smallest and largest values.
        last_epoch: see ``LRScheduler``; here it counts steps.
    """

    not_saved: ClassVar[Sequence[str]] = ("optimizer", "scale_fn")
    not_in_pytorch: ClassVar[Sequence[str]] = ("up", "down")

    def __init__(
        self, optimizer: Optimizer, base_lr: Any, max_lr: Any, step_size_up: int = 2000,
        step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None, scale_mode: str = "cycle", cycle_momentum: bool = True,
        base_momentum: Any = 0.8, max_momentum: Any = 0.9, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        kind = "CyclicLR"
        optimizer_of(optimizer, kind)
        if scale_fn is None and mode not in SCALES:
            raise ValueError(f"{kind}: mode must be one of {', '.join(map(repr, SCALES))}, got {mode!r}.")
        if scale_mode not in ("cycle", "iterations"):
            raise ValueError(f"{kind}: scale_mode must be 'cycle' or 'iterations', got {scale_mode!r}.")
        down = step_size_up if step_size_down is None else step_size_down
        self.up, self.down = (whole(n, 1, f"{kind}: steps up and down must be integers of at least 1")
                              for n in (step_size_up, down))  # fmt: skip
        self.mode, self.gamma = mode, gamma
        height, scale = SCALES.get(mode, SCALES["triangular"])
        self.scale_mode = scale_mode if scale_fn else scale
        self.scale_fn = scale_fn or (lambda number: height(number, gamma))
        self.max_lrs = for_each_group(max_lr, optimizer, f"{kind}: max_lr")
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums = for_each_group(base_momentum, optimizer, f"{kind}: base_momentum")
            self.max_momentums = for_each_group(max_momentum, optimizer, f"{kind}: max_momentum")
            for group, momentum in zip(optimizer.param_groups, self.max_momentums):
                momentum_of(group, kind)
                set_momentum(group, momentum)
        rates = for_each_group(base_lr, optimizer, f"{kind}: base_lr")
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, rates):
                group["initial_lr"] = group["lr"] = rate
        super().__init__(optimizer, last_epoch)
        self.base_lrs = list(rates)

    def height(self) -> float:
        """How far above its smallest value the rate is now, as a part of the way to the largest."""
        total = self.up + self.down
        number = math.floor(1 + self.last_epoch / total)
        place = self.last_epoch - (number - 1) * total
        part = place / self.up if place <= self.up else (total - place) / self.down
        return part * self.scale_fn(number if self.scale_mode == "cycle" else self.last_epoch)

    def get_lr(self) -> list[float]:
        height, groups = self.height(), self.optimizer.param_groups
        if self.cycle_momentum:
            for group, low, high in zip(groups, self.base_momentums, self.max_momentums):
                set_momentum(group, high - (high - low) * height)
        highest = [*self.max_lrs, *self.base_lrs[len(self.max_lrs) :]]  # a group that was added later keeps its rate
        return [base + (high - base) * height for base, high in zip(self.base_lrs, highest)]


def cosine(start: float, end: float, part: float) -> float:
    """From start to end along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def linear(start: float, end: float, part: float) -> float:
    """From start to end along a line."""
    return start + (end - start) * part


CURVES = {"cos": cosine, "linear": linear}


class OneCycleLR(LRScheduler):
    """One rise of the rate and one long descent, step by step (L. Smith, N. Topin, Super-convergence, 2018).

    Args:
        optimizer: whose rates are set.
        max_lr: the largest rate, or one for each group.
        total_steps: how many steps the cycle takes; or ``epochs`` and ``steps_per_epoch``, whose product it is.
        pct_start: the part of the steps that the rise takes.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: take the momentum, or ``betas[0]``, down while the rate goes up.
        base_momentum, max_momentum: its smallest and largest values.
        div_factor: the first rate is ``max_lr / div_factor``.
        final_div_factor: the last rate is the first one divided by this.
        three_phase: descend to the first rate as fast as it rose, and then to the last.
        last_epoch: see ``LRScheduler``; here it counts steps.

    A step too many leaves the last rate; in PyTorch it goes up again. The next is refused.
    """

    not_in_pytorch: ClassVar[Sequence[str]] = ("_phases",)

    def __init__(
        self, optimizer: Optimizer, max_lr: Any, total_steps: int | None = None, epochs: int | None = None,
        steps_per_epoch: int | None = None, pct_start: float = 0.3, anneal_strategy: str = "cos",
        cycle_momentum: bool = True, base_momentum: Any = 0.85, max_momentum: Any = 0.95, div_factor: float = 25.0,
        final_div_factor: float = 1e4, three_phase: bool = False, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        kind = "OneCycleLR"
        optimizer_of(optimizer, kind)
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError(f"{kind}: give total_steps, or epochs and steps_per_epoch.")
            total_steps = whole(epochs, 1, f"{kind}: epochs must be an integer of at least 1") * whole(
                steps_per_epoch, 1, f"{kind}: steps_per_epoch must be an integer of at least 1"
            )
        self.total_steps = whole(total_steps, 1, f"{kind}: total_steps must be an integer of at least 1")
        pct_start = real(pct_start, lambda part: 0 <= part <= 1, f"{kind}: pct_start must be a number from 0 to 1")
        if anneal_strategy not in CURVES:
            raise ValueError(f"{kind}: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}.")
        self._anneal_func_type = anneal_strategy
        self._phases = phases(pct_start * self.total_steps, self.total_steps, three_phase)
        self.cycle_momentum = cycle_momentum
        if last_epoch == -1:
            rates = for_each_group(max_lr, optimizer, f"{kind}: max_lr")
            for group, rate in zip(optimizer.param_groups, rates):
                group["initial_lr"] = group["lr"] = rate / div_factor
                group["max_lr"], group["min_lr"] = rate, rate / div_factor / final_div_factor
            self._begin_momentum(optimizer, base_momentum, max_momentum)
        super().__init__(optimizer, last_epoch)

    def _begin_momentum(self, optimizer: Optimizer, base: Any, largest: Any) -> None:
        """Note each group's smallest and largest momentum."""
        if not self.cycle_momentum:
            return
        lowest = for_each_group(base, optimizer, "OneCycleLR: base_momentum")
        highest = for_each_group(largest, optimizer, "OneCycleLR: max_momentum")
        for group, low, high in zip(optimizer.param_groups, lowest, highest):
            momentum_of(group, "OneCycleLR")
            group["base_momentum"], group["max_momentum"] = low, high

    def joins(self, group: Group) -> None:
        """A group that is added later keeps its rate and its momentum."""
        group.setdefault("max_lr", group["lr"])
        group.setdefault("min_lr", group["lr"])
        if self.cycle_momentum:
            group["base_momentum"] = group["max_momentum"] = momentum_of(group, "OneCycleLR")

    def rate(self, group: Group, base: float) -> float:
        if self.last_epoch > self.total_steps:
            raise ValueError(f"OneCycleLR: {self.last_epoch} steps of {self.total_steps}: the cycle has ended.")
        now = min(self.last_epoch, self.total_steps - 1)  # a step too many leaves the last rate
        number = next(i for i, phase in enumerate(self._phases) if now <= phase[0])
        start = self._phases[number - 1][0] if number else 0
        end, first, last, first_momentum, last_momentum = self._phases[number]
        part = (now - start) / (end - start)
        curve = CURVES[self._anneal_func_type]
        if self.cycle_momentum:
            set_momentum(group, curve(group[first_momentum], group[last_momentum], part))
        return curve(group[first], group[last], part)


Phase = tuple[float, str, str, str, str]
"""The last step of a phase, and the settings between which rate and momentum go."""


def phases(rise: float, total: int, three: bool) -> list[Phase]:
    """The phases of a cycle whose rate rises for so many steps."""
    up: Phase = (rise - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    if not three:
        return [up, (total - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")]
    return [
        up,
        (2 * rise - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
        (total - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
    ]
