"""A picture as plain data: what its parts say and what kind they are, not yet how that is written.

Readers of records make these, writers turn them into text; neither knows the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from numpy import ndarray

from .appearance import KINDS, MODES, Colours

HELD = {"parameter", "frozen", "buffer"}
"""The kinds of what modules hold."""


class Line(NamedTuple):
    """One line of a box; an ``alarming`` one is red, with a sign in front."""

    text: str
    alarming: bool = False


class Row(NamedTuple):
    """A parameter or buffer in the table of what a module holds."""

    kind: str
    """``parameter``, ``frozen`` or ``buffer``."""
    title: str
    lines: Sequence[Line]
    effect: str = ""
    """``writes 0.1``, ``reads``: what the operation beside it does to a buffer."""
    name: str = ""
    """The whole name."""
    number: int = -1
    """Of what it was as a box of its own: its key in ``Picture.records``."""


@dataclass
class Box:
    """A tensor, an operation, a folded module, or a table of what a module holds."""

    number: int
    kind: str
    """A key of ``KINDS``."""
    title: str
    lines: list[Line] = field(default_factory=list)
    mode: str = ""
    """A key of ``MODES``, of an operation that computes differently in the two."""
    name: str = ""
    """The whole name of what a module holds; the title leaves out what the clusters around it say."""
    operation: str = ""
    """The name of an operation: a key of ``Op.registry``."""
    module: str = ""
    """The path of the module whose call it belongs to."""
    elements: int = 0
    """How many numbers a parameter or a buffer holds."""
    rms: float | None = None
    """The root mean square of the gradient of a parameter."""
    summary: list[Line] = field(default_factory=list)
    """Lines that a folded module repeats."""
    kept: int = 0
    """Bytes that an operation keeps for its derivative and no box before it counts."""
    operations: int = 0
    """How many operations it stands for."""
    rows: list[Row] = field(default_factory=list)
    """The parameters and buffers of a table."""
    only: str = ""
    """The mode that it is in, ``train`` or ``eval``, in a picture of both that has it in one alone."""
    values: ndarray | None = None
    """Of its tensor, if values were asked for."""
    gradient: ndarray | None = None
    """Of its tensor, if gradients were asked for."""
    other: Box | None = None
    """In a picture of both modes, the same box in evaluation."""

    @property
    def colours(self) -> Colours:
        """The mode's colours where there is a mode, else the kind's."""
        return MODES[self.mode].colours if self.mode else KINDS[self.kind]


@dataclass
class Edge:
    """An arrow between the boxes of two numbers."""

    source: int
    target: int
    kind: str = "value"
    """A ``value`` that gradients can flow back along, a ``constant`` they cannot (class indices, masks), an effect that
    ``reads`` or ``writes`` a buffer."""
    label: str = ""
    only: str = ""
    """As of a box."""
    width: float = 1.0
    """How thick it is: by the gradient that flows back along it, if gradients were asked for."""


@dataclass
class Cluster:
    """What one call of a module consists of: boxes, and the calls inside it."""

    title: str = ""
    mode: str = ""
    boxes: list[Box] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    """The numbers of boxes that stand side by side, from left to right: the parameters of an operation."""
    path: str = ""
    """What its title and those around it say of where the module is: names inside do not repeat it."""
    module: str = ""
    """The path of the module, nothing for the outermost."""
    kind: type | None = None
    """The class of the module."""
    reason: str = ""
    """Why the module computes something else in training and evaluation."""
    derivative: bool = False
    """Whether it is not the call, but what a walk back recorded of its derivative."""
    branch: int = -1
    """Which of the branches of a derivative it is, from 0 on."""
    below: bool = False
    """Whether it stands below all others: a legend."""

    def all_boxes(self) -> Iterator[Box]:
        """The boxes in it and in the clusters in it."""
        yield from self.boxes
        for cluster in self.clusters:
            yield from cluster.all_boxes()

    def all_clusters(self) -> Iterator[Cluster]:
        """The clusters in it, each before those inside it."""
        for cluster in self.clusters:
            yield cluster
            yield from cluster.all_clusters()


@dataclass
class Picture:
    """All of it: the lines above, the outermost boxes and clusters, and the edges."""

    header: str
    content: Cluster
    edges: list[Edge]
    reused: bool = False
    """Whether a module is called more than once."""
    theme: str = "light"
    """A key of ``THEMES``."""
    records: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)
    """What the boxes of these numbers were read from: nodes, tensors and arrays."""
    evaluated: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)
    """The same of the evaluation in a picture of both modes, for boxes that are in both."""


SAMPLES = (
    ("input", "input or constant", "dotted edge: no gradient can flow", ""),
    ("parameter", "parameter", "|grad| after backward", ""),
    ("frozen", "frozen parameter", "gets no gradient", ""),
    ("buffer", "buffer", "kept with its module, not trained", ""),
    ("op", "operation", "its output and attributes", ""),
    ("op", "batch_norm", MODES["train"].text, "train"),
    ("op", "batch_norm", MODES["eval"].text, "eval"),
    ("op", "batch_norm", MODES["frozen_eval"].text, "frozen_eval"),
    ("module", "module", "folded: what is inside it", ""),
    ("output", "output", "what was drawn", ""),
    ("held", "parameters, buffers", "a row for each", ""),
)
"""A box of each kind and mode, for the legend."""


def with_legend(picture: Picture) -> Picture:
    """The picture beside a small one that explains it."""
    first = 1 + max(box.number for box in picture.content.all_boxes())
    boxes = [Box(first + i, kind, title, [Line(text)], mode) for i, (kind, title, text, mode) in enumerate(SAMPLES)]
    constant, parameter, frozen, buffer, op, *norms, module, output, held = (box.number for box in boxes)
    edges = [Edge(constant, op, "constant"), Edge(parameter, op), Edge(frozen, op), Edge(held, module)]
    edges += [edge for norm in [*norms, module] for edge in (Edge(op, norm), Edge(norm, output))]
    edges += [Edge(norms[0], buffer, "writes", "writes"), Edge(buffer, norms[1], "reads", "reads")]
    legend = Cluster("legend", boxes=boxes, below=True)
    explained = replace(picture.content, clusters=[*picture.content.clusters, legend])
    return replace(picture, content=explained, edges=[*picture.edges, *edges])
