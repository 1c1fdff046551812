"""Panels: loop nests over the same rows and columns, carried out for some columns after the other.

What BatchNorm does with a batch, and its derivative, are several passes over it with sums over the rows in between. A
panel is so narrow that it stays in the cache between the passes; what only the passes themselves need is kept for one
panel at a time.

This module registers itself. Without it the same nests are carried out one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .c_source import WRITERS, Source
from .elements import c_type
from .fusion import CHANGES, Leaf, Linear, Part, Plan, Step, squeezed
from .loops import Nest
from .nodes import Node
from .placing import LINE, Room, is_in_place

CACHED = 1 << 18
"""Bytes of a panel that are to stay in the cache."""


NARROW = 16
"""Columns below which it is not worth it."""


LARGEST = 1 << 17
"""Elements of larger arrays are read row by row, as they lie in memory: they are not in the cache anyway."""


class Panel(Step):
    """Loop nests that are carried out panel by panel."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__("panel", sizes)
        self.links: list[Step] = []

    def add(self, link: Step) -> None:
        """Another nest, the last one."""
        self.links.append(link)
        self.parts += link.parts
        self.reads |= link.reads

    def reads_apart(self, before: Node, now: Node) -> bool:
        """Whether what an array was is read in other nests than the one that changes it."""
        return any(before in link.reads and all(part.node is not now for part in link.parts) for link in self.links)


# -- which nests are carried out together ----------------------------------------------------------


def grouped(plan: Plan) -> None:
    """Join nests of the plan to panels."""
    order: list[Step] = []
    place: dict[Node, int] = {}
    for step in plan.steps:
        number = joined(plan, step, order, place)
        if number is None:
            number = len(order)
            order.append(begun(plan, step) or step)
        for part in step.parts:
            place[part.node] = max(number, place.get(part.node, -1))
    for number, step in enumerate(order):
        if isinstance(step, Panel) and len(step.links) == 1:
            order[number] = step.links[0]
    plan.steps[:] = order
    plan.made_in.update(place)
    for node in plan.nodes:
        if node.kind == "result":
            plan.made_in[node] = plan.made_in[node.args[0]]


def begun(plan: Plan, step: Step) -> Panel | None:
    """A panel that begins with a nest over rows and columns."""
    if len(step.sizes) != 2 or step.sizes[1] < NARROW or step.sizes[0] * step.sizes[1] > LARGEST:
        return None
    if not suits(plan, step, step.sizes):
        return None
    panel = Panel(step.sizes)
    panel.add(step)
    return panel


def joined(plan: Plan, step: Step, order: Sequence[Step], place: dict[Node, int]) -> int | None:
    """The number of the panel that a nest has joined: what it reads is there before, or, by columns, in the panel."""
    latest = max((place.get(node, -1) for node in step.reads), default=-1)
    panel = order[latest] if latest >= 0 else None
    if not isinstance(panel, Panel) or not suits(plan, step, panel.sizes):
        return None
    for part in step.parts:
        for leaf in plan.leaves_of(part):
            if place.get(leaf.node) == latest and not by_columns(leaf, len(step.sizes)):
                return None
    panel.add(step)
    return latest


def suits(plan: Plan, step: Step, sizes: tuple[int, ...]) -> bool:
    """Whether a nest is over these rows and columns, or over the columns alone, and memory lies along the columns."""
    if step.kind != "loops" or step.sizes not in (sizes, sizes[1:]):
        return False
    column = len(step.sizes) - 1
    for part in step.parts:
        node = part.node
        if node.kind == "reduce":
            axes = {axis for axis, size in enumerate(part.shape) if size != 1 and axis not in node.attribute}
            if column == 0 or axes != {max(axis for axis, size in enumerate(part.shape) if size != 1)}:
                return False
        elif node.kind not in ("map", "concat") or (node.kind == "concat" and column):
            return False
        if node.kind == "map" and squeezed_strides(node) != ((sizes[1], 1) if column else (1,)):
            return False
        for leaf in plan.leaves_of(part):
            if leaf.position is None or dict(leaf.position[1]).get(column, 1) != 1:
                return False
    return True


def squeezed_strides(node: Node) -> tuple[int, ...]:
    """The strides of the axes that are loops."""
    return tuple(stride for size, stride in zip(node.shape, node.strides) if size != 1)


def by_columns(leaf: Leaf, loops: int) -> bool:
    """Whether what is read is in the same column, and, of what has rows, in the same row."""
    if leaf.at is None:
        return False
    indices = [index for size, index in zip(leaf.node.shape, leaf.at) if size != 1]
    own = [(0, ((loop, 1),)) for loop in range(loops)]
    return indices in (own, own[1:]) if loops == 2 else indices == own


# -- C ---------------------------------------------------------------------------------------------


