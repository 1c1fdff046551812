"""Which nodes lie between outputs and inputs of a graph."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .node import Node


def nodes_towards(targets: Collection[Node], roots: Sequence[Node]) -> set[Node]:
    """The nodes through which the roots depend on the targets, the targets among them."""
    path = set(targets)
    for node in sorted(reachable(roots), key=lambda node: node.time):
        if depends(node, path):
            path.add(node)
    return path


def depends(node: Node, path: set[Node]) -> bool:
    """Whether one of the node's inputs is on the path."""
    return any(edge in path for edge in node.edges)


def reachable(roots: Sequence[Node]) -> set[Node]:
    """Every node the roots were computed from, and the roots themselves."""
    seen = set(roots)
    stack = list(seen)
    while stack:
        for edge in stack.pop().edges:
            if edge is not None and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return seen
