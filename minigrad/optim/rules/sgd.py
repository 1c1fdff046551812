"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray

from ..groups import Settings
from ..optimizer import Optimizer


class SGD(Optimizer):
    """``p -= lr * v`` with ``v = momentum * v + (1 - dampening) * gradient``.

    The first ``v`` is the first gradient. Nesterov's form subtracts ``lr * (gradient + momentum * v)``
    (I. Sutskever and others, On the importance of initialization and momentum, 2013).

    Args:
        params: parameters or groups.
        lr: the learning rate.
        momentum: 0 for none.
        dampening: how much less of a new gradient is added to ``v``.
        weight_decay: adds ``weight_decay * p`` to the gradient.
        nesterov: needs a momentum, and no dampening.
        maximize: ascend.
        hints: PyTorch's choices between implementations of the same steps, ``foreach`` and ``fused``: without effect.

    >>> weight = nn.Parameter(mg.tensor([1.0, -2.0]))
    >>> optimizer = optim.SGD([weight], lr=0.1, momentum=0.9)
    >>> weight.square().sum().backward()
    >>> optimizer.step()
    >>> weight
    Parameter containing:
    tensor([ 0.8000, -1.6000], requires_grad=True)
    """

    state_names = ("momentum_buffer",)
    number_names = ("lr", "momentum", "undampened")
    optional_state: ClassVar = {"momentum_buffer": "momentum"}
    at_least_zero = ("lr", "weight_decay", "momentum", "dampening")
    switches = ("nesterov",)

    def __init__(
        self, params: Any, lr: float = 1e-3, momentum: float = 0, dampening: float = 0,
        weight_decay: float = 0, nesterov: bool = False, *, maximize: bool = False, **hints: Any,
    ) -> None:  # fmt: skip
        settings = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "nesterov": nesterov, "maximize": maximize}, **hints)

    def check_settings(self, settings: Settings) -> None:
        if settings["nesterov"] and (not settings["momentum"] or settings["dampening"]):
            raise ValueError("SGD: nesterov needs a momentum above 0 and no dampening.")

    def numbers(self, step: int, settings: Settings, new: Sequence[str]) -> Sequence[float]:
        undampened = 1 if "momentum_buffer" in new else 1 - settings["dampening"]
        return settings["lr"], settings["momentum"], undampened

    def change(
        self, gradient: ndarray, out: ndarray, state: Sequence[ndarray], numbers: Sequence[ndarray], settings: Settings
    ) -> None:
        lr, momentum, undampened = numbers
        if not settings["momentum"]:
            np.multiply(gradient, lr, out)
            return
        (velocity,) = state
        velocity *= momentum
        velocity += np.multiply(gradient, undampened, out) if settings["dampening"] else gradient
        if settings["nesterov"]:
            np.multiply(velocity, momentum, out)
            out += gradient
            out *= lr
        else:
            np.multiply(velocity, lr, out)
