"""The walk back through the graph: from outputs to leaves, each node once, without recursion.

A node is ready when everything computed from it has been visited. Since an operand is always
recorded before what is computed from it, visiting the youngest pending node first is enough.
All state of a walk is local to it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Sequence
from functools import partial
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy import ndarray

from ..kernels.sums import plain_sum, sum_over
from .anomaly import KINDS, holds, operands_in_words, operands_of, result_in_words, values_of
from .hooks import GroupHook, PreHook
from .modes import GRADIENTS, current, own_calls
from .node import Memory, Node, Variable, array_of, describe, is_stand_in, named, wrap
from .paths import nodes_towards, reachable
from .scope import Derivatives, Scope

ONCE = (
    "the graph was freed by an earlier backward (or by grad). Call the first one with "
    "retain_graph=True, or compute the loss again"
)

Roots = Sequence[tuple[Node, Any]]
"""Where a walk begins, each node with its gradient."""

hooks_of = operator.attrgetter("hooks")


def walk(
    roots: Roots, create_graph: bool, retain_graph: bool, targets: Collection[Node] | None = None
) -> dict[Node, Any]:
    """Carry gradients from the roots to the leaves, or to the targets only; return theirs.

    Without targets, also those of the nodes that retain theirs. Gradients are arrays, and tensors
    with ``create_graph``: the rules are the same.
    """
    ends = targets or ()
    path = None if targets is None else nodes_towards(ends, [node for node, _ in roots])
    careful = current().anomaly is GRADIENTS
    gradients: dict[Node, Any] = {}
    # a gradient may be changed in place only if nothing else holds its array: those of leaves, which are copied unless
    # a rule has just made them, and those in this set, which were added up here
    summed: set[Node] = set()
    reached: dict[Node, Any] = {}
    heap: list[tuple[int, Node]] = []
    calls: Any = own_calls() if create_graph else current().calls
    derivatives: Any = Derivatives(calls.scope) if create_graph else None
    node: Any = None
    dy: Any = None
    wanted: Sequence[Node | None] = [node if path is None or node in path else None for node, _ in roots]
    arriving: Sequence[Any] = [dy.copy() if node.op is None else dy for node, dy in roots]
    while True:
        for edge, gradient in zip(wanted, arriving):
            if edge is None:
                continue
            if gradient.shape != edge.shape or gradient.dtype is not edge.dtype:
                gradient = fitted(node, gradient, edge)
            if edge in gradients:
                if (edge.op is None or edge in summed) and not create_graph:
                    gradients[edge] += gradient
                else:
                    gradients[edge] = gradients[edge] + gradient
                    summed.add(edge)
            elif edge.op is None:
                gradients[edge] = gradient.copy() if gradient is dy or gradient.base is not None else gradient
            else:
                gradients[edge] = gradient
                heappush(heap, (-edge.time, edge))
        if not heap:
            break
        node = heappop(heap)[1]
        dy = gradients.pop(node)
        if node.hooks:
            dy = run_hooks(node, dy.copy(), roots, path)
        wanted = node.edges if path is None else [edge if edge in path else None for edge in node.edges]
        if node.retains if path is None else node in ends:
            reached[node] = dy if node in summed and not node.hooks else dy.copy()
        if path is not None and not any(wanted):
            arriving = ()
            continue
        op, saved, time = node.op, node.saved, node.time
        if saved is None:
            raise RuntimeError(f"{node}: {ONCE}.")
        for memory in node.memories:
            if memory.changed > time:
                raise RuntimeError(changed_in_place(node, memory))
        if create_graph:
            try:  # in_scope, written out: it would be a measurable part of a small net's step
                calls.scope = derivatives[node.scope]
                arriving = op.by_rules(dy, None, wanted, *graph_arguments(node))
            finally:
                calls.scope = derivatives[None]
        elif is_stand_in(dy):
            arriving = in_scope(node.scope, calls.writer.derivative, node, op.by_rules, dy, None, wanted, *saved)
        else:
            arriving = op.on_arrays(dy, node.cache, wanted, *saved)
        if careful or node.watch:
            arriving = watched(node, dy, arriving, wanted, careful, roots)
        if not retain_graph:
            node.saved = node.cache = saved = None
            node.memories = ()
    # only leaves are left: older than all that was visited, and nothing follows them
    return reached | of_leaves(gradients, create_graph, careful, roots, path)


def in_scope(scope: Scope | None, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What a function returns, computed in a module call that is not running: of rules in that of their node."""
    calls = own_calls()
    outside, calls.scope = calls.scope, scope
    try:
        return function(*arguments, **named)
    finally:
        calls.scope = outside


