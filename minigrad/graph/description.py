"""A picture as plain data: what its parts say and what kind they are, not yet how that is written.

Readers of records make these, writers turn them into text; neither knows the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple


class Line(NamedTuple):
    """One line of a box; an ``alarming`` one is red."""

    text: str
    alarming: bool = False


@dataclass
class Box:
    """A tensor or an operation.

    ``kind`` is a key of ``KINDS``; ``mode``, a key of ``MODES``, is that of a batch normalisation.
    """

    number: int
    kind: str
    title: str
    lines: list[Line] = field(default_factory=list)
    mode: str = ""

    @property
    def colours(self) -> Colours:
        """The mode's colours where there is a mode, else the kind's."""
        return MODES[self.mode].colours if self.mode else KINDS[self.kind]


@dataclass
class Edge:
    """An arrow between the boxes of two numbers.

    ``kind``: a ``value`` that gradients can flow back along, a ``constant`` they cannot (class
    indices, masks), an effect that ``reads`` or ``writes`` a buffer.
    """

    source: int
    target: int
    kind: str = "value"
    label: str = ""


@dataclass
class Cluster:
    """What one call of a module consists of: boxes, and the calls inside it.

    ``rows`` are the numbers of boxes that stand side by side, from left to right: the parameters of an operation.
    """

    title: str = ""
    mode: str = ""
    boxes: list[Box] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)

    def all_boxes(self) -> Iterator[Box]:
        """The boxes in it and in the clusters in it."""
        yield from self.boxes
        for cluster in self.clusters:
            yield from cluster.all_boxes()


@dataclass
class Picture:
    """All of it: the lines above, the outermost boxes and clusters, and the edges."""

    header: str
    content: Cluster
    edges: list[Edge]


class Colours(NamedTuple):
    """Of a box's title, of its inside (and of a cluster's), and of the border."""

    title: str
    inside: str
    border: str


class Mode(NamedTuple):
    """What stands behind the title of a batch normalisation in this mode, and its colours."""

    text: str
    colours: Colours


KINDS = {
    "parameter": Colours("#a6cee3", "#e3f0f8", "#1f5f8b"),
    "frozen": Colours("#d5dbe0", "#f2f4f6", "#5a6570"),
    "buffer": Colours("#b2dfb2", "#edf7ed", "#2e7d32"),
    "input": Colours("#dddddd", "#f3f3f3", "#555555"),
    "op": Colours("#ffe9b3", "#ffffff", "#8a6d1a"),
    "output": Colours("#e3cdf0", "#faf5fd", "#6a3d8f"),
}
"""Parameter, frozen parameter, buffer, input or other constant, operation, drawn output."""

MODES = {
    "train": Mode("[TRAIN: batch statistics]", Colours("#ffcc80", "#fff4e6", "#e6820e")),
    "eval": Mode("[EVAL: running statistics]", Colours("#a9c4f5", "#ecf2fe", "#3366cc")),
    "frozen": Mode("[FROZEN]", Colours("#c4c4c4", "#efefef", "#777777")),
}

EFFECT, ALARM, CLUSTER = "#2e7d32", "#d00000", Colours("", "#fafafa", "#999999")
"""The colours of effects on buffers, of alarming lines, and of clusters without a mode."""


SAMPLES = (
    ("input", "input or constant", "dotted edge: no gradient can flow", ""),
    ("parameter", "parameter", "|grad| after backward", ""),
    ("frozen", "frozen parameter", "gets no gradient", ""),
    ("buffer", "buffer", "kept with its module, not trained", ""),
    ("op", "operation", "its output and attributes", ""),
    ("op", "batch_norm", MODES["train"].text, "train"),
    ("op", "batch_norm", MODES["eval"].text, "eval"),
    ("op", "batch_norm", MODES["frozen"].text, "frozen"),
    ("output", "output", "what was drawn", ""),
)
"""A box of each kind and mode, for the legend."""


def with_legend(picture: Picture) -> Picture:
    """The picture beside a small one that explains it."""
    first = 1 + max(box.number for box in picture.content.all_boxes())
    boxes = [Box(first + i, kind, title, [Line(text)], mode) for i, (kind, title, text, mode) in enumerate(SAMPLES)]
    constant, parameter, frozen, buffer, op, *norms, output = (box.number for box in boxes)
    edges = [Edge(constant, op, "constant"), Edge(parameter, op), Edge(frozen, op)]
    edges += [edge for norm in norms for edge in (Edge(op, norm), Edge(norm, output))]
    edges += [Edge(norms[0], buffer, "writes", "writes"), Edge(buffer, norms[1], "reads", "reads")]
    explained = replace(picture.content, clusters=[*picture.content.clusters, Cluster("legend", boxes=boxes)])
    return replace(picture, content=explained, edges=[*picture.edges, *edges])
