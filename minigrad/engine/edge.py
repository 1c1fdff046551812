"""``GradientEdge``. No annotation is a string in this file: a named tuple would keep it as one."""

from typing import NamedTuple

from .node import Node


class GradientEdge(NamedTuple):
    """A place in a graph, to differentiate from or by, which does not keep the tensor alive.

    Args:
        node: the record of what computed the tensor, its ``grad_fn``.
        output_nr: which of its results, always 0.

    >>> x = mg.ones(2, requires_grad=True)
    >>> mg.autograd.graph.get_gradient_edge(x * 2).output_nr
    0
    """

    node: Node
    output_nr: int
