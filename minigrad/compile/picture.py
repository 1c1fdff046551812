"""A program as a picture: what is kept between steps, and a box for what each operation computes."""

from __future__ import annotations

import itertools
from typing import Any

from ..graph.appearance import mode_of
from ..graph.description import Box, Cluster, Edge, Line, Picture
from ..nn.parameter import Buffer, Parameter
from .naming import function_word, names_of
from .passes import improved
from .program import Instruction, Memory, Place, Program, Value, tree_leaves
from .sections import BETWEEN, said, source_line

SHOWN = 6
"""Functions of a box that are named."""


def picture(program: Program) -> Picture:
    """The picture of a program after the passes: arrows into a box are what it reads, dashed ones write to states."""
    return Drawing(improved(program)).picture()


class Drawing:
    """Boxes of states, inputs and groups of instructions, and the arrows between them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.names = names_of(program)
        self.content = Cluster()
        self.numbers = itertools.count()
        self.edges: dict[tuple[int, int, str], Edge] = {}
        self.makers: dict[Memory, int] = {}
        """The box that has written to a memory last."""
        self.states: dict[Memory, int] = {}
        """The boxes of states."""

    def picture(self) -> Picture:
        """All of it."""
        for _, value in self.program.inputs:
            self.makers[value.memory] = self.box(self.content, "input", self.names[value], [described(value)]).number
        for place, value in self.program.states:
            box = self.box(self.content, kind_of(place), self.names[value], [described(value)])
            self.states[value.memory] = self.makers[value.memory] = box.number
        calls = [each for each in self.program.instructions if each.kind == "call"]
        groups = [list(group) for _, group in itertools.groupby(calls, key=lambda each: (each.scope, each.operation))]
        for group in groups:
            self.group(group)
        for value in self.program.results:
            box = self.box(self.content, "output", "returned", [described(value)])
            self.arrow(self.makers.get(value.memory), box.number)
        counts = counted(len(self.program.instructions), "instruction"), counted(len(self.program.states), "state")
        return Picture("   ".join(["compiled step", *counts]), self.content, [*self.edges.values()])

    def box(self, cluster: Cluster, kind: str, title: str, lines: list[str]) -> Box:
        """A new box."""
        box = Box(next(self.numbers), kind, title, [Line(text) for text in lines], name=title)
        cluster.boxes.append(box)
        return box

    def group(self, instructions: list[Instruction]) -> None:
        """The box of the instructions of one application of an operation, or of its derivative."""
        first, last = instructions[0], instructions[-1]
        words = [function_word(each.function) for each in instructions if each.makes() or each.target is not None]
        shown = ", ".join(words[:SHOWN]) + ", ..." * (len(words) > SHOWN)
        made = [value for value in tree_leaves(last.results) if isinstance(value, Value)]
        lines = [*(f"out {described(value)}" for value in made[:1]), f"{counted(len(words), 'call')}: {shown}"]
        cluster = self.content
        if first.scope is not None:
            title = said(first.scope)
            if not self.content.clusters or self.content.clusters[-1].title != title:
                self.content.clusters.append(Cluster(title, mode=mode_of_call(first.scope)))
            cluster = self.content.clusters[-1]
        own = BETWEEN if first.scope is not None else source_line(first.line).partition("  ")[2] or BETWEEN
        box = self.box(cluster, "op", first.operation or own, lines)
        box.mode = cluster.mode
        for each in instructions:
            for value in each.reads():
                self.arrow(self.makers.get(value.memory), box.number)
            for value in each.makes() | ({each.target} if each.target is not None else set()):
                if each.target is value or value.memory.origin == "made":
                    self.writes(value.memory, box.number)

    def writes(self, memory: Memory, number: int) -> None:
        """Note that a box has written to a memory, which may be a state's."""
        if memory in self.states:
            self.arrow(number, self.states[memory], "writes")
        elif memory.origin != "input":
            self.makers[memory] = number

    def arrow(self, source: int | None, target: int, kind: str = "value") -> None:
        """An arrow, once."""
        if source is not None and source != target:
            self.edges.setdefault((source, target, kind), Edge(source, target, kind, kind * (kind == "writes")))


def counted(number: int, word: str) -> str:
    """``1 call``, ``2 calls``."""
    return f"{number} {word}{'s' * (number != 1)}"


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
    owner = scope.owner()
    shown = owner._shows() if owner is not None else None
    if shown is None:
        return ""
    return mode_of("train" if scope.settings.values.get("training") else "eval", shown.mode)
