"""Trees of arguments and results: what is in tuples, lists, dicts, slices and dataclasses."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ..nn.module import Module

PACKAGE = __name__.partition(".")[0]

NESTED = (tuple, list, slice, dict)
"""What arguments may be in."""


def is_record(kind: type) -> bool:
    """Whether a class is a plain container of its fields: a dataclass of the user's that is no module.

    Attributes of operations are dataclasses of this package, each of which is one thing.
    """
    if not hasattr(kind, "__dataclass_fields__") or issubclass(kind, Module):
        return False
    return kind.__module__.partition(".")[0] != PACKAGE


def fields_of(record: Any) -> dict[str, Any]:
    """What is in a dataclass, by name."""
    return {key: getattr(record, key) for key in record.__dataclass_fields__ if hasattr(record, key)}


def with_fields(record: Any, values: dict[str, Any]) -> Any:
    """A copy of a dataclass with other values, which may be frozen."""
    copied = copy.copy(record)
    for key, value in values.items():
        object.__setattr__(copied, key, value)
    return copied


def like_dict(tree: dict[Any, Any], values: dict[Any, Any]) -> dict[Any, Any]:
    """These values in a dict of the same class, a ``defaultdict`` say."""
    if type(tree) is dict:
        return values
    copied = copy.copy(tree)
    for key, value in values.items():
        copied[key] = value
    return copied


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Tuples, lists, dicts, slices and dataclasses with ``function`` applied to what is in them."""
    kind = type(tree)
    if kind is tuple or kind is list:
        return kind([mapped(function, item) for item in tree])
    if not issubclass(kind, NESTED):  # isinstance would ask stand-ins for their class
        if not is_record(kind):
            return function(tree)
        return with_fields(tree, {key: mapped(function, value) for key, value in fields_of(tree).items()})
    if kind is slice:
        return slice(function(tree.start), function(tree.stop), function(tree.step))
    if isinstance(tree, (tuple, list)):
        items = [mapped(function, item) for item in tree]
        return kind(*items) if hasattr(tree, "_fields") else kind(items)
    return like_dict(tree, {key: mapped(function, value) for key, value in tree.items()})


def tree_leaves(tree: Any) -> list[Any]:
    """What is in tuples, lists, dicts, slices and dataclasses, in their order."""
    found: list[Any] = []
    mapped(found.append, tree)
    return found


def leaves_like(structure: Any, tree: Any) -> list[Any]:
    """What is in a tree, in the order of another one with the same items: what is in dicts goes by its key."""
    if is_record(type(structure)):
        structure, tree = fields_of(structure), fields_of(tree)
    if isinstance(structure, dict):
        return [leaf for key, item in structure.items() for leaf in leaves_like(item, tree[key])]
    if isinstance(structure, (tuple, list)):
        return [leaf for item, part in zip(structure, tree) for leaf in leaves_like(item, part)]
    return tree_leaves(tree)
