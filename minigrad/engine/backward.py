"""The walk back through the graph: from outputs to leaves, each node once, without recursion.

A node is ready when everything computed from it has been visited. Since an operand is always
recorded before what is computed from it, visiting the youngest pending node first is enough.
All state of a walk is local to it.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy import ndarray

from ..kernels.sums import sum_over
from .modes import Mode, become, current
from .node import Memory, Node, Variable, array_of, clock, describe, wrap

ONCE = (
    "the graph was freed by an earlier backward (or by grad). Call the first one with "
    "retain_graph=True, or compute the loss again"
)

hooks_of = operator.attrgetter("hooks")


def walk(
    roots: Sequence[tuple[Node, Any]],
    create_graph: bool,
    retain_graph: bool,
    targets: Collection[Node] | None = None,
) -> dict[Node, Any]:
    """Carry gradients from the roots to the leaves, or to the targets only; return theirs.

    Without targets, also those of the nodes that retain theirs. Gradients are arrays, and tensors
    with ``create_graph``: the rules are the same.
    """
    ends = targets or ()
    path = None if targets is None else nodes_towards(ends, [node for node, _ in roots])
    careful = current().anomaly
    gradients: dict[Node, Any] = {}
    # only a gradient that nobody else refers to may be handed out or added to in place: those of leaves, which are
    # copied unless a rule has just made them, and those of the nodes in this set, which were added up here
    summed: set[Node] = set()
    reached: dict[Node, Any] = {}
    heap: list[tuple[int, Node]] = []
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
            dy = run_hooks(node, dy.copy())
        if path is None:
            wanted, asked_for = node.edges, node.retains
        else:
            wanted, asked_for = [edge if edge in path else None for edge in node.edges], node in ends
        if asked_for:
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
            arriving = op.by_rules(dy, None, wanted, *graph_arguments(node))
        else:
            arriving = op.fused(dy, node.cache, wanted, *saved)
        if careful or node.trace:
            check_finite(node, dy, arriving, [root for root, _ in roots])
        if not retain_graph:
            node.saved = node.cache = saved = None
    # only leaves are left: older than all that was visited, and nothing follows them
    return reached | after_hooks(gradients, create_graph)


def after_hooks(gradients: dict[Node, Any], create_graph: bool) -> dict[Node, Any]:
    """The gradients of leaves as their hooks leave them."""
    for node in filter(hooks_of, gradients):
        gradient = gradients[node]  # which its rule may have saved: that counts only if it is differentiated, too
        gradients[node] = run_hooks(node, gradient.copy() if create_graph else gradient).copy()
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
    for i, memory in zip(node.op.kept, node.memories):
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
    if type(gradient) is ndarray:
        return sum_over(gradient, axes, True).reshape(shape)
    if gradient.dtype == np.float16:  # rounded once, when it gets the dtype of the operand
        gradient = gradient.astype(np.float32)
    return gradient.sum(axis=axes, keepdims=True).reshape(shape)


def nodes_towards(targets: Collection[Node], roots: Sequence[Node]) -> set[Node]:
    """The nodes through which the roots depend on the targets, the targets among them."""
    path = set(targets)
    for node in sorted(reachable(roots), key=lambda node: node.time):
        if depends(node, path):
            path.add(node)
    return path


def depends(node: Node, path: set[Node]) -> bool:
    """Whether one of the node's inputs is on the path."""
    return any(edge in path for edge in node.edges)


def reachable(roots: Sequence[Node]) -> set[Node]:
    """Every node the roots were computed from, and the roots themselves."""
    seen = set(roots)
    stack = list(seen)
    while stack:
        for edge in stack.pop().edges:
            if edge is not None and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return seen


def run_hooks(node: Node, gradient: Any) -> Any:
    """Show a tensor's gradient to its hooks; what one returns, or makes of it, takes its place.

    A hook may keep what it is shown, and change it once backward is over.
    """
    tensor: Any = gradient if isinstance(gradient, Variable) else wrap(gradient)
    for hook in list((node.hooks or {}).values()):
        replacement = hook(tensor)
        if replacement is not None:
            if not isinstance(replacement, Variable) or replacement.shape != node.shape:
                raise RuntimeError(
                    f"a hook on {node} returned {describe(replacement)}, expected a tensor {node.shape} or None."
                )
            tensor = replacement
    tensor = tensor.astype(node.dtype)
    return tensor if isinstance(gradient, Variable) else tensor.array


def changed_in_place(node: Node, memory: Memory) -> str:
    """Why the gradient would be wrong, and what to do about it."""
    assert node.op is not None
    number = node.op.kept[[m is memory for m in node.memories].index(True)]
    what = "its output" if number == 0 else f"operand {number - 1}, {describe(node.inputs[number - 1])}"
    return (
        f"{node}: {what}, was changed in place after it was recorded, so its gradient would be "
        "wrong. Call backward before the change, change a copy (x.clone()), or write "
        "x = x + 1 instead of x += 1."
    )


def check_finite(node: Node, dy: Any, gradients: Sequence[Any], roots: Sequence[Node]) -> None:
    """Anomaly detection: refuse a NaN that this node's rules brought in."""
    dy, arrays = array_of(dy), [array_of(gradient) for gradient in gradients if gradient is not None]
    with_nan = [array for array in arrays if np.isnan(array).any()]
    if not with_nan or np.isnan(dy).any():
        return
    message = f"{node}: its derivative returned NaN for a gradient without NaN."
    if any((dy[np.isnan(array)] == 0 if array.shape == dy.shape else dy == 0).any() for array in with_nan):
        message += advice_of_choices(node, roots)
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


