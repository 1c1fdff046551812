"""Adam."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray

from ...engine.arguments import below_one, real
from ..groups import Settings
from ..optimizer import Optimizer

TINY_EPS = 1e-30
"""An eps below this, times the correction sqrt(1 - beta2**t), which is at least 1e-8, may be 0 in float32."""


class Adam(Optimizer):
    """Steps in units of the gradient's own size (D. Kingma, J. Ba, Adam, 2015).

        m = beta1 * m + (1 - beta1) * gradient           m' = m / (1 - beta1**t)
        v = beta2 * v + (1 - beta2) * gradient**2        v' = v / (1 - beta2**t)
        p -= lr * m' / (sqrt(v') + eps)

    Without eps, parameters whose v is 0 do not move: that is the limit for small eps after gradients of 0. The
    averages of float16 parameters are float32, as is the arithmetic: eps and the squares would be 0 in float16.

    Args:
        params: parameters or groups.
        lr: the learning rate.
        betas: how much of the old averages stays in each step.
        eps: added to the denominator.
        weight_decay: adds ``weight_decay * p`` to the gradient.
        amsgrad: take the largest v so far (S. Reddi and others, 2018).
    """

    state_names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    optional_state: ClassVar = {"max_exp_avg_sq": "amsgrad"}
    at_least_zero = ("lr", "weight_decay", "eps")
    switches = ("amsgrad",)

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False,
    ) -> None:  # fmt: skip
        settings = {"lr": lr, "betas": betas, "eps": eps}
        super().__init__(params, {**settings, "weight_decay": weight_decay, "amsgrad": amsgrad})

    def check_settings(self, settings: Settings) -> None:
        betas, message = settings["betas"], "Adam: betas must be two numbers from 0 to below 1"
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"{message}, got {betas!r}.")
        settings["betas"] = tuple(real(beta, below_one, message, shown=betas) for beta in betas)

    def numbers(self, step: int, settings: Settings, new: Sequence[str]) -> Sequence[float]:
        beta1, beta2 = settings["betas"]
        # both corrections in one factor: sqrt(v') + eps = (sqrt(v) + eps * root) / root
        root = math.sqrt(1 - beta2**step)
        rate = settings["lr"] * root / (1 - beta1**step)
        return beta1, 1 - beta1, beta2, 1 - beta2, settings["eps"] * root, rate

    def change(
        self, gradient: ndarray, out: ndarray, state: Sequence[ndarray], numbers: Sequence[ndarray], settings: Settings
    ) -> None:
        m, v = state[:2]
        old1, new1, old2, new2, eps, rate = numbers
        np.multiply(gradient, new1, out)
        m *= old1
        m += out
        np.multiply(gradient, gradient, out)
        out *= new2
        v *= old2
        v += out
        if settings["amsgrad"]:
            largest = state[2]
            v = np.maximum(largest, v, out=largest)
        np.sqrt(v, out)
        out += eps
        if settings["eps"] < TINY_EPS:
            np.divide(m, out, out, where=out != 0)
        else:
            np.divide(m, out, out)
        out *= rate
