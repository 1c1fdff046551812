"""``Source``: a plan as C: a function for each loop nest, and one for each stretch between two calls of Python's."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ..execution import Checked
from ..sections import Section
from .added import Added
from .elements import c_type
from .fusion import Plan, Step
from .loops import Nest
from .lowering import GUARDS
from .memory_versions import Outside
from .nodes import Node, in_order, is_plain, matrix_order
from .placing import CHANGING, LINE, Place, Room, is_in_place
from .prelude import BEGIN, functions
from .products import Products

MISSING = 2
"""What is noted where what is watched is false; 1 is an index out of bounds."""

FIXED = 3
"""Places of the table that are not arrays: where an index out of bounds is noted, products of float32 and float64."""


WRITERS: dict[str, Callable[[Source, int, Step], None]] = {}
"""What writes steps of further kinds."""


class Source:
    """The C of a program.

    Args:
        plan, room: what is computed, and where it lies.
        products: how products are computed.
        prefix: of all names, where several programs are one file.
    """

    def __init__(self, plan: Plan, room: Room, products: Products, prefix: str = "") -> None:
        self.plan, self.room, self.products, self.prefix = plan, room, products, prefix
        self.known: dict[Any, str] = {}
        """The names of functions by what they do."""
        self.scopes: dict[int, str] = {}
        self.extra = 0
        """Bytes of the arena behind what is kept."""
        self.outsides: list[Outside] = []
        self.functions: list[str] = []
        self.stretches: list[list[str]] = [[]]
        self.calls: list[Node] = []
        """The calls between the stretches."""
        self.shown: Section | None = None
        """The section whose heading was written last."""
        for number, step in enumerate(plan.steps):
            stretch, count = self.stretches[-1], len(self.stretches[-1])
            self.step(number, step)
            if len(stretch) > count:
                stretch[count:count] = self.headings(step)
        for node, outside in room.copies:
            self.copy_out(node, outside)
        for _, node in plan.lowered.watched:
            x = f"const unsigned char *x = (const unsigned char *){self.address(room.place(node))};"
            noted = f"if (missing) *(int *)table[0] |= {MISSING};"
            self.stretches[-1].append(
                f"{{ {x} int missing = 0; for (long i = 0; i < {node.size}; i++) missing |= !x[i]; {noted} }}"
            )

    # -- names -----------------------------------------------------------------------------------

    def slot(self, outside: Outside) -> int:
        """The place of an array in the table."""
        if outside not in self.outsides:
            self.outsides.append(outside)
        return FIXED + self.outsides.index(outside)

    def address(self, place: Place) -> str:
        """Where something lies."""
        if place.outside is None:
            return f"(arena + {place.offset})"
        base = f"table[{self.slot(place.outside)}]"
        return base if not place.offset else f"((char *){base} + {place.offset})"

    def function(self, name: str, parameters: list[tuple[str, str, str]], body: list[str], comment: str) -> None:
        """A function and its call; a function that does the same with other arrays is called instead, if there is one.

        Args:
            name: what it is called.
            parameters: of each array type, name and address.
            body: its lines.
            comment: the modules it belongs to.
        """
        numbers = {given: f"@{i}" for i, (_, given, _) in enumerate(parameters)}
        plain = re.sub(r"\b[A-Za-z_]\w*\b", lambda match: numbers.get(match[0], match[0]), "\n".join(body))
        key = plain, tuple(kind for kind, _, _ in parameters)
        if key not in self.known:
            self.known[key] = f"{self.prefix}{name}"
            head = ", ".join(f"{kind}{given}" for kind, given, _ in parameters)
            lines = [f"LOOP {self.known[key]}({head}) {{", *("    " + line for line in body), "}"]
            self.functions.append("\n".join(lines))
        addresses = ", ".join(address for _, _, address in parameters)
        self.stretches[-1].append(f"{self.known[key]}({addresses});{'  // ' * bool(comment)}{comment}")

    # -- steps -----------------------------------------------------------------------------------

    def step(self, number: int, step: Step) -> None:
        """One step."""
        if step.kind in WRITERS:
            WRITERS[step.kind](self, number, step)
        elif step.kind == "call":
            node = step.parts[0].node
            self.calls.append(node)
            self.stretches.append([])
        elif step.kind == "product":
            self.product(number, step.parts[0].node)
        else:
            parts = [
                part for part in step.parts
                if part.node.kind != "concat" or not is_in_place(self.room, part.node, part.number)
            ]  # fmt: skip
            if not parts:
                return
            step.parts = parts
            if step.kind in CHANGING:
                self.copy_before(parts[0].node)
            if step.kind == "added":
                nest: Nest | Added = Added(step, self.plan, self.room)
            else:
                nest = Nest(step, self.plan, self.room, self.products.lanes.bytes // 4)
            self.nest(f"loops_{number}", step, nest)
            if nest.gathers:
                self.stretches[-1].append("if (*(int *)table[0]) { *(int *)table[0] = 0; return 1; }")

    def nest(self, name: str, step: Step, nest: Nest | Added) -> None:
        """A loop nest as a function."""
        written = {part.node for part in step.parts}
        parameters = [
            (f"{'' if node in written else 'const '}{c_type(node.dtype)} *", text, self.address(self.room.place(node)))
            for node, text in nest.arrays.items()
        ]
        if nest.gathers:
            parameters.append(("int *", "outside_all", "table[0]"))
        if nest.scratch:
            parameters.append(("char *", "scratch", self.scratch(nest.scratch)))
        self.function(name, parameters, nest.lines(), self.comment(step))

    def headings(self, step: Step) -> list[str]:
        """The part of the program and the module that a step begins in, if they are others than before.

        The user's lines are no part of it: their numbers change often, and the source would have to be built anew.
        """
        section = next((part.node.scope for part in step.parts if part.node.scope is not None), None)
        if section is None:
            return []
        section = section._replace(line="", changes="")
        before, self.shown = self.shown, section
        return [*filter(None, section.headings(before, "//"))]

    def name_of(self, scope: Any) -> str:
        """The name of a call of a module, which is looked for in the whole model."""
        if id(scope) not in self.scopes:
            self.scopes[id(scope)] = str(scope or "")
        return self.scopes[id(scope)]

    def comment(self, step: Step) -> str:
        """The modules a step belongs to, and the values it makes."""
        sections = [part.node.scope for part in step.parts if part.node.scope is not None]
        scopes = dict.fromkeys(self.name_of(section.scope) for section in sections if section.scope is not None)
        made = ", ".join(part.node.name for part in step.parts if part.node.name)
        return f"{', '.join(scopes)}: {made}" if scopes else made

    def copy_before(self, node: Node) -> None:
        """What was before an update, unless it is there already."""
        base = node.args[0]
        if base.kind == "empty" or self.room.place(base) == self.room.place(node):
            return
        if is_plain(base) and is_plain(node):
            self.copy(self.address(self.room.place(node)), base)
            return
        self.copy_loops(base, node)

    def copy_loops(self, base: Node, node: Node) -> None:
        """Element by element."""
        loops, pad = [], "    "
        for axis, size in enumerate(base.shape):
            loops.append(f"{pad * axis}for (long i{axis} = 0; i{axis} < {size}; i{axis}++)")
        ends = [
            " + ".join(["0", *(f"{stride} * i{axis}" for axis, stride in enumerate(n.strides))]) for n in (node, base)
        ]
        kind = c_type(base.dtype)
        parameters = [
            (f"{kind} *", "to", self.address(self.room.place(node))),
            (f"const {kind} *", "from", self.address(self.room.place(base))),
        ]
        self.function(f"copy_{len(self.functions)}", parameters,
                      [*loops, f"{pad * len(loops)}to[{ends[0]}] = from[{ends[1]}];"], "")  # fmt: skip

    def copy(self, to: str, node: Node) -> None:
        """A piece of memory as it is."""
        size = node.size * node.dtype.itemsize
        self.stretches[-1].append(f"memcpy({to}, {self.address(self.room.place(node))}, {size});")

    def copy_out(self, node: Node, outside: Outside) -> None:
        """What is computed for an array of the user's, which could not be written there at once."""
        before = next(before for other, before, _ in self.plan.lowered.written if other == outside)
        if is_plain(before) and is_plain(node):
            self.copy(f"table[{self.slot(outside)}]", node)
            return
        self.room.placed[before] = Place(outside=outside)
        self.copy_loops(node, before)

    # -- products --------------------------------------------------------------------------------

    def product(self, number: int, node: Node) -> None:
        """Products of matrices: our own, or calls of the BLAS."""
        batch, t = node.shape[:-2], c_type(node.dtype)
        (rows, columns), inner = node.shape[-2:], node.args[0].shape[-1]
        operands = []
        for arg in node.args:
            base, (offset, strides) = (arg.args[0], arg.attribute) if arg.kind == "view" else (arg, (0, arg.strides))
            ahead = len(arg.shape) - 2
            steps = [0] * (len(batch) - ahead) + [s if n != 1 else 0 for n, s in zip(arg.shape[:ahead], strides)]
            terms = [str(offset), *(f"{step} * b{n}" for n, step in enumerate(steps) if step)]
            address = f"(const {t} *){self.address(self.room.place(base))}"
            operands.append((self.moved(address, terms), arg.shape[-2:], strides[-2:]))
        terms = ["0", *(f"{step} * b{n}" for n, step in enumerate(in_order(node.shape)[:-2]) if batch[n] > 1)]
        result = self.moved(f"({t} *){self.address(self.room.place(node))}", terms)
        loops = "".join(f"for (long b{n} = 0; b{n} < {size}; b{n}++) " for n, size in enumerate(batch) if size > 1)
        comment = f"{node.name} {node.args[0].shape} @ {node.args[1].shape}"
        if not self.products.takes(rows, columns, inner):
            self.stretches[-1].append(f"{loops}{self.blas(t, rows, columns, inner, operands, result)}  // {comment}")
            return
        a, b = ((text, *self.distances(shape, strides)) for text, shape, strides in operands)
        scratch = self.scratch(self.products.scratch(t, rows, columns, inner))
        body = self.products.body(t, rows, columns, inner, a[1:], b[1:])
        name = f"product_{number}"
        parameters = [(f"const {t} *", "a", a[0]), (f"const {t} *", "b", b[0]), (f"{t} *", "c", result),
                      (f"{t} *", "packed", scratch)]  # fmt: skip
        count = len(self.stretches[-1])
        self.function(name, parameters, body, comment)
        self.stretches[-1][count] = loops + self.stretches[-1][count]

    def moved(self, address: str, terms: list[str]) -> str:
        """An address and what is added to it."""
        terms = [term for term in terms if term != "0"]
        return " + ".join([address, *terms])

    def distances(self, shape: Any, strides: Any) -> tuple[int, int]:
        """The distances of rows and of columns; 1 of columns where there is only one."""
        code, distance = matrix_order(shape, strides) or ("N", 1)
        return (distance, 1) if code == "N" else (1, distance)

    def scratch(self, size: int) -> str:
        """Memory that nobody else uses, behind everything else."""
        self.extra = max(self.extra, size)
        return f"(arena + {-(-self.room.size // LINE) * LINE})"

    def blas(self, t: str, rows: int, columns: int, inner: int, operands: Any, result: str) -> str:
        """A call of the BLAS."""
        function = "((dgemm_t)table[2])" if t == "double" else "((sgemm_t)table[1])"
        codes, (a, b) = {"N": 111, "T": 112}, operands
        (ta, la), (tb, lb) = (matrix_order(shape, strides) or ("N", 1) for _, shape, strides in operands)
        return (
            f"{function}(101, {codes[ta]}, {codes[tb]}, {rows}, {columns}, {inner}, 1, {a[0]}, {la}, {b[0]}, {lb}, 0, "
            f"{result}, {columns});"
        )

    # -- all of it -------------------------------------------------------------------------------

    def guards(self) -> list[str]:
        """The function that looks at arrays before anything else, if there is something to look at."""
        lines = []
        for instruction, node in self.plan.lowered.guards:
            function: Any = instruction.function
            condition = GUARDS[function.function if isinstance(function, Checked) else function](*instruction.args[1:])
            x = f"const {c_type(node.dtype)} *x = {self.address(self.room.place(node))};"
            lines.append(f"{{ {x} for (long i = 0; i < {node.size}; i++) refused |= {condition}; }}")
        lines += [self.guard_of_index(*each) for each in self.plan.lowered.indices.guards]
        joined = "\n    ".join(lines)
        head = f"ENTRY {self.prefix}guards(char *arena, void **table) {{\n    int refused = 0;\n    "
        return [f"{head}{joined}\n    return refused;\n}}"] if lines else []

    def guard_of_index(
        self, node: Node, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], size: int
    ) -> str:
        """What looks whether positions are those of elements; negative ones are counted from the end."""
        loops = "".join(f"for (long i{n} = 0; i{n} < {count}; i{n}++) " for n, count in enumerate(shape))
        place = " + ".join([str(offset), *(f"{stride} * i{n}" for n, stride in enumerate(strides) if stride)])
        x = f"const {c_type(node.dtype)} *x = {self.address(self.room.place(node))}"
        low = f"x[{place}] < -{size} | " if node.dtype.kind == "i" else ""
        return f"{{ {x}; {loops}refused |= {low}x[{place}] >= {size}; }}"

    def entries(self) -> list[str]:
        """The functions that are called from outside: one for each stretch."""
        texts = self.guards()
        for number, lines in enumerate(self.stretches):
            joined = "\n    ".join(lines)
            texts.append(
                f"ENTRY {self.prefix}stretch_{number}(char *arena, void **table) {{\n    {joined}\n"
                "    const int outside = *(int *)table[0];\n    *(int *)table[0] = 0;\n    return outside;\n}"
            )
        return texts


def text(sources: Sequence[Source], integer: str = "int64_t") -> str:
    """The C source of programs."""
    bodies = [body for source in sources for body in source.functions]
    products = dict.fromkeys(function for source in sources for function in source.products.functions())
    entries = [entry for source in sources for entry in source.entries()]
    return (
        "\n\n".join([f"#define INT {integer}\n" + BEGIN, functions("\n".join(bodies)), *products, *bodies, *entries])
        + "\n"
    )