def seed(output: Variable, gradient: Any, create_graph: bool) -> tuple[Node, Any]:
    """Where a walk starts: the output's node and its gradient, 1 for a single value."""
    if output.node is None:
        raise RuntimeError(
            f"a tensor {describe(output)} does not require grad and was not computed from one that "
            "does: nothing to differentiate. Was it computed under no_grad(), or detached?"
        )
    if gradient is None:
        if output.array.size != 1:
            raise RuntimeError(
                f"backward needs a single value, got {describe(output)}: reduce it first "
                "(loss.mean(), loss.sum()), or pass the gradient of the output."
            )
        gradient = np.array(1, output.dtype, ndmin=output.array.ndim)
        return output.node, wrap(gradient) if create_graph else gradient
    if not isinstance(gradient, Variable):
        gradient = wrap(np.array(gradient, output.dtype))
    if gradient.shape != output.shape:
        raise RuntimeError(f"the gradient {gradient.shape} has not the shape of the output, {output.shape}.")
    gradient = gradient.astype(output.dtype)
    return output.node, gradient if create_graph else gradient.array


def backward(
    output: Variable, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False
) -> None:
    """Add the gradients of ``output`` to ``.grad`` of every leaf it was computed from.

    Args:
        output: a tensor that requires grad.
        gradient: the gradient of the output, of its shape; 1 if it is a single value.
        retain_graph: keep what the graph saved, for another backward; ``create_graph`` unless given.
        create_graph: make the gradients graphs themselves, to be differentiated again.

    Raises:
        RuntimeError: if there is nothing to differentiate, the output is not a single value,
            the graph was freed, or a saved value has been changed in place.
    """
    roots = [seed(output, gradient, create_graph)]
    retain = create_graph if retain_graph is None else retain_graph
    # a Switch, written out: it would be a measurable part of a small net's step
    outside = current()
    become(Mode(create_graph, outside.anomaly, outside.calls))
    try:
        for node, gradient in walk(roots, create_graph, retain).items():
            tensor = node.output()
            if tensor is not None and tensor.node is node and tensor._grad is None:
                tensor._grad = gradient  # the usual case, spared the call of accumulate
            elif tensor is not None:
                accumulate(tensor, node, gradient)
    finally:
        become(outside)


def accumulate(tensor: Any, node: Node, gradient: Any) -> None:
    """Add the gradient of a leaf, or of a node that retains it, to its tensor's ``.grad``."""
    if tensor.node is not node:
        return
    before = tensor._grad
    if before is None:
        tensor._grad = gradient
    elif type(before) is ndarray and type(gradient) is ndarray:
        before += gradient
    elif isinstance(gradient, Variable) or tensor.grad.node is not None:
        tensor._grad = tensor.grad + gradient
    else:
        tensor.grad.array += gradient
        tensor.grad.memory.changed = clock()


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``; no ``.grad`` changes.

    Only the part of the graph between the two is walked.

    Args:
        outputs: a tensor or a sequence of them; with several, the gradient of their sum.
        inputs: a tensor or a sequence of them: leaves or intermediate results.
        grad_outputs: the gradient of each output; 1 for each that is a single value.
        retain_graph: keep what the graph saved; ``create_graph`` unless given.
        create_graph: make the gradients graphs themselves, to be differentiated again.
        allow_unused: return None for an input the outputs do not depend on, instead of refusing.

    Returns:
        A tuple with a tensor for each input, of its shape and dtype.
    """
    outputs, inputs = tensors("outputs", outputs), tensors("inputs", inputs)
    if not isinstance(grad_outputs, (list, tuple)):
        grad_outputs = [grad_outputs] * (len(outputs) if grad_outputs is None else 1)
    if len(grad_outputs) != len(outputs):
        raise ValueError(f"got {len(grad_outputs)} grad_outputs for {len(outputs)} outputs.")
    for i, x in enumerate(inputs):
        if x.node is None:
            raise RuntimeError(f"input {i}, {describe(x)}, does not require grad: call x.requires_grad_() first.")
    roots = [seed(y, dy, create_graph) for y, dy in zip(outputs, grad_outputs)]
    retain = create_graph if retain_graph is None else retain_graph
    outside = current()
    become(Mode(create_graph, outside.anomaly, outside.calls))
    try:
        reached = walk(roots, create_graph, retain, {x.node for x in inputs})
    finally:
        become(outside)
    for i, x in enumerate(inputs):
        if x.node not in reached and not allow_unused:
            raise RuntimeError(
                f"input {i}, {describe(x)}, was not used to compute the outputs: "
                "pass allow_unused=True to get None for it."
            )
    results, handed_out = [], set()
    for x in inputs:
        dx = reached.get(x.node)
        if dx is not None:
            if x.node in handed_out:
                dx = dx.copy()
            handed_out.add(x.node)
        results.append(dx if dx is None or isinstance(dx, Variable) else wrap(dx))
    return tuple(results)


def tensors(name: str, values: Any) -> list[Any]:
    """A tensor or a sequence of tensors, as a list."""
    values = list(values) if isinstance(values, Iterable) and not isinstance(values, Variable) else [values]
    for value in values:
        if not isinstance(value, Variable):
            raise TypeError(f"{name} must be a tensor or a sequence of tensors, got {describe(value)}.")
    return values
