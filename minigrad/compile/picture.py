"""A program as a picture: what is kept between steps, and a box for each operation, or for each loop of C."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from ..graph.appearance import mode_of
from ..graph.description import Box, Cluster, Edge, Line, Picture
from ..nn.parameter import Buffer, Parameter
from .execution import Execution
from .groups import Group, counted, groups_of
from .naming import names_of
from .passes import improved
from .program import Place, Program, Value
from .sections import said, sections


def picture(program: Program, execution: Execution | None = None) -> Picture:
    """The picture of a program: arrows into a box are what it reads, dashed ones write to states.

    Args:
        program: as it was captured.
        execution: what runs it. If it computes several operations in one loop, that is one box.
    """
    better = improved(program)
    drawn = None if execution is None else execution.drawn()
    groups, returned = drawn or (groups_of(better), [value.memory for value in better.results])
    drawing = Drawing(better)
    for group in groups:
        drawing.group(group)
    return drawing.picture(returned)


class Drawing:
    """Boxes of states, inputs and groups, and the arrows between them.

    Args:
        program: after the passes.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.names = names_of(program)
        self.content = Cluster()
        self.sections = sections(program)
        self.clusters: dict[int, Cluster] = {}
        """Those of the parts of the step."""
        self.parts: dict[int, int] = {}
        """The part of each box."""
        self.numbers = itertools.count()
        self.edges: dict[tuple[int, int, str], Edge] = {}
        self.makers: dict[Any, int] = {}
        """By what groups know it the box that has computed it last."""
        self.states: dict[Any, int] = {}
        """The boxes of states."""
        for number, (_, value) in enumerate(program.inputs):
            box = self.box(self.content, "input", self.names[value], [described(value)])
            self.makers[value.memory] = self.makers["input", number] = box.number
        for number, (place, value) in enumerate(program.states):
            box = self.box(self.content, kind_of(place), self.names[value], [described(value)])
            for key in (value.memory, ("state", number)):
                self.states[key] = self.makers[key] = box.number

    def picture(self, returned: Iterable[Any]) -> Picture:
        """All of it, with what is returned."""
        for value, key in zip(self.program.results, returned):
            box = self.box(self.content, "output", "returned", [described(value)])
            self.arrow(self.makers.get(key), box.number)
        program = self.program
        counts = counted(len(program.instructions), "instruction"), counted(len(program.states), "state")
        return Picture("   ".join(["compiled step", *counts]), self.content, [*self.edges.values()])

    def box(self, cluster: Cluster, kind: str, title: str, lines: list[str]) -> Box:
        """A new box."""
        box = Box(next(self.numbers), kind, title, [Line(text) for text in lines], name=title)
        cluster.boxes.append(box)
        return box

    def group(self, group: Group) -> None:
        """The box of a group, in the clusters of its part of the step and of its module."""
        modes = [mode for mode in map(mode_of_call, [section.scope for section in group.sections]) if mode]
        before = [self.parts.get(self.makers.get(key, -1), 0) for key in group.reads]
        part = max([group.part, *before])  # no arrow may lead back: Graphviz draws no clusters in a circle
        cluster = self.part(part)
        scopes = list(dict.fromkeys(section.scope for section in group.sections))
        if len(scopes) == 1 and scopes[0] is not None:
            cluster = self.cluster(cluster, said(scopes[0]), mode_of_call(scopes[0]))
        box = self.box(cluster, "op", group.title, group.lines)
        self.parts[box.number] = part
        box.mode = modes[0] if modes else ""
        for key in group.reads:
            self.arrow(self.makers.get(key), box.number)
        for key in group.writes:
            self.arrow(box.number, self.states[key], "writes")
        for key in group.makes:
            self.makers[key] = box.number

    def part(self, number: int) -> Cluster:
        """The cluster of a part of the step."""
        if number not in self.clusters:
            phase = next(section.phase for section in self.sections if section.part == number)
            self.clusters[number] = Cluster(phase)
            self.content.clusters.append(self.clusters[number])
        return self.clusters[number]

    def cluster(self, outer: Cluster, title: str, mode: str) -> Cluster:
        """The last cluster in another one, if it is this, or a new one."""
        if not outer.clusters or outer.clusters[-1].title != title:
            outer.clusters.append(Cluster(title, mode))
        return outer.clusters[-1]

    def arrow(self, source: int | None, target: int, kind: str = "value") -> None:
        """An arrow, once."""
        if source is not None and source != target:
            self.edges.setdefault((source, target, kind), Edge(source, target, kind, kind * (kind == "writes")))


def described(value: Value) -> str:
    """Shape and dtype."""
    return f"{value.shape} {value.dtype}"


def kind_of(place: Place) -> str:
    """What a state is drawn as."""
    if isinstance(place.holder, Parameter) and place.key == "array":
        return "parameter" if place.holder.requires_grad else "frozen"
    return "buffer" if isinstance(place.holder, Buffer) or place.key != "array" else "input"


def mode_of_call(scope: Any) -> str:
    """The mode that a module shows: that of its call."""
    owner = scope.owner() if scope is not None else None
    shown = owner._shows() if owner is not None else None
    if shown is None:
        return ""
    return mode_of("train" if scope.settings.values.get("training") else "eval", shown.mode)
