"""Training and evaluation in one picture: what is the same once, what differs marked, and why the outputs differ."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any, TypeVar

import numpy as np

from ..nn.module import Module
from ..nn.snapshot import Snapshot
from ..tensor.tensor import Tensor
from .description import Box, Cluster, Edge, Line, Picture
from .own_pass import Pass, record
from .reading import Asked, NotHereError, read
from .wording import number

Part = TypeVar("Part", Box, Cluster)
TRAIN, EVAL, BOTH = "train", "eval", "both"


def read_both(
    module: Module, inputs: Sequence[Any], named_inputs: Mapping[str, Any], model: Module | None, asked: Asked
) -> Picture:  # fmt: skip
    """The picture of a pass in each mode; the module is afterwards as it was.

    Raises:
        ValueError: for outputs without a graph, and for what is asked of the graph and is in neither.
    """
    passes, sides = [], []
    with Snapshot.of(module):
        for training in (True, False):
            module.train(training)
            made = record(module, inputs, named_inputs)
            if not made.outputs or any(output.node is None for output in made.outputs):
                raise ValueError('draw(modes="both"): what the module returns has no graph in one of the modes.')
            passes.append(made.outputs)
            sides.append(one_side(made, module if model is None else model, asked))
    for message in sides[0][1]:
        if message in sides[1][1]:
            raise ValueError(message)
    (trained, evaluated), ((first, _), (second, _)) = passes, sides
    merged = Merging(first, second)
    reasons = "; ".join(sorted(merged.reasons, key=lambda reason: reason.endswith(" only")))
    parts = first.header.splitlines()[0].split("   ")
    name = "loss" if any(part.startswith("loss=") for part in parts) else "output"
    line = difference(trained, evaluated, name) + f"; why: {reasons}" * bool(reasons)
    kept = [part for part in parts if not part.startswith(("mode=", "loss=", "output=", "backward: "))]
    kept += ["gradients are of an earlier pass"] * ("of an earlier pass" in first.header)
    header = "   ".join([*kept[:1], "train and eval, a pass of its own in each", *kept[1:]])
    return replace(merged.picture, header=f"{header}\n{line}")


def one_side(made: Pass, model: Module, asked: Asked) -> tuple[Picture, list[str]]:
    """The picture of one mode, and what is asked of it but not in it."""
    missing: list[str] = []
    asked = asked._replace(names=made.named(asked.names))
    while True:
        try:
            return read(made.outputs, model, made.inputs, True, asked), missing
        except NotHereError as error:
            missing.append(str(error))
            asked = error.without


def difference(trained: Sequence[Tensor], evaluated: Sequence[Tensor], name: str) -> str:
    """How far the outputs of the two modes, which are called outputs or losses, differ."""
    pairs = [(a.array, b.array) for a, b in zip(trained, evaluated)]
    if len(trained) != len(evaluated) or any(a.shape != b.shape for a, b in pairs):
        return f"the {name}s differ in their shapes"
    apart = np.concatenate([np.abs(a.astype(np.float64) - b).ravel() for a, b in pairs])
    if not apart.any():
        return f"the {name}s are the same"
    values = np.concatenate([b.ravel() for _, b in pairs]).astype(np.float64)
    if values.size == 1:
        numbers = (number(array.item()) for array in pairs[0])
        return f"the {name} is {next(numbers)} in train and {next(numbers)} in eval"
    rms = float(np.sqrt(np.mean(apart**2)))
    largest, deviation = apart.max(), values.std()
    return f"the {name}s differ by {rms:.2g} (rms), at most {largest:.2g}; those of eval have deviation {deviation:.2g}"


class Merging:
    """Two pictures of one model become one; the numbers of boxes are those of the first."""

    def __init__(self, first: Picture, second: Picture) -> None:
        self.numbers = itertools.count(1 + max(box.number for box in first.content.all_boxes()))
        self.moved: dict[int, int] = {}
        """The number of a box of the second picture in this one."""
        self.records = dict(first.records)
        self.reasons: list[str] = []
        content = self.cluster(first.content, second.content)
        self.records |= {self.moved[number]: thing for number, thing in second.records.items()
                         if self.moved[number] not in self.records}  # fmt: skip
        evaluated = {self.moved[number]: thing for number, thing in second.records.items()}
        edges = self.edges(first.edges, second.edges)
        self.picture = replace(first, content=content, edges=edges, records=self.records, evaluated=evaluated)

    def cluster(self, first: Cluster, second: Cluster) -> Cluster:
        """What is in two clusters. It calls itself as deep as they are nested."""
        boxes = [
            self.box(*pair)
            for pair in paired(first.boxes, second.boxes, lambda box: (box.title, box.name, box.operation))
        ]
        clusters = []
        for a, b in paired(first.clusters, second.clusters, lambda cluster: cluster.title):
            clusters.append(self.cluster(a or emptied(b), b or emptied(a)))
        mode = first.mode
        if first.mode != second.mode:
            mode = BOTH if first.mode and second.mode else first.mode or second.mode
            self.because(first.reason)
        return replace(first, mode=mode, boxes=boxes, clusters=clusters)

    def because(self, reason: str) -> None:
        """Note why the outputs differ, once."""
        if reason and reason not in self.reasons:
            self.reasons.append(reason)

    def box(self, first: Box | None, second: Box | None) -> Box:
        """One of two boxes, with the lines of both."""
        if second is None:
            assert first is not None
            self.because(f"{first.title} in train only" if first.operations else "")
            return replace(first, only=TRAIN, lines=[*first.lines, Line("in train only")])
        if first is None:
            self.moved[second.number] = next(self.numbers)
            self.because(f"{second.title} in eval only" if second.operations else "")
            lines = [*second.lines, Line("in eval only")]
            return replace(second, only=EVAL, number=self.moved[second.number], lines=lines)
        self.moved[second.number] = first.number
        mode = first.mode if first.mode == second.mode else BOTH
        lines, summary = (
            list(merged(*pair)) for pair in ((first.lines, second.lines), (first.summary, second.summary))
        )
        return replace(first, mode=mode, lines=lines, summary=summary, other=second)

    def edges(self, first: Sequence[Edge], second: Sequence[Edge]) -> list[Edge]:
        """The edges of both, and those of one mode, which say it."""
        moved = [replace(e, source=self.moved[e.source], target=self.moved[e.target]) for e in second]
        waiting: defaultdict[tuple[int, int, str, str], list[Edge]] = defaultdict(list)
        for edge in moved:
            waiting[key_of(edge)].append(edge)
        found = []
        for edge in first:
            same = waiting[key_of(edge)]
            found.append(replace(edge, width=max(edge.width, same.pop(0).width)) if same else marked(edge, TRAIN))
        alone = {id(edge) for edges in waiting.values() for edge in edges}
        return found + [marked(edge, EVAL) for edge in moved if id(edge) in alone]


def marked(edge: Edge, mode: str) -> Edge:
    """An edge of one mode, which says so."""
    return replace(edge, only=mode, label=f"{mode}: {edge.label}" if edge.label else mode)


def key_of(edge: Edge) -> tuple[int, int, str, str]:
    """What is the same in two edges that are one."""
    return edge.source, edge.target, edge.kind, edge.label


def emptied(cluster: Cluster | None) -> Cluster:
    """A cluster without what is in it."""
    assert cluster is not None
    return replace(cluster, boxes=[], clusters=[], rows=[])


def merged(first: Sequence[Line], second: Sequence[Line]) -> Iterator[Line]:
    """Lines of both modes: those that are the same once, the others with the mode in front."""
    for same, a, b, c, d in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if same == "equal":
            yield from first[a:b]
        else:
            yield from (Line(f"train: {line.text}", line.alarming) for line in first[a:b])
            yield from (Line(f"eval: {line.text}", line.alarming) for line in second[c:d])


def paired(first: Sequence[Part], second: Sequence[Part], key: Any) -> Iterator[tuple[Part | None, Part | None]]:
    """The parts that belong together by their keys and their order, and those that are alone."""
    waiting: dict[Any, list[Part]] = {}
    for part in second:
        waiting.setdefault(key(part), []).append(part)
    for part in first:
        same = waiting.get(key(part))
        yield part, same.pop(0) if same else None
    for part in second:
        if any(part is other for other in waiting[key(part)]):
            yield None, part
