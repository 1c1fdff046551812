"""Applying an operation: compute the result, wrap it, make its record.

``apply_any`` and ``record_any`` take operands of every kind. For operands that are all tensors of one dtype,
``one_operand``, ``two_operands`` and ``three_operands`` do the same in fewer steps: with the general functions alone a
step of a small net takes a fifth longer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from . import node as records
from .arguments import detached
from .dtypes import promoted, refuse_two_floats, settled, wrapped
from .lines import raised_outside
from .modes import current
from .node import (
    Memory,
    Node,
    Variable,
    View,
    copied,
    holds_tensors,
    is_stand_in,
    is_view,
    new_tuple,
    new_weak_reference,
    no_tensor,
    wrap,
)

float32 = np.dtype(np.float32)

REFUSED = (ValueError, TypeError, IndexError, AttributeError, OverflowError, ZeroDivisionError)
"""Errors of definitions and kernels for operands they cannot be applied to."""

MODULAR = frozenset({np.add, np.subtract, np.multiply, np.bitwise_and, np.bitwise_or, np.bitwise_xor})
"""NumPy's functions of integers modulo a power of 2: an operand may wrap around before them, with the same result."""

ORDINARY = (Variable, ndarray, np.generic, float, int)
"""Operands as definitions take them."""

MISSING: Any = object()
"""An operand that was not passed."""

NEVER_CHANGES = Memory()
"""Memory of an operand that is no tensor: an array or a list is copied when it is saved."""

Functions = tuple[Callable[..., Any], Callable[..., Any]]
"""``apply(*operands, *attributes)`` and ``record(array, cache, *operands, *attributes)`` of an operation."""


def one_operand(op: Any) -> Functions:
    """``apply`` and ``record`` of an operation of one operand."""
    definition, kernel, view, takes_attributes = op.on_stand_ins, op.kernel, op.view, op.takes_attributes
    saves_y, saves_x = 0 in op.saved_positions, 1 in op.saved_positions
    saves_any = saves_y or saves_x

    def apply(x: Any = MISSING, /, *attributes: Any, **named: Any) -> Any:
        if named or not isinstance(x, Variable) or (attributes and not takes_attributes):
            return apply_any(op, (x, *attributes), named)
        array = x.array
        try:
            function = kernel if type(array) is ndarray else definition
            y = function(array, *map(constant, attributes)) if attributes else function(array)
        except REFUSED as error:
            raise op.failure((x, *attributes), error) from raised_outside(error)
        if y.dtype is not array.dtype:
            y = settled(op, y, (x, *attributes))
        return record(y, None, x, *attributes)

    def record(array: Any, cache: Any, x: Any, *attributes: Any) -> Any:
        if not isinstance(x, Variable):
            return record_any(op, array, cache, x, *attributes)
        y = wrap(array)
        if view:
            share_memory(y, x, op, attributes)
        node = x.node
        if node is not None and (mode := current()).recording and (array.dtype is float32 or array.dtype.kind == "f"):
            saved = [y.array if saves_y else None, x.array if saves_x else node, *attributes]
            memories = ([y.memory] * saves_y + [x.memory] * saves_x) if saves_any else ()
            y.node = Node(y, op, (node,), (node,), attributes, saved, memories, cache, mode)
        return y

    return apply, record


