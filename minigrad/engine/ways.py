"""Names for parts of a derivative, which pictures of graphs of gradients show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .node import Node, Variable, clock

KEY = "minigrad.way"
"""Under which a record's notes hold its ``Way``."""


class Way(NamedTuple):
    """The records made from a time on up to that which holds this note."""

    name: str
    began: int
    branch: bool
    """Whether it is one of several branches of a sum, which have colours of their own."""


def way(name: str, compute: Callable[..., Any], *args: Any, branch: bool = True) -> Any:
    """``compute(*args)``; if that is recorded, its records have a name."""
    began = clock()
    value = compute(*args)
    node = value.node if isinstance(value, Variable) else None
    if node is not None and node.time > began:
        node.metadata[KEY] = Way(name, began, branch)
    return value


def way_of(node: Node) -> Way | None:
    """The way that ends in a record."""
    return None if node.watch is None else node.watch.metadata.get(KEY)
