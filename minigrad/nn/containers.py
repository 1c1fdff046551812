"""Modules that hold modules: in a chain, in a list, by name."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from ..engine.arguments import a_type, whole
from ..engine.errors import InvalidTypeError, InvalidValueError
from .module import Module

Self = TypeVar("Self", bound="Numbered")


def check_name(container: Module, name: Any, what: str, there: bool) -> None:
    """Refuse a name that is no string, is empty, has a dot, or is an attribute of all modules."""
    kind = type(container).__name__
    if not isinstance(name, str):
        raise TypeError(f"{kind}: the name of a {what} must be a string, got {name!r}: write {str(name)!r}.")
    if "." in name or not name:
        raise KeyError(f"{kind}: a {what} cannot be named {name!r}: dots separate the names of a path.")
    if not there and hasattr(container, name):
        raise KeyError(f"{kind} has an attribute {name!r} already: choose another name.")


class Container(Module):
    """Modules under names of their own, in order."""

    def _append_all(self, named: Iterable[tuple[str, Module]]) -> None:
        """Set submodules by name: all of them or, if one is refused, none."""
        pairs = list(named)
        for name, module in pairs:
            self._check_item(name, module)
        for name, module in pairs:
            setattr(self, name, module)

    def _check_item(self, name: str, module: Module) -> None:
        """Refuse an item that is no module, and a name that is empty, has a dot, or is an attribute of all modules."""
        kind = type(self).__name__
        if not isinstance(module, Module):
            raise TypeError(
                f"{kind}: item {name!r} is {a_type(module)}, expected a module. "
                "Classes must be called (nn.ReLU(), not nn.ReLU); a function needs a Module around it."
            )
        check_name(self, name, "module", isinstance(vars(self).get(name), Module))

    def _named(self) -> dict[str, Module]:
        """The modules by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Module)}

    def _replace_all(self, modules: Iterable[Module]) -> None:
        """Hold these modules, numbered from 0, instead of the present ones."""
        numbered = [(str(i), module) for i, module in enumerate(modules)]
        for name, module in numbered:
            self._check_item(name, module)
        for name in self._named():
            delattr(self, name)
        self._append_all(numbered)

    def __len__(self) -> int:
        return len(self._named())


class Numbered(Container):
    """Modules by their position."""

    def __iter__(self) -> Iterator[Module]:
        return iter(self._named().values())

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, slice):
            return list(self)[index]
        part = type(self).__new__(type(self))
        part._append_all(list(self._named().items())[index])
        return part

    def __setitem__(self, index: int, module: Module) -> None:
        self._append_all([(list(self._named())[index], module)])

    def __delitem__(self, index: int) -> None:
        modules = list(self)
        del modules[index]
        self._replace_all(modules)

    def __iadd__(self: Self, other: Any) -> Self:
        return self.extend(list(other))

    def pop(self, key: int) -> Module:
        """Remove the module at a position and return it."""
        module: Module = self[operator.index(key)]
        del self[key]
        return module

    def append(self: Self, module: Module) -> Self:
        """Add a module at the end, under the next free number; returns itself."""
        numbers = map(str, itertools.count(len(self)))
        self._append_all([(next(name for name in numbers if name not in vars(self)), module)])
        return self

    def extend(self: Self, modules: Iterable[Module]) -> Self:
        """Add modules at the end; returns itself."""
        for module in modules:
            self.append(module)
        return self

    def insert(self: Self, index: int, module: Module) -> Self:
        """Insert a module before a position; returns itself."""
        modules = list(self)
        modules.insert(index, module)
        self._replace_all(modules)
        return self


class Sequential(Numbered):
    """Modules one after the other: each gets the output of the one before.

    ``Sequential(a, b)``, or ``Sequential({"first": a, "second": b})`` with names, which a slice keeps.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> model(mg.ones(5, 2)).shape, len(model), model[1]
    ((5, 1), 3, ReLU())
    """

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            self._append_all(modules[0].items())
        else:
            self._append_all((str(i), module) for i, module in enumerate(modules))

    def _check_item(self, name: str, module: Module) -> None:
        super()._check_item(name, module)
        refuse_cycle(self, name, module)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Module):
            refuse_cycle(self, name, value)
        super().__setattr__(name, value)

    def extend(self: Self, sequential: Iterable[Module]) -> Self:
        """Add modules at the end; returns itself."""
        return super().extend(sequential)

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *chain_only(other))

    def __iadd__(self, other: Sequential) -> Any:
        return self.extend(list(chain_only(other)))

    def __mul__(self, other: int) -> Sequential:
        return Sequential(*list(self) * times(other))

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Any:
        return self.extend(list(self) * (times(other) - 1))

    def forward(self, input: Any) -> Any:
        for module in vars(self).values():
            if isinstance(module, Module):
                input = module(input)
        return input


def chain_only(other: Any) -> Sequential:
    """The other operand of ``+``; refused if it is no chain."""
    if not isinstance(other, Sequential):
        raise InvalidValueError(f"Sequential: + joins two of them, got {a_type(other)}: use extend.")
    return other


def times(number: Any) -> int:
    """How often ``*`` repeats a chain, whose modules it shares."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
        raise InvalidTypeError(f"Sequential: * repeats it a whole number of times, got {number!r}.")
    return whole(number, 1, "Sequential: * repeats it at least once")


def refuse_cycle(chain: Sequential, name: str, module: Module) -> None:
    """Refuse a module that would make a chain a part of itself."""
    if any(part is chain for part in chained(module)):
        raise ValueError(
            f"{type(chain).__name__}.{name}: every module set here is a part of the chain, which would contain "
            "itself and never end. Keep a reference in a list, [module]."
        )


def chained(module: Module) -> Iterator[Module]:
    """A module, and those that run with it if it is a chain."""
    yield module
    if isinstance(module, Sequential):
        for part in module._named().values():
            yield from chained(part)


class ModuleList(Numbered):
    """A list of modules; what is done with them is the owner's ``forward``.

    >>> layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
    >>> len(layers), layers[1]
    (3, Linear(in_features=2, out_features=2, bias=True))
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        self._replace_all(() if modules is None else modules)

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        if isinstance(index, slice):
            found._replace_all(list(found))
        return found

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def _child_lines(self) -> list[str]:
        lines, start = [], 0
        for text, run in itertools.groupby(map(repr, self)):
            count = len(list(run))
            lines.append(f"({start}): {text}" if count == 1 else f"({start}-{start + count - 1}): {count} x {text}")
            start += count
        return lines


class ModuleDict(Container):
    """Modules by name; what is done with them is the owner's ``forward``.

    >>> heads = nn.ModuleDict({'class': nn.Linear(2, 3), 'box': nn.Linear(2, 4)})
    >>> heads['box'](mg.ones(1, 2)).shape, list(heads)
    ((1, 4), ['class', 'box'])
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        self.update(() if modules is None else modules)

    def pop(self, key: str) -> Module:
        """Remove a name and return its module."""
        module = self[key]
        del self[key]
        return module

    def clear(self) -> None:
        """Remove all modules."""
        for key in self._named():
            delattr(self, key)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Set several modules."""
        self._append_all(modules.items() if isinstance(modules, Mapping) else modules)

    def __getitem__(self, key: str) -> Module:
        return self._named()[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self._append_all([(key, module)])

    def __delitem__(self, key: str) -> None:
        del self._named()[key]
        delattr(self, key)

    def __contains__(self, key: str) -> bool:
        return key in self._named()

    def __iter__(self) -> Iterator[str]:
        return iter(self._named())

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._named().keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._named().values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """The names with their modules."""
        return self._named().items()
