"""Modules and parameters that a module does not find, because other objects hold them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, MethodType
from typing import Any

from ..nn.module import Module
from ..nn.parameter import Parameter
from ..nn.tree import Branch, entries, walk
from ..tensor.tensor import Tensor

DEEPEST = 3
"""Objects inside each other that are looked into."""


def hidden(model: Module) -> Iterator[tuple[str, str]]:
    """The modules and parameters that objects in a model's attributes hold, by name, each once."""
    known = {id(module) for _, module in walk(model)} | {id(value) for _, value, *_ in entries(model)}
    for path, module in walk(model):
        for name, value in vars(module).items():
            if not isinstance(value, (Branch, Tensor)) and not name.startswith("_"):
                yield from inside(f"{path}.{name}".lstrip("."), value, known, DEEPEST)


def inside(name: str, value: Any, known: set[int], depth: int) -> Iterator[tuple[str, str]]:
    """The modules and parameters in a value that are not yet known."""
    if isinstance(value, (Branch, Parameter)):
        if id(value) not in known:
            known.add(id(value))
            yield name, f"a {type(value).__name__}"
    elif depth:
        for part, held in parts(value):
            yield from inside(name + part, held, known, depth - 1)


def parts(value: Any) -> Iterable[tuple[str, Any]]:
    """What an object holds: its attributes, the items of a list or dict, the variables of a function."""
    if isinstance(value, Mapping):
        return [(f"[{key!r}]", held) for key, held in value.items()]
    if isinstance(value, (list, tuple)):
        return [(f"[{i}]", held) for i, held in enumerate(value)]
    if isinstance(value, MethodType):
        return [(".__self__", value.__self__)]
    if isinstance(value, FunctionType):
        cells = zip(value.__code__.co_freevars, value.__closure__ or ())
        return [(f" ({name})", cell.cell_contents) for name, cell in cells]
    if isinstance(value, (type, Tensor)):
        return []
    return [(f".{name}", held) for name, held in getattr(value, "__dict__", {}).items()]
