"""What optimisers share: parameter groups, state, and arithmetic on vectors instead of arrays.

A small net has many small parameters, and NumPy needs as long to start an operation as to do
it on a thousand elements. So neighbouring small parameters are updated together, as one vector (a
``Piece``), and large ones a block at a time that stays in the processor's cache.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import NoneType
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.modes import enable_grad
from ..engine.node import array_of, clock, describe
from ..nn.module import zero_gradients
from ..tensor.tensor import Tensor

raw_gradient = operator.attrgetter("_grad")
"""A parameter's gradient as backward left it: an array, a number, a tensor or None. For ``map``, faster than a loop."""

BLOCK = 1 << 16
"""Elements per block: few enough for the caches, many enough to make little of what a call costs."""


class Piece:
    """Neighbouring parameters of one dtype that are updated together, or one large parameter."""

    def __init__(self, numbered: Sequence[tuple[int, Tensor]]) -> None:
        self.numbers = [number for number, _ in numbered]
        self.parameters = [parameter for _, parameter in numbered]
        self.dtype = self.parameters[0].dtype
        sizes = [p.numel() for p in self.parameters]
        ends = np.cumsum(sizes).tolist()
        self.parts = [slice(end - size, end) for size, end in zip(sizes, ends)]
        self.size = ends[-1]
        self.step = 0
        self.state: dict[str, ndarray] = {}
        self.started: dict[str, int] = {}
        self.blocks = [slice(start, min(start + BLOCK, self.size)) for start in range(0, self.size, BLOCK)]
        self.make_buffers()

    def make_buffers(self) -> None:
        """Where gradients are joined, and where a change is computed; each parameter's share of the latter."""
        several = self.parameters if len(self.parameters) > 1 else []
        self.joined = np.empty(self.size if several else 0, self.dtype)
        self.scratch = np.empty(min(self.size, BLOCK), self.dtype)
        self.shares = [self.scratch[part].reshape(parameter.shape) for parameter, part in zip(several, self.parts)]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("joined", "scratch", "shares")}

    def __setstate__(self, attributes: dict[str, Any]) -> None:
        vars(self).update(attributes)
        self.make_buffers()

    def vector(self, name: str) -> ndarray:
        """A state vector by name, zeros at first; in which step it started is noted."""
        if name not in self.state:
            self.state[name] = np.zeros(self.size, self.dtype)
            self.started[name] = self.step
        return self.state[name]

    def with_and_without_gradients(self) -> list[Piece]:
        """Itself if all its parameters have a gradient, or none has; else a piece for each of them."""
        kinds = set(map(type, map(raw_gradient, self.parameters)))
        return [self] if NoneType not in kinds or len(kinds) == 1 else self.split()

    def gradient(self) -> ndarray | None:
        """The gradients of its parameters as one vector; None if one has none."""
        arrays: list[Any] = list(map(raw_gradient, self.parameters))
        kinds = set(map(type, arrays))
        if NoneType in kinds:
            return None
        if kinds != {ndarray}:  # numbers or tensors, too
            arrays = [array_of(parameter.grad) for parameter in self.parameters]
        others = [array.dtype for array in arrays if array.dtype != self.dtype]
        if others:
            raise TypeError(
                f"a parameter of this optimiser was {self.dtype} and is {others[0]} now: convert the "
                "model first, then make the optimiser."
            )
        return np.concatenate(arrays, None, self.joined) if len(arrays) > 1 else arrays[0].reshape(-1)

    def values(self) -> ndarray:
        """Its parameters as one vector: of one parameter itself, of several a copy."""
        arrays = [parameter.array.reshape(-1) for parameter in self.parameters]
        return np.concatenate(arrays) if len(arrays) > 1 else arrays[0]

    def subtract_change(self, block: slice) -> None:
        """Subtract what is in ``scratch`` from a block of the parameters in place, and note that they have changed."""
        if self.shares:
            for parameter, share in zip(self.parameters, self.shares):
                parameter.array -= share
                parameter.memory.changed = clock()
        else:
            array = self.parameters[0].array
            flat: Any = array.reshape(-1) if array.flags.c_contiguous else array.flat
            flat[block] -= self.scratch[: block.stop - block.start]
            self.parameters[0].memory.changed = clock()

    def split(self) -> list[Piece]:
        """A piece for each of its parameters, with its share of the state."""
        pieces = [Piece([pair]) for pair in zip(self.numbers, self.parameters)]
        for piece, part in zip(pieces, self.parts):
            piece.step = self.step
            piece.state = {name: vector[part].copy() for name, vector in self.state.items()}
        return pieces


def pieces_of(numbered: Iterable[tuple[int, Tensor]]) -> list[Piece]:
    """Group neighbouring parameters of one dtype, up to a block together."""
    runs: list[list[tuple[int, Tensor]]] = []
    room = 0
    for number, parameter in numbered:
        size = parameter.numel()
        if runs and size <= room and runs[-1][0][1].dtype == parameter.dtype:
            runs[-1].append((number, parameter))
        else:
            runs.append([(number, parameter)])
            room = BLOCK
        room -= size
    return [Piece(run) for run in runs]


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
        for group, pieces in zip(self.param_groups, self.pieces):
            pieces[:] = [part for piece in pieces for part in piece.with_and_without_gradients()]
            for piece in pieces:
                gradient = piece.gradient()
                if gradient is not None:
                    self.update(piece, group, gradient)
        return loss

    def update(self, piece: Piece, group: dict[str, Any], gradient: ndarray) -> None:
        """Change the parameters of a piece, block by block."""
        piece.step += 1
        values = piece.values() if group["weight_decay"] else None
        for block in piece.blocks:
            part = gradient[block]
            if values is not None:
                part = part + group["weight_decay"] * values[block]
            self.change(piece, group, block, part, piece.scratch[: len(part)])
            piece.subtract_change(block)

    def change(self, piece: Piece, group: dict[str, Any], block: slice, gradient: ndarray, out: ndarray) -> None:
        """Write to ``out`` what is to be subtracted from a block of parameters; the gradient must not change."""
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
            for number, parameter, part in zip(piece.numbers, piece.parameters, piece.parts):
                if piece.step:
                    vectors = {name: Tensor(v[part].reshape(parameter.shape)) for name, v in piece.state.items()}
                    state[number] = {"step": piece.step, **vectors}
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
        if len({(entry["step"], *sorted(entry)) for entry in entries}) > 1:
            return [part for single in piece.split() for part in self.loaded(single, state)]
        piece.step = int(entries[0]["step"])
        piece.state = {}
        for key in entries[0]:
            if key != "step":
                np.concatenate([np.ravel(np.asarray(entry[key])) for entry in entries], out=piece.vector(key))
        return [piece]
