"""Of which batches a loss was computed, and whether they were weighed: the graph says it.

A call of a wrapped model marks what is recorded in it with the length of its batch, and ``mean`` leaves an operation
where it weighed losses. A walk from the loss that does not pass such an operation finds the lengths on which an average
of mean losses depends.
"""

from __future__ import annotations

import dataclasses
import math
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ...engine.node import Node, Variable, array_of, clock
from ...engine.op import Op
from ...engine.paths import reachable
from ...engine.scope import Derivative, Scope
from ...groups.group import Group
from ...ops.exchange import all_reduce_op, mean_over_ranks_op
from ..module import Module

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
    nodes, weighed = until_weighed(roots, group)
    batches: dict[Scope | None, list[Batch]] = {}
    outside: set[Any] = set()
    for scope in {node.scope for node in nodes}:
        chain = calls_around(scope)
        batches[scope] = [call for call in chain if isinstance(call, Batch)]
        outside.update(() if batches[scope] else [call.owner() for call in chain])
    past = bool(outside) and not outside.isdisjoint(module.modules())
    found = sorted({batch for own in batches.values() for batch in own}, key=lambda batch: batch.number)
    if not (found or past or weighed):
        past = any(map(takes_data, nodes))
    in_losses = sorted((node for node in nodes if node.op and not batches[node.scope]), key=lambda node: node.time)
    return Unweighed(
        [batch.length for batch in found] + [UNKNOWN] * past,
        [f"{count:g}" for count in map(divisor, in_losses) if count],
    )


def until_weighed(roots: Sequence[Node], group: Group) -> tuple[set[Node], bool]:
    """The nodes that roots were computed from, up to where losses were weighed; and whether any were.

    A weighed loss counts as such in sums and multiples alone: the average of square roots is not the root of the
    average. ``all_reduce`` makes a value of all ranks of it, of which anything may be computed.
    """
    weighed = False
    seen: tuple[set[Node], set[Node]] = set(roots), set()  # by ways that are sums of multiples, and by others
    stacks: tuple[list[Node], list[Node]] = list(roots), []
    while stacks[0] or stacks[1]:
        bent = not stacks[0]
        node = stacks[bent].pop()
        if not bent and node.op is mean_over_ranks_op and node.attributes[0] is group:
            weighed = True
            seen[0].discard(node)
            continue
        bent = node.op is not all_reduce_op and (bent or not is_linear(node))
        for edge in node.edges:
            if edge is not None and edge not in seen[bent]:
                seen[bent].add(edge)
                stacks[bent].append(edge)
    return seen[0] | seen[1], weighed


SUMS = frozenset({
    "add", "add_axes", "astype", "cat", "clone", "copied", "diagonal", "expand", "flip", "gather", "getitem",
    "index_select", "lerp", "mean", "neg", "pad", "permute", "positive", "repeat", "reshape", "roll", "stack", "sub",
    "sum", "take_axes", "total", "view", "where",
})  # fmt: skip
"""Operations whose results add up what is in their operands, or only move it."""
PRODUCTS = frozenset({"div", "einsum", "linear", "matmul", "mul"})
"""Those that do so for one operand, if the others are the same on all ranks."""


def is_linear(node: Node) -> bool:
    """Whether the average of a result over ranks is the result of averages."""
    name = own_name(node)
    if name in PRODUCTS:
        depends = [edge is not None for edge in node.edges]
        if sum(depends) > 1:
            depends = [edge is not None and of_batches(edge) for edge in node.edges]
        return sum(depends) <= 1 and not (name == "div" and depends[1])
    return name in SUMS


def of_batches(node: Node) -> bool:
    """Whether something was computed of a batch, and not of parameters alone."""
    scopes = {each.scope for each in reachable([node])}
    return any(isinstance(call, Batch) for scope in scopes for call in calls_around(scope))


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


# -- losses that are means -------------------------------------------------------------------------


def own_name(node: Node) -> str:
    """The name of a node's operation, if it is one of this package's."""
    return node.op.name if isinstance(node.op, Op) and Op.registry.get(node.op.name) is node.op else ""


def divisor(node: Node) -> float:
    """The number of values that a node takes the mean of; 0 if it takes none, or of a single one."""
    if own_name(node) == "div":
        return quotient(*node.inputs)
    reduces = own_name(node) == "mean" or any(isinstance(x, str) and x == "mean" for x in node.attributes)
    return terms(node) if reduces and terms(node) > 1 else 0


def quotient(numerator: Any, count: Any) -> float:
    """The divisor of a sum of several values; 0 for other quotients."""
    is_sum = isinstance(numerator, Node) and own_name(numerator) == "sum" and terms(numerator) > 1
    number = array_of(count)
    return float(number) if is_sum and not isinstance(number, Node) and np.ndim(number) == 0 else 0


def terms(node: Node) -> float:
    """How many elements of the first operand there are for each of the result."""
    return float(math.prod(node.inputs[0].shape) / max(1, math.prod(node.shape)))


def is_mean(value: Any) -> bool:
    """Whether a loss is the mean of several values, or a weighted sum of such, as far as its last operations say."""
    node = value.node if isinstance(value, Variable) else value
    if not isinstance(node, Node) or node.op is None:
        return False
    look = MEANS.get(own_name(node))
    return look(*node.inputs) if look else divisor(node) > 0


def is_part(a: Any, b: Any) -> bool:
    """Whether a product is a mean times a number of at most 1: greater ones make sums of means."""
    factor, mean = (array_of(a), b) if isinstance(b, Node) else (array_of(b), a)
    return not isinstance(factor, Node) and bool(np.all(np.abs(factor) <= 1)) and is_mean(mean)


MEANS: dict[str, Callable[..., bool]] = {
    "add": lambda a, b: is_mean(a) and is_mean(b),
    "astype": is_mean,
    "div": lambda numerator, count: quotient(numerator, count) > 0 and quotient(numerator, count) == terms(numerator),
    "mul": is_part,
}
"""By names of operations, whether a result is a mean as its operands say; of others ``divisor`` says it."""
