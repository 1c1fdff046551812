"""Whether two captures of a step are the same program: what differs would be a constant of it, and is not."""

from __future__ import annotations

import functools
import itertools
from types import CellType, FunctionType
from typing import Any

from numpy import ndarray

from ..engine.lines import named_line
from .execution import Checked
from .expressions import Expression, Expressions
from .finding import contents_of
from .naming import Names
from .program import PLAIN, Instruction, Place, Program, Result, Value
from .trees import fields_of, is_record, tree_leaves

ADVICE = (
    "what changes between two calls is an argument, an attribute of a module or optimiser, or a variable that the step "
    "reads by name, or it is computed outside of the step"
)


class Agreement:
    """Compares two programs: the values of one are those of the other that were met at the same place."""

    def __init__(self, first: Program, second: Program) -> None:
        self.first, self.second = first, second
        self.other: dict[Value, Value] = {}
        """By the value of the first the one of the second."""
        inputs = dict(second.inputs)
        self.other.update((value, inputs[number]) for number, value in first.inputs if number in inputs)
        states = {parts_of(place): value for place, value in second.states}
        for place, value in first.states:
            if parts_of(place) in states:
                self.other[value] = states[parts_of(place)]
        self.arrays = [{value: array for array, value in program.constants} for program in (first, second)]

    def alike(self, first: Any, second: Any) -> bool:
        """Whether two arguments, functions or results are the same for a program."""
        if first is second:
            return True
        if type(first) is not type(second):
            return False
        if isinstance(first, (tuple, list)):
            return len(first) == len(second) and all(map(self.alike, first, second))
        if is_record(type(first)):
            first, second = fields_of(first), fields_of(second)
        if isinstance(first, dict):
            return first.keys() == second.keys() and all(self.alike(first[key], second[key]) for key in first)
        if isinstance(first, Value):
            return self.alike_values(first, second)
        if isinstance(first, ndarray):
            return (first.shape, first.dtype, first.tobytes()) == (second.shape, second.dtype, second.tobytes())
        if isinstance(first, PLAIN):
            return bool(first == second or (first != first and second != second))
        parts = parts_of(first)
        return bool(first == second) if parts is None else self.alike(parts, parts_of(second))

    def alike_values(self, first: Value, second: Value) -> bool:
        """Whether two values are the same, of which constants are by their bytes."""
        if first in self.other:
            return self.other[first] is second
        old, new = (arrays.get(value) for arrays, value in zip(self.arrays, (first, second)))
        if (old is None) is not (new is None) or (old is not None and not self.alike(old, new)):
            return False
        self.other[first] = second
        return (first.shape, first.dtype, first.strides) == (second.shape, second.dtype, second.strides)

    def difference(self) -> str | None:
        """Why the programs are not the same, in words; None if they are."""
        first, second = self.first, self.second
        for old, new in itertools.zip_longest(first.instructions, second.instructions):
            if old is None or new is None or not self.alike(parts_of(old), parts_of(new)):
                return self.in_words(old, new)
        if not self.alike([place for place, _ in first.states], [place for place, _ in second.states]):
            return f"the step reads other parameters, buffers or gradients than before: {ADVICE}."
        if not self.alike(first.settings, second.settings):
            return f"the step leaves other gradients than before: {ADVICE}."
        if not self.alike((first.outputs, first.prints), (second.outputs, second.prints)):
            leaves = zip(tree_leaves(first.outputs), tree_leaves(second.outputs))
            old, new = next((pair for pair in leaves if not self.alike(*pair)), (first.outputs, second.outputs))
            if isinstance(old, Result) and isinstance(new, Result):
                return f"the step returns what it computes from other arrays than before: {ADVICE}."
            cure = "return the tensor, and write the text outside of the step" if isinstance(new, str) else ADVICE
            return f"the step returns {new!r}, and {old!r} before: {cure}."
        return None

    def in_words(self, old: Instruction | None, new: Instruction | None) -> str:
        """Two instructions of which one should be the other."""
        if old is None or new is None:
            one, program = (new, self.second) if old is None else (old, self.first)
            assert one is not None
            text = Spoken(program).said(one)
            return f"{named_line(one.line)}: {text} is done {'no more' if new is None else 'besides'}: {ADVICE}."
        now, before = Spoken(self.second).said(new), Spoken(self.first).said(old)
        return f"{named_line(new.line)}: {now}, and before {before}: {ADVICE}."


class Spoken(Expressions):
    """Writes instructions with names for all values."""

    def __init__(self, program: Program) -> None:
        self.names = Names(program)
        super().__init__(self.names.unique)
        self.makers = {value: each for each in program.instructions for value in each.makes()}
        self.arrays = {value: array for array, value in program.constants}

    def expression_of(self, value: Value) -> Expression:
        """A name, or the number that a constant is."""
        array = self.arrays.get(value)
        if array is not None and array.size == 1:
            return Expression(repr(array.tolist()))
        known = self.names.known
        return Expression(known[value] if value in known else self.names.of(value, self.makers[value]))

    def said(self, each: Instruction) -> str:
        """A call as it is written by hand; one that writes to an array with its name."""
        text = self.expression(each).text
        return text if each.target is None else f"{self.value(each.target)}[...] = {text}"


def parts_of(thing: Any) -> Any:
    """What an instruction, a result, a place, or a function that is made anew in each step, is the same by, or None."""
    if isinstance(thing, Instruction):
        return thing.function, thing.args, thing.kwargs, thing.results, thing.target, thing.kind
    if isinstance(thing, FunctionType):
        cells: tuple[CellType, ...] = thing.__closure__ or ()
        return thing.__code__.co_code, thing.__code__.co_consts, thing.__defaults__, tuple(map(contents_of, cells))
    if isinstance(thing, functools.partial):
        return thing.func, thing.args, thing.keywords
    if isinstance(thing, Checked):
        return (thing.function,)
    if isinstance(thing, slice):
        return thing.start, thing.stop, thing.step
    if isinstance(thing, Result):
        return thing.value, thing.is_tensor, thing.is_number
    if isinstance(thing, Place):
        return id(thing.holder), *thing.path, thing.key
    return None


def difference(first: Program, second: Program) -> str | None:
    """Why two programs are not the same, in words; None if they are."""
    return Agreement(first, second).difference()
