"""``backward`` and ``grad``: what users call to differentiate."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from .edge import GradientEdge
from .hooks import AfterBackward
from .host import writer_here
from .modes import IN_WALK, Mode, become, current
from .node import Node, Variable, clock, describe, is_stand_in, named, wrap
from .walk import walk

watch_of = operator.attrgetter("watch")


def seeds(outputs: Any, gradients: Any, create_graph: bool) -> list[tuple[Node, Any]]:
    """Where a walk starts: a tensor or a sequence of them, and a gradient for each."""
    if isinstance(outputs, Variable) and not is_one_for_each(gradients):
        return [seed(outputs, gradients, create_graph)]
    outputs = [placeholder(y) if isinstance(y, GradientEdge) else y for y in tensors("outputs", outputs)]
    if not isinstance(gradients, (list, tuple)):
        gradients = [gradients] * (len(outputs) if gradients is None else 1)
    if len(gradients) != len(outputs):
        raise RuntimeError(f"got {len(gradients)} gradients for {len(outputs)} outputs: one for each, or None.")
    return [seed(y, dy, create_graph) for y, dy in zip(outputs, gradients)]


def is_one_for_each(gradients: Any) -> bool:
    """Whether a list holds gradients of outputs, and not the numbers of one gradient."""
    return isinstance(gradients, (list, tuple)) and any(
        dy is None or isinstance(dy, (Variable, ndarray)) for dy in gradients
    )


def placeholder(edge: GradientEdge) -> Variable:
    """A tensor of the shape and dtype of a place in the graph, in its place."""
    tensor: Variable = wrap(np.broadcast_to(np.zeros((), edge.node.dtype), edge.node.shape), edge.node)
    return tensor


def seed(output: Variable, gradient: Any, create_graph: bool) -> tuple[Node, Any]:
    """Where a walk starts: the output's node and its gradient, 1 for a single value."""
    if output.node is None:
        raise RuntimeError(
            f"a tensor {describe(output)} does not require grad and was not computed from one that "
            "does: nothing to differentiate. Was it computed under no_grad(), detached, or a gradient without "
            "create_graph=True?"
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
    tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    grad_variables: Any = None, inputs: Any = None,
) -> None:  # fmt: skip
    """Add the gradients of ``tensors`` to ``.grad`` of every leaf they were computed from.

    Args:
        tensors: a tensor that requires grad, or a sequence of them: then the gradients of their sum.
        grad_tensors: the gradient of each, of its shape; None, 1, if it is a single value.
        retain_graph: keep what the graph saved, for another backward; ``create_graph`` unless given.
        create_graph: make the gradients graphs themselves, to be differentiated again.
        grad_variables: PyTorch's old name of ``grad_tensors``.
        inputs: the tensors whose ``.grad`` is added to, a tensor, a sequence or a dict; all leaves unless given.

    Raises:
        RuntimeError: if there is nothing to differentiate, an output is not a single value,
            the graph was freed, or a saved value has been changed in place.

    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> mg.autograd.backward(x * x)
    >>> x.grad
    tensor(6.)
    """
    if grad_variables is not None:
        grad_tensors = by_its_old_name(grad_tensors, grad_variables)
    ends = None if inputs is None else nodes_of("backward", inputs)
    one = grad_tensors is None and isinstance(tensors, Variable)
    roots = [seed(tensors, None, create_graph)] if one else seeds(tensors, grad_tensors, create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    # a Switch, written out: it would be a measurable part of a small net's step
    outside = current()
    become(Mode(create_graph, outside.anomaly and IN_WALK[outside.anomaly], outside.calls))
    try:
        reached = walk(roots, create_graph, retain, ends)
        if outside.calls.writer is not None and (writer := writer_here()) is not None:
            writer.refuse_strangers(reached)
        for node, gradient in reached.items():
            tensor = node.output()
            if tensor is not None and tensor.node is node and tensor._grad is None:
                tensor._grad = gradient  # the usual case, spared the call of accumulate
            elif tensor is not None:
                accumulate(tensor, node, gradient)
        after: dict[AfterBackward, None] = {}
        for node in filter(watch_of, reached):
            run_hooks_of_leaf(node, after)
        for hook in after:
            hook.function([node for node, _ in roots])
    finally:
        become(outside)


def by_its_old_name(grad_tensors: Any, grad_variables: Any) -> Any:
    """``grad_tensors``, given by PyTorch's old name."""
    if grad_tensors is not None:
        raise RuntimeError("backward: grad_variables is the old name of grad_tensors: pass only grad_tensors.")
    warnings.warn("backward: grad_variables is deprecated, use grad_tensors.", FutureWarning, stacklevel=3)
    return grad_variables


def run_hooks_of_leaf(node: Node, after: dict[AfterBackward, None]) -> None:
    """Call the hooks of a leaf whose ``.grad`` is there; collect in ``after`` those that wait for all leaves."""
    tensor: Any = node.output()
    if node.op is None and node.watch is not None and tensor is not None and tensor.node is node:
        for hook in list(node.watch.hooks.values()):
            if isinstance(hook, AfterBackward):
                after[hook] = None
            else:
                hook((), (tensor.grad,))


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
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    only_inputs: bool = True, allow_unused: bool | None = None, is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:  # fmt: skip
    """The gradients of ``outputs`` with respect to ``inputs``; no ``.grad`` changes.

    Only the part of the graph between the two is walked.

    Args:
        outputs: a tensor or a sequence of them; with several, the gradient of their sum.
        inputs: a tensor, a sequence or a dict of them: leaves or intermediate results.
        grad_outputs: the gradient of each output; 1 for each that is a single value.
        retain_graph: keep what the graph saved; ``create_graph`` unless given.
        create_graph: make the gradients graphs themselves, to be differentiated again.
        only_inputs: True; PyTorch's switch without effect.
        allow_unused: return None for an input the outputs do not depend on, instead of refusing;
            ``materialize_grads`` unless given.
        is_grads_batched: False: call ``grad`` for each of the gradients instead.
        materialize_grads: return zeros for an input the outputs do not depend on.

    Returns:
        A tuple with a tensor for each input, of its shape and dtype; for a dict of inputs a dict.

    Raises:
        RuntimeError: if an input does not require grad, or the outputs do not depend on it.

    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> (dx,) = mg.grad(x**3, [x], create_graph=True)
    >>> mg.grad(dx, [x])
    (tensor(18.),)
    """
    refuse_arguments(only_inputs, allow_unused, is_grads_batched, materialize_grads)
    nodes = nodes_of("grad", inputs)
    roots = seeds(tensors("outputs", outputs), grad_outputs, create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    outside = current()
    become(Mode(create_graph, outside.anomaly and IN_WALK[outside.anomaly], outside.calls))
    try:
        reached = walk(roots, create_graph, retain, set(nodes))
    finally:
        become(outside)
    for i, node in enumerate(nodes):
        if node not in reached and not allow_unused and not materialize_grads:
            raise RuntimeError(
                f"input {i}, {describe(node)}, was not used to compute the outputs: "
                "pass allow_unused=True to get None for it, or materialize_grads=True for zeros."
            )
    results, handed_out = [], set()
    for node in nodes:
        dx = reached.get(node)
        if dx is None and materialize_grads:
            dx = np.zeros(node.shape, node.dtype)
        elif dx is not None and node in handed_out:
            dx = dx.copy()
        handed_out.add(node)
        results.append(dx if dx is None or isinstance(dx, Variable) else wrap(dx))
    return dict(zip(inputs, results)) if type(inputs) is dict else tuple(results)


def refuse_arguments(
    only_inputs: bool, allow_unused: bool | None, is_grads_batched: bool, materialize_grads: bool
) -> None:
    """Refuse and warn of what ``grad`` cannot do."""
    if is_grads_batched:
        raise NotImplementedError(
            "grad: is_grads_batched=True is not there: call grad with retain_graph=True for each of the gradients, or "
            "mg.func.jacrev for all derivatives."
        )
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads=True gives zeros for unused inputs: leave allow_unused out.")
    if not only_inputs:
        warnings.warn(
            "grad: only_inputs=False has no effect; backward adds to all leaves.", FutureWarning, stacklevel=3
        )


def nodes_of(name: str, inputs: Any) -> list[Node]:
    """The nodes of what is differentiated by: a tensor or gradient edge, a sequence or a dict of them."""
    if isinstance(inputs, Mapping) and type(inputs) is not dict:
        raise TypeError(f"{name}: inputs must be tensors in a list, tuple or dict, got {type(inputs).__name__}.")
    found = tensors("inputs", inputs.values() if isinstance(inputs, dict) else inputs)
    if not found:
        raise RuntimeError(f"{name}: inputs is empty: there is nothing to differentiate by.")
    for i, x in enumerate(found):
        if x.node is None:
            raise RuntimeError(f"input {i}, {describe(x)}, does not require grad: call x.requires_grad_() first.")
    return [x.node for x in found]


def tensors(name: str, values: Any) -> list[Any]:
    """A tensor or a sequence of tensors, as a list."""
    single = isinstance(values, (Variable, GradientEdge)) or not isinstance(values, Iterable)
    values = [values] if single else list(values)
    for value in values:
        if not isinstance(value, (Variable, GradientEdge)):
            raise TypeError(f"{name} must be a tensor or a sequence of tensors, got {named(value)}.")
    return values
