"""Adagrad, Adadelta and RMSprop: steps in units of the gradients' sizes so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray

from ...engine.arguments import real
from ..groups import Settings
from ..optimizer import Optimizer
from .moments import averaged


class Adagrad(Optimizer):
    """Rates that fall with the squares of all gradients so far (J. Duchi and others, Adaptive subgradients, 2011).

        sum += gradient**2
        p -= lr / (1 + (t - 1) * lr_decay) * gradient / (sqrt(sum) + eps)

    Args:
        params: parameters or groups.
        lr: the learning rate.
        lr_decay: how fast the rate falls with the number of steps.
        weight_decay: adds ``weight_decay * p`` to the gradient.
        initial_accumulator_value: what ``sum`` begins with.
        eps: added to the denominator.
        maximize: ascend.
        hints: PyTorch's choices between implementations of the same steps, ``foreach`` and ``fused``: without effect.

    >>> weight = nn.Parameter(mg.tensor([1.0, -2.0]))
    >>> optimizer = optim.Adagrad([weight], lr=0.1)
    >>> weight.square().sum().backward()
    >>> optimizer.step()
    >>> weight
    Parameter containing:
    tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    state_names = ("sum",)
    number_names = ("rate", "eps")
    initial_state: ClassVar = {"sum": "initial_accumulator_value"}
    at_least_zero: ClassVar = ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")

    def __init__(
        self, params: Any, lr: float = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, *, maximize: bool = False, **hints: Any,
    ) -> None:  # fmt: skip
        settings = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay}
        settings |= {"initial_accumulator_value": initial_accumulator_value, "maximize": maximize}
        super().__init__(params, settings, **hints)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        for _ in self._prepared_state():  # as in PyTorch the state is there before the first step
            pass

    def numbers(self, step: int, settings: Settings, new: Sequence[str]) -> Sequence[float]:
        return settings["lr"] / (1 + (step - 1) * settings["lr_decay"]), settings["eps"]

    def change(
        self, gradient: ndarray, out: ndarray, state: Sequence[ndarray], numbers: Sequence[ndarray], settings: Settings
    ) -> None:
        (total,), (rate, eps) = state, numbers
        np.multiply(gradient, gradient, out)
        total += out
        divided_by_root(gradient, total, eps, settings["eps"], out)
        out *= rate


class Adadelta(Optimizer):
    """Steps of the size of earlier steps (M. Zeiler, Adadelta, 2012).

        v = rho * v + (1 - rho) * gradient**2
        delta = sqrt(u + eps) / sqrt(v + eps) * gradient
        u = rho * u + (1 - rho) * delta**2
        p -= lr * delta

    Args:
        params: parameters or groups.
        lr: a factor of the steps, which have a size of their own.
        rho: how much of the old averages stays in each step.
        eps: added to both averages.
        weight_decay: adds ``weight_decay * p`` to the gradient.
        maximize: ascend.
        hints: as Adagrad's.

    >>> weight = nn.Parameter(mg.tensor([1.0, -2.0]))
    >>> optimizer = optim.Adadelta([weight], lr=0.1)
    >>> weight.square().sum().backward()
    >>> optimizer.step()
    >>> weight
    Parameter containing:
    tensor([ 0.9997, -1.9997], requires_grad=True)
    """

    state_names = ("square_avg", "acc_delta")
    number_names = ("lr", "old", "new", "eps")
    at_least_zero: ClassVar = ("lr", "eps", "weight_decay")

    def __init__(
        self, params: Any, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
        *, maximize: bool = False, **hints: Any,
    ) -> None:  # fmt: skip
        settings = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, settings, **hints)

    def check_settings(self, settings: Settings) -> None:
        settings["rho"] = real(settings["rho"], lambda rho: 0 <= rho <= 1, "Adadelta: rho must be a number from 0 to 1")

    def numbers(self, step: int, settings: Settings, new: Sequence[str]) -> Sequence[float]:
        return settings["lr"], settings["rho"], 1 - settings["rho"], settings["eps"]

    def change(
        self, gradient: ndarray, out: ndarray, state: Sequence[ndarray], numbers: Sequence[ndarray], settings: Settings
    ) -> None:
        (squares, steps), (lr, old, new, eps) = state, numbers
        averaged(squares, gradient * gradient, old, new, out)
        np.sqrt((steps + eps) / (squares + eps), out)
        out *= gradient
        steps *= old
        steps += new * out * out
        out *= lr


class RMSprop(Optimizer):
    """Steps in units of the gradients' recent size (T. Hinton, lecture 6 of Neural networks for machine learning).

        v = alpha * v + (1 - alpha) * gradient**2
        step = gradient / (sqrt(v) + eps)    if centered, of v minus the square of the gradients' average
        p -= lr * step    with momentum of momentum * earlier + step

    Other than in PyTorch a centred ``v`` that rounding has made negative counts as 0, of which the root would be NaN.

    Args:
        params: parameters or groups.
        lr: the learning rate.
        alpha: how much of the old averages stays in each step.
        eps: added to the denominator.
        weight_decay: adds ``weight_decay * p`` to the gradient.
        momentum: 0 for none.
        centered: divide by the deviation of the gradients instead of their size.
        maximize: ascend.
        hints: as Adagrad's.

    >>> weight = nn.Parameter(mg.tensor([1.0, -2.0]))
    >>> optimizer = optim.RMSprop([weight], lr=0.1)
    >>> weight.square().sum().backward()
    >>> optimizer.step()
    >>> weight
    Parameter containing:
    tensor([ 5.9605e-08, -1.0000e+00], requires_grad=True)
    """

    state_names = ("square_avg", "momentum_buffer", "grad_avg")
    number_names = ("lr", "old", "new", "eps", "momentum")
    optional_state: ClassVar = {"momentum_buffer": "momentum", "grad_avg": "centered"}
    at_least_zero: ClassVar = ("lr", "alpha", "eps", "weight_decay", "momentum")
    switches = ("centered",)

    def __init__(
        self, params: Any, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
        momentum: float = 0, centered: bool = False, maximize: bool = False, **hints: Any,
    ) -> None:  # fmt: skip
        settings = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, {**settings, "centered": centered, "maximize": maximize}, **hints)

    def numbers(self, step: int, settings: Settings, new: Sequence[str]) -> Sequence[float]:
        return settings["lr"], settings["alpha"], 1 - settings["alpha"], settings["eps"], settings["momentum"]

    def change(
        self, gradient: ndarray, out: ndarray, state: Sequence[ndarray], numbers: Sequence[ndarray], settings: Settings
    ) -> None:
        lr, old, new, eps, momentum = numbers
        squares, *others = state
        averaged(squares, gradient * gradient, old, new, out)
        size = squares
        if settings["centered"]:
            mean = others[-1]
            averaged(mean, gradient, old, new, out)
            size = np.maximum(squares - mean * mean, 0)
        divided_by_root(gradient, size, eps, settings["eps"], out)
        if settings["momentum"]:
            velocity = others[0]
            velocity *= momentum
            velocity += out
            out[...] = velocity
        out *= lr


def divided_by_root(gradient: ndarray, squares: ndarray, eps: ndarray, setting: float, out: ndarray) -> None:
    """``out = gradient / (sqrt(squares) + eps)``; without eps 0 where ``squares`` is 0."""
    np.sqrt(squares, out)
    out += eps
    if setting:
        np.divide(gradient, out, out)
    else:
        np.divide(gradient, out, out, where=out != 0)