class Link(Nest):
    """One nest of a panel: its loop over columns is over those of the panel, and is the inner one."""

    def __init__(self, step: Step, plan: Plan, room: Room, arrays: dict[Node, str], local: set[Node]) -> None:
        self.step, self.plan, self.room = step, plan, room
        self.sizes, self.tile, self.written_out = step.sizes, 1, False
        self.accesses: list[tuple[Linear, int]] = []
        self.loops = [[loop] for loop in range(len(self.sizes))]
        self.all_arrays, self.local = arrays, local
        self.arrays: dict[Node, str] = {}
        self.fixed = self.scratch = 0
        self.write()

    def array(self, node: Node) -> str:
        """The name of a kept node's memory, the same in all nests."""
        self.arrays[node] = self.all_arrays.setdefault(node, f"{node.name or 't'}_{node.number}")
        return self.arrays[node]

    def place(self, node: Node, position: Linear) -> str:
        """Where an element is in memory, or in what is kept for a panel."""
        if node not in self.local:
            return self.text(position)
        return "COLUMNS * i0 + l" if len(squeezed(node.shape)) == 2 else "l"

    def load(self, node: Node, position: Linear, extra: str = "", level: int = 0) -> tuple[str, int]:
        """An element; what belongs to a column is loaded before the loop over the rows."""
        key = node, position, extra
        if key in self.known:
            return self.known[key]
        column = len(self.loops) - 1
        is_local = node in self.local and len(squeezed(node.shape)) == 1
        if column and (is_local or [loop for loop, _ in position[1]] == [column]):
            self.count += 1
            name, text = f"c{self.count}", self.place(node, position).replace("i1", "(t + l)")
            self.begin += [
                f"{c_type(node.dtype)} {name}[COLUMNS];",
                f"for (long l = 0; l < COLUMNS; l++) {name}[l] = {self.array(node)}[{text}];",
            ]
            self.known[key] = f"{name}[l]", len(self.loops)
            return self.known[key]
        if node in self.local:
            self.known[key] = self.variable(node, f"{self.array(node)}[{self.place(node, position)}]", len(self.loops))
            return self.known[key]
        return super().load(node, position, extra, level)

    def store(self, node: Node, position: Linear, name: str, extra: str = "", sign: str = "=") -> None:
        """Write an element into memory, or into what is kept for a panel."""
        self.tail[-1].append(f"{self.array(node)}[{self.place(node, position)}{extra}] {sign} {name};")

    def lines_for(self) -> list[str]:
        """Its statements for one panel."""
        body = [*self.head[0], *self.begin, *self.nested(0, "for (long l = 0; l < COLUMNS; l++)"), *self.end]
        return ["{", *("    " + line for line in body), "}"]


def written(source: Source, number: int, panel: Step) -> None:
    """A panel as a function."""
    assert isinstance(panel, Panel)
    room, lanes = source.room, source.products.lanes.bytes // 4
    for link in panel.links:
        link.parts = [
            part for part in link.parts
            if part.node.kind != "concat" or not is_in_place(room, part.node, part.number)
        ]  # fmt: skip
    links = [link for link in panel.links if link.parts]
    local = {part.node for link in links for part in link.parts if part.node in room.inside and is_read_by(links, part)}
    room.inside -= local
    (rows, columns), arrays = panel.sizes, dict[Node, str]()
    bytes_each = sum(rows * node.dtype.itemsize for node in local)
    width = 2 * lanes if 2 * lanes * bytes_each <= CACHED and columns >= 2 * lanes else lanes
    nests = [Link(link, source.plan, room, arrays, local) for link in links]
    room.inside |= local
    lines, rest = [], columns % width
    for start, stop, many in ((0, columns - rest, width), (columns - rest, columns, rest)):
        if start < stop:
            body = [line.replace("COLUMNS", str(many)) for nest in nests for line in nest.lines_for()]
            head = f"for (long t = {start}; t < {stop}; t += {many}) {{"
            lines += [head, *("    " + line for line in body), "}"]
    source.function(f"panel_{number}", parameters(source, panel, arrays, local, width), lines, source.comment(panel))


def is_read_by(links: Sequence[Step], part: Part) -> bool:
    """Whether a part is read by other nests than its own."""
    return any(part.node in link.reads and part not in link.parts for link in links)


def parameters(
    source: Source, panel: Panel, arrays: dict[Node, str], local: set[Node], width: int
) -> list[tuple[str, str, str]]:
    """What the function of a panel is given: arrays, and memory for what it needs itself."""
    made = {part.node for part in panel.parts}
    found: list[tuple[Any, Any, Any]] = []
    offset = 0
    for node, name in arrays.items():
        if node in local:
            address = f"({source.scratch(offset)} + {offset})"
            rows = panel.sizes[0] if len(squeezed(node.shape)) == 2 else 1
            offset += -(-rows * width * node.dtype.itemsize // LINE) * LINE
            source.scratch(offset)
        else:
            address = source.address(source.room.place(node))
        found.append((f"{'' if node in made else 'const '}{c_type(node.dtype)} *", name, address))
    return found


CHANGES.append(grouped)
WRITERS["panel"] = written
