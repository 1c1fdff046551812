"""Anomaly detection: the first NaN or infinity, where it comes from, and what the operands are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

KINDS = {"NaN": np.isnan, "inf": np.isinf}
"""What is not finite, the worse first."""


def values_of(value: Any) -> Any:
    """The array of a tensor, or the one that a stand-in carries."""
    value = getattr(value, "array", value)
    return getattr(value, "array", value)


def holds(kind: str, value: Any) -> bool:
    """Whether a tensor, array or number holds a NaN, or an infinity."""
    value = values_of(value)
    if not isinstance(value, (float, np.floating)) and not (isinstance(value, ndarray) and value.dtype.kind == "f"):
        return False
    return bool(KINDS[kind](value).any())


def in_words(value: Any) -> str:
    """A tensor by shape, dtype and range; a number as it is."""
    array = values_of(value)
    if not isinstance(array, ndarray):
        shape = getattr(value, "shape", None)
        return repr(value) if shape is None else f"{shape} {value.dtype}"
    text = f"{array.shape} {array.dtype}"
    if array.dtype.kind not in "fiu" or not array.size:
        return text
    finite = array[np.isfinite(array)]
    parts = [f"[{finite.min():.4g}, {finite.max():.4g}]"] if finite.size else []
    parts += [f"{count} {kind}" for kind, test in KINDS.items() if (count := int(test(array).sum()))]
    return f"{text} in {' and '.join(parts)}"


def operands_in_words(operands: Sequence[Any]) -> str:
    """The sentence about the operands of an operation."""
    named = [f"operand {i} {in_words(x)}" for i, x in enumerate(operands) if x is not None]
    return f" Its {', '.join(named)}." if named else ""


def result_in_words(node: Any) -> str:
    """The sentence about the result of an operation that saved it in place of its operands, whose values are gone."""
    if (
        node.saved is None
        or 0 not in node.op.saved_positions
        or not any(hasattr(x, "edges") for x in operands_of(node))
    ):
        return ""
    return f" Its result {in_words(node.saved[0])}."


def check_result(node: Any, result: Any) -> None:
    """Refuse the result of an operation if it has the first NaN or infinity, or takes over that of a leaf."""
    operands = operands_of(node)
    given = [*operands, *(node.attributes or ())]
    for kind in KINDS:
        if not holds(kind, result):
            continue
        brought = [i for i, x in enumerate(operands) if holds(kind, x)]
        own = next((i for i in brought if is_leaf(node, i) or (kind == "NaN" and node.edges[i] is None)), None)
        if own is not None:
            what = "a leaf" if is_leaf(node, own) else "a constant"
            reason = f"operand {own}, {what}, has {kind} already: look at the data, or at the step before."
        elif any(holds(kind, x) for x in given) or any(hasattr(x, "edges") for x in operands):
            continue  # an operand whose tensor is gone may have been the first: its values are not known
        else:
            reason = f"its result {in_words(result)} has the first {kind}."
        raise RuntimeError(f"{node}: {reason}{operands_in_words(operands)}{advice(node, kind)}")


def operands_of(node: Any) -> list[Any]:
    """The operands of a recorded operation as they were; a node in place of one whose values are not known."""
    operands = []
    for i, x in enumerate(node.inputs, 1):
        tensor = x.output() if hasattr(x, "edges") else x
        if node.saved is not None and i in node.op.saved_positions:
            operands.append(node.saved[i])
        else:
            operands.append(x if hasattr(x, "edges") and (tensor is None or tensor.node is not x) else tensor)
    return operands


def is_leaf(node: Any, number: int) -> bool:
    """Whether an operand is a leaf that requires grad."""
    edge = node.edges[number]
    return edge is not None and edge.op is None


def advice(node: Any, kind: str) -> str:
    """What to do if these elements are left out behind the operation."""
    if kind == "inf" or len(node.edges) == 1:
        return (
            " If a mask leaves these elements out later, choose the operand before the function, "
            "mg.log(mg.where(mask, x, 1)), not its result."
        )
    return ""
