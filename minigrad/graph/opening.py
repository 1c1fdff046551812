"""Operations opened into the parts that their entries name, with the numbers of the call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..engine.node import Node
from ..engine.shown import Part
from .description import Box, Cluster, Edge, Line


def chosen(expand: Any, content: Cluster) -> list[tuple[Box, Cluster]]:
    """The boxes that ``expand`` names, and their clusters: by paths of modules, classes, names of operations, or all.

    Raises:
        TypeError: for anything else.
    """
    several = expand if isinstance(expand, (list, tuple, set, frozenset)) else (expand,)
    if not all(isinstance(each, (str, type)) or each is True for each in several):
        raise TypeError(
            f"draw: expand takes paths of modules, classes and names of operations, or True, got {expand!r}."
        )
    names = {each for each in several if isinstance(each, str)}
    classes = tuple(each for each in several if isinstance(each, type))
    found = []
    for cluster in (content, *content.all_clusters()):
        by_cluster = cluster.module in names and cluster is not content
        by_cluster |= cluster.kind is not None and issubclass(cluster.kind, classes)
        found += [
            (box, cluster)
            for box in cluster.boxes
            if box.operation and (by_cluster or True in several or {box.operation, box.module} & names)
        ]
    return found


def opened(
    box: Box, cluster: Cluster, parts: Sequence[Part], uses: Mapping[str, Edge], effects: Sequence[Edge], first: int,
    now: str = "",
) -> Iterable[Edge]:  # fmt: skip
    """Replace a box by a cluster of parts, the last of which keeps its number; returns the edges between them.

    ``uses`` are the arrows from its operands, by their names, and ``effects`` those to and from buffers: they lead to
    the parts that need them. New boxes are numbered from ``first`` on. ``now`` is said behind the title.
    """
    numbers = {part.title: first + i for i, part in enumerate(parts[:-1])} | {parts[-1].title: box.number}
    made = [Box(numbers[part.title], "op", part.title, [Line(text) for text in part.lines], box.mode, module=box.module,
                operation=box.operation) for part in parts]  # fmt: skip
    last = made[-1]
    made[-1] = replace(box, title=last.title, lines=[*last.lines, *[line for line in box.lines if said_once(line)]])
    inner = Cluster(f"{box.title}, opened{now}", box.mode, made, module=cluster.module, path=cluster.path)
    cluster.boxes[:] = [each for each in cluster.boxes if each is not box]
    cluster.clusters.insert(0, inner)
    for part in parts:
        for name in part.sources:
            number = numbers[part.title]
            if name in numbers:
                yield Edge(numbers[name], number)
            elif name in uses:
                yield replace(uses[name], target=number, label="")
        for i in part.effects:
            if i < len(effects):
                edge, number = effects[i], numbers[part.title]
                yield replace(edge, target=number) if edge.kind == "reads" else replace(edge, source=number)


def said_once(line: Line) -> bool:
    """Whether a line of the whole operation is said of its last part, too."""
    return line.alarming or line.text.startswith(("out ", "saves ", "saved "))


def parts_of(node: Node, shown: Any, values: Mapping[Node, Any]) -> Sequence[Part]:
    """The parts of an operation, with the values of its operands now."""
    if shown.parts is None:
        return ()
    operands = [values.get(operand) if isinstance(operand, Node) else getattr(operand, "array", operand)
                for operand in node.inputs]  # fmt: skip
    return shown.parts(operands) if operands and operands[0] is not None else ()
