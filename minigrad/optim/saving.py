"""State of optimisers in PyTorch's form: out of blocks, and into them."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..engine.arguments import entries, whole
from ..engine.node import describe, wrap
from ..tensor.tensor import Tensor
from .blocks import Block
from .groups import Settings
from .rule import Rule

LATER_SETTINGS = {"maximize", "decoupled_weight_decay"}
"""Settings that states saved by the first versions do not have; they stay as they are then."""


def saved_state(blocks: Iterable[Block]) -> dict[int, dict[str, Any]]:
    """By the index of each parameter that has a state: its ``"step"``, other numbers, and copies of its vectors."""
    state: dict[int, dict[str, Any]] = {}
    for block in blocks:
        if not (block.step or block.state):
            continue
        numbers = {"step": np.float32(block.step), **{name: np.float64(n) for name, n in block.numbers.items()}}
        for index, parameter, part in zip(block.indices, block.parameters, block.slices):
            if index not in state:
                state[index] = {name: wrap(np.asarray(number)) for name, number in numbers.items()}
            entry = state[index]
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
    state_dict: Any, own_groups: Sequence[Settings], rule: Rule
) -> tuple[list[Settings], dict[int, dict[str, Any]]]:
    """The groups and the state in what ``state_dict`` returned; refused if they do not fit an optimiser.

    Args:
        state_dict: what was saved.
        own_groups: the groups of the optimiser.
        rule: its settings and the names of its state.
    """
    kind = type(rule).__name__
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
        missing = [key for key in rule.defaults if key not in group and key not in LATER_SETTINGS]
        if missing:
            raise ValueError(f"{kind}: the state has no {', '.join(missing)}: it is of another kind of optimiser.")
    later = [{key: own[key] for key in LATER_SETTINGS if key in rule.defaults} for own in own_groups]
    groups = [{**kept, **group} for kept, group in zip(later, groups)]
    parameters = [parameter for group in own_groups for parameter in group["params"]]
    for index, entry in state.items():
        if index not in range(len(parameters)):
            raise ValueError(f"{kind}: the state has a parameter {index!r}, this optimiser {len(parameters)}.")
        check_entry(entry, parameters[index], rule, f"{kind}: the state of parameter {index}")
    return groups, state


def check_entry(entry: Any, parameter: Tensor, rule: Rule, where: str) -> None:
    """Refuse a saved state that is not one of this parameter, or has other vectors or numbers than the rule."""
    step = number_in(entry, "step") if isinstance(entry, dict) else None
    whole(
        int(step) if step is not None and step.is_integer() else step,
        0,
        f"{where} must be a dict with a step from 0 up",
    )
    for key, value in entry.items():
        if key == "step" or (key in rule.number_state and number_in(entry, key) is not None):
            continue
        array = np.asarray(value)
        if key not in rule.state_names or array.shape != parameter.shape or array.dtype.kind != "f":
            raise ValueError(f"{where} has {key} {describe(array)}, which does not fit {describe(parameter)}.")


def number_in(entry: dict[str, Any], name: str) -> float | None:
    """A number of a saved state, also in a tensor or an array without axes; None for anything else."""
    value = entry.get(name)
    if isinstance(value, (Tensor, np.ndarray)) and value.shape == ():
        value = value.item()
    return float(value) if isinstance(value, numbers.Real) and not isinstance(value, bool) else None


def loaded(block: Block, state: dict[int, dict[str, Any]], number_names: Sequence[str]) -> list[Block]:
    """New blocks of the same parameters with a saved state, one for all whose numbers are the same."""
    alike: dict[tuple[Any, ...], list[int]] = {}
    for place, index in enumerate(block.indices):
        entry = state.get(index, {"step": 0})
        own = tuple((name, number_in(entry, name)) for name in ("step", *number_names) if name in entry)
        alike.setdefault((own, *sorted(entry.keys() - dict(own).keys())), []).append(place)
    blocks = []
    for (own, *names), places in alike.items():
        kept = dict(own)
        vectors = {name: [np.asarray(state[block.indices[i]][name]) for i in places] for name in names}
        blocks.append(block.part(places, int(kept.pop("step")), vectors, kept))
    return blocks
