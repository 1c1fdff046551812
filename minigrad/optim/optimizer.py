"""What optimisers share: parameter groups, state, and saving it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import a_type, not_a_state, not_negative, real, switch, whole
from ..engine.modes import enable_grad
from ..engine.node import describe, wrap
from ..kernels.constants import number
from ..nn.module import Module
from ..tensor.gradients import zero_gradients
from ..tensor.tensor import Tensor
from .blocks import Piece, pieces_of, scratch, separated
from .floating_point import uninterrupted

UNKNOWN = object()
"""In place of a setting that could change without being replaced: it differs from all, and is checked in each step."""


def listed(params: Any, name: str) -> list[Any]:
    """Parameters or groups as a list; one alone is a list of it."""
    if isinstance(params, (set, frozenset)):
        raise TypeError("a set of parameters has no order in which a state could be saved: pass a list.")
    if isinstance(params, Tensor) or (isinstance(params, dict) and "params" in params):
        return [params]
    if isinstance(params, Mapping) and any(isinstance(value, Tensor) for value in params.values()):
        raise TypeError(f"{name} got {a_type(params)} of tensors by name: pass model.parameters().")
    if isinstance(params, (Module, str)) or not isinstance(params, Iterable):
        kind = type(params).__name__
        given = "a method without its brackets" if kind == "method" else kind
        raise TypeError(f"{name} needs parameters, got {given}: pass model.parameters().")
    return [params] if isinstance(params, dict) else list(params)


def constant(value: Any) -> bool:
    """Whether a setting stays what it is unless it is replaced."""
    if isinstance(value, tuple):
        return all(map(constant, value))
    return value is None or isinstance(value, (int, float, str, np.generic))


class Optimizer:
    """The base of all optimisers.

    Args:
        params: parameters, or groups: dicts with ``"params"`` and settings of their own.
        defaults: the settings of groups that do not say otherwise.
    """

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.pieces: list[list[Piece]] = []
        self.known_groups: list[dict[str, Any]] = []
        self.checked_settings: list[dict[str, Any]] = []
        self.overflow_reported = False
        groups = listed(params, type(self).__name__)
        if not groups:
            raise ValueError(f"{type(self).__name__} got an empty parameter list: does the model have parameters?")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add parameters with settings of their own: ``{"params": [...], "lr": 0.01}``."""
        name = type(self).__name__
        if not isinstance(group, dict) or "params" not in group:
            raise TypeError(f'{name}: a group must be a dict with "params", got {type(group).__name__}.')
        params = listed(group["params"], name)
        unknown = set(group) - set(self.defaults) - {"params"}
        if unknown:
            raise TypeError(
                f"{name} has no setting {', '.join(map(repr, sorted(unknown)))}; it has {', '.join(self.defaults)}."
            )
        for parameter in params:
            if not isinstance(parameter, Tensor):
                raise TypeError(
                    f"{name} can only train tensors, got {type(parameter).__name__}: pass model.parameters()."
                )
            if not parameter.is_leaf or parameter.dtype.kind != "f":
                raise ValueError(f"{name} can only train floating point leaves, not what was computed from others.")
        known = [p for g in self.param_groups for p in g["params"]] + params
        if len({id(p) for p in known}) != len(known):
            raise ValueError(f"{name}: a parameter appears more than once.")
        settings = self.plain_settings({**self.defaults, **group})
        start = len(known) - len(params)
        self.param_groups.append({**settings, "params": params})
        self.pieces.append(pieces_of(enumerate(params, start)))

    # -- settings ------------------------------------------------------------------------------

    at_least_zero: tuple[str, ...] = ("lr", "weight_decay")
    """The settings that are numbers of at least 0."""

    switches: tuple[str, ...] = ()
    """The settings that are True or False."""

    def plain_settings(self, group: dict[str, Any]) -> dict[str, Any]:
        """A copy of a group's settings with Python's own numbers; refused if they make no sense."""
        name = type(self).__name__
        settings = {key: group.get(key) for key in self.defaults}
        for key in self.at_least_zero:
            settings[key] = real(settings[key], not_negative, f"{name}: {key} must be a number of at least 0")
        for key in self.switches:
            settings[key] = switch(settings[key], f"{name}: {key}")
        self.check_settings(settings)
        return settings

    def check_settings(self, settings: dict[str, Any]) -> None:
        """Refuse settings that make no sense, for subclasses; ``settings`` is a copy, whose values may be replaced."""

    def settings(self) -> list[dict[str, Any]]:
        """The settings of each group as Python's own numbers, checked again if one was replaced since the last call."""
        try:
            unchanged = self.param_groups == self.known_groups
        except (TypeError, ValueError):  # an array instead of a number
            unchanged = False
        if not unchanged:
            if len(self.param_groups) != len(self.pieces):
                raise ValueError(f"{type(self).__name__}: groups can only be added, by add_param_group.")
            self.checked_settings = [self.plain_settings(group) for group in self.param_groups]
            self.known_groups = [
                {key: value if key == "params" or constant(value) else UNKNOWN for key, value in group.items()}
                for group in self.param_groups
            ]
        return self.checked_settings

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            params = group["params"]
            lines += [f"Parameter Group {i}", f"    params: {len(params)} of {sum(p.numel() for p in params)} elements"]
            lines += [f"    {key}: {group[key]}" for key in self.defaults]
        return "\n".join([*lines, ")"])

    # -- steps ---------------------------------------------------------------------------------

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters: None, or zeros."""
        for group in self.param_groups:
            zero_gradients(group["params"], set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        ``closure``, if given, computes the loss anew, with its gradients; it is returned.

        What may be refused (settings, gradients, parameters in read-only memory) is refused before anything is
        changed, and ``np.errstate`` cannot stop a step halfway. After the first overflow from finite gradients a
        warning names the parameters.
        """
        loss = None
        if closure is not None:
            if not callable(closure):
                raise TypeError(
                    f"{type(self).__name__}: step takes a function that computes the loss, got {describe(closure)}: "
                    "call loss.backward() and then step()."
                )
            with enable_grad():
                loss = closure()
        ready: list[tuple[Piece, dict[str, Any], Any]] = []
        for settings, pieces in zip(self.settings(), self.pieces):
            for piece in pieces[:]:
                gradient = piece.gradient()
                if gradient is not None:
                    ready.append((piece, settings, gradient))
                    continue
                i, parts = pieces.index(piece), separated(piece)
                pieces[i : i + 1] = parts
                ready += [(part, settings, part.gradient()) for part in parts if part.parameters[0]._grad is not None]
        if uninterrupted(self.update_all, ready) and not self.overflow_reported:
            self.report_overflow(ready)
        return loss

    def update_all(self, ready: list[tuple[Piece, dict[str, Any], ndarray]]) -> None:
        """Change the parameters of all pieces."""
        for piece, settings, gradient in ready:
            self.update(piece, settings, gradient)

    def update(self, piece: Piece, settings: dict[str, Any], gradient: ndarray) -> None:
        """Change the parameters of a piece, block by block, by arithmetic in its precision."""
        piece.step += 1
        decay = settings["weight_decay"]
        values = piece.values() if decay else []
        for block, part in enumerate(piece.cut(gradient)):
            if piece.widened:
                part = part.astype(piece.precision)
            if decay:
                part = part + number(decay, piece.precision) * values[block]
            out = scratch(piece.precision, part.size)
            self.change(piece, settings, block, part, out)
            piece.subtract(block, out)

    def report_overflow(self, updated: list[tuple[Piece, dict[str, Any], ndarray]]) -> None:
        """Warn, once, of parameters that have infinite values or state though their gradients are finite."""
        names = []
        for piece, _, gradient in updated:
            vectors = piece.vectors().values()
            for i, parameter, part in zip(piece.numbers, piece.parameters, piece.parts):
                infinite = np.any([np.isinf(v) for v in (parameter.array.ravel(), *(v[part] for v in vectors))], axis=0)
                if (infinite & np.isfinite(gradient[part])).any():
                    names.append(f"{i} {describe(parameter)}")
        if names:
            self.overflow_reported = True
            warnings.warn(
                f"{type(self).__name__}: a step overflowed in parameter {', '.join(names)}: the gradient is finite but "
                "too large, and values or averages are infinite now. Go back to a checkpoint, then scale the loss "
                "down, clip the gradient or take a smaller lr.",
                stacklevel=3,
            )

    def change(self, piece: Piece, settings: dict[str, Any], block: int, gradient: ndarray, out: ndarray) -> None:
        """Write to ``out`` what is to be subtracted from a block of parameters; the gradient must not change.

        All arrays have ``piece.precision``; ``block`` is its number, for ``piece.vector(name, block)``.
        """
        raise NotImplementedError

    # -- saving --------------------------------------------------------------------------------

    state_names: tuple[str, ...] = ()
    """The state vectors of a parameter, by PyTorch's names."""

    def all_pieces(self) -> Iterator[Piece]:
        """The pieces of all groups."""
        for pieces in self.pieces:
            yield from pieces

    def state_dict(self) -> dict[str, Any]:
        """Copies of the state by the parameters' numbers, at least float32, and the settings of the groups."""
        state = {}
        for piece in self.all_pieces():
            vectors = piece.vectors()
            for i, parameter, part in zip(piece.numbers, piece.parameters, piece.parts):
                if piece.step:
                    own = {name: wrap(vector[part].reshape(parameter.shape).copy()) for name, vector in vectors.items()}
                    state[i] = {"step": piece.step, **own}
        groups, start = [], 0
        for group, settings in zip(self.param_groups, self.settings()):
            end = start + len(group["params"])
            groups.append({**group, **settings, "params": list(range(start, end))})
            start = end
        return {"state": dict(sorted(state.items())), "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned: all of it or, after an error, nothing.

        Raises:
            ValueError: if the groups, settings or shapes are not those of this optimiser.
        """
        name = type(self).__name__
        try:
            groups, state = list(state_dict["param_groups"]), dict(state_dict["state"])
            sizes = [len(group["params"]) for group in groups]
        except (KeyError, TypeError, ValueError) as error:
            raise not_a_state(name, "an optimiser", state_dict, ("state", "param_groups")) from error
        own = [len(group["params"]) for group in self.param_groups]
        if sizes != own:
            raise ValueError(f"{name}: the state is for groups of {sizes} parameters, this optimiser has {own}.")
        settings = [self.settings_of(group) for group in groups]
        parameters = [p for group in self.param_groups for p in group["params"]]
        for i, entry in state.items():
            if i not in range(len(parameters)):
                raise ValueError(f"{name}: the state has a parameter {i!r}, this optimiser {len(parameters)}.")
            self.check_entry(entry, i, parameters[i])
        loaded = [[part for piece in pieces for part in self.loaded(piece, state)] for pieces in self.pieces]
        for group, new in zip(self.param_groups, settings):
            group.update(new)
        self.pieces = loaded

    def settings_of(self, saved: dict[str, Any]) -> dict[str, Any]:
        """The settings of a saved group; refused if they are not those of this kind of optimiser."""
        missing = [key for key in self.defaults if key not in saved]
        if missing:
            raise ValueError(
                f"{type(self).__name__}: the state has no {', '.join(missing)}: it is of another kind of optimiser."
            )
        return self.plain_settings(saved)

    def check_entry(self, entry: Any, index: int, parameter: Tensor) -> None:
        """Refuse a saved state that is not one of this parameter."""
        where = f"{type(self).__name__}: the state of parameter {index}"
        whole(
            entry.get("step") if isinstance(entry, dict) else None, 0, f"{where} must be a dict with a step from 0 up"
        )
        for key, value in entry.items():
            if key == "step":
                continue
            array = np.asarray(value)
            if key not in self.state_names or array.shape != parameter.shape or array.dtype.kind != "f":
                raise ValueError(f"{where} has {key} {describe(array)}, which does not fit {describe(parameter)}.")

    def loaded(self, piece: Piece, state: dict[int, dict[str, Any]]) -> list[Piece]:
        """New pieces of the same parameters with the given state, one for all that have taken the same steps."""
        alike: dict[Any, list[int]] = {}
        for place, i in enumerate(piece.numbers):
            entry = state.get(i, {"step": 0})
            alike.setdefault((int(entry["step"]), *sorted(entry)), []).append(place)
        pieces = []
        for (step, *keys), places in alike.items():
            part = piece.part(places)
            part.step = step
            part.set_state({key: [np.asarray(state[i][key]) for i in part.numbers] for key in keys if key != "step"})
            pieces.append(part)
        return pieces
