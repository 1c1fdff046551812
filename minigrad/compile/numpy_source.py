"""``Source``: a program as straight lines of NumPy, which run by themselves given the arrays of the model.

    def step(x, y): ...   what runs at each call: forward, backward and update in the order of the step's own lines
    memory                arrays for what is computed in between, laid out once and shared by what is not needed at
                          the same time
    views                 of these and of the model's arrays: transposed weights, parts of the optimiser's vectors

A line computes into memory, ``np.add(x, y, out=z)``, wherever NumPy has a function for that; ``z = np.where(...)`` is
a new array in each step.
"""

from __future__ import annotations

import functools
import linecache
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy import ndarray

from .into_memory import INTO
from .naming import TAKEN, identifier, names_of
from .program import Instruction, Program, Value, tree_leaves
from .rooms import Rooms

WORDS = {
    "add.reduce": "sum", "maximum.reduce": "max", "minimum.reduce": "min", "multiply.reduce": "prod",
    "__getitem__": "part", "transpose": "T", "swapaxes": "T", "astype": "cast", "absolute": "abs",
    "true_divide": "divide",
}  # fmt: skip
"""The names of results, where they are others than those of the functions."""

BETWEEN = "between operations"
"""The heading of instructions outside of operations, such as the gradient of ones that backward starts from."""
ASKED = "first: checks of the inputs, and numbers and draws of Python's"
"""The heading of what comes first."""

WITH_OUT = {np.matmul, np.concatenate, np.stack, np.clip, np.take, *INTO.values()}
"""The functions besides ufuncs that can compute into memory, with the same bits."""


