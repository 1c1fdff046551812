"""``Plan``: which nodes are computed together in one loop nest, which are kept in memory, which computed where needed.

A step of the plan is a loop nest, a product of matrices or a call of Python's. A node of elements that is used once,
or that is quickly computed again, is part of the expressions it is used in; others are kept. A node joins the loops of
another one over the same elements, if nothing in between needs it to be complete.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from .lowering import Lowered
from .nodes import Index, Node, split_up

FEW = 4096
"""Elements of loops that are joined even if they share no array: a loop nest has its own costs."""

MOST = 24
"""Nodes of a loop nest, more of which want more registers than there are."""

CHEAP, CHEAP_WHERE_LARGE, LARGE = 2, 6, 1 << 18
"""Operations that are computed again rather than kept; of arrays of so many elements, which do not stay in a cache."""

MUCH_SMALLER = 8
"""How much smaller an array is that is in a nearer cache: reading it once more is not counted."""

COSTS = {"copy": 0, "cast": 1, "divide": 20, "sqrt": 20, "where": 1}
"""Of operations, in additions."""

SIMPLE = frozenset((
    "add", "subtract", "multiply", "negative", "positive", "square", "maximum", "minimum", "absolute", "equal",
    "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_not",
    "bitwise_and", "bitwise_or", "invert", "isnan", "isfinite",
))  # fmt: skip
"""Those that cost one."""

OF_ELEMENTS = ("map", "gather")

PARTS = ("concat", "added")
"""Kinds of nodes that are put together from their operands."""

REDUCING = ("reduce", "argument", "scan")

APART = ("update", "scatter", "scan", "argument", "added")
"""Kinds of nodes whose loops are not those of others: they change what is there, or go from one element to the next."""

Linear = tuple[int, tuple[tuple[int, int], ...]]
"""A position in memory: a constant, and loops with their factors."""


CHANGES: list[Callable[[Plan], None]] = []
"""What changes a plan when all its steps are known; each may be missing."""


class Part(NamedTuple):
    """A piece of a loop nest: what it computes, over which shape, and, of a ``concat``, for which operand."""

    node: Node
    shape: tuple[int, ...]
    number: int = 0

    @property
    def source(self) -> Node | None:
        """The node whose elements it takes, if it is not the function itself."""
        if self.node.kind in PARTS:
            return self.node.args[self.number]
        return self.node.args[1] if self.node.kind in ("update", "scatter") else None


class Step:
    """A loop nest of several parts, or one product, or one call."""

    def __init__(self, kind: str, sizes: tuple[int, ...] = ()) -> None:
        self.kind, self.sizes = kind, sizes
        self.parts: list[Part] = []
        self.reads: set[Node] = set()
        """The kept nodes it reads."""

    def reads_apart(self, before: Node, now: Node) -> bool:
        """Whether what an array was is read after it has been changed."""
        return False

    def __repr__(self) -> str:
        return f"{self.kind} {self.sizes} {[part.node for part in self.parts]}"


class Leaf(NamedTuple):
    """A kept node that is read: at which index, if that can be said for each axis, and where in its memory."""

    node: Node
    at: Index | None
    position: Linear | None


def squeezed(shape: Sequence[int]) -> tuple[int, ...]:
    """The axes that are loops."""
    return tuple(size for size in shape if size != 1)


def own_index(shape: Sequence[int]) -> Index:
    """The index of an element by the loops over its shape."""
    loops = iter(range(len(shape)))
    return tuple((0, ((next(loops), 1),) if size != 1 else ()) for size in shape)


def broadcast_index(shape: Sequence[int], index: Index) -> Index:
    """The index in an operand of this shape of what has an index in the result."""
    ahead = len(index) - len(shape)
    return tuple(axis if size != 1 else (0, ()) for size, axis in zip(shape, index[ahead:]))


def through(axes: Index, index: Index) -> Index:
    """An index, given in the axes of a view, in those of what it is a view of."""
    composed = []
    for constant, factors in axes:
        loops: dict[int, int] = defaultdict(int)
        for axis, factor in factors:
            start, inner = index[axis]
            constant += factor * start
            for loop, own in inner:
                loops[loop] += factor * own
        composed.append((constant, tuple(sorted((loop, f) for loop, f in loops.items() if f))))
    return tuple(composed)


def linear(index: Index, strides: Sequence[int], offset: int = 0) -> Linear:
    """The position of an element in memory with these strides."""
    loops: dict[int, int] = defaultdict(int)
    for (constant, factors), stride in zip(index, strides):
        offset += constant * stride
        for loop, factor in factors:
            loops[loop] += factor * stride
    return offset, tuple(sorted((loop, factor) for loop, factor in loops.items() if factor))


class Plan:
    """The steps of a program, and what is kept."""

    def __init__(self, lowered: Lowered) -> None:
        self.lowered = lowered
        self.roots: list[Node] = [node for _, _, node in lowered.written]
        self.roots += [node for node in lowered.gradients if node is not None] + lowered.results + lowered.effects
        self.roots += [node for _, node in lowered.watched]
        self.nodes = reachable(self.roots)
        self.axes_of: dict[Node, Index | None] = {}
        self.kept: set[Node] = set()
        self.choose_kept()
        self.steps: list[Step] = []
        self.made_in: dict[Node, int] = {}
        """The step after which a node is complete."""
        for node in self.nodes:
            if node in self.kept:
                self.place(node)
        for change in CHANGES:
            change(self)

    # -- what is kept ----------------------------------------------------------------------------

    def axes(self, view: Node) -> Index | None:
        """For each axis of what it is a view of, how a view reads it; None if that cannot be said."""
        if view not in self.axes_of:
            base, (offset, strides) = view.args[0], view.attribute
            self.axes_of[view] = split_up(offset, view.shape, strides, base.shape, base.strides)
        return self.axes_of[view]

    def uses(self) -> dict[Node, list[tuple[Node, bool]]]:
        """By whom each node is read, views passed over, and whether element by element."""
        uses: dict[Node, list[tuple[Node, bool]]] = defaultdict(list)
        for node in reversed(self.nodes):
            for place, arg in enumerate(node.args):
                if node.kind == "view":
                    plain = self.axes(node) is not None
                    uses[arg] += [(user, by_element and plain) for user, by_element in uses[node]]
                else:
                    by_element = node.kind in ("map", *REDUCING, *PARTS) or (
                        place > 0 and node.kind in ("gather", "update", "scatter"))  # fmt: skip
                    uses[arg].append((node, by_element))
        return uses

    def choose_kept(self) -> None:
        """Decide what is kept in memory."""
        uses = self.uses()
        roots = {node.args[0] if node.kind == "view" else node for node in self.roots}
        cost: dict[Node, int] = defaultdict(int)
        arrays: dict[Node, frozenset[Node]] = defaultdict(frozenset)
        for node in self.nodes:
            if node.kind in ("view", "constant"):
                if node.kind == "view":
                    base = node.args[0]
                    cost[node], arrays[node] = cost[base], arrays[base]
                continue
            if node.kind in OF_ELEMENTS:
                own = 1 if node.op in SIMPLE else COSTS.get(node.op, 30)
                cost[node] = own + sum(cost[arg] for arg in node.args)
                arrays[node] = frozenset().union(*(arrays[arg] for arg in node.args))
                users = {user for user, _ in uses[node]}
                if node not in roots and all(by_element for _, by_element in uses[node]):
                    if node.size == 1 and not arrays[node] and cost[node] < 4:
                        continue
                    wider = any(space_of(user) > node.size for user in users)
                    limit = CHEAP_WHERE_LARGE if node.size >= LARGE else CHEAP
                    large = [array for array in arrays[node] if array.size * MUCH_SMALLER > node.size]
                    again = cost[node] <= limit and len(large) <= 1
                    if not wider and (len(users) == 1 or again):
                        continue
            self.kept.add(node)
            cost[node], arrays[node] = 0, frozenset((node,) if node.size > 1 else ())

    # -- what is read ----------------------------------------------------------------------------

    def leaves(self, node: Node, index: Index, is_root: bool = False) -> Iterator[Leaf]:
        """The kept nodes that an element of a node is computed from."""
        if node.kind == "view":
            base, axes = node.args[0], self.axes(node)
            if base in self.kept:
                offset, strides = node.attribute
                yield Leaf(base, None if axes is None else through(axes, index), linear(index, strides, offset))
                return
            assert axes is not None
            yield from self.leaves(base, through(axes, index))
        elif node in self.kept and not is_root:
            yield Leaf(node, index, linear(index, node.strides))
        elif node.kind == "gather":
            yield Leaf(kept_under(node.args[0]), None, None)
            for arg in node.args[1:]:
                yield from self.leaves(arg, broadcast_index(arg.shape, index))
        elif node.kind == "map":
            for arg in node.args:
                yield from self.leaves(arg, broadcast_index(arg.shape, index))

    def leaves_of(self, part: Part) -> list[Leaf]:
        """The kept nodes that a part of a loop nest reads."""
        index = own_index(part.shape)
        if part.node.kind in REDUCING:
            return list(self.leaves(part.node.args[0], index))
        if part.source is not None:
            positions = part.node.args[2:] if part.node.kind == "scatter" else ()
            every = [self.leaves(arg, broadcast_index(arg.shape, index)) for arg in (part.source, *positions)]
            return [leaf for leaves in every for leaf in leaves]
        return list(self.leaves(part.node, index, is_root=True))

    # -- steps -----------------------------------------------------------------------------------

    def place(self, node: Node) -> None:
        """Give a node its step."""
        if node.kind in ("load", "empty"):
            self.made_in[node] = -1
        elif node.kind == "result":
            self.made_in[node] = self.made_in[node.args[0]]
        elif node.kind in ("product", "call"):
            step = Step(node.kind)
            step.parts.append(Part(node, node.shape))
            step.reads |= {kept_under(arg) for arg in node.args}
            self.made_in[node] = len(self.steps)
            self.steps.append(step)
        elif node.kind == "added":
            step = Step(node.kind)
            step.parts += [Part(node, arg.shape, number) for number, arg in enumerate(node.args) if arg.size]
            step.reads |= {leaf.node for part in step.parts for leaf in self.leaves_of(part)}
            self.made_in[node] = len(self.steps)
            self.steps.append(step)
        elif node.kind == "concat":
            for number, arg in enumerate(node.args):
                if arg.size:
                    self.join(Part(node, arg.shape, number))
        else:
            self.join(Part(node, node.shape if node.kind in OF_ELEMENTS else space_shape(node)))

    def join(self, part: Part) -> None:
        """Make a part one of a loop nest there is, or of a new one."""
        sizes, leaves = squeezed(part.shape), self.leaves_of(part)
        earliest = max((self.after(leaf, part) for leaf in leaves), default=0)
        read = {leaf.node for leaf in leaves}
        if part.node.kind in ("update", "scatter"):
            read.add(part.node.args[0])
            earliest = max(earliest, self.made_in[part.node.args[0]] + 1)
        best, most = None, 0 if part.node.size * len(sizes) and space_of(part.node) > FEW else -1
        kind = part.node.kind if part.node.kind in APART else "loops"
        for number in range(len(self.steps) - 1, earliest - 1, -1) if kind == "loops" else ():
            step = self.steps[number]
            if step.kind == "loops" and step.sizes == sizes and len(step.parts) < MOST:
                shared = sum(node.size for node in (step.reads | {p.node for p in step.parts}) & read)
                if shared > most:
                    best, most = number, shared
        if best is None:
            best = len(self.steps)
            self.steps.append(Step(kind, sizes))
        self.steps[best].parts.append(part)
        self.steps[best].reads |= read
        self.made_in[part.node] = max(best, self.made_in.get(part.node, -1))

    def after(self, leaf: Leaf, part: Part) -> int:
        """The first step in which a part may read what it reads."""
        made = self.made_in[leaf.node]
        if made < 0:
            return 0
        step = self.steps[made]
        is_element = step.kind == "loops" and leaf.node.kind in OF_ELEMENTS and step.sizes == squeezed(part.shape)
        return made if is_element and leaf.at == own_index(leaf.node.shape) else made + 1


def space_shape(node: Node) -> tuple[int, ...]:
    """The elements over which a node is computed."""
    if node.kind in REDUCING:
        return node.args[0].shape
    return node.args[1].shape if node.kind in ("update", "scatter") else node.shape


def space_of(node: Node) -> int:
    """How many these are."""
    if node.kind == "concat":
        return node.size
    size = 1
    for each in space_shape(node):
        size *= each
    return size


def kept_under(node: Node) -> Node:
    """What is in memory under a view."""
    return node.args[0] if node.kind == "view" else node


def reachable(roots: Sequence[Node]) -> list[Node]:
    """The nodes that are needed, in the order in which they can be computed."""
    found, open_nodes = set(roots), list(roots)
    while open_nodes:
        for arg in open_nodes.pop().args:
            if arg not in found:
                found.add(arg)
                open_nodes.append(arg)
    return sorted(found, key=lambda node: node.number)