def of_leaves(
    gradients: dict[Node, Any], create_graph: bool, careful: bool, roots: Roots, path: set[Node] | None
) -> dict[Node, Any]:
    """The gradients of leaves as their hooks leave them; anomaly detection looks at them afterwards."""
    for node in filter(hooks_of, gradients):
        gradient = gradients[node]  # with create_graph a record may hold this array: hooks get a copy
        gradients[node] = run_hooks(node, gradient.copy() if create_graph else gradient, roots, path).copy()
    if careful:
        for node, gradient in gradients.items():
            check_finite(node, gradient, (), roots)
    return gradients


def fitted(node: Node, gradient: Any, edge: Node) -> Any:
    """A gradient in the shape and dtype of the operand it belongs to."""
    if gradient.shape != edge.shape:
        gradient = sum_to_shape(gradient, edge.shape, node)
    return gradient if gradient.dtype is edge.dtype else gradient.astype(edge.dtype)


def graph_arguments(node: Node) -> list[Any]:
    """What the rules get when the gradient must be a graph: tensors, connected to their nodes."""
    assert node.op is not None and node.saved is not None
    origins, arguments = [node, *node.inputs], list(node.saved)
    for i, memory in zip(node.op.saved_positions, node.memories):
        if isinstance(origins[i], (Node, Variable)):
            arguments[i] = as_recorded(origins[i], arguments[i], memory)
    return arguments


def as_recorded(edge: Node | Variable, array: ndarray, memory: Memory) -> Variable:
    """The tensor that was recorded, made anew if it is gone or has become another since."""
    node = edge if isinstance(edge, Node) else None
    tensor: Any = edge.output() if isinstance(edge, Node) else edge
    if tensor is None or tensor.node is not node or tensor.array is not array:
        tensor = wrap(array, node)
        tensor.memory = memory
    return tensor


def sum_to_shape(gradient: Any, shape: tuple[int, ...], node: Node) -> Any:
    """Undo broadcasting: sum over every axis that was added or stretched."""
    added = len(gradient.shape) - len(shape)
    if added < 0 or any(n not in (1, m) for n, m in zip(shape, gradient.shape[added:])):
        raise RuntimeError(f"{node}: its derivative returned a gradient {gradient.shape} for an operand {shape}.")
    stretched = [i + added for i, n in enumerate(shape) if n == 1 and gradient.shape[i + added] != 1]
    axes = (*range(added), *stretched)
    if not isinstance(gradient, Variable):
        return (sum_over if type(gradient) is ndarray else plain_sum)(gradient, axes, True).reshape(shape)
    tensor: Any = gradient
    if tensor.dtype == np.float16:  # rounded once, when it gets the dtype of the operand
        tensor = tensor.astype(np.float32)
    return tensor.sum(axis=axes, keepdims=True).reshape(shape)


def run_hooks(node: Node, gradient: Any, roots: Roots, path: set[Node] | None) -> Any:
    """Show a tensor's gradient to its hooks; what one returns, or makes of it, takes its place.

    A hook may keep what it is shown, and change it once backward is over.
    """
    tensor: Any = gradient if isinstance(gradient, Variable) else wrap(gradient)
    for hook in sorted((node.hooks or {}).values(), key=lambda hook: isinstance(hook, PreHook)):
        if isinstance(hook, GroupHook):
            hook.arrived(tensor, roots, partial(visited, roots, path))
        replacement = hook(tensor)
        if replacement is not None:
            if not isinstance(replacement, Variable) or replacement.shape != node.shape:
                raise RuntimeError(
                    f"a hook on {node} returned {named(replacement)}, expected a tensor {node.shape} or None."
                )
            tensor = replacement
    tensor = tensor.astype(node.dtype)
    return tensor if isinstance(gradient, Variable) else tensor.array


