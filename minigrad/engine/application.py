"""Applying an operation: compute the result, wrap it, make its record.

A step of a small net takes as long for this as for its arithmetic. So for operands that are all tensors it is written
out as functions, once for each number of operands and choice of what the derivative rules need of them. ``apply_any``
and ``record_any`` do the same for operands of any kind, and take longer.
"""

from __future__ import annotations

import functools
import linecache
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from . import node as records
from .dtypes import promoted, refuse_two_floats, settled
from .modes import current
from .node import Memory, Node, Variable, holds_tensors, is_view, line_outside, wrap

float32 = np.dtype(np.float32)

REFUSED = (ValueError, TypeError, IndexError, AttributeError)
"""What forward functions raise for operands they cannot be applied to."""

LEFT_OUT = object()
"""Stands for an operand that was not passed."""

FEW_OPERANDS = 8
"""Operands up to which a function for them alone is worth its making."""

UNCHANGED = Memory()
"""Stands for the storage of an operand that is no tensor: an array or a list that a rule needs is copied."""

SOURCE = """
def functions(op, forward):
    def apply({parameters}, /, *attributes):
        if not ({written_for}):
            return apply_any(op, {operands}, *attributes)
        try:
            array = forward({arguments})
        except REFUSED as error:
            raise op.failure(({operands}, *attributes), error) from error
        dtype = array.dtype
        if dtype is not {leading}:
            array = settled(op, array, ({operands}, *attributes))
            dtype = array.dtype
        cache = None{record}

    def record(array, cache, {operands}, *attributes):
        if not ({tensors}):
            return record_any(op, array, cache, {operands}, *attributes)
        dtype = array.dtype{record}

    apply.__name__ = apply.__qualname__ = op.name
    return apply, record
"""

RECORD = """
        if type(array) is not ndarray:
            array = np.asarray(array)
        y = new_object(records.tensor_type)
        y.array = array
        y.memory = Memory()
        y._grad = None{share_memory}
        {get_nodes}
        if not (({any_node}) and (mode := current()).recording and (dtype is float32 or dtype.kind == "f")):
            y.node = None
            return y
        y.node = node = new_object(Node)
        node.op = op
        node.inputs = [{inputs}]
        node.edges = [{nodes}]
        node.attributes = attributes
        node.saved = [{saved}, *attributes]
        node.memories = [{memories}]
        node.cache = cache
        node.output = new_weak_reference(y)
        node.shape = array.shape
        node.dtype = dtype
        node.time = clock()
        node.scope = mode.calls.scope
        node.hooks = None
        node.trace = line_outside() if mode.anomaly else None
        node.retains = False
        return y"""
"""Also ``wrap`` and ``Node(...)`` are written out, since a call takes longer than what it does: what a tensor or a
node gets there, it must get here."""

SHARE_MEMORY = """
        if is_view(array, x1.array):
            y.memory = memory = x1.memory
            memory.shared = memory.viewed = True
            y.seen = memory.changed"""


@functools.cache
def written_out(
    operands: int, kept: tuple[int, ...], promotes: tuple[int, ...], view: bool, attributes: bool
) -> Callable[..., tuple[Callable[..., Any], Callable[..., Any]]]:
    """From an operation and its forward function, ``apply`` and ``record`` for so many operands.

    ``kept`` are the numbers of what the rules need: 0 is the output, i is operand i. ``promotes`` are the operands that
    are computed in one dtype. ``attributes`` says whether forward takes some.
    """
    names = [f"x{i}" for i in range(1, operands + 1)]
    nodes = [f"n{i}" for i in range(1, operands + 1)]
    arrays = own = [f"{x}.array" for x in names]
    inputs = [f"{n} or {x}" for n, x in zip(nodes, names)]
    tensors = " and ".join(f"isinstance({x}, Variable)" for x in names)
    conditions = [tensors] if attributes else [tensors, "not attributes"]
    leading = f"{names[0]}.array.dtype"
    if promotes:
        own, leading = [f"a{i}" if i - 1 in promotes else array for i, array in enumerate(arrays, 1)], "one_dtype"
        first, *others = [f"({own[i]} := {arrays[i]}).dtype" for i in promotes]
        conditions.append(" is ".join([f"(one_dtype := {first})", *others]))
    parts = {
        "parameters": [f"{x}=LEFT_OUT" for x in names],
        "operands": names,
        "arguments": [*own, "*map(plain, attributes)"] if attributes else own,
        "inputs": inputs,
        "nodes": nodes,
        "saved": [
            array if i in kept else other for i, (array, other) in enumerate(zip(["array", *arrays], ["None", *inputs]))
        ],
        "memories": [f"{['y', *names][i]}.memory" for i in kept],
    }
    filled = {name: ", ".join(texts) for name, texts in parts.items()}
    record = RECORD.format(
        **filled,
        get_nodes="; ".join(f"{n} = {x}.node" for n, x in zip(nodes, names)),
        any_node=" or ".join(nodes),
        share_memory=SHARE_MEMORY if view else "",
    )
    source = SOURCE.format(
        **filled,
        record=record,
        tensors=tensors,
        written_for=" and ".join(conditions),
        leading=leading,
    )
    name = (
        f"<minigrad: operands: {operands}, kept: {kept}, promotes: {promotes}, view: {view}, attributes: {attributes}>"
    )
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name  # tracebacks show its lines
    made: dict[str, Any] = {}
    exec(compile(source, name, "exec"), {**vars(records), **globals()}, made)
    return made["functions"]


