"""What the rules with averages of gradients and of their squares share."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy import ndarray

from ...engine.arguments import below_one, real
from ..groups import Settings
from ..optimizer import Optimizer


def averaged(average: ndarray, value: ndarray, old: ndarray, new: ndarray, out: ndarray) -> None:
    """``average = old * average + new * value`` in place; ``out`` is memory to compute in."""
    np.multiply(value, new, out)
    average *= old
    average += out


class Moments(Optimizer):
    """The base of Adam and its relatives: their two rates of averaging are ``betas``."""

    at_least_zero: ClassVar = ("lr", "weight_decay", "eps", "momentum_decay")

    def check_settings(self, settings: Settings) -> None:
        betas, message = settings["betas"], f"{type(self).__name__}: betas must be two numbers from 0 to below 1"
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"{message}, got {betas!r}.")
        settings["betas"] = tuple(real(beta, below_one, message, shown=betas) for beta in betas)


def rates_of(settings: Settings) -> tuple[float, float, float, float]:
    """How much of the old and of the new goes into each of the two averages."""
    beta1, beta2 = settings["betas"]
    return beta1, 1 - beta1, beta2, 1 - beta2


def update_moments(
    gradient: ndarray, out: ndarray, m: ndarray, v: ndarray, old1: Any, new1: Any, old2: Any, new2: Any
) -> None:
    """Move the averages of the gradient and of its square; ``out`` is memory to compute in."""
    averaged(m, gradient, old1, new1, out)
    np.multiply(gradient, gradient, out)
    out *= new2
    v *= old2
    v += out
