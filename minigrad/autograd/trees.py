"""Nested tuples, named tuples, lists and dicts: their leaves as a list, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple


class Structure(NamedTuple):
    """The structure of a tree: the class of a container, the keys of a dict, the structures inside; None is a leaf."""

    kind: type
    keys: tuple[Any, ...] | None
    inside: tuple[Structure | None, ...]

    def __str__(self) -> str:
        parts = [str(part or "*") for part in self.inside]
        if self.keys is not None:
            parts = [f"{key!r}: {part}" for key, part in zip(self.keys, parts)]
        return f"{self.kind.__name__}({', '.join(parts)})"


def flatten(tree: Any) -> tuple[list[Any], Structure | None]:
    """The leaves of a tree in order, and its structure."""
    if isinstance(tree, dict):
        keys, values = tuple(tree), list(tree.values())
    elif isinstance(tree, (list, tuple)):
        keys, values = None, list(tree)
    else:
        return [tree], None
    flat = [flatten(value) for value in values]
    leaves = [leaf for found, _ in flat for leaf in found]
    return leaves, Structure(type(tree), keys, tuple(structure for _, structure in flat))


def unflatten(structure: Structure | None, leaves: Sequence[Any]) -> Any:
    """The tree of a structure with these leaves."""
    return built(structure, iter(leaves))


def built(structure: Structure | None, leaves: Iterator[Any]) -> Any:
    """The tree of a structure, with the next leaves."""
    if structure is None:
        return next(leaves)
    values = [built(part, leaves) for part in structure.inside]
    if structure.keys is not None:
        items = dict(zip(structure.keys, values))
        return items if structure.kind is dict else structure.kind(items)
    return structure.kind(*values) if hasattr(structure.kind, "_fields") else structure.kind(values)


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """A tree with ``function`` of each leaf."""
    leaves, structure = flatten(tree)
    return unflatten(structure, [function(leaf) for leaf in leaves])