def two_operands(op: Any) -> Functions:
    """``apply`` and ``record`` of an operation of two operands."""
    definition, kernel, takes_attributes = op.on_stand_ins, op.kernel, op.takes_attributes
    one_dtype = bool(op.promotes)
    saves_y, saves_a, saves_b = [i in op.saved_positions for i in range(3)]
    saves_any = saves_y or saves_a or saves_b

    def apply(a: Any = MISSING, b: Any = MISSING, /, *attributes: Any, **named: Any) -> Any:
        if named or not (isinstance(a, Variable) and isinstance(b, Variable)) or (attributes and not takes_attributes):
            return apply_any(op, (a, b, *attributes), named)
        x1, x2 = a.array, b.array
        if one_dtype and x1.dtype is not x2.dtype:
            return apply_any(op, (a, b, *attributes), named)
        try:
            function = kernel if type(x1) is type(x2) is ndarray else definition
            y = function(x1, x2, *map(constant, attributes)) if attributes else function(x1, x2)
        except REFUSED as error:
            raise op.failure((a, b, *attributes), error) from raised_outside(error)
        if y.dtype is not x1.dtype:
            y = settled(op, y, (a, b, *attributes))
        return record(y, None, a, b, *attributes)

    def record(array: Any, cache: Any, a: Any, b: Any, *attributes: Any) -> Any:
        if not (isinstance(a, Variable) and isinstance(b, Variable)):
            return record_any(op, array, cache, a, b, *attributes)
        y = wrap(array)
        edges = by_a, by_b = a.node, b.node
        if (by_a or by_b) and (mode := current()).recording and (array.dtype is float32 or array.dtype.kind == "f"):
            inputs = by_a or a, by_b or b
            saved = [y.array if saves_y else None, a.array if saves_a else inputs[0],
                     b.array if saves_b else inputs[1], *attributes]  # fmt: skip
            memories = ([y.memory] * saves_y + [a.memory] * saves_a + [b.memory] * saves_b) if saves_any else ()
            y.node = Node(y, op, inputs, edges, attributes, saved, memories, cache, mode)
        return y

    return apply, record


def three_operands(op: Any) -> Functions:
    """``apply`` and ``record`` of an operation of three operands, of which all or the last two have one dtype."""
    definition, kernel, takes_attributes = op.on_stand_ins, op.kernel, op.takes_attributes
    one_dtype, first_as_well = bool(op.promotes), 0 in op.promotes
    saves_y, saves_a, saves_b, saves_c = [i in op.saved_positions for i in range(4)]

    def apply(a: Any = MISSING, b: Any = MISSING, c: Any = MISSING, /, *attributes: Any, **named: Any) -> Any:
        tensors = isinstance(a, Variable) and isinstance(b, Variable) and isinstance(c, Variable)
        if named or not tensors or (attributes and not takes_attributes):
            return apply_any(op, (a, b, c, *attributes), named)
        x1, x2, x3 = a.array, b.array, c.array
        if one_dtype and not (x2.dtype is x3.dtype and (x1.dtype is x2.dtype or not first_as_well)):
            return apply_any(op, (a, b, c, *attributes), named)
        try:
            function = kernel if type(x1) is type(x2) is type(x3) is ndarray else definition
            y = function(x1, x2, x3, *map(constant, attributes)) if attributes else function(x1, x2, x3)
        except REFUSED as error:
            raise op.failure((a, b, c, *attributes), error) from raised_outside(error)
        if y.dtype is not x2.dtype:
            y = settled(op, y, (a, b, c, *attributes))
        return record(y, None, a, b, c, *attributes)

    def record(array: Any, cache: Any, a: Any, b: Any, c: Any, *attributes: Any) -> Any:
        if not (isinstance(a, Variable) and isinstance(b, Variable) and isinstance(c, Variable)):
            return record_any(op, array, cache, a, b, c, *attributes)
        y = wrap(array)
        edges = by_a, by_b, by_c = a.node, b.node, c.node
        if (by_a or by_b or by_c) and (mode := current()).recording and array.dtype.kind == "f":
            inputs = by_a or a, by_b or b, by_c or c
            saved = [y.array if saves_y else None, a.array if saves_a else inputs[0],
                     b.array if saves_b else inputs[1], c.array if saves_c else inputs[2], *attributes]  # fmt: skip
            memories = [y.memory] * saves_y + [a.memory] * saves_a + [b.memory] * saves_b + [c.memory] * saves_c
            y.node = Node(y, op, inputs, edges, attributes, saved, memories, cache, mode)
        return y

    return apply, record


