"""Parameter groups: what users may give as parameters, and settings, which they may replace at any time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.arguments import a_type
from ..nn.module import Module
from ..tensor.tensor import Tensor

Settings = dict[str, Any]
"""Settings by name."""


HINTS = {
    "foreach": "",
    "fused": "",
    "capturable": "a step is captured as it stands.",
    "differentiable": "steps are not recorded: write the update as operations to differentiate through it.",
}
"""PyTorch's choices between implementations; those that would do something else with the reason they are refused."""


def listed(params: Any, kind: str) -> list[Any]:
    """Parameters or groups as a list; one alone is a list of it."""
    if isinstance(params, (set, frozenset)):
        raise TypeError("a set of parameters has no order in which a state could be saved: pass a list.")
    if isinstance(params, Tensor) or (isinstance(params, dict) and "params" in params):
        return [params]
    if isinstance(params, Mapping) and any(isinstance(value, Tensor) for value in params.values()):
        raise TypeError(f"{kind} got {a_type(params)} of tensors by name: pass model.parameters().")
    if isinstance(params, (Module, str)) or not isinstance(params, Iterable):
        given = type(params).__name__
        given = "a method without its brackets" if given == "method" else given
        raise TypeError(f"{kind} needs parameters, got {given}: pass model.parameters().")
    return [params] if isinstance(params, dict) else list(params)


def accept_hints(kind: str, hints: Mapping[str, Any]) -> None:
    """Accept PyTorch's choices between implementations of the same steps.

    Raises:
        TypeError: for any other name.
        ValueError: for a choice that would make another optimiser of it.
    """
    for name, value in hints.items():
        if name not in HINTS:
            raise TypeError(f"{kind}() got an unexpected keyword argument {name!r}.")
        if value and HINTS[name]:
            raise ValueError(f"{kind}: {name}=True is not available, {HINTS[name]}")


def named(params: Sequence[Any]) -> tuple[list[Any], list[str] | None]:
    """The parameters of a list, and their names if it has pairs of a name and a parameter."""
    pairs = [isinstance(p, tuple) and len(p) == 2 and isinstance(p[0], str) for p in params]
    if not any(pairs):
        return list(params), None
    if not all(pairs):
        raise ValueError("parameters with names and without are mixed: pass model.named_parameters() or parameters().")
    names, parameters = zip(*params)
    return list(parameters), list(names)


def parameters_of(group: Any, kind: str, settings: Iterable[str]) -> tuple[list[Tensor], list[str] | None]:
    """The parameters of a group, and their names if it has them, for an optimiser of this kind with these settings.

    Raises:
        TypeError: if it is no group, or has other settings or anything but tensors.
        ValueError: if a tensor cannot be trained.
    """
    if not isinstance(group, dict) or "params" not in group:
        raise TypeError(f'{kind}: a group must be a dict with "params", got {type(group).__name__}.')
    params, names = named(listed(group["params"], kind))
    unknown = set(group) - {"params", *settings, *HINTS}
    accept_hints(kind, {key: group[key] for key in HINTS if key in group})
    if unknown:
        raise TypeError(f"{kind} has no setting {', '.join(map(repr, sorted(unknown)))}; it has {', '.join(settings)}.")
    for parameter in params:
        if not isinstance(parameter, Tensor):
            raise TypeError(f"{kind} can only train tensors, got {type(parameter).__name__}: pass model.parameters().")
        if not parameter.is_leaf or parameter.dtype.kind != "f":
            raise ValueError(f"{kind} can only train floating point leaves, not what was computed from others.")
    return params, names


UNKNOWN = object()
"""In place of a setting that may change without being replaced, such as an array: it equals none, so that the settings
are checked in each step."""


def never_changes(value: Any) -> bool:
    """Whether a setting can change only by being replaced."""
    if isinstance(value, tuple):
        return all(map(never_changes, value))
    return value is None or isinstance(value, (int, float, str, np.generic))


class CheckedSettings:
    """The checked settings of some groups, as they were when one was last replaced."""

    def __init__(self) -> None:
        self.known: list[Settings] = []
        self.checked: list[Settings] = []

    def update(
        self, groups: list[Settings], check: Callable[[Settings], Settings], check_own: Callable[[Settings], None]
    ) -> None:
        """Check the settings of each group if one has been replaced.

        Args:
            groups: the groups as users see them.
            check: returns a copy of a group's settings with Python's own numbers, or refuses them.
            check_own: the part of it that is the optimiser's own.
        """
        try:
            unchanged = groups == self.known or self.takes_rates(groups, check_own)
        except (TypeError, ValueError):  # an array instead of a number
            unchanged = False
        if not unchanged:
            self.checked = list(map(check, groups))
            self.known = [
                {key: value if key == "params" or never_changes(value) else UNKNOWN for key, value in group.items()}
                for group in groups
            ]

    def takes_rates(self, groups: list[Settings], check_own: Callable[[Settings], None]) -> bool:
        """Take over learning rates if nothing else was replaced, as by a schedule at each step: 1.5 us instead of 9."""
        if len(groups) != len(self.known):
            return False
        known, checked = [], []
        for group, before, settings in zip(groups, self.known, self.checked):
            rate = group.get("lr")
            if type(rate) is not float or not 0 <= rate < math.inf or group != {**before, "lr": rate}:
                return False
            known.append({**before, "lr": rate})
            checked.append({**settings, "lr": rate})
            check_own(checked[-1])
        self.known, self.checked = known, checked
        return True
