"""The parameters and buffers of a module as rows of one box."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from .description import HELD, Box, Cluster, Edge, Line, Picture, Row

SEPARATE = 5
"""As many modules may hold something before it is put into tables: two blocks of Linear and BatchNorm, and a Linear."""


def tabulated(picture: Picture, tables: bool | None = None) -> Picture:
    """The picture with a table for what each module holds; by default if more than ``SEPARATE`` calls are of such.

    Measured with Graphviz 14.1.5, in points: 1, 3, 10, 20 blocks of Linear-BatchNorm-ReLU are 752, 794, 800, 800 wide
    instead of 1,001 to 1,019, and as high; 10 residual blocks 1,626 instead of 1,916.
    """
    if tables is None:
        paths = {box.module for each in picture.content.all_clusters() for box in each.boxes if box.kind in HELD}
        calls = (each for each in picture.content.all_clusters() if not each.derivative)
        tables = sum(each.module in paths for each in calls) > SEPARATE
    return Tabulating(picture).picture if tables else picture


class Tabulating:
    """One pass through a picture."""

    def __init__(self, picture: Picture) -> None:
        self.boxes = {box.number: box for box in picture.content.all_boxes()}
        self.calls = {box.number: i for i, each in enumerate(picture.content.all_clusters()) for box in each.boxes}
        """By the number of a box, which call it is in."""
        self.effects: defaultdict[int, list[Edge]] = defaultdict(list)
        """By the number of a buffer, what operations do to it."""
        for edge in picture.edges:
            if edge.kind in ("reads", "writes"):
                self.effects[edge.target if edge.kind == "writes" else edge.source].append(edge)
        self.tables: dict[int, int] = {}
        """By the number of a box that is a row now, that of its table."""
        self.make_tables(picture.content)
        self.elsewhere: defaultdict[int, list[Edge]] = defaultdict(list)
        """By the number of an operation, its edges to the table in another call of its module."""
        edges = list(self.edges(picture.edges))
        self.picture = replace(picture, content=self.cluster(picture.content), edges=edges)

    def make_tables(self, content: Cluster) -> None:
        """Find the boxes that become rows."""
        for cluster in content.all_clusters():
            held = [box.number for box in cluster.boxes if box.kind in HELD]
            self.tables |= dict.fromkeys(held, held[0]) if len(held) > 1 else {}

    def cluster(self, cluster: Cluster) -> Cluster:
        """A cluster with a table of what it holds. It calls itself as deep as they are nested."""
        held = [box for box in cluster.boxes if box.number in self.tables]
        others = [self.with_lines(box) for box in cluster.boxes if box.number not in self.tables]
        boxes = [self.table(cluster, held), *others] if held else others
        rows = [] if held else cluster.rows
        return replace(cluster, boxes=boxes, clusters=[self.cluster(each) for each in cluster.clusters], rows=rows)

    def table(self, cluster: Cluster, held: list[Box]) -> Box:
        """The box of what a module holds."""
        words = ["parameters"] * any(box.kind != "buffer" for box in held)
        words += ["buffers"] * any(box.kind == "buffer" for box in held)
        rows = [Row(box.kind, box.title, box.lines, self.effect(box), box.name, box.number) for box in held]
        box = Box(held[0].number, "held", " and ".join(words), name=cluster.module, module=cluster.module, rows=rows)
        box.elements = sum(each.elements for each in held)
        return box

    def effect(self, buffer: Box) -> str:
        """What operations in the same call do to a buffer."""
        own = [edge for edge in self.effects[buffer.number] if self.is_near(edge)]
        return ", ".join(f"← {edge.label}" if edge.kind == "reads" else f"{edge.label} →" for edge in own)

    def is_near(self, edge: Edge) -> bool:
        """Whether both ends are in one call."""
        return self.calls.get(edge.source) == self.calls.get(edge.target)

    def edges(self, edges: list[Edge]) -> Iterator[Edge]:
        """Those that are left: of several between a table and an operation one, none to another call of its module.

        There they would be long and many: 20 calls of one BatchNorm were 8,000 points wide, and 850 without them.
        """
        merged: dict[tuple[int, int, str], Edge] = {}
        for edge in edges:
            row, other = (edge.source, edge.target) if edge.source in self.tables else (edge.target, edge.source)
            if row not in self.tables:
                yield edge
                continue
            near = self.is_near(edge)
            if not near and self.boxes[other].module == self.boxes[row].module:
                self.elsewhere[other].append(edge)
            elif not near or edge.kind not in ("reads", "writes"):
                ends = self.tables.get(edge.source, edge.source), self.tables.get(edge.target, edge.target)
                label = edge.label if near or edge.label else self.boxes[row].title
                moved = replace(edge, source=ends[0], target=ends[1], label=label)
                before = merged.get((*ends, edge.kind))
                if before is not None:
                    labels = filter(None, (before.label, label))
                    moved = replace(moved, label=", ".join(labels), width=max(before.width, edge.width))
                merged[*ends, edge.kind] = moved
        yield from merged.values()

    def with_lines(self, box: Box) -> Box:
        """An operation that says what it has from, and does to, the table in another call of its module."""
        said: defaultdict[str, list[str]] = defaultdict(list)
        for edge in self.elsewhere[box.number]:
            row = self.boxes[edge.target if edge.kind == "writes" else edge.source].title
            said["with" if edge.kind in ("value", "constant") else edge.label].append(row)
        lines = [Line(f"{what} {', '.join(rows)} above") for what, rows in said.items()]
        return replace(box, lines=[*box.lines, *lines]) if lines else box
