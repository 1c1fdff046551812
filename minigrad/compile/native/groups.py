"""What C computes in one loop nest, one product or one call, as a box of a picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..groups import Group, shortened
from ..sections import Section, said
from .fusion import Plan, Step, kept_under
from .memory_versions import Outside
from .nodes import Node

KINDS = {"product": "matrix product", "call": "call of Python's", "panel": "loops by panels of columns"}
"""What steps are called that are not one loop nest."""


def groups_of(plan: Plan) -> Iterator[Group]:
    """The groups of a program that runs as C."""
    changed: dict[Node, list[Outside]] = {}
    for outside, _, node in plan.lowered.written:
        changed.setdefault(kept_under(node), []).append(outside)
    for step in plan.steps:
        made = [part.node for part in step.parts]
        nodes = computed_in(plan, step)
        found = [node.scope for node in sorted(nodes, key=lambda node: node.number) if isinstance(node.scope, Section)]
        names = list(dict.fromkeys(node.name for node in made if node.name))
        yield Group(
            min([node.scope.part for node in made if isinstance(node.scope, Section)], default=0),
            list(dict.fromkeys(section._replace(line="", changes="") for section in found)),
            title(step),
            [*operations(found), *([shortened(names)] if names else [])],
            list(dict.fromkeys(key for node in step.reads if node not in made for key in keys(node))),
            made,
            list(dict.fromkeys(outside for node in made for outside in changed.get(node, ()))),
        )


def title(step: Step) -> str:
    """What kind of step it is, over which sizes."""
    sizes = " x ".join(map(str, step.sizes))
    if step.kind == "product":
        left, right = step.parts[0].node.args
        return f"matrix product {left.shape} @ {right.shape}"
    kind = KINDS.get(step.kind, "one loop")
    return f"{kind}, {sizes}" if sizes else kind


def operations(found: list[Section]) -> list[str]:
    """Which operations of which modules went into it."""
    by_place: dict[str, list[str]] = {}
    for section in found:
        place = said(section.scope).partition(" (")[0] if section.scope is not None else ""
        by_place.setdefault(place, []).append(section.operation or section.changes)
    said_of = {place: ", ".join(filter(None, dict.fromkeys(each))) for place, each in by_place.items()}
    return [text for place, words in said_of.items() if (text := ": ".join(filter(None, (place, words))))]


def computed_in(plan: Plan, step: Step) -> set[Node]:
    """The nodes that a step computes: what it keeps, and what its expressions consist of."""
    made = {part.node for part in step.parts}
    found, open_nodes = set(made), [arg for node in made for arg in node.args]
    while open_nodes:
        node = open_nodes.pop()
        if node not in found and node not in plan.kept and node.kind not in ("load", "constant", "view"):
            found.add(node)
            open_nodes += node.args
    return found


def keys(node: Node) -> list[Any]:
    """What a node is known by: an array from outside by where that is kept."""
    return [node.attribute] if node.kind == "load" else [node]
