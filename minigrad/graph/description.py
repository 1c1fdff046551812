"""A picture as plain data: what its parts say and what kind they are, not yet how that is written.

Readers of records make these, writers turn them into text; neither knows the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from .appearance import KINDS, MODES, Colours


class Line(NamedTuple):
    """One line of a box; an ``alarming`` one is red."""

    text: str
    alarming: bool = False


@dataclass
class Box:
    """A tensor or an operation.

    ``kind`` is a key of ``KINDS``; ``mode``, if it has one, a key of ``MODES``. ``name`` is the whole name of what a
    module holds, of which the title leaves out what the clusters around it say.
    """

    number: int
    kind: str
    title: str
    lines: list[Line] = field(default_factory=list)
    mode: str = ""
    name: str = ""

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
    ``path`` is what its title and those around it say of where a module is: names inside do not repeat it.
    """

    title: str = ""
    mode: str = ""
    boxes: list[Box] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    path: str = ""

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
    reused: bool = False
    """Whether a module is called more than once."""
    records: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)
    """What the boxes of these numbers were read from: nodes, tensors and arrays."""


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
