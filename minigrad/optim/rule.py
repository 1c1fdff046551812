"""The rule of an optimiser: the part that each kind writes for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from numpy import ndarray

from ..engine.arguments import not_negative, real, switch
from .groups import Settings


class Rule:
    """What distinguishes one kind of optimiser from another: its settings, its state and its arithmetic.

    ``state_names``, ``numbers``, ``number_names`` and ``change`` are the arithmetic; ``at_least_zero``, ``switches``
    and ``check_settings`` say which settings make sense. ``maximize`` has turned the gradient round and
    ``weight_decay`` has been added to it before ``change``, if they are among the settings; with
    ``decoupled_weight_decay`` the parameters shrink by ``lr * weight_decay`` instead. For example:

        class Momentum(Optimizer):
            state_names = ("velocity",)
            number_names = ("lr", "momentum")

            def __init__(self, params, lr=0.01, momentum=0.9):
                super().__init__(params, {"lr": lr, "momentum": momentum})

            def numbers(self, step, settings, new):
                return settings["lr"], settings["momentum"]

            def change(self, gradient, out, state, numbers, settings):
                (velocity,), (lr, momentum) = state, numbers
                velocity *= momentum
                velocity += gradient
                np.multiply(velocity, lr, out)
    """

    defaults: Settings
    """The settings of groups that do not say otherwise."""

    state_names: ClassVar[Sequence[str]] = ()
    """The state vectors of a parameter, by PyTorch's names."""

    optional_state: ClassVar[Mapping[str, str]] = {}
    """For state vectors that are not always needed the setting that switches them on."""

    initial_state: ClassVar[Mapping[str, str]] = {}
    """For state vectors that do not begin with zeros the setting that they begin with."""

    number_state: ClassVar[Mapping[str, float]] = {}
    """State that is one number for each parameter, with what it begins with; ``next_numbers`` changes it."""

    number_names: ClassVar[Sequence[str]] = ("lr",)
    """What the source of a compiled step calls what ``numbers`` returns."""

    reads_values = False
    """Whether ``change`` is given the parameters' values, not to be changed, behind the state vectors."""

    at_least_zero: ClassVar[Sequence[str]] = ("lr", "weight_decay")
    """The settings that, if there are any such, are numbers of at least 0."""

    switches: ClassVar[Sequence[str]] = ()
    """The settings that are True or False, beside ``maximize`` and ``decoupled_weight_decay``."""

    def check_settings(self, settings: Settings) -> None:
        """Refuse settings that make no sense; ``settings`` is a copy, whose values may be replaced."""

    def numbers(self, step: int, settings: Settings, new: Sequence[str]) -> Sequence[float]:
        """The numbers that ``change`` computes with in this step, by default the learning rate alone.

        Args:
            step: the number of the step, from 1 up; each parameter counts its own.
            settings: the settings of the group, and the numbers of ``number_state`` after this step.
            new: the state vectors that begin in this step.
        """
        return (settings["lr"],)

    def next_numbers(self, step: int, settings: Settings) -> Mapping[str, float]:
        """The numbers of ``number_state`` after this step.

        Args:
            step: the number of the step, from 1 up.
            settings: the settings of the group, and the numbers of the state so far.
        """
        return {}

    def change(
        self, gradient: ndarray, out: ndarray, state: Sequence[ndarray], numbers: Sequence[ndarray], settings: Settings
    ) -> None:
        """Write to ``out`` the vector that is to be subtracted from the parameters.

        The arrays have the parameters' dtype, but at least float32. In a compiled program this is called once and
        then replayed: numbers that may differ between steps come from ``numbers``, and a branch may only depend on
        a setting.

        Args:
            gradient: not to be changed.
            out: an uninitialised vector.
            state: a vector, to be changed in place, for each of ``state_names`` that the settings switch on.
            numbers: what ``self.numbers`` returned, each as an array without axes.
            settings: the settings of the group.
        """
        raise NotImplementedError(f"{type(self).__name__} is an optimiser without a rule: it needs a method change.")

    def _plain_settings(self, group: dict[str, Any]) -> Settings:
        """A copy of a group's settings with Python's own numbers; refused if they make no sense."""
        name = type(self).__name__
        settings = {key: group.get(key) for key in self.defaults}
        for key in (key for key in self.at_least_zero if key in settings):
            settings[key] = real(settings[key], not_negative, f"{name}: {key} must be a number of at least 0")
        for key in (*self.switches, *(key for key in ("maximize", "decoupled_weight_decay") if key in settings)):
            settings[key] = switch(settings[key], f"{name}: {key}")
        self.check_settings(settings)
        return settings

    def _needed_state(self, settings: Settings) -> list[str]:
        """The names of the state vectors that the rule needs with these settings."""
        optional = self.optional_state
        return [name for name in self.state_names if name not in optional or settings[optional[name]]]
