"""``Added``: zeros to which operands are added, each in a pattern of its own, as C.

The elements of overlapping windows are added up that way. What the operands have in common, samples and channels, are
loops around all of them: one part after the other is added to memory that stays in the cache.
"""

from __future__ import annotations

from .fusion import Part, Plan, Step, linear, own_index, squeezed
from .loops import Nest
from .nodes import Node, in_order, is_dense
from .placing import Room


class Added:
    """The C of one node of this kind."""

    def __init__(self, step: Step, plan: Plan, room: Room) -> None:
        self.parts, self.node = step.parts, step.parts[0].node
        self.arrays: dict[Node, str] = {}
        self.scratch = 0
        self.nests: list[Nest] = []
        self.ahead = self.common()
        fixed = len(squeezed(self.node.shape[: self.ahead]))
        for part in self.parts:
            alone = Step("added", squeezed(part.shape))
            alone.parts.append(part)
            nest = Nest(alone, plan, room, fixed=fixed)
            nest.arrays = self.arrays
            nest.write()
            self.nests.append(nest)
        self.fixed = fixed
        self.gathers = any(nest.gathers for nest in self.nests)

    def common(self) -> int:
        """How many axes all operands have in common with the result."""
        node, ahead = self.node, 0
        while ahead < len(node.shape) and all(self.has(part, ahead) for part in self.parts):
            ahead += 1
        return ahead if is_dense(node.shape, node.strides) and node.strides == self.in_order() else 0

    def in_order(self) -> tuple[int, ...]:
        """The strides of the result, if its last axis is the inner one."""
        return tuple(0 if size == 1 else stride for size, stride in zip(self.node.shape, in_order(self.node.shape)))

    def has(self, part: Part, axis: int) -> bool:
        """Whether an operand has all elements of an axis of the result, at the same places."""
        _, strides = self.node.attribute[part.number]
        own, size = self.node.strides, self.node.shape
        return len(part.shape) == len(size) and part.shape[axis] == size[axis] and strides[axis] == own[axis]

    def lines(self) -> list[str]:
        """The body of the function."""
        shape, fixed, first = self.node.shape, self.fixed, self.nests[0]
        name, size = self.arrays[self.node], 1
        for n in shape[self.ahead :]:
            size *= n
        lines = ["int outside = 0;"] if self.gathers else []
        lines += [f"{'    ' * n}for (long i{n} = 0; i{n} < {first.size(n)}; i{n}++) {{" for n in range(fixed)]
        index = own_index(shape)[: self.ahead]
        start = first.text(linear(index, self.node.strides[: self.ahead]))
        body = [f"for (long i = 0; i < {size}; i++) {name}[{start} + i] = 0;"]
        for nest in self.nests:
            heads = [line for n in range(fixed) for line in nest.head[n]]
            body += ["{", *(f"    {line}" for line in (*heads, *nest.nested(fixed))), "}"]
        lines += ["    " * fixed + line for line in body]
        lines += ["    " * n + "}" for n in reversed(range(fixed))]
        return [*lines, "if (outside) *outside_all = 1;"] if self.gathers else lines
