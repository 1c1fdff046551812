"""NAdam, RAdam and Adamax: relatives of Adam."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray

from ..groups import Settings
from .moments import Moments, averaged, rates_of, update_moments


def momentum_at(step: int, settings: Settings) -> float:
    """NAdam's rate of averaging in a step, which rises to beta1."""
    rate: float = settings["betas"][0] * (1 - 0.5 * 0.96 ** (step * settings["momentum_decay"]))
    return rate


class NAdam(Moments):
    """Adam with Nesterov's momentum (T. Dozat, Incorporating Nesterov momentum into Adam, 2016).

        mu_t = beta1 * (1 - 0.96**(t * momentum_decay) / 2),    product = mu_1 * ... * mu_t
        m, v, v' as Adam's
        p -= lr * ((1 - mu_t) * gradient / (1 - product) + mu_(t+1) * m / (1 - product * mu_(t+1))) / (sqrt(v') + eps)

    Args:
        params: parameters or groups.
        lr, betas, eps, weight_decay: as Adam's.
        momentum_decay: how fast ``mu`` rises to ``beta1``.
        decoupled_weight_decay: shrink the parameters by ``lr * weight_decay`` instead of adding to the gradient.
        maximize: ascend.
        hints: as Adam's.

    >>> weight = nn.Parameter(mg.tensor([1.0, -2.0]))
    >>> optimizer = optim.NAdam([weight], lr=0.1)
    >>> weight.square().sum().backward()
    >>> optimizer.step()
    >>> weight
    Parameter containing:
    tensor([ 0.8944, -1.8944], requires_grad=True)
    """

    state_names = ("exp_avg", "exp_avg_sq")
    number_names = ("old1", "new1", "old2", "new2", "eps", "by_gradient", "by_average")
    number_state: ClassVar = {"mu_product": 1.0}

    def __init__(
        self, params: Any, lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False,
        *, maximize: bool = False, **hints: Any,
    ) -> None:  # fmt: skip
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        settings |= {"momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay}
        super().__init__(params, {**settings, "maximize": maximize}, **hints)

    def next_numbers(self, step: int, settings: Settings) -> Mapping[str, float]:
        return {"mu_product": settings["mu_product"] * momentum_at(step, settings)}

    def numbers(self, step: int, settings: Settings, new: Sequence[str]) -> Sequence[float]:
        mu, following, product = momentum_at(step, settings), momentum_at(step + 1, settings), settings["mu_product"]
        root = math.sqrt(1 - settings["betas"][1] ** step)
        by_gradient = settings["lr"] * root * (1 - mu) / (1 - product)
        by_average = settings["lr"] * root * following / (1 - product * following)
        return *rates_of(settings), settings["eps"] * root, by_gradient, by_average

    def change(
        self, gradient: ndarray, out: ndarray, state: Sequence[ndarray], numbers: Sequence[ndarray], settings: Settings
    ) -> None:
        m, v = state
        old1, new1, old2, new2, eps, by_gradient, by_average = numbers
        update_moments(gradient, out, m, v, old1, new1, old2, new2)
        np.sqrt(v, out)
        out += eps
        np.divide(by_gradient * gradient + by_average * m, out, out)


class RAdam(Moments):
    """Adam without the noise of its first steps (L. Liu and others, On the variance of the adaptive rate, 2020).

        r_t = r - 2 * t * beta2**t / (1 - beta2**t),    r = 2 / (1 - beta2) - 1
        p -= lr * m' * rect / (sqrt(v') + eps)    if r_t > 5, else p -= lr * m'
        rect = sqrt((r_t - 4) * (r_t - 2) * r / ((r - 4) * (r - 2) * r_t))

    Args:
        params: parameters or groups.
        lr, betas, eps, weight_decay: as Adam's.
        decoupled_weight_decay: shrink the parameters by ``lr * weight_decay`` instead of adding to the gradient.
        maximize: ascend.
        hints: as Adam's.

    >>> weight = nn.Parameter(mg.tensor([1.0, -2.0]))
    >>> optimizer = optim.RAdam([weight], lr=0.1)
    >>> weight.square().sum().backward()
    >>> optimizer.step()
    >>> weight
    Parameter containing:
    tensor([ 0.8000, -1.6000], requires_grad=True)
    """

    state_names = ("exp_avg", "exp_avg_sq")
    number_names = ("old1", "new1", "old2", "new2", "adaptive", "constant", "rate")

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, decoupled_weight_decay: bool = False, *, maximize: bool = False, **hints: Any,
    ) -> None:  # fmt: skip
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        settings |= {"decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize}
        super().__init__(params, settings, **hints)

    def numbers(self, step: int, settings: Settings, new: Sequence[str]) -> Sequence[float]:
        beta1, beta2 = settings["betas"]
        rate = settings["lr"] / (1 - beta1**step)
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * step * beta2**step / (1 - beta2**step)
        if length <= 5:  # the step is divided by 1
            return *rates_of(settings), 0, 1, rate
        rectified = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
        root = math.sqrt(1 - beta2**step)
        return *rates_of(settings), 1, settings["eps"], rate * root * math.sqrt(rectified)

    def change(
        self, gradient: ndarray, out: ndarray, state: Sequence[ndarray], numbers: Sequence[ndarray], settings: Settings
    ) -> None:
        m, v = state
        old1, new1, old2, new2, adaptive, constant, rate = numbers
        update_moments(gradient, out, m, v, old1, new1, old2, new2)
        np.sqrt(v, out)
        out *= adaptive
        out += constant
        np.divide(m, out, out)
        out *= rate


class Adamax(Moments):
    """Adam in units of the largest recent gradient (D. Kingma, J. Ba, Adam, 2015, section 7).

        m = beta1 * m + (1 - beta1) * gradient
        u = max(beta2 * u, |gradient| + eps)
        p -= lr / (1 - beta1**t) * m / u

    Args:
        params: parameters or groups.
        lr, betas, weight_decay: as Adam's.
        eps: added to the gradient's size.
        maximize: ascend.
        hints: as Adam's.

    >>> weight = nn.Parameter(mg.tensor([1.0, -2.0]))
    >>> optimizer = optim.Adamax([weight], lr=0.1)
    >>> weight.square().sum().backward()
    >>> optimizer.step()
    >>> weight
    Parameter containing:
    tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    state_names = ("exp_avg", "exp_inf")
    number_names = ("old1", "new1", "old2", "eps", "rate")

    def __init__(
        self, params: Any, lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, *, maximize: bool = False, **hints: Any,
    ) -> None:  # fmt: skip
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, settings, **hints)

    def numbers(self, step: int, settings: Settings, new: Sequence[str]) -> Sequence[float]:
        beta1, beta2 = settings["betas"]
        return beta1, 1 - beta1, beta2, settings["eps"], settings["lr"] / (1 - beta1**step)

    def change(
        self, gradient: ndarray, out: ndarray, state: Sequence[ndarray], numbers: Sequence[ndarray], settings: Settings
    ) -> None:
        m, largest = state
        old1, new1, old2, eps, rate = numbers
        averaged(m, gradient, old1, new1, out)
        np.absolute(gradient, out)
        out += eps
        largest *= old2
        np.maximum(largest, out, out=largest)
        if settings["eps"]:
            np.divide(m, largest, out)
        else:  # parameters whose gradients were all 0 stay
            np.divide(m, largest, out, where=largest != 0)
        out *= rate
