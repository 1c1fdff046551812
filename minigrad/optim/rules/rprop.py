"""Rprop, which reads the gradients' signs only, and ASGD, which averages the parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray

from ...engine.arguments import real
from ..groups import Settings
from ..optimizer import Optimizer


def pair(value: Any, message: str, allowed: Any) -> tuple[float, float]:
    """Two numbers, each allowed, the first the smaller."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{message}, got {value!r}.")
    low, high = (real(number, allowed, message, shown=value) for number in value)
    return low, high


class Rprop(Optimizer):
    """Steps that grow while the gradient keeps its sign, and shrink when it turns (M. Riedmiller, H. Braun, 1993).

        size *= etas[1] if gradient * previous > 0, etas[0] if < 0, within step_sizes; it begins with lr
        p -= sign(gradient) * size;    where the sign has turned the parameter waits, and the gradient counts as 0

    For gradients of whole datasets: the sign of a mini-batch's is noise.

    Args:
        params: parameters or groups.
        lr: the size of the first step.
        etas: the factors of a step's size after a turn and without one.
        step_sizes: the smallest and the largest step.
        maximize: ascend.
        hints: PyTorch's choices between implementations of the same steps, ``foreach``: without effect.

    >>> weight = nn.Parameter(mg.tensor([1.0, -2.0]))
    >>> optimizer = optim.Rprop([weight], lr=0.1)
    >>> weight.square().sum().backward()
    >>> optimizer.step()
    >>> weight
    Parameter containing:
    tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    state_names = ("prev", "step_size")
    number_names = ("shrink", "grow", "smallest", "largest")
    initial_state: ClassVar = {"step_size": "lr"}

    def __init__(
        self, params: Any, lr: float = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50), *, maximize: bool = False, **hints: Any,
    ) -> None:  # fmt: skip
        settings = {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize}
        super().__init__(params, settings, **hints)

    def check_settings(self, settings: Settings) -> None:
        message = "Rprop: etas must be a number from 0 to 1, both excluded, and one above 1"
        settings["etas"] = shrink, grow = pair(settings["etas"], message, lambda eta: eta > 0)
        if not shrink < 1 < grow:
            raise ValueError(f"{message}, got {settings['etas']!r}.")
        message = "Rprop: step_sizes must be two numbers of at least 0, the smallest and the largest"
        settings["step_sizes"] = pair(settings["step_sizes"], message, lambda size: size >= 0)

    def numbers(self, step: int, settings: Settings, new: Sequence[str]) -> Sequence[float]:
        return *settings["etas"], *settings["step_sizes"]

    def change(
        self, gradient: ndarray, out: ndarray, state: Sequence[ndarray], numbers: Sequence[ndarray], settings: Settings
    ) -> None:
        (previous, size), (shrink, grow, smallest, largest) = state, numbers
        np.multiply(gradient, previous, out)
        size *= np.where(out > 0, grow, np.where(out < 0, shrink, np.ones((), size.dtype)))
        np.minimum(np.maximum(size, smallest), largest, out=size)
        previous[...] = np.where(out < 0, np.zeros((), size.dtype), gradient)
        np.multiply(np.sign(previous), size, out)


class ASGD(Optimizer):
    """Gradient descent whose parameters are averaged in ``state[p]["ax"]`` (B. Polyak, A. Juditsky, 1992).

        p -= eta * (gradient + lambd * p),    eta = lr / (1 + lambd * lr * (t - 1))**alpha
        ax += mu * (p - ax),    mu = 1 / max(1, t - 1 - t0)

    Args:
        params: parameters or groups.
        lr: the learning rate.
        lambd: how fast the parameters decay, and the rate with them.
        alpha: the power by which the rate falls.
        t0: the step from which parameters are averaged.
        weight_decay: adds ``weight_decay * p`` to the gradient.
        maximize: ascend.
        hints: as Rprop's.

    >>> weight = nn.Parameter(mg.tensor([1.0, -2.0]))
    >>> optimizer = optim.ASGD([weight], lr=0.1)
    >>> weight.square().sum().backward()
    >>> optimizer.step()
    >>> weight
    Parameter containing:
    tensor([ 0.8000, -1.6000], requires_grad=True)
    """

    state_names = ("ax",)
    number_names = ("lambd", "eta", "mu")
    number_state: ClassVar = {"eta": 0.0, "mu": 1.0}
    reads_values = True

    def __init__(
        self, params: Any, lr: float = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
        weight_decay: float = 0, maximize: bool = False, **hints: Any,
    ) -> None:  # fmt: skip
        settings = {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "maximize": maximize}, **hints)

    def check_settings(self, settings: Settings) -> None:
        for key in ("lambd", "alpha", "t0"):
            settings[key] = real(settings[key], lambda _: True, f"ASGD: {key} must be a number")

    def next_numbers(self, step: int, settings: Settings) -> Mapping[str, float]:
        return dict(zip(self.number_state, self.rates(step + 1, settings)))

    def rates(self, step: int, settings: Settings) -> tuple[float, float]:
        """The rates of descent and of averaging in a step."""
        lr, lambd, earlier = settings["lr"], settings["lambd"], step - 1
        eta: float = lr / (1 + lambd * lr * earlier) ** settings["alpha"]
        return eta, 1 / max(1, earlier - settings["t0"])

    def numbers(self, step: int, settings: Settings, new: Sequence[str]) -> Sequence[float]:
        return settings["lambd"], *self.rates(step, settings)

    def change(
        self, gradient: ndarray, out: ndarray, state: Sequence[ndarray], numbers: Sequence[ndarray], settings: Settings
    ) -> None:
        (average, values), (lambd, eta, mu) = state, numbers
        np.multiply(values, lambd, out)
        out += gradient
        out *= eta
        average += mu * (values - out - average)
