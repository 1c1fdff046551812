"""``improved``: a program without calls that repeat an earlier one, and without calls that nothing needs.

The definition of batch normalisation runs in forward and in each of its derivatives: captured, its statistics are
computed five times. Each pass keeps NumPy's aliasing: what is written to is never taken for something else, and the
results are the same bits.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from numpy import ndarray

from .program import Instruction, Memory, Program, Result, Value, values_in
from .trees import mapped, tree_leaves

RESHAPES = frozenset(
    getattr(owner, name) for name in ("reshape", "ravel", "squeeze", "swapaxes", "transpose") for owner in (np, ndarray)
)
"""What gives a view of all elements: one of the same shape and strides is its operand."""

LOOKUPS = frozenset((ndarray.__getitem__, ndarray.take, np.take, np.take_along_axis))
"""What finds elements by an index, which may be out of bounds."""


def improved(program: Program) -> Program:
    """The program without repeated and unused calls; the program given stays as it is."""
    numbering = Numbering(program)
    instructions = [new for each in program.instructions if (new := numbering.rewritten(each)) is not None]
    better = copy.copy(program)
    better.values = [numbering.value(value) for value in program.values]
    better.inputs = [(number, numbering.value(value)) for number, value in program.inputs]
    better.states = [(place, numbering.value(value)) for place, value in program.states]
    better.constants = [(array, numbering.value(value)) for array, value in program.constants]
    better.settings = [(place, None if value is None else numbering.value(value)) for place, value in program.settings]
    better.outputs, better.prints = numbering.renamed((program.outputs, program.prints))
    better.instructions = needed(better, instructions)
    note_last_uses(better)
    return better


class Numbering:
    """Gives equal calls one number: the values of the program, each renamed to the first that is the same."""

    def __init__(self, program: Program) -> None:
        self.first: dict[Hashable, list[Value]] = {}
        """By call and operands, with how often these were written to: the values that the first such call made."""
        self.known: dict[Value, Value] = {}
        self.memories: dict[Memory, Memory] = {}
        self.writes: dict[Memory, int] = {}
        """How often each memory has been written to so far."""
        self.put = {value.memory for _, value in program.settings if value is not None}
        """Memory of what is put somewhere at the end: two places never get the same array."""
        self.returned = set(program.results)
        self.taken: set[Value] = set()
        """New values that are returned: each result stays one of its own."""

    # -- names ---------------------------------------------------------------------------------

    def value(self, value: Value) -> Value:
        """The value of the new program for one of the old."""
        if value not in self.known:
            new = self.known[value] = copy.copy(value)
            new.memory = self.memories.setdefault(value.memory, value.memory)
            if value in self.returned:
                self.taken.add(new)
        return self.known[value]

    def renamed(self, tree: Any) -> Any:
        """Arguments with the values of the new program."""

        def leaf(thing: Any) -> Any:
            if isinstance(thing, Value):
                return self.value(thing)
            return (
                Result(self.value(thing.value), thing.is_tensor, thing.is_number)
                if isinstance(thing, Result)
                else thing
            )

        return mapped(leaf, tree)

    # -- calls ---------------------------------------------------------------------------------

    def rewritten(self, instruction: Instruction) -> Instruction | None:
        """The instruction in the new program, or None if an earlier one has made its values."""
        args, kwargs = self.renamed((instruction.args, instruction.kwargs))
        made = made_by(instruction)
        if made and instruction.kind != "host" and instruction.target is None:
            key = self.key(instruction, args, kwargs, made)
            if self.is_its_operand(instruction, args, made):
                old = [args[0]]
            else:
                old = [*map(self.value, self.first.get(key, ()))]
            if old and all(map(self.may_be, made, old)):
                self.merge(made, old)
                return None
            self.first.setdefault(key, made)
        new = copy.copy(instruction)
        new.args, new.kwargs = args, kwargs
        new.results, new.target = self.renamed((instruction.results, instruction.target))
        if new.target is not None:
            self.writes[new.target.memory] = self.writes.get(new.target.memory, 0) + 1
        return new

    def is_its_operand(self, instruction: Instruction, args: Any, made: list[Value]) -> bool:
        """Whether a call gives a view of all of its first operand that is no other view than that."""
        if instruction.function not in RESHAPES or len(made) != 1 or not isinstance(args[0], Value):
            return False
        new, old = made[0], args[0]
        is_view = self.memories.get(new.memory, new.memory) is old.memory
        return is_view and (new.shape, new.strides, new.dtype) == (old.shape, old.strides, old.dtype)

    def key(self, instruction: Instruction, args: Any, kwargs: Any, made: list[Value]) -> Hashable:
        """What a call is: two calls with the same key make the same values."""
        operands = {value.memory for value in values_in((args, kwargs))}
        is_view = all(self.memories.get(value.memory, value.memory) in operands for value in made)
        versions = () if is_view else tuple((id(m), self.writes.get(m, 0)) for m in sorted(operands, key=id))
        return instruction.function, known_by(args), known_by(kwargs), versions

    def may_be(self, new: Value, old: Value) -> bool:
        """Whether a value may be taken for an earlier one: a view, or an array that nobody writes to."""
        if new in self.returned and old in self.taken:
            return False
        memory = self.memories.get(new.memory, new.memory)
        if memory is old.memory:
            return memory not in self.put
        return not (memory.writes or old.memory.writes or (new.memory in self.put and old.memory in self.put))

    def merge(self, made: Iterable[Value], first: Iterable[Value]) -> None:
        """Take values for others, and their memories for those of these."""
        for new, old in zip(made, first):
            self.known[new] = old
            old.word = old.word or new.word
            if new in self.returned:
                self.taken.add(old)
            if new.memory is not old.memory:
                self.memories[new.memory] = old.memory
                if new.memory in self.put:
                    self.put.add(old.memory)


def made_by(instruction: Instruction) -> list[Value]:
    """The values that a call makes, in their order."""
    return [leaf for leaf in tree_leaves(instruction.results) if isinstance(leaf, Value)]


def known_by(tree: Any) -> Hashable:
    """Arguments as a key: values and numbers by what they are, anything else by which object it is."""
    if isinstance(tree, Value):
        return "value", tree.number
    if isinstance(tree, (tuple, list)):
        return type(tree), tuple(map(known_by, tree))
    if isinstance(tree, dict):
        return dict, tuple((name, known_by(item)) for name, item in tree.items())
    if type(tree) is slice:
        return slice, known_by((tree.start, tree.stop, tree.step))
    if isinstance(tree, np.generic):
        return type(tree), tree.tobytes()
    if isinstance(tree, float):
        return float, tree.hex()
    return (
        (type(tree), tree) if isinstance(tree, (int, str, bytes, type(None), np.dtype, type)) else ("object", id(tree))
    )


# -- what is needed ------------------------------------------------------------------------------


def needed(program: Program, instructions: list[Instruction]) -> list[Instruction]:
    """The instructions that something outside can see, and those whose values they need."""
    values = {value for _, value in program.settings if value is not None} | set(program.results)
    memories = {value.memory for value in values}
    kept = []
    for each in reversed(instructions):
        made = each.makes()
        writes = each.target is not None and (each.target.memory in memories or each.target.memory.origin != "made")
        is_used = writes or bool(made & values) or not (made or each.target is not None)
        if is_used or each.kind == "host" or may_refuse(each):
            kept.append(each)
            operands = each.reads() | ({each.target} if each.target is not None else set())
            values |= operands
            memories.update(value.memory for value in operands)
    return kept[::-1]


def may_refuse(each: Instruction) -> bool:
    """Whether a call refuses an index that is out of bounds, which eager does although nobody needs the elements."""
    return each.function in LOOKUPS and bool(values_in((each.args[1:], each.kwargs)))


def note_last_uses(program: Program) -> None:
    """Note after which instruction each value is not needed any more."""
    kept = {value for _, value in program.settings if value is not None} | set(program.results)
    for instruction in reversed(program.instructions):
        uses = (instruction.reads() | instruction.makes()) - kept
        instruction.last_uses = sorted(value.number for value in uses)
        kept |= uses
