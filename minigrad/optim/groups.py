"""Parameter groups: what users may give as parameters, and settings, which they may replace at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..engine.arguments import a_type
from ..nn.module import Module
from ..tensor.tensor import Tensor

Settings = dict[str, Any]
"""Settings by name."""


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


def parameters_of(group: Any, kind: str, settings: Iterable[str]) -> list[Tensor]:
    """The parameters of a group for an optimiser of this kind, which has these settings.

    Raises:
        TypeError: if it is no group, or has other settings or anything but tensors.
        ValueError: if a tensor cannot be trained.
    """
    if not isinstance(group, dict) or "params" not in group:
        raise TypeError(f'{kind}: a group must be a dict with "params", got {type(group).__name__}.')
    params = listed(group["params"], kind)
    unknown = set(group) - {"params", *settings}
    if unknown:
        raise TypeError(f"{kind} has no setting {', '.join(map(repr, sorted(unknown)))}; it has {', '.join(settings)}.")
    for parameter in params:
        if not isinstance(parameter, Tensor):
            raise TypeError(f"{kind} can only train tensors, got {type(parameter).__name__}: pass model.parameters().")
        if not parameter.is_leaf or parameter.dtype.kind != "f":
            raise ValueError(f"{kind} can only train floating point leaves, not what was computed from others.")
    return params


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

    def update(self, groups: list[Settings], check: Callable[[Settings], Settings]) -> None:
        """Check the settings of each group if one has been replaced.

        Args:
            groups: the groups as users see them.
            check: returns a copy of a group's settings with Python's own numbers, or refuses them.
        """
        try:
            unchanged = groups == self.known
        except (TypeError, ValueError):  # an array instead of a number
            unchanged = False
        if not unchanged:
            self.checked = list(map(check, groups))
            self.known = [
                {key: value if key == "params" or never_changes(value) else UNKNOWN for key, value in group.items()}
                for group in groups
            ]
