"""``Nest``: a step of the plan as a loop nest in C.

Loops run in the order in which memory lies, neighbours become one loop where all arrays allow it, what does not depend
on the inner loops stands outside of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .elements import c_working, cast, expression, literal
from .fusion import PARTS, REDUCING, Linear, Part, Plan, Step, broadcast_index, linear, own_index, through
from .nodes import Index, Node
from .placing import Room
from .reducing import argument, reduce

IN_CACHE = 1 << 20
"""Bytes of arrays that are read by columns: those of larger ones are too far apart."""

TINY = 4
"""Turns of an inner loop that is written out, so that the loop around it is computed in vectors."""

LONG = 100
"""Characters of a condition that is written where it is used."""


class Nest:
    """One loop nest on its way to C."""

    def __init__(self, step: Step, plan: Plan, room: Room, lanes: int = 16, fixed: int = 0) -> None:
        self.step, self.plan, self.room = step, plan, room
        self.sizes = step.sizes
        self.arrays: dict[Node, str] = {}
        """The names of the memories of kept nodes."""
        self.fixed = fixed
        """So many outer loops stay what they are."""
        self.scratch = 0
        """Bytes for sums that are too many for the stack."""
        self.accesses: list[tuple[Linear, int]] = []
        self.loops: list[list[int]] = [[loop] for loop in range(len(self.sizes))]
        self.written_out = False
        """Whether the inner loop is written out, turn by turn."""
        self.tile = 0
        """So many columns are computed at once for all rows, with their sums in registers; 0: row by row."""
        self.write()  # once to see what is accessed
        self.loops = self.collapsed(self.ordered())
        self.tile = lanes if self.is_tiled(lanes) else 0
        self.written_out = not self.tile and self.is_written_out()
        self.write()

    # -- loops -----------------------------------------------------------------------------------

    def ordered(self) -> list[int]:
        """The loops, the inner one last: the one whose elements lie next to each other in most accesses."""
        if self.step.kind == "scatter":  # of several elements for one place the last one stays
            return list(range(len(self.sizes)))
        weight = [0.0] * len(self.sizes)
        for (_, factors), bonus in self.accesses:
            for loop, factor in factors:
                weight[loop] += bonus * np.log2(1 + min(abs(factor), 1 << 20))
            absent = set(range(len(self.sizes))) - {loop for loop, _ in factors}
            for loop in absent if factors else ():
                weight[loop] += 0.1 * bonus
        inner = sorted(range(self.fixed, len(self.sizes)), key=lambda loop: (-weight[loop], loop))
        return [*range(self.fixed), *inner]

    def collapsed(self, order: list[int]) -> list[list[int]]:
        """The loops in this order, with neighbours that may be one loop joined."""
        loops = [[loop] for loop in order]
        reduced = [self.reduced(part) for part in self.step.parts if part.node.kind in REDUCING]
        at = self.fixed
        while at + 1 < len(loops):
            outer, inner = loops[at][-1], loops[at + 1][0]
            size = int(np.prod([self.sizes[loop] for loop in loops[at + 1]]))
            fits = all((outer in axes) == (inner in axes) for axes in reduced)
            last = loops[at + 1][-1]
            for (_, factors), _ in self.accesses:
                by = dict(factors)
                fits = fits and by.get(outer, 0) == by.get(last, 0) * size
            if fits:
                loops[at : at + 2] = [loops[at] + loops[at + 1]]
                at = max(at - 1, self.fixed)
            else:
                at += 1
        return loops

    def is_tiled(self, lanes: int) -> bool:
        """Whether columns are computed apart: there are sums over rows, or rows that are read again and again."""
        depth = len(self.loops)
        if depth < 2 or self.size(depth - 1) < lanes or self.step.kind != "loops" or self.gathers:
            return False
        inner, row = self.loops[-1], set(self.loops[-1])
        sums = [self.reduced(part) for part in self.step.parts if part.node.kind == "reduce"]
        if any(inner[0] in axes or len(axes) == 0 for axes in sums):
            return False
        if any(depth - 1 - n != 1 for axes in sums for n in [self.first(axes)]):
            return False
        again = [1 for (_, factors), _ in self.accesses if factors and {loop for loop, _ in factors} <= row]
        arrays = sum(4 * int(np.prod(self.sizes)) for (_, factors), _ in self.accesses if len(factors) > 1) // 2
        return arrays <= IN_CACHE and bool(sums or len(again) > 2)

    def is_written_out(self) -> bool:
        """Whether the inner loop is tiny: then no sum may be kept for each of its turns."""
        depth = len(self.loops)
        if depth < 2 or self.size(depth - 1) > TINY or self.size(depth - 2) < 8 or self.step.kind != "loops":
            return False
        sums = [self.reduced(part) for part in self.step.parts if part.node.kind == "reduce"]
        inner = self.loops[-1][0]
        return all(inner in axes or self.first(axes) == depth for axes in sums)

    def first(self, axes: set[int]) -> int:
        """The first loop over which something is reduced."""
        return min((n for n, members in enumerate(self.loops) if members[0] in axes), default=len(self.loops))

    def reduced(self, part: Part) -> set[int]:
        """The loops over which a part reduces."""
        index = own_index(part.shape)
        return {loop for axis in part.node.attribute for loop, _ in index[axis][1]}

    def size(self, position: int) -> int:
        """How often a loop runs."""
        return int(np.prod([self.sizes[loop] for loop in self.loops[position]]))

    def text(self, position: Linear) -> str:
        """A position in C."""
        constant, factors = position
        by = dict(factors)
        terms = []
        for number, members in enumerate(self.loops):
            factor = by.get(members[-1], 0)
            if factor:
                terms.append(f"i{number}" if factor == 1 else f"{factor} * i{number}")
        if constant or not terms:
            terms.append(str(constant))
        return " + ".join(terms)

    def level(self, factors: Any) -> int:
        """Inside of how many loops something stands that goes with these."""
        used = {loop for loop, _ in factors}
        return max((n + 1 for n, members in enumerate(self.loops) if used & set(members)), default=0)

    # -- expressions -----------------------------------------------------------------------------

    def array(self, node: Node) -> str:
        """The name of a kept node's memory."""
        if node not in self.arrays:
            self.arrays[node] = f"{node.name or 't'}_{node.number}"
        return self.arrays[node]

    def load(self, node: Node, position: Linear, extra: str = "", level: int = 0) -> tuple[str, int]:
        """A variable with an element of a kept node."""
        key = node, position, extra
        if key not in self.known:
            self.accesses.append((position, 1))
            level = max(level, self.level(position[1]))
            text = f"{self.array(node)}[{self.text(position)}{extra}]"
            self.known[key] = self.variable(node, f"(float){text}" if node.dtype == np.float16 else text, level)
        return self.known[key]

    def variable(self, node: Node, text: str, level: int) -> tuple[str, int]:
        """A new variable."""
        self.count += 1
        name = f"x{self.count}"
        self.head[level].append(f"const {c_working(node.dtype)} {name} = {text};")
        return name, level

    def value(self, node: Node, index: Index, is_root: bool = False) -> tuple[str, int]:
        """A variable with an element of a node, and inside of how many loops it is known."""
        if node.kind == "constant":
            return literal(np.frombuffer(node.attribute, node.dtype)[0], node.dtype), 0
        if node.kind == "view":
            base, axes = node.args[0], self.plan.axes(node)
            if axes is not None and (base not in self.plan.kept or (base, through(axes, index)) in self.known):
                return self.value(base, through(axes, index))
            offset, strides = node.attribute
            return self.load(base, linear(index, strides, offset))
        key = node, index
        if key in self.known:
            return self.known[key]
        if node in self.plan.kept and not is_root:
            return self.load(node, linear(index, node.strides))
        if node.kind == "gather":
            self.known[key] = self.gathered(node, index)
            return self.known[key]
        args = [self.value(arg, broadcast_index(arg.shape, index)) for arg in node.args]
        names, level = [name for name, _ in args], max((level for _, level in args), default=0)
        if node.op == "cast":
            text = cast(names[0], node.args[0].dtype, node.dtype)
        else:
            text = expression(node.op, names, node.args[-1].dtype, node.dtype)
        if node.dtype.kind == "b" and len(text) < LONG:
            self.known[key] = f"({text})", level  # a variable would be a byte, which is no mask of a vector
        else:
            self.known[key] = self.variable(node, text, level)
        return self.known[key]

    def gathered(self, node: Node, index: Index) -> tuple[str, int]:
        """An element of a table at positions that are computed; one out of bounds is noted, and the first is read."""
        table, *positions = node.args
        base, (offset, strides) = (table.args[0], table.attribute) if table.kind == "view" else (
            table, (0, table.strides))  # fmt: skip
        axes, plain = node.attribute[0], dict(node.attribute[1])
        extra, level = self.computed(positions, axes, table.shape, strides, index)
        own_part: Index = tuple(index[axis] for axis in plain.values())
        start = linear(own_part, [strides[axis] for axis in plain], offset)
        return self.load(base, start, extra, level)

    def computed(
        self, positions: Sequence[Node], axes: Sequence[int], shape: Sequence[int], strides: Sequence[int], index: Index
    ) -> tuple[str, int]:
        """Where elements at computed positions along some axes are, and inside of how many loops that is known."""
        extra, level = "", 0
        for axis, position in zip(axes, positions):
            name, own = self.value(position, broadcast_index(position.shape, index))
            size, level = shape[axis], max(level, own)
            self.count += 1
            place = f"p{self.count}"
            wrapped = f"{name} < 0 ? (int64_t){name} + {size} : (int64_t){name}"
            wrapped = wrapped if position.dtype.kind == "i" else f"(int64_t){name}"
            extra += f" + {strides[axis]} * {place}"
            if (position, size) in self.plan.lowered.indices.known:
                self.head[own].append(f"const int64_t {place} = {wrapped};")
                continue
            self.gathers = True
            self.head[own] += [
                f"const int64_t {place}w = {wrapped};",
                f"outside |= {place}w < 0 || {place}w >= {size};",
                f"const int64_t {place} = {place}w < 0 || {place}w >= {size} ? 0 : {place}w;",
            ]
        return extra, level

    # -- parts -----------------------------------------------------------------------------------

    def write(self) -> None:
        """Fill ``head`` and ``tail``: what stands before and after each loop."""
        depth = len(self.loops)
        self.head: list[list[str]] = [[] for _ in range(depth + 1)]
        self.tail: list[list[str]] = [[] for _ in range(depth + 1)]
        self.known: dict[Any, tuple[str, int]] = {}
        self.scratch = 0
        self.clauses: list[str] = []
        self.begin: list[str] = []
        self.end: list[str] = []
        self.count, self.gathers = 0, False
        for part in self.step.parts:
            if part.node.kind == "argument":
                argument(self, part)
            elif part.node.kind in REDUCING:
                reduce(self, part)
            elif part.node.kind == "scatter":
                self.scatter(part)
            elif part.source is not None:
                self.store_part(part)
            else:
                index = own_index(part.shape)
                name, _ = self.value(part.node, index, is_root=True)
                if part.node not in self.room.inside:
                    self.store(part.node, linear(index, part.node.strides), name)

    def store(self, node: Node, position: Linear, name: str, extra: str = "", sign: str = "=") -> None:
        """Write an element into memory, or add it to what is there."""
        self.accesses.append((position, 2))
        self.tail[-1].append(f"{self.array(node)}[{self.text(position)}{extra}] {sign} {name};")

    def scatter(self, part: Part) -> None:
        """What is put, or added, at positions that are computed."""
        node, (_, source, *positions) = part.node, part.node.args
        index = own_index(part.shape)
        name, _ = self.value(source, broadcast_index(source.shape, index))
        axes, plain = node.attribute[0], dict(node.attribute[1])
        extra, _ = self.computed(positions, axes, node.shape, node.strides, index)
        own_part: Index = tuple(index[axis] for axis in plain.values())
        start = linear(own_part, [node.strides[axis] for axis in plain])
        self.store(node, start, name, extra, "+=" if node.op == "add" else "=")

    def store_part(self, part: Part) -> None:
        """A part of a ``concat``, of an ``added``, or what an update puts in."""
        node, source = part.node, part.source
        assert source is not None
        index = own_index(part.shape)
        offset, strides = node.attribute[part.number] if node.kind in PARTS else node.attribute
        name, _ = self.value(source, index)
        self.store(node, linear(index, strides, offset), name, sign="+=" if node.kind == "added" else "=")

    # -- C ---------------------------------------------------------------------------------------

    def lines(self) -> list[str]:
        """The body of the function."""
        lines = []
        if self.gathers:
            lines.append("int outside = 0;")
            if self.loops:
                self.clauses.append("reduction(|:outside)")
        lines += self.by_columns() if self.tile else self.nested(0)
        if self.gathers:
            lines.append("if (outside) *outside_all = 1;")
        return lines

    def nested(self, start: int, inner: str = "") -> list[str]:
        """The loops from one on; ``inner`` is the head of the innermost if it is another one."""
        depth, lines = len(self.loops), []
        if self.written_out:
            return self.turns()
        for n in range(start, depth + 1):
            pad = "    " * (n - start)
            if n > start or not inner:
                lines += [pad + line for line in self.head[n]]
            if n < depth:
                if n == depth - 1 and self.in_vectors():
                    lines.append(pad + " ".join(("#pragma omp simd", *self.clauses)))
                loop = f"for (long i{n} = 0; i{n} < {self.size(n)}; i{n}++)"
                lines.append(f"{pad}{inner if inner and n == depth - 1 else loop} {{")
                if inner and n == depth - 1:
                    lines.append(f"{pad}    const long i{n} = t + l;")
        lines += ["    " * (depth - start) + line for line in self.tail[depth]]
        for n in reversed(range(start, depth)):
            lines.append("    " * (n - start) + "}")
            lines += ["    " * (n - start) + line for line in self.tail[n]]
        return lines

    def in_vectors(self) -> bool:
        """Whether the turns of the inner loop have nothing to do with each other, but for sums."""
        if self.step.kind == "scatter":
            plain = dict(self.step.parts[0].node.attribute[1]).values()
            index = own_index(self.step.parts[0].shape)
            return self.loops[-1][-1] in [loop for axis in plain for loop, _ in index[axis][1]]
        if self.step.kind in ("scan", "argument"):
            return self.loops[-1][0] not in self.reduced(self.step.parts[0])
        return True

    def turns(self) -> list[str]:
        """The loops with the innermost written out."""
        depth, lines = len(self.loops), []
        for n in range(depth - 1):
            pad = "    " * n
            lines += [pad + line for line in self.head[n]]
            if n == depth - 2:
                lines.append(pad + " ".join(("#pragma omp simd", *self.clauses)))
            lines.append(f"{pad}for (long i{n} = 0; i{n} < {self.size(n)}; i{n}++) {{")
        pad = "    " * (depth - 1)
        lines += [pad + line for line in self.head[depth - 1]]
        for turn in range(self.size(depth - 1)):
            body = [f"const long i{depth - 1} = {turn};", *self.head[depth], *self.tail[depth]]
            lines += [f"{pad}{{", *(f"{pad}    {line}" for line in body), f"{pad}}}"]
        for n in reversed(range(depth - 1)):
            lines += ["    " * (n + 1) + line for line in self.tail[n + 1]] + ["    " * n + "}"]
        return lines + self.tail[0]

    def by_columns(self) -> list[str]:
        """The loops over rows within a loop over some columns, whose sums stay in registers; then the last columns."""
        depth = len(self.loops)
        size, lines, pad = self.size(depth - 1), [], ""
        for n in range(depth - 2):
            lines += [pad + line for line in self.head[n]]
            lines.append(f"{pad}for (long i{n} = 0; i{n} < {self.size(n)}; i{n}++) {{")
            pad += "    "
        lines += [pad + line for line in self.head[depth - 2]]
        rest = size % self.tile
        for width, start in ((self.tile, 0), (rest, size - rest)):
            if width and start < size:
                last = size - rest if start == 0 else size
                lines.append(f"{pad}for (long t = {start}; t < {last}; t += {width}) {{")
                body = [*self.begin, *self.nested(depth - 2, "for (long l = 0; l < COLUMNS; l++)"), *self.end]
                lines += [f"{pad}    {line.replace('COLUMNS', str(width))}" for line in body]
                lines.append(f"{pad}}}")
        for n in reversed(range(depth - 2)):
            pad = "    " * n
            lines += [f"{pad}    {line}" for line in self.tail[n + 1]] + [f"{pad}}}"]
        return lines + (self.tail[0] if depth > 2 else [])
