"""Adam."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy import ndarray

from ...engine.arguments import below_one, real
from ...kernels.constants import number
from ..blocks import Piece
from ..optimizer import Optimizer


class Adam(Optimizer):
    """Steps in units of the gradient's own size (D. Kingma, J. Ba, Adam, 2015).

        m = beta1 * m + (1 - beta1) * gradient           m' = m / (1 - beta1**t)
        v = beta2 * v + (1 - beta2) * gradient**2        v' = v / (1 - beta2**t)
        p -= lr * m' / (sqrt(v') + eps)

    Without eps, parameters whose v is 0 do not move: that is the limit for small eps after gradients of 0. In float32
    v is 0, too, for gradients below 1e-21, and has few digits below 1e-18: scale the loss up or use float64. The
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
    at_least_zero = ("lr", "weight_decay", "eps")
    switches = ("amsgrad",)

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False,
    ) -> None:  # fmt: skip
        settings = {"lr": lr, "betas": betas, "eps": eps}
        super().__init__(params, {**settings, "weight_decay": weight_decay, "amsgrad": amsgrad})

    def check_settings(self, settings: dict[str, Any]) -> None:
        betas, message = settings["betas"], "Adam: betas must be two numbers from 0 to below 1"
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"{message}, got {betas!r}.")
        settings["betas"] = tuple(real(beta, below_one, message, shown=betas) for beta in betas)

    def change(self, piece: Piece, settings: dict[str, Any], block: int, gradient: ndarray, out: ndarray) -> None:
        beta1, beta2 = settings["betas"]
        old1, new1, old2, new2 = averaging_weights(beta1, beta2, piece.precision)
        m, v = piece.vector("exp_avg", block), piece.vector("exp_avg_sq", block)
        np.multiply(gradient, new1, out)
        m *= old1
        m += out
        np.multiply(gradient, gradient, out)
        out *= new2
        v *= old2
        v += out
        if settings["amsgrad"]:
            largest = piece.vector("max_exp_avg_sq", block)
            v = np.maximum(largest, v, out=largest)
        # both corrections in one factor: sqrt(v') + eps = (sqrt(v) + eps * root) / root
        root = math.sqrt(1 - beta2**piece.step)
        np.sqrt(v, out)
        floor = piece.precision.type(settings["eps"] * root)
        out += floor
        np.divide(m, out, out, where=bool(floor) or out != 0)
        out *= settings["lr"] * root / (1 - beta1**piece.step)


@functools.lru_cache(maxsize=16)
def averaging_weights(beta1: float, beta2: float, dtype: np.dtype[Any]) -> tuple[ndarray, ndarray, ndarray, ndarray]:
    """The weights of the old average and of the new value, for gradients and for their squares."""
    return number(beta1, dtype), number(1 - beta1, dtype), number(beta2, dtype), number(1 - beta2, dtype)
