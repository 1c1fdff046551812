"""``Reading``: a program as somebody would write it down with NumPy, to be read, and to be run.

What the definition of an operation gives a name has a line, and what it computes in between is part of an expression:
the text is the formulas of the modules, of their derivatives and of the optimiser, one after the other.
"""

from __future__ import annotations

import copy
import itertools
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..nn.parameter import Buffer
from ..ops.protocol import KNOWN
from .expressions import INFIX, Expression, Expressions, without_out
from .formulas import Formulas
from .naming import Names
from .printing import argument
from .program import Instruction, Memory, Place, Program, Result, Value
from .sections import Section, sections
from .straight import STRAIGHT
from .trees import fields_of, is_record, mapped, tree_leaves

LONGEST = 96
"""Characters of an expression from which parts of it get lines of their own."""
SHORT = 20
"""Characters of parts that stay where they are."""
WIDTH = 110
"""Characters from which a line is broken."""
HELD = "\0"
"""A space at which no line is broken."""
SMALL = 8
"""Elements of a constant that is written out."""


class Pending(NamedTuple):
    """What is computed, and not written down before it is used."""

    expression: Expression
    maker: Instruction
    reads: set[Memory]


class Reading(Expressions):
    """The text of a program.

    Args:
        program: after the passes.

    Attributes:
        text: straight lines of NumPy. ``returned`` is what the step returns.
        given: by name what it starts from besides the step's arguments and what is drawn at random.
    """

    def __init__(self, program: Program) -> None:
        self.program = program = copy.copy(program)
        program.instructions = [each for each in program.instructions if each.kind != "watch"]
        self.names = Names(program, ("returned", *(function.__name__ for function in KNOWN)))
        super().__init__(self.names.unique)
        self.formulas = Formulas(self.unique)
        self.texts: dict[Value, Expression] = {}
        """What is written wherever a value is used: views, numbers."""
        self.pending: dict[Value, Pending] = {}
        self.unmade: dict[Value, Instruction] = {}
        """Empty arrays that nothing has written to yet."""
        self.fixed: set[Memory] = set()
        """Memory of which there is a view with a name."""
        self.numbers: dict[Value, Instruction] = {}
        """Numbers of the host that have not been needed yet, and the calls that make them."""
        self.drawn: dict[str, str] = {}
        """What is drawn at random: shape, dtype, and by which function."""
        self.imports: dict[str, None] = {}
        self.checked: list[str] = []
        self.lines: list[str] = []
        kept = [value for _, value in program.settings if value is not None] + program.results
        self.kept = set(kept)
        read = [leaf for each in program.instructions for leaf in values_read(each)]
        self.uses = Counter([*read, *kept])
        self.given: dict[str, Any] = {self.names.known[value]: place.array() for place, value in program.states}
        self.constants()
        self.body()
        self.text = self.put_together()
        self.given |= self.formulas.given

    # -- values ------------------------------------------------------------------------------------

    def expression_of(self, value: Value) -> Expression:
        """What stands for a value: its name, unless it is written where it is used."""
        if value in self.numbers:
            self.introduce(self.numbers[value])
        if value in self.pending:
            return self.pending[value].expression
        return self.texts.get(value) or Expression(self.names.known[value])

    def constants(self) -> None:
        """Write small and regular constants where they are used; others are given."""
        for array, value in self.program.constants:
            text = written_out(array)
            if text is not None and not value.memory.writes:
                self.texts[value] = Expression(text)
            else:
                self.given[self.names.known[value]] = array

    def introduce(self, each: Instruction) -> None:
        """Write down where the numbers of a call of the host come from."""
        made = [value for value in tree_leaves(each.results) if isinstance(value, Value)]
        for value in made:
            self.numbers.pop(value, None)
        found = self.formulas.of(each, [self.uses[value] > 0 for value in made])
        assert found is not None
        lines, expressions = found
        self.lines += lines
        for value, expression in zip(made, expressions):
            if self.is_weak(value):
                self.texts[value] = expression
            else:
                self.texts[value] = Expression(f"np.{value.dtype.name}({expression.text})")

    def is_weak(self, number: Value) -> bool:
        """Whether Python's own number does as well as one of NumPy's: it always meets arrays of the same dtype."""
        for each in self.program.instructions:
            if number in each.reads():
                args, kwargs = without_out(each)
                others = [arg for arg in args if isinstance(arg, Value) and arg not in (number, *self.numbers)]
                plain = isinstance(each.function, np.ufunc) and not kwargs
                if not plain or not any(other.dtype == number.dtype for other in others):
                    return False
        return True

    # -- instructions ------------------------------------------------------------------------------

    def body(self) -> None:
        """Write down all instructions."""
        instructions = self.program.instructions
        self.sections = found = sections(self.program)
        self.places = {id(each): section for section, each in zip(found, instructions)}
        self.readers: dict[Value, Instruction] = {}
        for each in instructions:
            for value in each.reads():
                self.readers[value] = each
        before: Section | None = None
        for position, (section, each) in enumerate(zip(found, instructions)):
            if each.kind == "host":
                self.from_host(each)
                continue
            if each.results is None and each.target is None:
                self.checked.append(self.check(each))
                continue
            if section != before:
                self.flush(self.pending)
                self.begin(section, position)
            count = len(self.lines)
            self.written(each)
            if len(self.lines) > count:
                self.head(section, count)
            before = section
        self.flush(self.pending)
        self.lines += ["", f"returned = {self.returned()}"]

    shown: Section | None = None
    """The section whose heading was written last."""

    def head(self, section: Section, place: int) -> None:
        """Write the headings of a section."""
        self.lines[place:place] = section.headings(self.shown)
        self.shown = section

    def begin(self, section: Section, position: int) -> None:
        """Write the numbers that a section needs at its beginning."""
        following = zip(self.sections[position:], self.program.instructions[position:])
        run = [each for _, each in itertools.takewhile(lambda pair: pair[0] == section, following)]
        count = len(self.lines)
        for value in [value for each in run for value in values_read(each)]:
            if value in self.numbers:
                self.introduce(self.numbers[value])
        if len(self.lines) > count:
            self.head(section, count)

    def from_host(self, each: Instruction) -> None:
        """Numbers get formulas when they are needed; what is drawn at random is given."""
        made = [value for value in tree_leaves(each.results) if isinstance(value, Value)]
        name = getattr(getattr(each.function, "function", each.function), "__name__", "")
        if name == "_count_step":
            self.numbers.update(dict.fromkeys(made, each))
            return
        for value in made:
            self.drawn[self.names.of(value, each)] = f"{described(value)} by {name.strip('_<>')}"

    def check(self, each: Instruction) -> str:
        """What a check says, in words."""
        function = getattr(each.function, "function", each.function)
        words = (function.__doc__ or function.__name__).strip().splitlines()[0].rpartition("; ")[2]
        operands = [value for value in values_read(each) if value in self.names.known or value in self.texts]
        return f"{', '.join(self.value(value) for value in operands) or 'values'}: {words}"

    def written(self, each: Instruction) -> None:
        """Write down an instruction, or remember it for where its value is used."""
        value = each.results
        if each.function in STRAIGHT and isinstance(value, Value) and self.straight(each, value):
            return
        self.shorten(each)
        if each.target is not None:
            self.write(each, each.target)
        elif not isinstance(value, Value):
            names = [self.names.of(made, each) for made in tree_leaves(value)]
            self.taken(each)
            self.line(f"{', '.join(names)}{',' * (len(names) == 1)} = {self.expression(each).text}")
        elif each.function is np.empty_like and value.memory.writes:
            self.unmade[value] = each
            self.names.of(value, each)
        elif any(value.memory is operand.memory for operand in each.reads()):
            self.view(each, value)
        elif self.is_inner(each, value):
            expression = self.expression(each)
            self.pending[value] = Pending(expression, each, self.taken(each))
        else:
            self.assign(each, value)

    def is_inner(self, each: Instruction, value: Value) -> bool:
        """Whether a value has no name where it is computed, and is part of one expression of its operation."""
        if self.uses[value] != 1 or value in self.kept or value in self.names.known or value.memory.writes:
            return False
        reader = self.readers[value]
        named = value.word or value.is_output or value.gradient_of is not None
        return not named and reader.kind == "call" and self.places[id(reader)] == self.places[id(each)]

    def taken(self, each: Instruction) -> set[Memory]:
        """The memory that an expression reads; the expressions that it contains are not pending any more."""
        found = set()
        for operand in each.reads():
            pending = self.pending.pop(operand, None)
            found |= {operand.memory} if pending is None else pending.reads
        return found

    def assign(self, each: Instruction, value: Value) -> None:
        """A line that gives a value a name."""
        text = self.expression(each).text
        self.taken(each)
        if value.memory.writes and not value.shape:
            text = f"np.asarray({text})"
        self.line(f"{self.names.of(value, each)} = {text}")

    def straight(self, each: Instruction, value: Value) -> bool:
        """Write down a function of this package as lines of NumPy, if there are some."""
        self.flush([operand for operand in each.reads() if operand in self.pending])
        self.is_numpy = True
        lines = list(STRAIGHT[each.function](self, self.names.of(value, each), *each.args))
        for line in lines:
            self.line(line)
        return bool(lines)

    def function(self, function: Any) -> str:
        """A function by its name in NumPy, or in this package, from which it is imported then."""
        name = getattr(function, "__name__", "")
        if function in KNOWN:
            self.imports[f"from {function.__module__} import {name}"] = None
            return str(name)
        return super().function(function)

    def view(self, each: Instruction, value: Value) -> None:
        """A view is written where it is used, unless it is long."""
        for operand in each.reads():
            if operand in self.pending and self.uses[value] != 1:
                self.flush([operand])
        expression = self.expression(each)
        pending = any(operand in self.pending for operand in each.reads())
        if pending and value not in self.names.known and not value.memory.writes:
            self.pending[value] = Pending(expression, each, self.taken(each))
        elif not pending and len(expression.text) <= LONGEST // 2 and value not in self.names.known:
            self.texts[value] = expression
        else:
            self.fixed.add(value.memory)
            self.assign(each, value)

    def write(self, each: Instruction, target: Value) -> None:
        """A line that changes an array."""
        text = self.write_text(each, target)
        self.taken(each)
        self.flush([value for value, pending in self.pending.items() if target.memory in pending.reads])
        self.line(text)

    def write_text(self, each: Instruction, target: Value) -> str:
        """An array that is changed, and what it is changed to."""
        function, (args, kwargs) = each.function, without_out(each)
        if function is ndarray.__setitem__:
            self.make(target)
            return f"{self.operand(target, 100)}[{self.index(args[1])}] = {self.argument(args[2])}"
        if function is ndarray.fill or (function is np.copyto and "where" not in kwargs):
            return f"{self.place(target)} = {self.argument(args[1])}"
        if function in INFIX and not kwargs and args[0] is target:
            self.make(target)
            sign, name = INFIX[function][0], self.value(target)
            is_part = name.isidentifier() or name.endswith("]")
            return f"{name if is_part else f'{name}[...]'} {sign}= {self.argument(args[1])}"
        is_ufunc = isinstance(function, np.ufunc)
        if is_ufunc and not kwargs and self.is_whole(args, target):
            self.unmade.pop(target, None)
            return f"{self.names.of(target, each)} = {self.expression(each).text}"
        if "where" in kwargs or ("out" not in each.kwargs and not is_ufunc):
            self.make(target)
            extra = f", out={self.value(target)}" if is_ufunc else ""
            return f"{self.expression(each).text[:-1]}{extra})"
        return f"{self.place(target)} = {self.expression(each).text}"

    def is_whole(self, args: Iterable[Any], target: Value) -> bool:
        """Whether a new array does as well as the one that is written to: of the same kind, and without named views."""
        operands = [arg for arg in args if isinstance(arg, Value)]
        shapes = [operand.shape for operand in operands]
        own = target.memory.origin == "made" and target.memory not in self.fixed and target not in self.texts
        alike = all(operand.dtype == target.dtype for operand in operands)
        return own and alike and bool(shapes) and np.broadcast_shapes(*shapes) == target.shape

    def place(self, target: Value) -> str:
        """The elements of an array, to be set."""
        self.make(target)
        text = self.value(target)
        return text if text.endswith("]") else f"{text}[...]"

    def make(self, target: Value) -> None:
        """Make an array that was empty so far."""
        maker = self.unmade.pop(target, None)
        if maker is not None:
            self.assign(maker, target)

    # -- lines -------------------------------------------------------------------------------------

    def shorten(self, each: Instruction) -> None:
        """Give lines of their own to the longest operands of an expression that would be too long."""
        while len(self.expression(each).text) > LONGEST:
            inner = [value for value in values_read(each) if value in self.pending]
            longest = max(inner, key=lambda value: len(self.pending[value].expression.text), default=None)
            if longest is None or len(self.pending[longest].expression.text) < SHORT:
                return
            self.flush([longest])

    def flush(self, values: Iterable[Value]) -> None:
        """Write down what is pending."""
        for value in list(values):
            expression, maker, _ = self.pending.pop(value)
            self.line(f"{self.names.of(value, maker)} = {expression.text}")

    def line(self, text: str) -> None:
        """One line, broken behind commas if it is too long: they are in brackets."""
        if len(text) <= WIDTH or "'" in text or "," in text.partition(" = ")[0]:
            self.lines.append(text)
            return
        held = re.sub("(?<!,) ", HELD, text)
        lines = textwrap.wrap(held, WIDTH, subsequent_indent=HELD * 4, break_long_words=False, break_on_hyphens=False)
        self.lines += [line.replace(HELD, " ") for line in lines]

    def returned(self) -> str:
        """What the step returns."""
        copied = dict.fromkeys(self.program.states)

        def named(leaf: Any) -> Any:
            if not isinstance(leaf, Result):
                return leaf
            text = self.value(leaf.value)
            own = leaf.value.memory.origin == "made" or (leaf.value in self.texts and not copied)
            return Named(text if own else f"{text}.copy()")

        outputs = mapped(named, self.program.outputs)
        return argument(fields_of(outputs) if is_record(type(outputs)) else outputs)

    def put_together(self) -> str:
        """The whole text, with what is given at its head."""
        head = [
            *self.heading(),
            "import math" * any("math." in line for line in self.lines),
            "import numpy as np",
            *self.imports,
        ]
        text = "\n".join([*filter(None, head), *self.lines, ""])
        return re.sub(r"\n{3,}", "\n\n", text)

    def heading(self) -> Iterator[str]:
        """What the text starts from."""
        yield "# A step, in straight lines of NumPy. Given are, by these names:"
        program, known = self.program, self.names.known
        groups: dict[str, list[str]] = {"arguments": [f"{known[v]} {described(v)}" for _, v in program.inputs]}
        for place, value in program.states:
            groups.setdefault(kind_of(place), []).append(f"{known[value]} {described(value)}")
        groups["drawn at random"] = [f"{name} {text}" for name, text in self.drawn.items()]
        constants = [known[value] for _, value in program.constants if known[value] in self.given]
        groups["constants"] = constants
        groups["numbers"] = [f"{name} = {value}" for name, value in self.formulas.given.items()]
        for name, items in groups.items():
            if items:
                text = ", ".join(item.replace(" ", HELD) for item in items)
                indent = f"#   {name + ':':<17}"
                lines = textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=f"#{' ' * 20}")
                yield from (line.replace(HELD, " ") for line in lines)
        if any("dtype=np.float64).astype(np.float32)" in line for line in self.lines):
            yield "# Sums of float32 numbers are added up in float64, and then rounded once."
        if self.checked:
            yield "# Checked before anything changes:"
            yield from (f"#   {text}" for text in dict.fromkeys(self.checked))


