"""Tensors inside containers: found, named by the way to them, and replaced in a copy."""

from __future__ import annotations

import copy
import dataclasses
from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from ..engine.node import DEEPEST
from ..nn.module import Module


def parts(value: Any) -> list[tuple[str, Any, Any]]:
    """What a container holds: how Python text gets at each part, its key there, and the part.

    Containers are mappings, lists, tuples, deques and instances of dataclasses; of anything else the list is empty.
    """
    if isinstance(value, Mapping):
        return [(f"[{key!r}]", key, part) for key, part in value.items()]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return [(f".{name}", i, part) for i, (name, part) in enumerate(zip(value._fields, value))]
    if isinstance(value, (list, tuple, deque)):
        return [(f"[{i}]", i, part) for i, part in enumerate(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, (type, Module)):
        names = [field.name for field in dataclasses.fields(value) if hasattr(value, field.name)]
        return [(f".{name}", name, getattr(value, name)) for name in names]
    return []


def inside(
    value: Any, name: str, kind: type | tuple[type, ...], around: tuple[int, ...] = ()
) -> Iterator[tuple[str, Any]]:
    """The instances of ``kind`` that a value is or holds, each with its name: ``batch['x'][0]``.

    ``around`` are the ids of the containers around it: one that holds itself is entered once.
    """
    if isinstance(value, kind):
        yield name, value
    elif len(around) > DEEPEST:
        raise ValueError(f"{name[:40]}...: containers are nested more than {DEEPEST} deep.")
    elif id(value) not in around:
        for way, _, part in parts(value):
            yield from inside(part, name + way, kind, (*around, id(value)))


def replaced(value: Any, kind: type | tuple[type, ...], function: Callable[[Any], Any], copies: dict[int, Any]) -> Any:
    """A value in which ``function`` has replaced the instances of ``kind``; containers that hold some are copied.

    ``copies`` are those of the containers copied so far, by id; a container that holds itself does so in its copy.
    """
    if isinstance(value, kind):
        return function(value)
    if id(value) in copies:
        return copies[id(value)]
    if not any(True for _ in inside(value, "", kind)):
        return value
    if isinstance(value, tuple):
        items = [replaced(part, kind, function, copies) for part in value]
        return value._make(items) if hasattr(value, "_make") else type(value)(items)
    read_only = isinstance(value, Mapping) and not isinstance(value, MutableMapping)
    result = copies[id(value)] = dict(value) if read_only else copy.copy(value)
    for _, key, part in parts(value):
        part = replaced(part, kind, function, copies)
        if isinstance(value, (Mapping, list, deque)):
            result[key] = part
        else:
            object.__setattr__(result, key, part)  # a frozen dataclass is changed in its copy only
    return result