def visited(roots: Roots, path: set[Node] | None) -> set[Node]:
    """The nodes that a walk visits."""
    nodes = reachable([node for node, _ in roots])
    return nodes if path is None else nodes & path


def watched(
    node: Node, dy: Any, gradients: Sequence[Any], wanted: Sequence[Node | None], careful: bool, roots: Roots
) -> Sequence[Any]:
    """The gradients of a node's operands, looked at by anomaly detection and by the hooks of the node."""
    if careful or (node.watch and node.watch.careful):
        check_finite(node, dy, gradients, roots)
    for hook in list(node.watch.hooks.values()) if node.watch else ():
        fitting = [
            None if edge is None else fitted(node, dx, edge) if dx.shape != edge.shape else dx
            for dx, edge in zip(gradients, wanted)
        ]
        shown = tuple(dx if dx is None or isinstance(dx, Variable) else wrap(dx.copy()) for dx in fitting)
        replaced = hook(shown, (dy if isinstance(dy, Variable) else wrap(dy.copy()),))
        gradients = fitting if replaced is None else replaced_by_hook(node, replaced, wanted, isinstance(dy, Variable))
    return gradients


def replaced_by_hook(node: Node, replaced: Any, wanted: Sequence[Node | None], as_tensors: bool) -> Sequence[Any]:
    """What a hook of a node returned in place of the gradients of the operands."""
    replaced = replaced if isinstance(replaced, (tuple, list)) else (replaced,)
    fits = len(replaced) == len(wanted) and all(
        edge is None or (isinstance(dx, Variable) and dx.shape == edge.shape) for dx, edge in zip(replaced, wanted)
    )
    if not fits:
        raise RuntimeError(
            f"a hook on {node} returned ({', '.join(map(describe, replaced))}), expected None or a tuple of "
            f"{len(wanted)}: {', '.join('None' if edge is None else f'a tensor {edge.shape}' for edge in wanted)}."
        )
    return replaced if as_tensors else [None if dx is None else array_of(dx) for dx in replaced]


def changed_in_place(node: Node, memory: Memory) -> str:
    """Why the gradient would be wrong, and what to do about it."""
    assert node.op is not None
    number = node.op.saved_positions[[m is memory for m in node.memories].index(True)]
    what = "its output" if number == 0 else f"operand {number - 1}, {describe(node.inputs[number - 1])}"
    return (
        f"{node}: {what}, was changed in place after it was recorded, so its gradient would be "
        "wrong. Call backward before the change, change a copy (x.clone()), or write "
        "x = x + 1 instead of x += 1."
    )


def check_finite(node: Node, dy: Any, gradients: Sequence[Any], roots: Roots) -> None:
    """Anomaly detection: refuse a NaN or an infinity that this node's rules brought in, or that adding up did."""
    dy, arrays = values_of(dy), [values_of(gradient) for gradient in gradients if gradient is not None]
    for kind in KINDS:
        if holds(kind, dy):
            if any(holds(kind, seed) for _, seed in roots):
                continue
            raise RuntimeError(
                f"{node}: the gradient that arrives has the first {kind}: it was added up of several, or a hook "
                f"returned it.{operands_in_words(operands_of(node))}"
            )
        wrong = [array for array in arrays if holds(kind, array)]
        if not wrong:
            continue
        message = f"{node}: its derivative returned {kind} for a gradient without {kind}."
        message += operands_in_words(operands_of(node)) + result_in_words(node)
        if any((dy[KINDS[kind](array)] == 0 if array.shape == dy.shape else dy == 0).any() for array in wrong):
            message += advice_of_choices(node, [root for root, _ in roots])
        raise RuntimeError(message)


def advice_of_choices(node: Node, roots: Sequence[Node]) -> str:
    """What to do if exact zeros of the gradient come from an operation that chose other elements; else nothing."""
    for other in sorted(reachable(roots), key=lambda other: -other.time):
        if other.op is not None and other.op.chooses and node in reachable(list(filter(None, other.edges))):
            return (
                f" The gradient is 0 there, these elements were not chosen by {other}, and 0 times an infinite "
                f"derivative is NaN. The cure: {other.op.chooses}"
            )
    return ""
