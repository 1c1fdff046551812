"""Losses that are means already: the last operations of a loss say it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ...engine.node import Node, Variable, array_of
from ...engine.op import Op


def own_name(node: Node) -> str:
    """The name of a node's operation, if it is one of this package's."""
    return node.op.name if isinstance(node.op, Op) and Op.registry.get(node.op.name) is node.op else ""


def divisor(node: Node) -> float:
    """The number of values that a node takes the mean of; 0 if it takes none, or of a single one."""
    name = own_name(node)
    if name == "div":
        return quotient(*node.inputs)
    if name != "mean" and "mean" not in [x for x in node.attributes if isinstance(x, str)]:
        return 0
    count = terms(node)
    return count if count > 1 else 0


def quotient(numerator: Any, count: Any) -> float:
    """The divisor of a sum of several values; 0 for other quotients."""
    is_sum = isinstance(numerator, Node) and own_name(numerator) == "sum" and terms(numerator) > 1
    number = array_of(count)
    return float(number) if is_sum and not isinstance(number, Node) and np.ndim(number) == 0 else 0


def terms(node: Node) -> float:
    """How many elements of the first operand there are for each of the result."""
    return float(math.prod(node.inputs[0].shape) / max(1, math.prod(node.shape)))


def is_mean(value: Any, count: float) -> bool:
    """Whether a loss is the mean of several values, or a weighted sum of such, as far as its last operations say.

    A sum of ``count`` means has one of each sample.
    """
    return terms_that(mean_or_terms, value) not in (0, count)


def is_over(value: Any, count: float) -> bool:
    """Whether a loss has been divided by a number, or is a mean of so many, as far as its last operations say.

    The number may be another's: that of features, say, or of a formula. Only several ranks that have each divided by
    their own are sure to have meant the number of their losses.
    """
    return terms_that(lambda node: over_or_terms(node, count), value) > 0


def terms_that(look: Callable[[Node], bool | list[Node]], value: Any) -> int:
    """The number of terms of a loss, if all are such; else 0. ``look`` says of a node whether it is, or names terms."""
    node = value.node if isinstance(value, Variable) else value
    stack = [node] if isinstance(node, Node) else []
    seen, found = set(stack), 0
    while stack:
        says = look(stack.pop())
        if not says:
            return 0
        if says is True:
            found += 1
        else:
            new = [each for each in says if each not in seen]
            seen.update(new)
            stack += new
    return found


def mean_or_terms(node: Node) -> bool | list[Node]:
    """Whether a node is the mean of several values; the terms of a sum and the mean in a multiple decide of it.

    A multiple is one by at most 1: greater numbers make sums of means.
    """
    name, operands, factors = parts_of(node)
    if name in {"add", "sub"}:
        return operands if len(operands) == 2 else False
    if name in {"astype", "neg", "reshape"} or (name == "mul" and len(factors) == 1 and abs(factors[0]) <= 1):
        return operands
    if name == "div":
        return quotient(*node.inputs) > 0 and quotient(*node.inputs) == terms(node.inputs[0])
    return divisor(node) > 0


def over_or_terms(node: Node, count: float) -> bool | list[Node]:
    """Whether a node divides by a number, or takes a mean of so many; else the terms of a sum or multiple decide."""
    name, operands, factors = parts_of(node)
    if name == "mean" and terms(node) == count:
        return True
    if len(factors) == 1 and ((name == "div" and factors[0] == count) or (name == "mul" and near(factors[0] * count))):
        return True
    return operands if name in SCALED else False


SCALED = frozenset({"add", "astype", "div", "mean", "mul", "neg", "reshape", "sub", "sum"})
"""Operations whose results have been divided by a number if their operands have."""


def near(number: float) -> bool:
    """Whether a number is 1, but for rounding in float32."""
    return abs(number - 1) < 1e-6


def parts_of(node: Node) -> tuple[str, list[Node], list[float]]:
    """The name of a node's operation, the operands that are nodes, and those that are numbers."""
    constants = [array_of(x) for x in node.inputs if not isinstance(x, Node)]
    numbers = [float(x) for x in constants if isinstance(x, (int, float, np.generic, ndarray)) and np.ndim(x) == 0]
    return own_name(node), [x for x in node.inputs if isinstance(x, Node)], numbers