def apply_any(op: Any, *args: Any) -> Any:
    """Apply an operation to operands and attributes; recorded if one of them is a tensor, or a list that holds one."""
    if args and args[-1] is LEFT_OUT:
        args = tuple(arg for arg in args if arg is not LEFT_OUT)
    args = op.completed(args)
    recorded = mixed = False
    one_dtype = None
    for i, arg in enumerate(args):
        if isinstance(arg, Variable):
            recorded, dtype = True, arg.array.dtype
        elif isinstance(arg, ndarray):
            dtype = arg.dtype
        elif isinstance(arg, (list, tuple)) and i < op.operands:
            mixed = True
            if holds_tensors(arg):
                recorded = True
                args = (*args[:i], records.tensor_of_list(arg), *args[i + 1 :])
            continue
        else:
            continue
        if one_dtype is None and i in op.promotes:
            one_dtype = dtype
        elif dtype is not one_dtype and i in op.promotes:
            mixed = True
    if not recorded:
        try:
            return op.forward(*args)
        except REFUSED as error:
            raise op.failure(args, error) from error
    given = args
    if mixed:
        args = in_one_dtype(op, args)
    try:
        array = op.forward(*map(plain, args))
    except REFUSED as error:
        raise op.failure(given, error) from error
    return record_any(op, settled(op, array, args), None, *args)


def in_one_dtype(op: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments, those operands that are computed together in one dtype."""
    numbers = [i for i in op.promotes if args[i] is not None]
    operands = [args[i] for i in numbers]
    if not op.mixes:
        refuse_two_floats(op.name, op.__signature__.parameters, args)
    lists = op.mixes and any(isinstance(x, (list, tuple)) for x in operands)
    if not lists and len({x.dtype for x in operands if isinstance(x, (Variable, ndarray))}) < 2:
        return args
    try:
        converted = dict(zip(numbers, promoted(operands)))
    except REFUSED as error:
        raise op.failure(args, error) from error
    return tuple([converted.get(i, arg) for i, arg in enumerate(args)])


def record_any(op: Any, array: Any, cache: Any, *args: Any) -> Any:
    """A tensor around ``array = op.forward(*args)``, with a node if an operand requires grad.

    Without a tensor among the arguments it is only the array. Of an operand that no rule needs the node is kept, or
    the constant.
    """
    if not any(isinstance(arg, Variable) for arg in args):
        return array
    y = wrap(array)
    if op.view and isinstance(args[0], Variable) and is_view(y.array, args[0].array):
        y.memory = args[0].memory
        y.memory.shared = y.memory.viewed = True
        y.seen = y.memory.changed
    operands, attributes = args[: op.operands], args[op.operands :]
    edges = [getattr(x, "node", None) for x in operands]
    mode = current()
    if not (mode.recording and any(edges) and y.array.dtype.kind == "f"):
        return y
    inputs = [edge or x for edge, x in zip(edges, operands)]
    saved = [None, *inputs, *attributes]
    memories = []
    for i in op.kept:
        x = args[i - 1] if i else y
        if isinstance(x, Variable):
            saved[i] = x.array
            memories.append(x.memory)
        else:
            saved[i] = inputs[i - 1] = kept_constant(x)
            memories.append(UNCHANGED)
    y.node = Node(y, op, inputs, edges, attributes, saved, memories, cache, mode.calls.scope)
    if mode.anomaly:
        y.node.trace = line_outside()
    return y


def constant(value: Any) -> Any:
    """An operand that is not a tensor: an array as it is, a number as a Python number.

    A Python number takes the dtype of what it meets, a NumPy scalar would not: ``np.float64(2)``
    must not turn a float32 result into float64.
    """
    if isinstance(value, np.generic):
        return value.item()
    return value


def plain(value: Any) -> Any:
    """What a forward function gets for an argument: arrays and Python numbers."""
    return value.array if isinstance(value, Variable) else constant(value)


def kept_constant(value: Any) -> Any:
    """A constant that a rule needs: a copy, since nobody can tell when the caller's own array or list changes."""
    return np.array(value) if isinstance(value, (ndarray, list, tuple)) else constant(value)
