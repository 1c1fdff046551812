"""``backward`` and ``grad``: what users call to differentiate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy import ndarray

from .host import writer_here
from .modes import Mode, become, current
from .node import Node, Variable, clock, describe, is_stand_in, wrap
from .walk import walk


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
        gradient = gradient if type(output.array) is ndarray else like_output(gradient, output)
        return output.node, wrap(gradient) if create_graph else gradient
    if not isinstance(gradient, Variable):
        try:
            gradient = wrap(np.array(gradient, output.dtype))
        except (TypeError, ValueError):
            raise TypeError(f"the gradient must be a tensor {describe(output)}, got {describe(gradient)}.") from None
    if gradient.shape != output.shape:
        raise RuntimeError(f"the gradient {gradient.shape} has not the shape of the output, {output.shape}.")
    gradient = gradient.astype(output.dtype)
    if gradient.node is None:
        gradient = wrap(like_output(gradient.array, output))
    return output.node, gradient if create_graph else gradient.array


def like_output(gradient: Any, output: Variable) -> Any:
    """A gradient as a stand-in if the output's array is one: by it the walk chooses between rules and their twins."""
    if not is_stand_in(output.array) or is_stand_in(gradient):
        return gradient
    return np.ones_like(output.array) * gradient


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

    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> mg.autograd.backward(x * x)
    >>> x.grad
    tensor(6.)
    """
    roots = [seed(output, gradient, create_graph)]
    retain = create_graph if retain_graph is None else retain_graph
    # a Switch, written out: it would be a measurable part of a small net's step
    outside = current()
    become(Mode(create_graph, outside.anomaly, outside.calls))
    try:
        reached = walk(roots, create_graph, retain)
        if outside.calls.writer is not None and (writer := writer_here()) is not None:
            writer.refuse_strangers(reached)
        for node, gradient in reached.items():
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

    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> (dx,) = mg.grad(x**3, [x], create_graph=True)
    >>> mg.grad(dx, [x])
    (tensor(18.),)
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
