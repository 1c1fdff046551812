"""What a compiled step returns and prints, from the arrays that a program has made."""

from __future__ import annotations

import builtins
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.host import writer_here
from ..engine.modes import current
from ..engine.node import Variable, array_of, wrap
from ..tensor.tensor import Tensor
from .program import Program, Result
from .stand_in import StandIn
from .trees import fields_of, is_record, like_dict, mapped, with_fields

Maker = Callable[[Sequence[ndarray]], Any]


def maker_of(program: Program) -> Maker:
    """The function that makes what the step returns of new arrays, one for each of ``program.results``."""
    positions = {value: number for number, value in enumerate(program.results)}
    return maker(program.outputs, positions, set())


def printer_of(program: Program) -> Maker | None:
    """The function that prints what the step prints, or None."""
    if not program.prints:
        return None
    positions = {value: number for number, value in enumerate(program.results)}
    makers = [(maker(printed, positions, set()), options) for printed, options in program.prints]

    def print_all(arrays: Sequence[ndarray]) -> None:
        for make, options in makers:
            values, named = make(arrays)
            shown(values, named, options)

    return print_all


def maker(tree: Any, positions: dict[Any, int], used: set[int]) -> Maker:
    """The function that makes one part of the result; an array that another part uses already is copied."""
    if isinstance(tree, Result):
        return maker_of_result(tree, positions[tree.value], used)
    if isinstance(tree, (tuple, list)):
        makers = [maker(item, positions, used) for item in tree]
        if type(tree) is tuple:
            return lambda arrays: tuple([make(arrays) for make in makers])
        if isinstance(tree, tuple):  # with names
            return lambda arrays: type(tree)(*[make(arrays) for make in makers])
        return lambda arrays: type(tree)([make(arrays) for make in makers])
    if isinstance(tree, dict):
        by_key = {key: maker(item, positions, used) for key, item in tree.items()}
        return lambda arrays: like_dict(tree, {key: make(arrays) for key, make in by_key.items()})
    if is_record(type(tree)):
        make_fields = maker(fields_of(tree), positions, used)
        return lambda arrays: with_fields(tree, make_fields(arrays))
    return lambda arrays: tree


def maker_of_result(result: Result, position: int, used: set[int]) -> Maker:
    """The function that makes a tensor, an array or a number."""
    if position in used:
        return lambda arrays: result.of(arrays[position])
    used.add(position)
    if result.is_tensor:
        return lambda arrays: wrap(arrays[position])
    return lambda arrays: result.of_own(arrays[position])


def detached(tree: Any) -> Any:
    """What a step has returned, outside of any graph, as a compiled one returns it."""
    return mapped(lambda leaf: leaf.detach() if isinstance(leaf, Tensor) else leaf, tree)


def shown(values: tuple[Any, ...], named: dict[str, Any], options: dict[str, Any]) -> None:
    """Print a text with values in its places, or values side by side."""
    text = values[0] if values else None
    if isinstance(text, str) and (named or len(values) > 1) and has_places(text):
        values = (text.format(*values[1:], **named),)
    builtins.print(*values, **options)


def has_places(text: str) -> bool:
    """Whether a text has places for values; one with a lone brace is printed as it is."""
    try:
        return any(field is not None for _, field, _, _ in string.Formatter().parse(text))
    except ValueError:
        return False


def as_now(leaf: Any) -> Any:
    """A value that is being captured, with its real array."""
    array = array_of(leaf)
    if type(array) is not StandIn:
        return leaf
    return wrap(np.array(array.array)) if isinstance(leaf, Variable) else array.array.item()


def print(
    *values: Any, sep: str | None = None, end: str | None = None, file: Any = None, flush: bool = False, **named: Any
) -> None:
    """Print values, also at every call of a compiled step, where Python's ``print`` prints in captures only.

    A compiled step prints when it is done, in the order of the calls.

    Args:
        *values: numbers, tensors, anything. If the first is a text with places, ``"loss {:.3f}"``, the others, and
            ``named``, are filled in; else they are printed side by side.
        sep, end, file, flush: as of Python's ``print``.
        **named: values for places with names.

    >>> mg.print("loss {:.3f} of {what}", mg.tensor(0.5), what="one batch")
    loss 0.500 of one batch
    """
    options = {"sep": sep, "end": end, "file": file, "flush": flush}
    writer = writer_here() if current().calls.writer is not None else None
    if writer is not None:
        writer.prints(values, named, options)
        values, named = mapped(as_now, (values, named))
    shown(values, named, options)
