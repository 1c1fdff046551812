"""What records keep for their derivatives: the arrays, and the memory that these hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from numpy import ndarray

from .node import Node, Variable

PLAIN = frozenset({type(None), bool, int, float, str})
"""The classes of what holds no array."""


def kept_by(node: Node) -> Iterator[ndarray]:
    """The arrays that a record keeps."""
    for part in (node.saved, node.cache, node.attributes):
        if part:
            yield from kept(part)


def kept(value: Any, inside: bool = False) -> Iterator[ndarray]:
    """The arrays in a value, in its lists, tuples and dicts, and in the attributes of what a kernel has left."""
    if isinstance(value, ndarray):
        yield value
    elif isinstance(value, Mapping):
        yield from kept(list(value.values()), inside)
    elif isinstance(value, (list, tuple)):
        for item in value:
            if isinstance(item, ndarray):
                yield item
            elif type(item) not in PLAIN:
                yield from kept(item, inside)
    elif not inside and not isinstance(value, (Variable, Node)) and hasattr(value, "__dict__"):
        yield from kept(list(vars(value).values()), inside=True)


def memory(array: ndarray) -> ndarray:
    """The array that owns the memory."""
    while isinstance(array.base, ndarray):
        array = array.base
    return array
