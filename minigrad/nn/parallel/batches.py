"""Of which batches a loss was computed, and whether they were weighed: the graph says it.

A call of a wrapped model marks what is recorded in it with the length of its batch, and ``mean`` leaves an operation
where it weighed losses. A walk from the loss that does not pass such an operation finds the lengths on which an average
of mean losses depends.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from numpy import ndarray

from ...engine.node import Node, Variable, array_of, clock
from ...engine.paths import reachable
from ...engine.scope import Derivative, Scope
from ...groups.group import Group
from ...ops.exchange import all_gather_op, all_reduce_op, mean_over_ranks_op
from ..module import Module
from .means import divisor, own_name

UNKNOWN = "unknown"
"""The length of a batch that the wrapper has not seen."""


class Batch(Scope):
    """A call of a wrapped model, with the length of its batch; the wrapper lives as long as what it computed."""

    __slots__ = ("length", "model", "number")

    def __init__(self, model: Module, call: Scope | None, length: str) -> None:
        own = call is not None and call.owner() is model
        super().__init__(weakref.ref(model), call.outer if call and own else call, model._call_settings)
        self.model, self.length, self.number = model, length, clock()


class Errand(Scope):
    """What a wrapper does besides calls, by a name for errors."""

    __slots__ = ("name",)

    def __init__(self, model: Module, name: str) -> None:
        super().__init__(weakref.ref(model), None, model._call_settings)
        self.name = name

    def __str__(self) -> str:
        return f"{self.name} (DistributedDataParallel)"


def length_of(values: Any, dim: int) -> str:
    """The length of a batch, in words: axis ``dim`` of the first tensor that has it and more than one element.

    Of tensors in a list it says how many there are, too: each may be a sample.
    """
    found = list(lengths(values, dim))
    return next((length for length, single in found if not single), found[0][0] if found else UNKNOWN)


def lengths(value: Any, dim: int) -> Iterator[tuple[str, bool]]:
    """The lengths of all tensors in a value, however nested, each with whether it has a single element."""
    if isinstance(value, (Variable, ndarray)):
        if -len(value.shape) <= dim < len(value.shape):
            yield str(value.shape[dim]), array_of(value).size == 1
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from lengths(item, dim)
    elif isinstance(value, (list, tuple)):
        prefix = f"{len(value)} x " if isinstance(value, list) else ""
        for item in value:
            for length, single in lengths(item, dim):
                yield prefix + length, single and not prefix
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from lengths(getattr(value, field.name), dim)


Batches = dict[Scope | None, tuple[Batch, ...]]
"""By calls of modules, the batches in whose calls they are."""


class Unweighed(NamedTuple):
    """What of a loss was not weighed, in the order of its calls and operations."""

    lengths: list[str]
    """Of the batches that it was computed of."""
    means: list[str]
    """How many values each mean is of that was taken outside of the model."""


def unweighed(roots: Sequence[Node], group: Group, module: Module) -> Unweighed:
    """What of a loss was not weighed.

    One of the lengths is ``UNKNOWN`` if ``module``, or a part of it, was called past the wrapper, or if the loss was
    computed of parameters and data alone.
    """
    known: Batches = {None: ()}
    nodes, weighed = until_weighed(roots, group, known)
    scopes = {node.scope for node in nodes}
    found = {batch for scope in scopes for batch in batches_around(scope, known)}
    outside = {call.owner() for scope in scopes if scope and not known[scope] for call in calls_around(scope)}
    past = bool(outside) and not outside.isdisjoint(module.modules())
    if not (found or past or weighed):
        past = any(map(takes_data, nodes))
    in_losses = [node for node in nodes if not known[node.scope] and node.op]
    in_losses.sort(key=attrgetter("time"))
    return Unweighed(
        [batch.length for batch in sorted(found, key=lambda batch: batch.number)] + [UNKNOWN] * past,
        [f"{count:g}" for count in map(divisor, in_losses) if count],
    )


def until_weighed(roots: Sequence[Node], group: Group, known: Batches) -> tuple[set[Node], bool]:
    """The nodes that roots were computed from, up to where losses were weighed; and whether any were.

    A weighed loss counts as such in sums and multiples alone: the average of square roots is not the root of the
    average. ``all_reduce`` and ``all_gather`` make values of all ranks of it, of which anything may be computed.
    """
    weighed = False
    straight, bent = set(roots), set[Node]()  # reached by ways that are sums of multiples, and by others
    stack, others = list(roots), list[Node]()
    while stack or others:
        while stack:
            node = stack.pop()
            if node.op is mean_over_ranks_op and node.attributes[0] is group:
                weighed = True
                straight.discard(node)
            elif node.op in OF_ALL_RANKS or is_linear(node, known):
                edges = [edge for edge in node.edges if edge is not None and edge not in straight]
                straight.update(edges)
                stack += edges
            elif node not in bent:
                bent.add(node)
                others.append(node)
        while others:
            node = others.pop()
            if node.op in OF_ALL_RANKS and node not in straight:
                straight.add(node)
                stack.append(node)
                continue
            for edge in node.edges:
                if edge is not None and edge not in bent:
                    bent.add(edge)
                    others.append(edge)
    return straight | bent, weighed


OF_ALL_RANKS = frozenset({all_reduce_op, all_gather_op})
SUMS = frozenset({
    "add", "add_axes", "astype", "cat", "clone", "copied", "cumsum", "diagonal", "expand", "flip", "gather", "getitem",
    "index_add", "index_put", "index_select", "lerp", "mean", "neg", "pad", "permute", "positive", "repeat", "reshape",
    "roll", "scatter_add", "stack", "sub", "sum", "take_axes", "total", "view", "where",
})  # fmt: skip
"""Operations whose results add up what is in their operands, or only move it."""
PRODUCTS = frozenset({"div", "einsum", "linear", "matmul", "mul"})
"""Those that do so for one operand, if the others are the same on all ranks."""


def is_linear(node: Node, known: Batches) -> bool:
    """Whether the average of a result over ranks is the result of averages."""
    name = own_name(node)
    if name in PRODUCTS:
        depends = [edge is not None for edge in node.edges]
        if sum(depends) > 1:
            if batches_around(node.scope, known):
                return False
            depends = [edge is not None and of_batches(edge, known) for edge in node.edges]
        return sum(depends) <= 1 and not (name == "div" and depends[1])
    return name in SUMS


def of_batches(node: Node, known: Batches) -> bool:
    """Whether something was computed of a batch, and not of parameters alone."""
    return any(batches_around(scope, known) for scope in {each.scope for each in reachable([node])})


def batches_around(scope: Scope | None, known: Batches) -> tuple[Batch, ...]:
    """The batches in whose calls an operation was recorded, or that it differentiates, of which some are known."""
    found = known.get(scope)
    if found is None:
        assert scope is not None
        inner = batches_around(scope.of, known) if isinstance(scope, Derivative) else ()
        own = (scope,) if isinstance(scope, Batch) else inner
        found = known[scope] = own + batches_around(scope.outer, known) if own else batches_around(scope.outer, known)
    return found


def calls_around(scope: Scope | None) -> list[Scope]:
    """The calls of modules that an operation was recorded in, or that it differentiates."""
    calls: list[Scope] = []
    while scope is not None:
        calls += calls_around(scope.of) if isinstance(scope, Derivative) else [scope]
        scope = scope.outer
    return calls


def takes_data(node: Node) -> bool:
    """Whether a constant with axes meets values of other shapes: a penalty has parameters meet some of their own."""
    shapes = [x.shape for x in node.inputs if isinstance(x, Node)]
    constants = [x for x in node.inputs if isinstance(x, (Variable, ndarray))]
    return any(x.shape and x.shape not in shapes for x in constants)
