"""What is drawn as one box: the instructions of an application of an operation, or what C computes in one loop."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from .naming import function_word
from .program import Instruction, Program, Value
from .sections import BETWEEN, Section, sections, source_line
from .trees import tree_leaves

SHOWN = 6
"""Functions, or names, of a box that are written out."""


class Group(NamedTuple):
    """A box of a program's picture.

    Attributes:
        part: the part of the step, by its number.
        sections: where its instructions belong, each once.
        title, lines: what it says.
        reads, makes: what it reads and computes, as keys that groups share; those of inputs and states are their
            memories, or ``("input", number)`` and ``("state", number)``.
        writes: the states that it changes, by the same keys.
    """

    part: int
    sections: list[Section]
    title: str
    lines: list[str]
    reads: list[Any]
    makes: list[Any]
    writes: list[Any]


def groups_of(program: Program) -> Iterator[Group]:
    """The groups of a program that NumPy runs."""
    states = {value.memory for _, value in program.states}
    pairs = [pair for pair in zip(sections(program), program.instructions) if pair[1].kind == "call"]
    for section, run in itertools.groupby(pairs, key=lambda pair: pair[0]):
        instructions = [each for _, each in run]
        changed = [each.target.memory for each in instructions if each.target is not None]
        made = [value.memory for each in instructions for value in each.makes()]
        own = [memory for memory in (*made, *changed) if memory.origin not in ("input", "state")]
        yield Group(
            section.part,
            [section],
            section.operation or source_line(section.line).partition("  ")[2] * (section.scope is None) or BETWEEN,
            lines_of(instructions),
            list(dict.fromkeys(value.memory for each in instructions for value in each.reads())),
            list(dict.fromkeys(own)),
            [memory for memory in dict.fromkeys(changed) if memory in states],
        )


def lines_of(instructions: list[Instruction]) -> list[str]:
    """What comes out, and which functions are called."""
    words = [function_word(each.function) for each in instructions if each.makes() or each.target is not None]
    made = [value for value in tree_leaves(instructions[-1].results) if isinstance(value, Value)]
    outcome = [f"out {value.shape} {value.dtype}" for value in made[:1]]
    return [*outcome, f"{counted(len(words), 'call')}: {shortened(words)}"]


def shortened(words: list[str]) -> str:
    """The first of some words."""
    return ", ".join(words[:SHOWN]) + ", ..." * (len(words) > SHOWN)


def counted(number: int, word: str) -> str:
    """``1 call``, ``2 calls``."""
    return f"{number} {word}{'s' * (number != 1)}"