class Named(str):
    """A text that is written as it is."""

    __slots__ = ()

    __repr__ = str.__str__


def values_read(each: Instruction) -> list[Value]:
    """The values among the arguments of a call, each as often as it is there."""
    return [leaf for leaf in tree_leaves((each.args, each.kwargs)) if isinstance(leaf, Value)]


def described(value: Value) -> str:
    """Shape and dtype."""
    return f"{value.shape} {value.dtype}"


def kind_of(place: Place) -> str:
    """What is kept in a place."""
    if place.key == "_grad":
        return "gradients"
    if place.key != "array":
        return "optimiser"
    return "buffers" if isinstance(place.holder, Buffer) else "parameters"


def written_out(array: ndarray) -> str | None:
    """The source of a small or regular array, or None."""
    kind = f"np.{array.dtype.name}"
    if not array.dtype.isbuiltin or array.dtype.kind not in "fiub":
        return None
    if not array.shape:
        return f"{kind}({array.item()!r})" if np.isfinite(array) else None
    if array.dtype == np.int64 and array.size and np.array_equal(array.ravel(), np.arange(array.size)):
        return f"np.arange({array.size})" + f".reshape{array.shape}" * (array.ndim > 1)
    if array.size <= SMALL and np.isfinite(array).all():
        return f"np.array({array.tolist()!r}, {kind})"
    return None
