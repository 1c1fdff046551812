"""``Source``: a program as straight lines of NumPy, which run by themselves given the arrays of the model.

    def step(x, y): ...   what runs at each call: forward, backward and update in the order of the step's own lines
    memory                arrays for what is computed in between, laid out once and shared by what is not needed at
                          the same time
    views                 of these and of the model's arrays: transposed weights, parts of the optimiser's vectors

A line computes into memory, ``np.add(x, y, out=z)``, wherever NumPy has a function for that; ``z = np.where(...)`` is
a new array in each step.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy import ndarray

from .into_memory import INTO
from .naming import Names, function_word
from .program import Instruction, Program, Value
from .rooms import Rooms
from .sections import Section, sections
from .trees import tree_leaves
from .typed import Typed

ASKED = "first: checks of the inputs, and numbers and draws of Python's"
"""The heading of what comes first."""

WITH_OUT = {np.matmul, np.concatenate, np.stack, np.clip, np.take, *INTO.values()}
"""The functions besides ufuncs that can compute into memory, with the same bits."""


class Source(Typed):
    """The text of a program, and what its names stand for.

    Args:
        program: after the passes.

    Attributes:
        text: all of it.
        views: the part that makes views, which is run again when the model has other arrays.
        given: the objects that the text uses by name, besides ``np`` and the arrays of the model.
        names: of the values.
        results, gradients: the names of what is returned, and of what is put somewhere at the end.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        named = Names(program, ("step",))
        super().__init__(named.unique)
        for each in program.instructions:
            for value in tree_leaves(each.results):
                if isinstance(value, Value):
                    named.of(value, each)
        self.names = named.known
        self.rooms = Rooms(program, self.is_laid_out)
        self.laid_out = set(self.rooms.places)
        self.inputs = [value for _, value in program.inputs]
        self.moving = {value.memory for value in self.inputs}
        """Memory that is another one in each step: of the inputs, and of what cannot be computed into memory."""
        for array, value in program.constants:
            self.given[self.names[value]] = array
        self.view_lines: list[str] = []
        body = list(self.body())
        self.gradients = [self.names[value] for _, value in program.settings if value is not None]
        self.results = [self.names[value] for value in program.results]
        self.text, self.views = self.put_together(body)

    def put_together(self, body: list[str]) -> tuple[str, str]:
        """The whole text, and the part of it that makes views."""
        arguments = ", ".join(self.names[value] for value in self.inputs)
        returned = "".join(f"{name}.copy(), " for name in self.results)
        views = "\n".join(self.view_lines)
        return "\n".join([
            "import numpy as np", "",
            f"def step({arguments}):", *(f"    {line}".rstrip() for line in body),
            f"    return ({returned.rstrip()})" if returned else "    return ()", "",
            "# -- memory, laid out once", *self.rooms.lines(self.names), "",
            "# -- views, made once", views, "",
        ]), views  # fmt: skip

    # -- lines ---------------------------------------------------------------------------------

    def is_laid_out(self, instruction: Instruction, value: Value) -> bool:
        """Whether a result is computed into memory that is laid out once."""
        function = instruction.function
        owner = getattr(function, "__self__", None)
        can = isinstance(function, np.ufunc) or isinstance(owner, np.ufunc) or function in WITH_OUT
        can = can or function is ndarray.astype or function.__name__ == "empty_like"
        return can and instruction.kind == "call" and isinstance(instruction.results, Value)

    def value(self, value: Value) -> str:
        """The name of a value."""
        return self.names[value]

    def body(self) -> Iterator[str]:
        """The lines of a step, each part under the line of the program and the module that it comes from."""
        instructions = self.program.instructions
        before: Section | None = None
        for section, each in zip(sections(self.program), instructions):
            lines = list(self.written(each))
            if not lines:
                continue
            if each.kind == "call":
                yield from section.headings(before)
                before = section
            elif each is instructions[0]:
                yield f"# ---- {ASKED}"
            yield from lines
        yield from self.keep_gradients()

    def keep_gradients(self) -> Iterator[str]:
        """The lines that copy gradients which are not in laid out memory into arrays that stay until the next step."""
        for _, value in self.program.settings:
            if value is not None and (value.memory in self.moving or value.memory.origin != "made"):
                name = self.names[value]
                self.names[value] = kept = self.unique.new(f"{name}_kept")
                self.view_lines.append(f"{kept} = np.empty({value.shape}, {self.argument(value.dtype)})")
                yield f"np.copyto({kept}, {name})"

    def written(self, each: Instruction) -> Iterator[str]:
        """The lines of one instruction."""
        value = each.results
        if each.kind == "host" or not isinstance(value, Value):
            yield self.plain(each)
            for made in tree_leaves(value):
                if isinstance(made, Value):
                    self.moving.add(made.memory)
        elif value in self.laid_out:
            yield from self.into_memory(each, value)
        elif self.is_fixed_view(each, value):
            self.view_lines.append(self.plain(each))
        else:
            self.moving.add(value.memory)
            yield self.plain(each)

    def is_fixed_view(self, each: Instruction, value: Value) -> bool:
        """Whether a result is a view of memory that stays the same from step to step."""
        operands = {operand.memory for operand in each.reads()}
        return value.memory in operands and value.memory not in self.moving

    def into_memory(self, each: Instruction, value: Value) -> Iterator[str]:
        """A call whose result goes to memory."""
        name = self.names[value]
        if each.function is ndarray.astype:
            yield f"np.copyto({name}, {self.argument(each.args[0])}, casting='unsafe')"
        elif function_word(each.function) != "empty_like":
            yield self.call(each, f"out={name}")

    def plain(self, each: Instruction) -> str:
        """A call as it is written: with new names for its results, or writing to what it writes to."""
        text = self.call(each)
        made = [self.names[value] for value in tree_leaves(each.results) if isinstance(value, Value)]
        if not made:
            return text
        return f"{', '.join(made)} = {text}" if isinstance(each.results, Value) else f"[{', '.join(made)}] = {text}"

    def call(self, each: Instruction, out: str = "") -> str:
        """The call itself."""
        function = each.function
        word = getattr(function, "__name__", "")
        is_method = getattr(function, "__objclass__", None) is ndarray
        self.knows(function)
        args = [self.argument(arg) for arg in each.args]
        if word == "__getitem__":
            return f"{args[0]}[{self.index(each.args[1])}]"
        if word == "__setitem__":
            return f"{args[0]}[{self.index(each.args[1])}] = {args[2]}"
        args += [f"{key}={self.argument(value)}" for key, value in each.kwargs.items()]
        if is_method:
            return f"{args[0]}.{word}({', '.join(args[1:])})"
        return f"{self.function(function)}({', '.join([*args, out] if out else args)})"
