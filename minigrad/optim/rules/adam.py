"""Adam."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray

from ..groups import Settings
from .moments import Moments, rates_of, update_moments

TINY_EPS = 1e-30
"""An eps below this, times the correction sqrt(1 - beta2**t), which is at least 1e-8, may be 0 in float32."""


class Adam(Moments):
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
        maximize: ascend.
        decoupled_weight_decay: shrink the parameters by ``lr * weight_decay`` instead, as ``AdamW`` does.
        hints: PyTorch's choices between implementations of the same steps, ``foreach`` and ``fused``: without effect.

    >>> weight = nn.Parameter(mg.tensor([1.0, -2.0]))
    >>> optimizer = optim.Adam([weight], lr=0.1)
    >>> weight.square().sum().backward()
    >>> optimizer.step()
    >>> weight
    Parameter containing:
    tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    state_names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    number_names = ("old1", "new1", "old2", "new2", "scaled_eps", "rate")
    optional_state: ClassVar = {"max_exp_avg_sq": "amsgrad"}
    switches = ("amsgrad",)

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, maximize: bool = False,
        decoupled_weight_decay: bool = False, **hints: Any,
    ) -> None:  # fmt: skip
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        settings |= {"maximize": maximize, "decoupled_weight_decay": decoupled_weight_decay}
        super().__init__(params, settings, **hints)

    def numbers(self, step: int, settings: Settings, new: Sequence[str]) -> Sequence[float]:
        old1, new1, old2, new2 = rates_of(settings)
        # both corrections in one factor: sqrt(v') + eps = (sqrt(v) + eps * root) / root
        root = math.sqrt(1 - old2**step)
        rate = settings["lr"] * root / (1 - old1**step)
        return old1, new1, old2, new2, settings["eps"] * root, rate

    def change(
        self, gradient: ndarray, out: ndarray, state: Sequence[ndarray], numbers: Sequence[ndarray], settings: Settings
    ) -> None:
        m, v = state[:2]
        old1, new1, old2, new2, scaled_eps, rate = numbers
        update_moments(gradient, out, m, v, old1, new1, old2, new2)
        if settings["amsgrad"]:
            largest = state[2]
            v = np.maximum(largest, v, out=largest)
        np.sqrt(v, out)
        out += scaled_eps
        if settings["eps"] < TINY_EPS:
            np.divide(m, out, out, where=out != 0)
        else:
            np.divide(m, out, out)
        out *= rate


class AdamW(Adam):
    """Adam whose weight decay is apart from the averages (I. Loshchilov, F. Hutter, Decoupled weight decay, 2019).

        p -= lr * weight_decay * p, and then as Adam without decay

    Args:
        params: parameters or groups.
        lr, betas, eps, amsgrad, maximize: as Adam's.
        weight_decay: in each step the parameters shrink by ``lr * weight_decay``.
        hints: as Adam's.

    >>> weight = nn.Parameter(mg.tensor([1.0, -2.0]))
    >>> optimizer = optim.AdamW([weight], lr=0.1)
    >>> weight.square().sum().backward()
    >>> optimizer.step()
    >>> weight
    Parameter containing:
    tensor([ 0.8990, -1.8980], requires_grad=True)
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False, **hints: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True, **hints
        )
