"""Nodes of a graph, places in it, and hooks of several tensors: ``mg.autograd.graph``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..engine.absent import absent
from ..engine.edge import GradientEdge
from ..engine.gradients import tensors
from ..engine.hooks import Group, GroupHook, Handles, RemovableHandle
from ..engine.node import Node, Variable, describe

__all__ = ["GradientEdge", "Node", "get_gradient_edge", "register_multi_grad_hook"]


def get_gradient_edge(tensor: Variable) -> GradientEdge:
    """The place of a tensor in the graph, which ``grad`` and ``backward`` take for the tensor.

    It does not keep the tensor alive. The number of the output is always 0.

    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> edge = mg.autograd.graph.get_gradient_edge(x * x)
    >>> mg.autograd.grad(edge, x)
    (tensor(6.),)
    """
    if not isinstance(tensor, Variable) or tensor.node is None:
        raise RuntimeError(f"get_gradient_edge needs a tensor that requires grad, got {describe(tensor)}.")
    return GradientEdge(tensor.node, 0)


def register_multi_grad_hook(tensors: Sequence[Variable], fn: Callable[[Any], None], *, mode: str = "all") -> Handles:
    """Call ``fn`` when gradients of several tensors have been computed in one backward.

    Args:
        tensors: tensors that require grad.
        fn: called with a list of the gradients, None for a tensor that this backward does not reach; with
            ``mode="any"`` with the gradient that is computed first.
        mode: ``"all"`` or ``"any"``.

    Returns:
        A handle whose ``remove()``, or the end of a block, takes the hook away.

    >>> a, b = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True)
    >>> with mg.autograd.graph.register_multi_grad_hook([a, b], print):
    ...     (2 * a + 3 * b).sum().backward()
    [tensor([2., 2.]), tensor([3., 3.])]
    """
    nodes = checked_nodes(tensors)
    if mode not in ("all", "any"):
        raise ValueError(f"register_multi_grad_hook: mode must be 'all' or 'any', got {mode!r}.")
    if not callable(fn):
        raise TypeError(f"register_multi_grad_hook: fn must be a function, got {fn!r}.")
    group = Group(nodes, fn, mode == "any")
    handles = []
    for i, node in enumerate(nodes):
        node.hooks = {} if node.hooks is None else node.hooks
        handles.append(RemovableHandle(node.hooks, GroupHook(group, i)))
    return Handles(handles)


def checked_nodes(values: Any) -> list[Node]:
    """The nodes of tensors that require grad."""
    found = tensors("tensors", values)
    for i, x in enumerate(found):
        if x.node is None:
            raise RuntimeError(f"tensor {i}, {describe(x)}, does not require grad: it gets no gradient to hook.")
    return [x.node for x in found]


if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
