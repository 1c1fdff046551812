"""What optimisers share: parameter groups, state, and saving it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.modes import enable_grad
from ..engine.node import describe, wrap
from ..nn.module import zero_gradients
from ..tensor.tensor import Tensor
from .pieces import Piece, concatenated, pieces_of, scratch, separated


def listed(params: Any) -> list[Any]:
    """Parameters or groups as a list; one alone is a list of it."""
    if isinstance(params, (set, frozenset)):
        raise TypeError("a set of parameters has no order in which a state could be saved: pass a list.")
    return [params] if isinstance(params, (Tensor, dict)) else list(params)


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
        groups = listed(params)
        if not groups:
            raise ValueError(f"{type(self).__name__} got an empty parameter list: does the model have parameters?")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add parameters with settings of their own: ``{"params": [...], "lr": 0.01}``."""
        name = type(self).__name__
        if not isinstance(group, dict) or "params" not in group:
            raise TypeError(f'{name}: a group must be a dict with "params", got {type(group).__name__}.')
        params = listed(group["params"])
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
        group = {**self.defaults, **group, "params": params}
        self.check_settings(group)
        start = len(known) - len(params)
        self.param_groups.append(group)
        self.pieces.append(pieces_of(enumerate(params, start)))

    def check_settings(self, group: dict[str, Any]) -> None:
        """Refuse settings that make no sense; subclasses check their own as well."""
        for key in ("lr", "weight_decay"):
            if not (isinstance(group[key], (int, float)) and group[key] >= 0):
                raise ValueError(f"{type(self).__name__}: {key} must be a number of at least 0, got {group[key]!r}.")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters: None, or zeros."""
        for group in self.param_groups:
            zero_gradients(group["params"], set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        ``closure``, if given, computes the loss anew, with its gradients; it is returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        # all of them, before anything is changed: a gradient may be refused
        ready: list[tuple[Piece, dict[str, Any], Any]] = []
        for group, pieces in zip(self.param_groups, self.pieces):
            for piece in pieces[:]:
                gradient = piece.gradient()
                if gradient is not None:
                    ready.append((piece, group, gradient))
                    continue
                i, parts = pieces.index(piece), separated(piece)
                pieces[i : i + 1] = parts
                ready += [(part, group, part.gradient()) for part in parts if part.parameters[0]._grad is not None]
        for piece, group, gradient in ready:
            self.update(piece, group, gradient)
        return loss

    def update(self, piece: Piece, group: dict[str, Any], gradient: ndarray) -> None:
        """Change the parameters of a piece, block by block."""
        piece.step += 1
        decay = group["weight_decay"]
        values = piece.values() if decay else []
        for block, part in enumerate(piece.cut(gradient)):
            if decay:
                part = part + decay * values[block]
            out = scratch(piece.dtype, part.size)
            self.change(piece, group, block, part, out)
            piece.subtract(block, out)

    def change(self, piece: Piece, group: dict[str, Any], block: int, gradient: ndarray, out: ndarray) -> None:
        """Write to ``out`` what is to be subtracted from a block of parameters; the gradient must not change.

        ``block`` is its number, for ``piece.vector(name, block)``.
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
        """Copies of the state by the parameters' numbers, and the settings of the groups."""
        state = {}
        for piece in self.all_pieces():
            vectors = piece.vectors()
            for number, parameter, part in zip(piece.numbers, piece.parameters, piece.parts):
                if piece.step:
                    own = {name: wrap(vector[part].reshape(parameter.shape).copy()) for name, vector in vectors.items()}
                    state[number] = {"step": piece.step, **own}
        groups, start = [], 0
        for group in self.param_groups:
            end = start + len(group["params"])
            groups.append({**group, "params": list(range(start, end))})
            start = end
        return {"state": dict(sorted(state.items())), "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned: all of it or, after an error, nothing.

        Raises:
            ValueError: if the groups or the shapes are not those of this optimiser.
        """
        name = type(self).__name__
        try:
            groups, state = list(state_dict["param_groups"]), dict(state_dict["state"])
            sizes = [len(group["params"]) for group in groups]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{name}: this is not the state of an optimiser: {error!r}.") from error
        own = [len(group["params"]) for group in self.param_groups]
        if sizes != own:
            raise ValueError(f"{name}: the state is for groups of {sizes} parameters, this optimiser has {own}.")
        settings = [self.settings_of(group) for group in groups]
        parameters = [p for group in self.param_groups for p in group["params"]]
        for number, entry in state.items():
            if number not in range(len(parameters)):
                raise ValueError(f"{name}: the state has a parameter {number!r}, this optimiser {len(parameters)}.")
            self.check_entry(entry, number, parameters[number])
        for group, new in zip(self.param_groups, settings):
            group.update(new)
        self.pieces = [[part for piece in pieces for part in self.loaded(piece, state)] for pieces in self.pieces]

    def settings_of(self, saved: dict[str, Any]) -> dict[str, Any]:
        """The settings of a saved group; refused if they are not those of this kind of optimiser."""
        missing = [key for key in self.defaults if key not in saved]
        if missing:
            raise ValueError(
                f"{type(self).__name__}: the state has no {', '.join(missing)}: it is of another kind of optimiser."
            )
        settings = {key: saved[key] for key in self.defaults}
        self.check_settings(settings)
        return {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}

    def check_entry(self, entry: Any, number: int, parameter: Tensor) -> None:
        """Refuse a saved state that is not one of this parameter."""
        where = f"{type(self).__name__}: the state of parameter {number}"
        if not isinstance(entry, dict) or not isinstance(entry.get("step"), int) or entry["step"] < 0:
            raise ValueError(f"{where} must be a dict with a step from 0 up.")
        for key, value in entry.items():
            if key == "step":
                continue
            array = np.asarray(value)
            if key not in self.state_names or array.shape != parameter.shape or array.dtype.kind != "f":
                raise ValueError(f"{where} has {key} {describe(array)}, which does not fit {describe(parameter)}.")

    def loaded(self, piece: Piece, state: dict[int, dict[str, Any]]) -> list[Piece]:
        """A piece with its state replaced; split if its parameters have taken different steps."""
        entries = [state.get(number, {"step": 0}) for number in piece.numbers]
        kinds = [(entry["step"], *sorted(entry)) for entry in entries]
        if len(set(kinds)) > 1:
            return [part for alike in piece.split(kinds) for part in self.loaded(alike, state)]
        piece.step = int(entries[0]["step"])
        piece.forget_state()
        for key in entries[0]:
            if key != "step":
                vectors = [np.asarray(entry[key]) for entry in entries]
                piece.state[key] = piece.cut(concatenated(vectors, piece.dtype))
        return [piece]
