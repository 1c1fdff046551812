"""The headings of a program's text: forward, backward and update, the user's line, the module and the operation."""

from __future__ import annotations

import functools
import itertools
import linecache
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..engine.lines import named_line
from .program import Instruction, Memory, Program
from .whereabouts import BACKWARD, FORWARD, UPDATE

BETWEEN = "between operations"
"""The heading of instructions outside of operations, such as the gradient of ones that backward starts from."""
WIDTH = 100
"""Columns of a heading."""


class Section(NamedTuple):
    """What instructions that follow each other have in common."""

    phase: str
    line: str
    scope: Any
    operation: str
    changes: str = ""
    """The arrays of the model that are changed there, outside of operations."""
    part: int = 0
    """The number of parts of the step, forward, backward and update, before its own."""

    def headings(self, before: Section | None, mark: str = "#") -> Iterator[str]:
        """The lines of comment over its first instruction; what the section before has said is not repeated."""
        if before is None or before.phase != self.phase:
            yield ""
            yield f"{mark} ==== {self.phase} {'=' * (WIDTH - 8 - len(self.phase))}"
            before = None
        if self.line and (before is None or before.line != self.line):
            yield ""
            yield f"{mark} ---- {source_line(self.line)}"
            before = None
        title = self.title()
        if before is None or before.title() != title:
            yield from [f"{mark} {title}"] if title else [f"{mark} {BETWEEN}"] * (before is not None)

    def title(self) -> str:
        """The module and the operation; what changes arrays of the model outside of operations says which."""
        return ": ".join(filter(None, (said(self.scope), self.operation or self.changes)))


def sections(program: Program) -> list[Section]:
    """The section of each instruction."""
    names = {value.memory: place.name.rpartition(".")[2] for place, value in program.states}
    instructions = program.instructions
    found_phases = phases(instructions)
    changes = [a != b for a, b in itertools.pairwise([*found_phases[:1], *found_phases])]
    plain = [
        Section(phase, each.line, each.scope, each.operation, part=part)
        for phase, each, part in zip(found_phases, instructions, itertools.accumulate(changes))
    ]
    found: list[Section] = []
    for i, each in enumerate(instructions[1:], 1):  # a view belongs to what it is in the middle of
        same_place = (plain[i].line, plain[i].scope) == (plain[i - 1].line, plain[i - 1].scope)
        if same_place and plain[i].phase == plain[i - 1].phase and is_view(each):
            plain[i] = plain[i - 1]
    for section, run in itertools.groupby(zip(plain, instructions), key=lambda pair: pair[0]):
        members = [each for _, each in run]
        changed = dict.fromkeys(names.get(each.target.memory, "") for each in members if each.target is not None)
        said = ", ".join(filter(None, changed))
        if said and not section.operation and section.scope is not None:
            section = section._replace(changes=f"moves {said}")
        found += [section] * len(members)
    return found


def is_view(each: Instruction) -> bool:
    """Whether a call makes only views of its operands."""
    operands = {value.memory for value in each.reads()}
    made = each.makes()
    return bool(made) and all(value.memory in operands for value in made)


def phases(instructions: Sequence[Instruction]) -> list[str]:
    """The part of the step that each instruction belongs to: what is done with gradients afterwards is the update."""
    found = [each.phase for each in instructions]
    if BACKWARD not in found:
        return found
    last = len(found) - 1 - found[::-1].index(BACKWARD)
    of_gradients: set[Memory] = set()
    for number, each in enumerate(instructions):
        is_later = found[number] == FORWARD and number > last and each.kind == "call"
        if is_later and any(value.memory in of_gradients for value in each.reads()):
            found[number] = UPDATE
        if found[number] != FORWARD and each.kind == "call":
            of_gradients |= {value.memory for value in each.makes()}
    return found


@functools.lru_cache(maxsize=1024)
def said(scope: Any) -> str:
    """A module's path, class and mode."""
    if scope is None:
        return ""
    training = scope.settings.values.get("training")
    mode = {True: "train", False: "eval", None: ""}[training]
    text = str(scope)
    if not mode:
        return text
    return f"{text[:-1]}, {mode})" if text.endswith(")") else f"{text} ({mode})"


def source_line(line: str) -> str:
    """A line of the user's program: its file, its number, and what it says."""
    file, _, number = line.rpartition(":")
    text = linecache.getline(file, int(number)).strip() if number.isdigit() else ""
    return f"{named_line(line).rpartition('/')[2]}  {text}".rstrip()
