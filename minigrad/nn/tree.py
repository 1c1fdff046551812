"""The tree of modules: what each holds in its attributes, and the one traversal that every look at it goes through."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Set, ValuesView
from types import GeneratorType
from typing import Any, Self

from ..engine.arguments import a_type
from ..engine.scope import Settings
from ..tensor.tensor import Tensor
from .hooks import Hooks
from .parameter import Buffer, Parameter


class Changes:
    """How often an attribute of any module was set: what was derived from attributes holds until it changes."""

    count = 0


changes = Changes()


class Branch:
    """What holds parameters, buffers and further branches in its attributes: the base of ``Module``."""

    # not in Module itself: ``help`` of a class without a constructor would show this signature, not that of __init__
    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = object.__new__(cls)
        self.__dict__["training"] = True
        return self


MEMBERS = (Branch, Parameter, Buffer)
"""The classes that are found in the attributes of a module."""
PLAIN = frozenset({bool, int, float, str, type(None)})
"""The classes of an attribute's plain values: settings, in which nothing can be held."""
NEVER_HOLD = PLAIN | {Settings, Hooks}
"""The classes of values that are not looked into."""
NO_ORDER = (Set, ValuesView, GeneratorType, map, filter, zip)
"""What may hold modules, but in no order, or only until it is first looked at."""


def contents(name: str, value: Any, around: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """A value, or what is in a list, tuple, deque or dict, however nested, with names; nothing of one in itself."""
    if isinstance(value, MEMBERS):
        yield name, value
    elif isinstance(value, (Mapping, list, tuple, deque)):
        if not any(value is outer for outer in around):
            for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
                yield from contents(f"{name}.{key}", item, (*around, value))
    else:
        yield name, value


def members(module: Branch) -> Iterator[tuple[str, Any]]:
    """The modules, parameters and buffers that a module holds directly, by name."""
    for attribute, held in vars(module).items():
        if type(held) in NEVER_HOLD:
            continue
        for name, value in contents(attribute, held):
            if isinstance(value, MEMBERS):
                yield name, value
            elif isinstance(value, NO_ORDER):
                refuse_unordered(f"{type(module).__name__}.{name}", value)


def refuse_unordered(name: str, value: Any) -> None:
    """Refuse modules where they have no order, and a generator, which may hold some."""
    kind = a_type(value)
    if not isinstance(value, (Set, ValuesView)):
        raise TypeError(f"{name} is {kind}: modules in it would be lost. Make it a list, list(...).")
    if any(isinstance(item, MEMBERS) for item in value):
        raise TypeError(f"{name} is {kind} of modules or parameters, without order: use a list.")


def walk(
    module: Branch, prefix: str = "", inner_first: bool = False, again: bool = False, seen: Any = None
) -> Iterator[tuple[str, Any]]:
    """A module and all below it, each once, with dotted names; each before those it holds, or after them.

    With ``again`` a module that is held in several places comes as often, but not inside itself. Modules in the set
    ``seen`` are left out; those that are found are added.
    """
    seen = set() if seen is None else seen
    if module in seen:
        return
    seen.add(module)
    open_ones = [(prefix, module, members(module))]
    if not inner_first:
        yield prefix, module
    while open_ones:
        path, holder, rest = open_ones[-1]
        for name, value in rest:
            if isinstance(value, Branch) and value not in seen:
                seen.add(value)
                full_name = joined(path, name)
                open_ones.append((full_name, value, members(value)))
                if not inner_first:
                    yield full_name, value
                break
        else:
            open_ones.pop()
            if again:
                seen.discard(holder)
            if inner_first:
                yield path, holder


def joined(path: str, name: str) -> str:
    """A dotted name."""
    return f"{path}.{name}" if path else name


def entries(
    module: Branch, prefix: str = "", recurse: bool = True, again: bool = False
) -> Iterator[tuple[str, Any, Any, str]]:
    """The members of all modules of a tree: dotted name, member, the module that holds it, its name there."""
    for path, holder in walk(module, prefix, again=again) if recurse else [(prefix, module)]:
        for name, value in members(holder):
            yield joined(path, name), value, holder, name


def once(named: Iterable[tuple[str, Any]], kind: type) -> Iterator[tuple[str, Any]]:
    """The members of a class, each under the first of its names."""
    seen: set[int] = set()
    for name, value in named:
        if isinstance(value, kind) and id(value) not in seen:
            seen.add(id(value))
            yield name, value


def named_leaves(
    module: Branch, kind: type[Tensor], recurse: bool = True, prefix: str = "", again: bool = False
) -> Iterator[tuple[str, Any]]:
    """The parameters or buffers of a tree with dotted names; shared ones once, or with ``again`` each time."""
    named = ((name, value) for name, value, *_ in entries(module, prefix, recurse, again))
    return (pair for pair in named if isinstance(pair[1], kind)) if again else once(named, kind)


def held(module: Branch, target: str) -> Any:
    """What has a dotted name below a module: a module, a parameter or a buffer; None if there is nothing."""
    for name, value in members(module):
        if name == target:
            return value
        if isinstance(value, Branch) and target.startswith(f"{name}."):
            return held(value, target[len(name) + 1 :])
    return None


def computed(attributes: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a graph that attributes hold, activations say, by name."""
    for attribute, held in attributes.items() if isinstance(attributes, dict) else ():
        if type(held) in NEVER_HOLD:
            continue
        for name, value in contents(attribute, held):
            if isinstance(value, Tensor) and not value.is_leaf:
                yield name, value
