"""Differentiation of a function at a point, in progress: which tensors it differentiates by, and how far.

Each differentiation (``Level``) gives the function *sources* in place of the inputs: tensors with the same values,
which stand behind the inputs in the graph. So what it differentiates by is told from the same tensor in a closure, and
differentiations inside of each other from each other. Its results are constants unless something else that is
differentiated by, a tensor that requires grad or the source of a differentiation around it, has a part in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from .. import ops
from ..engine.edge import GradientEdge
from ..engine.errors import InvalidValueError
from ..engine.gradients import grad
from ..engine.modes import current, enable_grad
from ..engine.node import Node, Variable, describe, named, wrap
from ..engine.paths import reachable
from ..tensor.function import OwnOp
from .trees import Structure, flatten, mapped, unflatten


class SourceOp(OwnOp):
    """The operation that makes a source: the identity."""

    name, view = "source", True
    __doc__ = "an input that a function is differentiated by"

    def again(self, *operands: Any) -> Any:
        """The input."""
        return operands[0]

    def by_rules(self, dy: Any, *_: Any) -> list[Any]:
        """The gradient as it is."""
        return [dy]


SOURCE = SourceOp()


class Level:
    """One differentiation; a context manager around the call of the function."""

    error: type[Exception] = InvalidValueError
    """The class of errors for inputs and outputs that are no tensors, as PyTorch's."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.records = current().recording
        """Whether results may be part of a graph around it."""
        self.active = True
        self.recording = enable_grad()

    def __enter__(self) -> Self:
        self.recording.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.active = False
        self.recording.__exit__(kind, error, trace)

    def source(self, x: Any) -> Any:
        """A tensor with the values of an input, to differentiate by."""
        if not isinstance(x, Variable):
            raise self.error(f"{self.name}: expected tensors to differentiate by, got {named(x)}.")
        if x.dtype.kind != "f":
            raise RuntimeError(
                f"{self.name}: only floating point tensors can be differentiated by, got {describe(x)}: convert it, "
                "x.float()."
            )
        tensor = wrap(x.array)
        tensor.memory = x.memory
        tensor.node = Node(tensor, SOURCE, (x.node or x,), (x.node,), (), [None, x.node or x])
        tensor.node.metadata[Level] = self
        return tensor

    def depends_on_others(self, tensors: Iterable[Any]) -> bool:
        """Whether something else that is differentiated by has a part in these tensors."""
        roots = [x.node for x in tensors if isinstance(x, Variable) and x.node is not None]
        return any(node.op is None or self.is_other_source(node) for node in reachable(roots))

    def is_other_source(self, node: Node) -> bool:
        """Whether a node is a source of a differentiation around this one."""
        level = node.metadata[Level] if node.op is SOURCE else self
        return level is not self and level.active

    def pull(
        self, outputs: Sequence[Any], cotangents: Sequence[Any], by: Sequence[Any], create_graph: bool
    ) -> list[Any]:
        """The gradients of outputs by tensors; None by those that they do not depend on. The graph is kept."""
        pairs = [(y, dy) for y, dy in zip(outputs, cotangents) if y is not None and y.node is not None]
        if not pairs:
            return [None] * len(by)
        return list(grad(*reversed_by(by, pairs), True, create_graph, allow_unused=True))

    def finished(self, tree: Any) -> Any:
        """Results as they are handed out: constants if nothing else has a part in them."""
        return mapped(self.handed_out, tree)

    def handed_out(self, x: Any) -> Any:
        """One result, as it is handed out."""
        if not isinstance(x, Variable) or x.node is None or (self.records and self.depends_on_others([x])):
            return x
        return x.detach()  # type: ignore[attr-defined]


def reversed_by(by: Sequence[Any], pairs: Sequence[tuple[Any, Any]]) -> tuple[list[Any], list[Any], list[Any]]:
    """The arguments of ``grad`` for outputs with their gradients."""
    return [y for y, _ in pairs], list(by), [dy for _, dy in pairs]


