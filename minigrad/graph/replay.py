"""Values and gradients of everything in a graph: its records are applied once more, to what its leaves hold now.

So they are there after backward has freed the graph, too; nothing of the recorded graph changes, and no hook runs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..engine.gradients import grad
from ..engine.modes import enable_grad, no_grad
from ..engine.node import Node, array_of, wrap
from ..engine.op import Op
from ..engine.shown import range_text
from ..groups.group import Group
from ..tensor.tensor import Tensor
from .description import Box, Edge, Line
from .wording import gradient_of, number, root_mean_square

FEW = 6
"""Elements that are written out."""
WIDEST, THINNEST, DECADES = 4.0, 0.5, 4.0
"""Points of width of the edge with the largest gradient, and of one that is so many powers of 10 smaller."""


class Replayed(NamedTuple):
    """What a replay has found, by node."""

    values: Mapping[Node, ndarray]
    gradients: Mapping[Node, ndarray]
    along: Mapping[tuple[Node, int], ndarray]
    """The gradient that flows back from a node to the operand at a position."""
    same: bool
    """Whether the outputs are what they were in the pass."""
    unknown: Collection[Node] = ()
    """Nodes of leaves that nobody holds any more, of operations that cannot be applied again, and what is behind.

    Operations with other ranks are not applied again, as these would have to, too: known is what was kept of them.
    """

    def width(self, node: Node, position: int, largest: float) -> float:
        """How thick the edge from an operand to a node is: by the power of 10 of the gradient along it."""
        gradient = self.along.get((node, position))
        size = 0.0 if gradient is None else root_mean_square(gradient)
        if not (0 < size < np.inf and 0 < largest < np.inf):
            return THINNEST
        share = 1 + float(np.log10(size / largest)) / DECADES
        return round(THINNEST + (WIDEST - THINNEST) * max(share, 0.0), 2)


def replay(nodes: Sequence[Node], outputs: Mapping[Node | None, Tensor], gradients: bool) -> Replayed:
    """Apply the records again, the oldest first: of a ``Function`` its ``forward``, to copies.

    Raises:
        ValueError: for gradients of several outputs, or of one that is not a single number.
    """
    if gradients and (len(outputs) != 1 or any(output.array.size != 1 for output in outputs.values())):
        raise ValueError("draw(grads=True): gradients begin at one number: draw(loss, grads=True).")
    if gradients and (ranks := next(filter(with_other_ranks, nodes), None)):
        raise ValueError(
            f"draw(grads=True): {ranks.op.name} exchanges its gradient with other ranks, which would have to draw it, "
            "too: leave grads out; after backward parameters have theirs all the same."
        )
    kept = saved_values(nodes)
    tensors: dict[Node, Any] = {}
    uses: dict[tuple[Node, int], Any] = {}
    with enable_grad() if gradients else no_grad():
        for node in nodes:
            made = again(node, tensors, uses, gradients, kept)
            if made is not None:
                tensors[node] = made
    unknown = {node for node in nodes if node not in tensors}
    several = {node for node, made in tensors.items() if isinstance(made, tuple)}
    values = {node: tensor.array for node, tensor in tensors.items() if node not in several}
    same = all(
        node not in values or np.array_equal(values[node], output.array, equal_nan=True)
        for node, output in outputs.items()
        if node is not None
    )
    if not gradients:
        return Replayed(values, {}, {}, same, unknown)
    pairs = [*tensors.items(), *uses.items()]
    wanted = {key: tensor for key, tensor in pairs if key not in several and tensor.node is not None}
    ends = [tensors[node] for node in outputs if node is not None and node in wanted]
    found = grad(ends, list(wanted.values()), allow_unused=True) if ends and wanted else ()
    by_key: dict[Any, ndarray] = {key: dx.array for key, dx in zip(wanted, found) if dx is not None}
    own = {key: dx for key, dx in by_key.items() if isinstance(key, Node)}
    return Replayed(values, own, {key: dx for key, dx in by_key.items() if key not in own}, same, unknown)


def saved_values(nodes: Sequence[Node]) -> dict[Node, ndarray]:
    """The arrays that operations have saved, by the nodes that made them: nobody may hold their tensors any more."""
    return {
        made: saved
        for node in nodes
        if node.op is not None and node.saved is not None
        for made, saved in zip((node, *node.inputs), node.saved)
        if isinstance(made, Node) and isinstance(saved, ndarray)
    }


def with_other_ranks(node: Node) -> bool:
    """Whether an operation exchanges arrays with others: one of its attributes is their group, or has it."""
    groups = (getattr(value, "group", value) for value in node.attributes)
    return any(isinstance(group, Group) and group.size() > 1 for group in groups)


def again(
    node: Node, tensors: Mapping[Node, Any], uses: dict[tuple[Node, int], Any], gradients: bool,
    kept: Mapping[Node, ndarray],
) -> Any:  # fmt: skip
    """What a record makes of its operands now; of a leaf, and where these are not known, what it is, or None."""
    missing = any(isinstance(operand, Node) and operand not in tensors for operand in node.inputs)
    if node.op is None or missing or with_other_ranks(node):
        return as_it_is(node, kept, gradients)
    operands = []
    for position, operand in enumerate(node.inputs):
        if isinstance(operand, Node):
            operand = tensors[operand]
            if gradients and not isinstance(operand, tuple):
                # a copy for each use, whose gradient is what flows back along its edge
                operand = uses[node, position] = operand.clone()
        operands.append(operand)
    op, arguments = node.op, [*operands, *node.attributes]
    if not isinstance(op, Op):
        try:
            return op.again(*arguments)
        except Exception:  # users' code, which need not bear to be called twice
            return as_it_is(node, kept, gradients)
    return op.record(*op.compute(*map(array_of, arguments)), *arguments)


def as_it_is(node: Node, kept: Mapping[Node, ndarray], gradients: bool) -> Any:
    """The tensor that a record has made, as long as somebody holds it, or one of what an operation has saved of it."""
    held = node.output()
    array = kept.get(node) if held is None else held.array
    if array is None or (gradients and node.op is not None):
        return None
    return wrap(array).requires_grad_() if gradients else wrap(array)


# -- what boxes and arrows say of it -------------------------------------------------------------


def annotate(
    found: Replayed, boxes: Mapping[Node, Box], edges: Mapping[tuple[Node, int], Edge], shows: tuple[bool, bool],
    reasons: Mapping[Node, str] | None = None,
) -> None:  # fmt: skip
    """Write values, gradients or both, as ``shows`` says, into boxes, and gradients into the widths of edges.

    Gradients of leaves are those that backward has added up; where there are ``reasons``, in a pass made for the
    picture, those of the pass, and the reason why one is zero.
    """
    now = "" if found.same else " now"
    for node, box in boxes.items():
        lines = []
        if shows[0] and node in found.values:
            box.values = found.values[node]
            lines.append(Line(elements("value", box.values, now)))
            if box.values.ndim == 0:  # a graph of numbers reads like a formula
                box.lines = [line for line in box.lines if not line.text.startswith(("out ()", "() ", "saves "))]
        elif shows[0] and node in found.unknown:
            lines.append(Line("values not known"))
        if shows[1] and node in found.gradients:
            added_up = gradient_of(node) if reasons is None else None
            box.gradient = found.gradients[node] if added_up is None else added_up
            told = reasons is None and any("cancelled" in line.text for line in box.lines)
            box.lines = [line for line in box.lines if "grad" not in line.text or (told and "cancelled" in line.text)]
            alarming = not box.gradient.any() or not np.isfinite(box.gradient).all()
            reason = reasons.get(node, "") if reasons else ""
            text = elements("gradient", box.gradient, now) + f" (cancelled by {reason})" * bool(reason)
            lines += [Line(text, alarming and not reason)] * (not told)
        first = 0 if box.values is not None and box.values.ndim == 0 else 1
        box.lines = [*box.lines[:first], *lines, *box.lines[first:]]
    if not shows[1]:
        return
    largest = max((root_mean_square(dx) for dx in found.along.values()), default=0.0)
    for (node, position), edge in edges.items():
        if edge.kind == "value":
            edge.width = found.width(node, position, largest)


def elements(word: str, array: ndarray, now: str) -> str:
    """A few elements, or the range of many."""
    if not array.size:
        return f"no {word}s"
    if array.size > FEW:
        return f"{word}s{now} {range_text(array)}"
    numbers = ", ".join(number(float(x) if array.dtype.kind == "f" else x.item()) for x in array.flat)
    return f"{word}{'s' * (array.size != 1)}{now} {numbers}"