class Source:
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
        self.given: dict[str, Any] = {}
        self.names = names_of(program)
        self.used = set(TAKEN) | set(self.names.values()) | {"step"}
        self.rooms = Rooms(program, self.is_laid_out)
        self.laid_out = set(self.rooms.places)
        self.inputs = [value for _, value in program.inputs]
        self.moving = {value.memory for value in self.inputs}
        """Memory that is another one in each step: of the inputs, and of what cannot be computed into memory."""
        for array, value in program.constants:
            self.given[self.names[value]] = array
        self.view_lines: list[str] = []
        self.is_numpy = True
        """Whether the call that is being written is NumPy's, which takes a class for a dtype."""
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

    # -- names ---------------------------------------------------------------------------------

    def new_name(self, word: str) -> str:
        """A name that nothing has yet."""
        name, number = word, 1
        while name in self.used:
            number += 1
            name = f"{word}_{number}"
        self.used.add(name)
        return name

    def name(self, value: Value) -> str:
        """The name of a value."""
        return self.names[value]

    def name_results(self, instruction: Instruction) -> None:
        """Give names to what an instruction makes: those of the module and of the function."""
        for value in tree_leaves(instruction.results):
            if isinstance(value, Value) and value not in self.names:
                function = function_word(instruction.function)
                parts = [path_of(instruction.scope), WORDS.get(function, function)]
                first = "d_" if instruction.operation.startswith("derivative") else ""
                self.names[value] = self.new_name(first + identifier("_".join(filter(None, parts))))

    def object_name(self, thing: Any, word: str) -> str:
        """A name for an object that cannot be written down: a function of the host, a generator."""
        for name, known in self.given.items():
            if known is thing:
                return name
        name = self.new_name(identifier(word))
        self.given[name] = thing
        return name

    # -- lines ---------------------------------------------------------------------------------

    def is_laid_out(self, instruction: Instruction, value: Value) -> bool:
        """Whether a result is computed into memory that is laid out once."""
        function = instruction.function
        owner = getattr(function, "__self__", None)
        can = isinstance(function, np.ufunc) or isinstance(owner, np.ufunc) or function in WITH_OUT
        can = can or function is ndarray.astype or function.__name__ == "empty_like"
        return can and instruction.kind == "call" and isinstance(instruction.results, Value)

    def body(self) -> Iterator[str]:
        """The lines of a step, under the line of the program and the module that each comes from."""
        line = scope = None
        for each in self.program.instructions:
            lines = list(self.written(each))
            if not lines:
                continue
            heading = source_line(each.line) if each.kind == "call" else ASKED
            if heading != line:
                line, scope = heading, None
                yield ""
                yield f"# ---- {line}"
            if (each.scope, each.operation) != scope:
                scope = each.scope, each.operation
                yield f"# {', '.join(filter(None, [said(each.scope), each.operation])) or BETWEEN}"
            yield from lines
        yield from self.keep_gradients()

    def keep_gradients(self) -> Iterator[str]:
        """The lines that copy gradients which are not in laid out memory into arrays that stay until the next step."""
        for _, value in self.program.settings:
            if value is not None and (value.memory in self.moving or value.memory.origin != "made"):
                name = self.names[value]
                self.names[value] = kept = self.new_name(f"{name}_kept")
                self.view_lines.append(f"{kept} = np.empty({value.shape}, {self.argument(value.dtype)})")
                yield f"np.copyto({kept}, {name})"

    def written(self, each: Instruction) -> Iterator[str]:
        """The lines of one instruction."""
        self.name_results(each)
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
        self.is_numpy = is_method or self.function(function).startswith("np.")
        args = [self.argument(arg) for arg in each.args]
        if word == "__getitem__":
            return f"{args[0]}[{self.index(each.args[1])}]"
        if word == "__setitem__":
            return f"{args[0]}[{self.index(each.args[1])}] = {args[2]}"
        args += [f"{key}={self.argument(value)}" for key, value in each.kwargs.items()]
        if is_method:
            return f"{args[0]}.{word}({', '.join(args[1:])})"
        return f"{self.function(function)}({', '.join([*args, out] if out else args)})"

    def function(self, function: Any) -> str:
        """A function by its name in NumPy, or by the name under which it is given."""
        owner = getattr(function, "__self__", None)
        word = getattr(function, "__name__", type(function).__name__)
        if isinstance(owner, np.ufunc):
            return f"np.{owner.__name__}.{word}"
        if getattr(np, word, None) is function:
            return f"np.{word}"
        return self.object_name(function, word.strip("_<>") or "function")

    def index(self, index: Any) -> str:
        """What stands in brackets."""
        parts = index if isinstance(index, tuple) and index else (index,)
        return ", ".join(map(self.index_part, parts)) + "," * (isinstance(index, tuple) and len(index) == 1)

    def index_part(self, part: Any) -> str:
        """One part of what stands in brackets."""
        if type(part) is not slice:
            return self.argument(part)
        ends = ["" if end is None else self.argument(end) for end in (part.start, part.stop)]
        return ":".join(ends) + ("" if part.step is None else f":{self.argument(part.step)}")

    def argument(self, value: Any) -> str:
        """An argument as it is typed."""
        if isinstance(value, Value):
            return self.names[value]
        if type(value) is slice:
            return f"slice({self.argument(value.start)}, {self.argument(value.stop)}, {self.argument(value.step)})"
        if isinstance(value, tuple):
            return f"({', '.join(map(self.argument, value))}{',' * (len(value) == 1)})"
        if isinstance(value, list):
            return f"[{', '.join(map(self.argument, value))}]"
        if value is Ellipsis:
            return "..."
        if value is None or isinstance(value, (bool, int, str)):
            return repr(value)
        if isinstance(value, (float, np.floating, np.integer, np.bool)):
            number = value.item() if isinstance(value, np.generic) else value
            text = repr(number) if np.isfinite(value) else f"float({str(number)!r})"
            return f"np.{value.dtype.name}({text})" if isinstance(value, np.generic) else text
        if isinstance(value, np.dtype) and value.isbuiltin:
            return f"np.{value.name}" if self.is_numpy else f"np.dtype(np.{value.name})"
        if isinstance(value, type) and issubclass(value, np.generic):
            return f"np.{value.__name__}"
        return self.object_name(value, type(value).__name__)


def function_word(function: Any) -> str:
    """``add.reduce``, ``matmul``, ``transpose``."""
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", type(function).__name__)
    return (
        f"{owner.__name__}.{name}"
        if isinstance(owner, np.ufunc)
        else str(name).strip("_<>")
        if name[:2] != "__"
        else name
    )


@functools.lru_cache(maxsize=1024)
def path_of(scope: Any) -> str:
    """The path of a module, without its class: ``fc1`` of ``fc1 (Linear)``."""
    path, _, kind = str(scope).partition(" (") if scope is not None else ("", "", "")
    return path if kind else ""


def said(scope: Any) -> str:
    """A module's path, class and mode."""
    if scope is None:
        return ""
    training = scope.settings.values.get("training")
    mode = {True: ", train", False: ", eval", None: ""}[training]
    text = str(scope)
    return f"{text[:-1]}{mode})" if text.endswith(")") else f"{text}{mode}"


def source_line(place: str) -> str:
    """A line of the user's program: its file, its number, and what it says."""
    file, _, number = place.rpartition(":")
    text = linecache.getline(file, int(number)).strip() if number.isdigit() else ""
    return f"{file.rpartition('/')[2]}:{number}  {text}".rstrip()
