"""Sums that follow from others: factors that all terms share are taken out, and so is what is subtracted from each.

    sum(c * x) = c * sum(x)        sum(x - m) = sum(x) - n * m

This is done where the sum on the right is computed anyway. Only sums in float64 of float32 numbers are changed: what
their rounding may differ by is far below a rounding of the terms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable

import numpy as np

from .lowering import REWRITES, Lowered, Lowering
from .nodes import Node

WIDE = np.dtype(np.float64)


def terms_of(node: Node) -> Node | None:
    """What is added up, if it is float32 and added up in float64."""
    if node.kind != "reduce" or node.op != "add" or node.dtype != WIDE:
        return None
    cast = node.args[0]
    return cast.args[0] if (cast.kind, cast.op) == ("map", "cast") and cast.args[0].dtype == np.float32 else None


def factors(node: Node) -> list[Node]:
    """The factors of a product of elements."""
    if (node.kind, node.op) != ("map", "multiply"):
        return [node]
    return [factor for arg in node.args for factor in factors(arg)]


def is_shared(factor: Node, terms: Node, axes: Iterable[int]) -> bool:
    """Whether all terms of a sum over these axes have the same."""
    ahead = len(terms.shape) - len(factor.shape)
    return all(axis < ahead or factor.shape[axis - ahead] == 1 for axis in axes)


class Sum:
    """A sum, its terms, and which factors of these are the same in all terms."""

    def __init__(self, node: Node, terms: Node) -> None:
        self.node, self.terms = node, terms
        own = factors(terms)
        self.shared = Counter(factor for factor in own if is_shared(factor, terms, node.attribute))
        varying = sorted(factor.number for factor in own if factor not in self.shared)
        self.key = node.shape, node.attribute, tuple(varying)
        """Alike in sums that may follow from each other."""


def simplified(lowering: Lowering, lowered: Lowered) -> None:
    """Let sums follow from others that are there."""
    sums = [Sum(node, terms) for node in lowering.graph.nodes if (terms := terms_of(node)) is not None]
    alike: dict[Hashable, list[Sum]] = {}
    for each in sums:
        alike.setdefault(each.key, []).append(each)
    changed = False
    for each in sums:
        node, terms = each.node, each.terms
        fewer = [other for other in alike[each.key] if other.shared < each.shared]
        if fewer:
            most = max(fewer, key=lambda other: other.shared.total())
            *others, last = (each.shared - most.shared).elements()
            product = most.node
            for factor in others:
                product = lowering.graph.map("multiply", [product, spread(lowering, factor, node)], WIDE, node.shape)
            replace(node, "multiply", product, spread(lowering, last, node))
            changed = True
        elif terms.op == "subtract" and is_shared(terms.args[1], terms, node.attribute):
            whole, minus = terms.args
            same = [other for other in sums if other.terms is whole and other.node.attribute == node.attribute]
            if same and whole.shape == terms.shape:
                count = lowering.graph.constant(terms.size // max(node.size, 1), WIDE)
                parts = [count, spread(lowering, minus, node)]
                replace(node, "subtract", same[0].node, lowering.graph.map("multiply", parts, WIDE, node.shape))
                changed = True
    if changed:
        renumber(lowering)


def spread(lowering: Lowering, factor: Node, node: Node) -> Node:
    """A factor that all terms share, in float64 and in the shape of a sum, or one that broadcasts to it."""
    axes = [axis - len(node.args[0].shape) for axis in node.attribute]
    shape = tuple(size for axis, size in enumerate(factor.shape, -len(factor.shape)) if axis not in axes)
    return lowering.graph.cast(lowering.seen_as(factor, shape), WIDE)


def replace(node: Node, op: str, *args: Node) -> None:
    """Make a sum a function of elements."""
    node.kind, node.op, node.args, node.attribute = "map", op, args, None


def renumber(lowering: Lowering) -> None:
    """Number the nodes so that operands come before what is computed from them."""
    before = sorted(lowering.graph.nodes, key=lambda node: node.number)
    order: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node not in order:
            for arg in node.args:
                visit(arg)
            order[node] = None

    for node in before:
        visit(node)
    for number, node in enumerate(order):
        node.number = number


REWRITES.append(simplified)
