"""State of optimisers in PyTorch's form: out of blocks, and into them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..engine.arguments import entries, whole
from ..engine.node import describe, wrap
from ..tensor.tensor import Tensor
from .blocks import Block
from .groups import Settings


def saved_state(blocks: Iterable[Block]) -> dict[int, dict[str, Any]]:
    """By the index of each parameter that has taken a step: its ``"step"``, and copies of its state vectors."""
    state: dict[int, dict[str, Any]] = {}
    for block in blocks:
        if not block.step:
            continue
        for index, parameter, part in zip(block.indices, block.parameters, block.slices):
            entry = state.setdefault(index, {"step": block.step})
            for name, vector in block.state.items():
                if name not in entry:
                    entry[name] = wrap(np.empty(parameter.shape, block.precision))
                own = block.span if len(block.parameters) == 1 else slice(None)
                entry[name].array.reshape(-1)[own] = vector[part]
    return dict(sorted(state.items()))


def saved_groups(groups: Iterable[Settings], settings: Iterable[Settings]) -> list[dict[str, Any]]:
    """The groups with their checked settings, and indices instead of parameters."""
    saved, start = [], 0
    for group, own in zip(groups, settings):
        end = start + len(group["params"])
        saved.append({**group, **own, "params": list(range(start, end))})
        start = end
    return saved


def read_state(
    state_dict: Any, own_groups: Sequence[Settings], defaults: Settings, names: Sequence[str], kind: str
) -> tuple[list[Settings], dict[int, dict[str, Any]]]:
    """The groups and the state in what ``state_dict`` returned; refused if they do not fit an optimiser.

    Args:
        state_dict: what was saved.
        own_groups: the groups of the optimiser.
        defaults: the settings that its kind has.
        names: the state vectors that its kind has.
        kind: the name of its class, for errors.
    """
    message = f"{kind}: this is not the state of an optimiser"
    groups, state = entries(state_dict, ("param_groups", "state"), message)
    try:
        groups, state = list(groups), dict(state)
        sizes = [len(group["params"]) for group in groups]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{message}: expected param_groups to be a list of dicts with params, and state a dict."
        ) from error
    own_sizes = [len(group["params"]) for group in own_groups]
    if sizes != own_sizes:
        raise ValueError(f"{kind}: the state is for groups of {sizes} parameters, this optimiser has {own_sizes}.")
    for group in groups:
        missing = [key for key in defaults if key not in group]
        if missing:
            raise ValueError(f"{kind}: the state has no {', '.join(missing)}: it is of another kind of optimiser.")
    parameters = [parameter for group in own_groups for parameter in group["params"]]
    for index, entry in state.items():
        if index not in range(len(parameters)):
            raise ValueError(f"{kind}: the state has a parameter {index!r}, this optimiser {len(parameters)}.")
        check_entry(entry, parameters[index], names, f"{kind}: the state of parameter {index}")
    return groups, state


def check_entry(entry: Any, parameter: Tensor, names: Sequence[str], where: str) -> None:
    """Refuse a saved state that is not one of this parameter, or has other vectors than these names."""
    step = entry.get("step") if isinstance(entry, dict) else None
    whole(step, 0, f"{where} must be a dict with a step from 0 up")
    for key, value in entry.items():
        if key == "step":
            continue
        array = np.asarray(value)
        if key not in names or array.shape != parameter.shape or array.dtype.kind != "f":
            raise ValueError(f"{where} has {key} {describe(array)}, which does not fit {describe(parameter)}.")


def loaded(block: Block, state: dict[int, dict[str, Any]]) -> list[Block]:
    """New blocks of the same parameters with a saved state, one for all that have taken the same steps."""
    alike: dict[tuple[Any, ...], list[int]] = {}
    for place, index in enumerate(block.indices):
        entry = state.get(index, {"step": 0})
        alike.setdefault((int(entry["step"]), *sorted(entry.keys() - {"step"})), []).append(place)
    blocks = []
    for (step, *names), places in alike.items():
        vectors = {name: [np.asarray(state[block.indices[i]][name]) for i in places] for name in names}
        blocks.append(block.part(places, step, vectors))
    return blocks