def apply_any(op: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Apply an operation to operands and attributes; recorded if one of them is a tensor, or a list that holds one."""
    args = given = op.with_defaults(args, named)
    positions = op.operand_positions(args)
    lists = False
    try:
        for i in positions:
            if not isinstance(args[i], ORDINARY):
                args = (*args[:i], ordinary(op, args[i]), *args[i + 1 :])
                lists = lists or isinstance(args[i], (list, tuple))
        given = args
    except (TypeError, ValueError) as error:
        raise op.failure(given, error) from raised_outside(error)
    recorded = any(isinstance(arg, Variable) for arg in args)
    if lists and not any(isinstance(args[i], (Variable, ndarray)) for i in positions):
        raise op.failure(given, TypeError("no operand is a tensor."))
    if recorded and op.promotes:
        args = in_one_dtype(op, args)
    values = [*map(to_plain, args[: len(positions)]), *map(constant, args[len(positions) :])] if recorded else args
    try:
        try:
            array, cache = op.compute(*values)
        except OverflowError:  # a number that does not fit the dtype
            if op.kernel not in MODULAR:
                raise
            array, cache = op.compute(*wrapped(values))
    except REFUSED as error:
        raise op.failure(given, error) from raised_outside(error)
    return record_any(op, settled(op, array, args), cache, *args) if recorded else array


def ordinary(op: Any, value: Any) -> Any:
    """A list of tensors as a recorded tensor; what another library calls an array, a column of a table say, as one."""
    if isinstance(value, (list, tuple)):
        return records.tensor_of_list(value) if holds_tensors(value) else value
    if is_stand_in(value) or (value is None and not isinstance(op.definition, np.ufunc)):
        return value
    if hasattr(value, "__array__"):
        return np.asarray(value)
    raise TypeError(no_tensor(value))


def in_one_dtype(op: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments, those operands that are computed together in one dtype."""
    positions = [i for i in op.promotes if args[i] is not None]
    operands = [args[i] for i in positions]
    if not op.mixes:
        refuse_two_floats(op.name, op.__signature__.parameters, args)
    lists = op.mixes and any(isinstance(x, (list, tuple)) for x in operands)
    if not lists and len({x.dtype for x in operands if isinstance(x, (Variable, ndarray))}) < 2:
        return args
    try:
        converted = dict(zip(positions, promoted(operands)))
    except REFUSED as error:
        raise op.failure(args, error) from raised_outside(error)
    return tuple([converted.get(i, arg) for i, arg in enumerate(args)])


def record_any(op: Any, array: Any, cache: Any, *args: Any) -> Any:
    """A tensor around the result ``array``, with a node if an operand requires grad.

    Without a tensor among the arguments it is only the array. In place of an operand that no rule needs its node is
    saved, or the constant.
    """
    if not any(isinstance(arg, Variable) for arg in args):
        return array
    y = wrap(array)
    if op.view and isinstance(args[0], Variable):
        share_memory(y, args[0], op, args[op.operands :])
    operands, attributes = args[: op.operands], args[op.operands :]
    edges = [getattr(x, "node", None) for x in operands]
    mode = current()
    if not (mode.recording and any(edges) and y.array.dtype.kind == "f"):
        return y
    inputs = [edge or x for edge, x in zip(edges, operands)]
    saved = [None, *inputs, *attributes]
    memories = []
    for i in op.saved_positions:
        x = args[i - 1] if i else y
        if isinstance(x, Variable):
            saved[i] = x.array
            memories.append(x.memory)
        else:
            saved[i] = inputs[i - 1] = copied(x)
            memories.append(NEVER_CHANGES)
    y.node = Node(y, op, inputs, edges, attributes, saved, memories, cache, mode)
    return y


def share_memory(y: Any, x: Any, function: Any, attributes: tuple[Any, ...]) -> None:
    """Let a view have the memory of what it looks at: a change of one is a change of the other."""
    if not is_view(y.array, x.array):
        return
    y.memory = memory = x.memory
    memory.viewed = True
    y.seen = memory.changed
    sharers = memory.sharers
    if sharers is None:
        parent = None
        memory.sharers = [new_weak_reference(x), new_weak_reference(y)]
    else:
        parent = None if sharers[0]() is x else getattr(x, "origin", None)
        (sharers if len(sharers) < memory.room else memory.dropped()).append(new_weak_reference(y))
    node = x.node
    recorded = node is None or current().recording
    y.origin = new_tuple(View, (parent, x.array, node, function, attributes, recorded))


def to_plain(value: Any) -> Any:
    """An argument as definitions and kernels take it: an array, or a number as a Python number.

    A Python number takes the dtype of what it meets, a NumPy number would not: ``np.float64(2)`` must not turn a
    float32 result into float64.
    """
    if isinstance(value, Variable):
        return value.array
    return value.item() if isinstance(value, np.generic) else value


def constant(value: Any) -> Any:
    """An attribute as definitions and kernels take it: no operation has a derivative by one."""
    if isinstance(value, Variable):
        return detached(value).array
    return value.item() if isinstance(value, np.generic) else value