class Call:
    """A function called with sources: what it returned, flat, and what it is differentiated by."""

    def __init__(self, level: Level, function: Callable[..., Any], inputs: Any, has_aux: bool = False) -> None:
        """Call ``function(sources)`` with a tree of sources of the leaves of ``inputs``."""
        leaves, self.inputs = flatten(inputs)
        self.level = level
        self.sources = [level.source(x) for x in leaves]
        self.edges = [GradientEdge(x.node, 0) for x in self.sources]
        """The places of the sources in the graph: the function may change the tensors in place."""
        result = function(unflatten(self.inputs, self.sources))
        self.aux = None
        if has_aux:
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(f"{level.name}: with has_aux=True the function must return (output, aux).")
            result, self.aux = result
        self.outputs, self.structure = flatten(result)
        for y in self.outputs:
            if not isinstance(y, Variable):
                raise level.error(f"{level.name}: the function must return tensors, got {named(y)}.")

    def results(self, leaves: Sequence[Any]) -> Any:
        """A tree like the outputs."""
        return unflatten(self.structure, leaves)

    def creates_graph(self, *others: Any) -> bool:
        """Whether derivatives must be graphs themselves."""
        return self.level.records and self.level.depends_on_others([*self.outputs, *others])

    def gradients(self, cotangents: Sequence[Any], create_graph: bool) -> list[Any]:
        """The gradients by the sources, 0 by those without a part in the outputs."""
        found = self.level.pull(self.outputs, cotangents, self.edges, create_graph)
        return with_zeros(found, self.sources)

    def linear(self) -> Linear:
        """The outputs' change for a change of the inputs."""
        return Linear(self)

    def rows(self, create_graph: bool) -> list[list[Any]]:
        """For each output and source the Jacobian, by a walk back for each element of the outputs."""
        found = []
        for y in self.outputs:
            rows = [self.level.pull([y], [unit], self.edges, create_graph) for unit in units(y)]
            found.append([joined([row[i] for row in rows], y, x, 0) for i, x in enumerate(self.sources)])
        return found

    def columns(self, create_graph: bool) -> list[list[Any]]:
        """The same by the change for each element of the inputs."""
        linear = self.linear()
        found: list[list[Any]] = [[] for _ in self.outputs]
        for i, x in enumerate(self.sources):
            tangents: list[Any] = [None] * len(self.sources)
            changes = []
            for unit in units(x):
                tangents[i] = unit
                changes.append(linear.changes(tangents, create_graph))
            for j, y in enumerate(self.outputs):
                found[j].append(joined([change[j] for change in changes], y, x, -1))
        return found


class Linear:
    """How outputs change with the inputs, by two walks back: the gradient is linear in the gradient of the outputs.

    With ``g(u)`` the gradient by the inputs for the gradient ``u`` of the outputs, the change for a tangent ``t`` is
    the gradient of ``sum(g(u) * t)`` by ``u``.
    """

    def __init__(self, call: Call) -> None:
        level = self.level = call.level
        self.seeds = [level.source(wrap(np.zeros(y.shape, y.dtype))) if y.dtype.kind == "f" else None
                      for y in call.outputs]  # fmt: skip
        self.outputs = call.outputs
        self.gradients = level.pull(call.outputs, self.seeds, call.edges, True)

    def changes(self, tangents: Sequence[Any], create_graph: bool) -> list[Any]:
        """The change of each output; None for one that does not depend on the inputs."""
        pairs = [(g, t) for g, t in zip(self.gradients, tangents) if t is not None]
        seeds = [u for u in self.seeds if u is not None]
        found = iter(self.level.pull([g for g, _ in pairs], [t for _, t in pairs], seeds, create_graph))
        return [None if u is None else next(found) for u in self.seeds]


def with_zeros(found: Sequence[Any], like: Sequence[Any]) -> list[Any]:
    """Zeros in place of None, each as the tensor that it belongs to."""
    return [wrap(np.zeros(x.shape, x.dtype)) if dx is None else dx for dx, x in zip(found, like)]


def units(x: Any) -> Iterable[Any]:
    """For each element the tensor that is 1 there and 0 elsewhere."""
    for i in range(x.array.size):
        unit = np.zeros(x.shape, x.dtype)
        unit.flat[i] = 1
        yield wrap(unit)


def joined(parts: Sequence[Any], y: Any, x: Any, axis: int) -> Any:
    """Rows (axis 0) or columns (axis -1) as a Jacobian of shape ``y.shape + x.shape``; None is 0."""
    shape, dtype, own = y.shape + x.shape, (x if axis == 0 else y).dtype, (x if axis == 0 else y).shape
    if all(part is None for part in parts):
        return wrap(np.zeros(shape, dtype))
    parts = [wrap(np.zeros(own, dtype)) if part is None else part for part in parts]
    return ops.reshape(ops.stack(parts, axis), shape)


def tree_like(name: str, tree: Any, leaves: Sequence[Any], structure: Structure | None) -> list[Any]:
    """The leaves of a tree of tensors, checked to be as others are."""
    found, own = flatten(tree)
    if own != structure:
        raise RuntimeError(f"{name} must be nested as {structure or 'one tensor'}, got {own or describe(tree)}.")
    for x, other in zip(found, leaves):
        if not isinstance(x, Variable):
            raise TypeError(f"{name} must hold tensors, got {named(x)}.")
        if x.shape != other.shape:
            raise RuntimeError(
                f"{name} must be of shape {other.shape} to go with {describe(other)}, got {describe(x)}."
            )
    return [x if x.dtype == other.dtype else x.astype(other.dtype) for x, other in zip(found, leaves)]
