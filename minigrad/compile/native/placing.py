"""``Room``: where each kept node lies, in the arena or in an array of the user's.

What is not needed at the same time shares memory. What is computed for an array of the user's is written into that
array at once, where nobody reads it later as it was; else it is copied there at the end.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from .fusion import OF_ELEMENTS, Leaf, Plan, Step, kept_under, linear, own_index
from .memory_versions import Outside
from .nodes import Node, is_plain, reach

CHANGING = ("update", "scatter")
"""Kinds of nodes that are what was there, with some elements changed."""

LINE = 64
"""Bytes to which arrays are aligned."""


class Place(NamedTuple):
    """In the arena: so many bytes from its beginning. Of the user's: the array of that number in the table."""

    offset: int = 0
    outside: Outside | None = None


class Room:
    """The places of the kept nodes."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.readers: dict[Node, list[int]] = defaultdict(list)
        self.inside: set[Node] = set()
        """Nodes that are read in the loops that compute them only: they need no memory."""
        self.placed: dict[Node, Place] = {}
        self.owner: dict[Node, tuple[Node, int]] = {}
        """Nodes that lie in the memory of another one, and how many bytes from its beginning."""
        self.copies: list[tuple[Node, Outside]] = []
        """What is copied to arrays of the user's at the end."""
        self.size = 0
        self.find_readers()
        self.in_place()
        self.parts_in_place()
        self.lay_out()

    def find_readers(self) -> None:
        """In which steps each node is read."""
        plan = self.plan
        forever = len(plan.steps)
        for number, step in enumerate(plan.steps):
            for node in step.reads:
                self.readers[node].append(number)
        for root in plan.roots:
            self.readers[kept_under(root)].append(forever)
        for node in plan.kept:
            if node.kind == "result":
                self.readers[node.args[0]].append(plan.made_in[node])
            if node.kind in OF_ELEMENTS and set(self.readers[node]) <= {plan.made_in[node]}:
                self.inside.add(node)

    def in_place(self) -> None:
        """Let what changes arrays of the user's be written into them."""
        plan = self.plan
        taken: set[Node] = set()
        late = max((number for number, step in enumerate(plan.steps) if may_refuse(plan, step)), default=-1)
        for outside, before, now in plan.lowered.written:
            if outside.source == "host":
                continue
            made = plan.made_in[now]
            last = max(self.readers[before], default=-1)
            if now.kind == "update":
                self.part_by_part(outside, before, now, late)
                continue
            direct = now.kind in (*OF_ELEMENTS, "scatter") and now not in taken and alike(now, before)
            if now.kind == "scatter":
                direct = direct and now.args[0] is before and last <= made and not self.reads_itself(now)
            elif direct and last == made:
                direct = all(
                    leaf.node is not before or leaf.position == linear(own_index(now.shape), now.strides)
                    for part in plan.steps[made].parts for leaf in plan.leaves_of(part)
                )  # fmt: skip
            if direct and last <= made and made > late and not plan.steps[made].reads_apart(before, now):
                self.placed[now] = Place(outside=outside)
                taken.add(now)
                self.inside.discard(now)
            else:
                self.copies.append((now, outside))

    def part_by_part(self, outside: Outside, before: Node, now: Node, late: int) -> None:
        """Let parts of an array of the user's be written into it, if nobody else reads these as they were."""
        updates = [now]
        while updates[-1].args[0].kind == "update":
            updates.append(updates[-1].args[0])
        own = {self.plan.made_in[node] for node in updates}
        direct = updates[-1].args[0] is before and all(set(self.readers[node]) <= own for node in updates[1:])
        direct = direct and min(own) > late
        for number in {*self.readers[before], *own} if direct else ():
            step = self.plan.steps[number]
            written = [node for node in updates if self.plan.made_in[node] <= number]
            if written and step.kind not in ("loops", "update"):
                direct = False
                break
            leaves = [leaf for part in step.parts for leaf in self.plan.leaves_of(part)]
            direct = direct and not any(leaf.node in updates for leaf in leaves)
            for leaf in leaves if written else ():
                if leaf.node is before:
                    direct = direct and all(self.is_apart(leaf, step, node, number) for node in written)
        if direct:
            self.placed.update(dict.fromkeys(updates, Place(outside=outside)))
        else:
            self.copies.append((now, outside))

    def is_apart(self, leaf: Leaf, step: Step, update: Node, number: int) -> bool:
        """Whether a step reads nothing of what an update before it, or the step itself, has written."""
        (start, strides), value = update.attribute, update.args[1]
        if leaf.position is None:
            return False
        if self.plan.made_in[update] == number and leaf.position == linear(own_index(value.shape), strides, start):
            return True
        offset, factors = leaf.position
        low, high = reach([step.sizes[loop] for loop, _ in factors], [factor for _, factor in factors])
        first, last = reach(value.shape, strides)
        return bool(offset + high < start + first or start + last < offset + low)

    def parts_in_place(self) -> None:
        """Let operands of ``concat`` be computed where they are to lie, and an update change what was before."""
        plan = self.plan
        for node in plan.nodes:
            if node.kind == "concat":
                for arg, (offset, strides) in zip(node.args, node.attribute):
                    base = kept_under(arg)
                    pattern = arg.attribute if arg.kind == "view" else (0, arg.strides)
                    own = base.kind in (*OF_ELEMENTS, "product", "reduce") and base in plan.kept
                    whole = base.size == arg.size and is_plain(base) and pattern == (0, strides)
                    if own and whole and base not in self.owner and base not in self.placed:
                        self.owner[base] = node, offset * node.dtype.itemsize
                        self.inside.discard(base)
            elif node.kind in CHANGING and node not in self.placed:
                base = node.args[0]
                others = [reader for reader in self.readers[base] if reader != plan.made_in[node]]
                own = base.kind not in ("load", "result") and base not in self.placed and not self.reads_itself(node)
                if own and base.strides == node.strides and all(r < plan.made_in[node] for r in others):
                    self.owner[base] = node, 0
                    self.inside.discard(base)

    def reads_itself(self, node: Node) -> bool:
        """Whether the step that changes a node reads elements of what was there after it has changed them."""
        number = self.plan.made_in[node]
        step = self.plan.steps[number]
        leaves = [leaf for part in step.parts for leaf in self.plan.leaves_of(part) if leaf.node is node.args[0]]
        if node.kind == "update":
            return not all(self.is_apart(leaf, step, node, number) for leaf in leaves)
        return bool(leaves)

    def home(self, node: Node) -> tuple[Node, int]:
        """The node in whose memory it lies, and how many bytes from its beginning."""
        offset = 0
        while node in self.owner:
            node, more = self.owner[node]
            offset += more
        return node, offset

    def lay_out(self) -> None:
        """Give everything else a piece of the arena for as long as it is needed."""
        plan = self.plan
        spans: dict[Node, list[int]] = {}
        for node in plan.nodes:
            outside = node.kind in ("load", "call") and not self.is_made(node)
            if node not in plan.kept or outside or node in self.inside:
                continue
            home, _ = self.home(node)
            if node.kind == "empty" and home is not node:
                continue
            if home in self.placed:
                continue
            first = self.first_write(node)
            last = max([*self.readers[node], plan.made_in[node]])
            span = spans.setdefault(home, [first, last])
            span[0], span[1] = min(span[0], first), max(span[1], last)
        self.fit(spans)

    def is_made(self, node: Node) -> bool:
        """Whether a call makes memory of its own: it writes to an operand."""
        return node.kind == "call" and node.attribute.writes

    def first_write(self, node: Node) -> int:
        """The first step that writes to a node."""
        if node.kind == "concat":
            return min((n for n, step in enumerate(self.plan.steps) if any(p.node is node for p in step.parts)),
                       default=0)  # fmt: skip
        return max(self.plan.made_in[node], 0)

    def fit(self, spans: dict[Node, list[int]]) -> None:
        """Lay pieces into the arena, the largest first, where no other one is at the same time."""
        laid: list[tuple[int, int, int, int]] = []
        for node, (first, last) in sorted(spans.items(), key=lambda item: -item[0].size * item[0].dtype.itemsize):
            size = -(-max(node.size, 1) * node.dtype.itemsize // LINE) * LINE
            start = 0
            for begin, end, since, until in sorted(laid):
                if since <= last and first <= until:
                    if begin - start >= size:
                        break
                    start = max(start, end)
            laid.append((start, start + size, first, last))
            self.placed[node] = Place(start)
            self.size = max(self.size, start + size)

    def place(self, node: Node) -> Place:
        """Where a node lies."""
        if node.kind == "load":
            return Place(outside=node.attribute)
        home, offset = self.home(node)
        place = self.placed[home]
        return Place(place.offset + offset, place.outside)


def may_refuse(plan: Plan, step: Step) -> bool:
    """Whether a step may meet an index out of bounds, or an error of Python's, before which nothing may change."""
    if step.kind == "call":
        return True
    open_nodes = [node for part in step.parts for node in (part.node, *part.node.args)]
    seen: set[Node] = set()
    while open_nodes:
        node = open_nodes.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.kind in ("gather", "scatter"):
            axes, positions = node.attribute[0], node.args[1 if node.kind == "gather" else 2 :]
            known, shape = plan.lowered.indices.known, (node.args[0].shape)
            if any((each, shape[axis]) not in known for axis, each in zip(axes, positions)):
                return True
        open_nodes += [arg for arg in node.args if kept_under(arg) not in plan.kept]
    return False


def alike(node: Node, other: Node) -> bool:
    """Whether elements lie in the same order in memory: both without gaps, perhaps in other shapes."""
    same = (node.shape, node.strides) == (other.shape, other.strides)
    return same or (node.size == other.size and is_plain(node) and is_plain(other))


def is_in_place(room: Room, node: Node, number: int) -> bool:
    """Whether an operand of ``concat`` is computed where it is to lie."""
    arg = node.args[number]
    offset, strides = node.attribute[number]
    pattern = arg.attribute if arg.kind == "view" else (0, arg.strides)
    return room.owner.get(kept_under(arg)) == (node, offset * node.dtype.itemsize) and pattern == (0, strides)
