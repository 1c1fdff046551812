"""Names for the values of a program: those of the model, of its optimiser's vectors and of the step's arguments."""

from __future__ import annotations

import builtins
import inspect
import keyword
import re
from collections.abc import Callable, Iterator
from typing import Any

from ..optim.blocks import Block
from .program import Place, Program, Value

TAKEN = frozenset((*keyword.kwlist, *dir(builtins), "np", "out"))
"""What a name in source must not be."""


def argument_names(function: Callable[..., Any], inputs: tuple[Any, ...]) -> dict[int, str]:
    """The names of the arguments of a call, by their numbers; an item of a list or dict is named ``x_key``."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return {}
    named: list[str] = []
    for number, given in enumerate(inputs):
        parameter = parameters[min(number, len(parameters) - 1)] if parameters else None
        if parameter is None:
            return {}
        variadic = parameter.kind is parameter.VAR_POSITIONAL
        named += leaf_names(f"{parameter.name}{number}" if variadic else parameter.name, given)
    return dict(enumerate(named))


def leaf_names(name: str, tree: Any) -> Iterator[str]:
    """A name for each thing in a tuple, list or dict."""
    if isinstance(tree, (tuple, list)):
        keys: Any = getattr(tree, "_fields", range(len(tree)))
        for key, item in zip(keys, tree):
            yield from leaf_names(f"{name}_{key}", item)
    elif isinstance(tree, dict):
        for key, item in tree.items():
            yield from leaf_names(f"{name}_{key}", item)
    elif type(tree) is slice:
        yield from (f"{name}_{end}" for end in ("start", "stop", "step"))
    else:
        yield name


def identifier(text: str) -> str:
    """A name as one of Python's: ``fc1.weight`` is ``fc1_weight``, and ``0.weight``, of a chain, ``layer0_weight``."""
    word = re.sub(r"\W+", "_", text).strip("_") or "value"
    return f"layer{word}" if word[0].isdigit() else word


def name_of_place(place: Place, tensors: dict[int, str]) -> str:
    """The name of a place; that of an optimiser's vector has the name of its parameter, if it is of one alone."""
    block = place.owner_of(Block)
    if block is None:
        return place.name
    name = tensors.get(id(block.parameters[0]), "parameter") if len(block.parameters) == 1 else ""
    return f"{name}_{place.key}"


def names_of(program: Program) -> dict[Value, str]:
    """A different Python name for each value that comes from outside or is put somewhere.

    Parameters and buffers have their names in the model, ``fc1_weight`` and ``bn1_running_mean``, gradients end in
    ``_grad``, inputs have the names of the step's arguments.
    """
    tensors = {id(place.holder): place.name for place, _ in program.states if place.key == "array"}
    wanted = [(value, program.input_names.get(number, f"input{number}")) for number, value in program.inputs]
    wanted += [(value, name_of_place(place, tensors)) for place, value in program.states]
    wanted += [(value, f"constant{number}") for number, (_, value) in enumerate(program.constants)]
    wanted += [(value, place.name) for place, value in program.settings if value is not None]
    names: dict[Value, str] = {}
    used = set(TAKEN)
    for value, name in wanted:
        if value in names:
            continue
        first = word = identifier(name)
        number = 1
        while word in used:
            number += 1
            word = f"{first}_{number}"
        used.add(word)
        names[value] = word
    return names
