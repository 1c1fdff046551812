"""A program as text: a line for each instruction, as it would be written with NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

WIDTH = 72
"""Columns of an instruction before its shape and its module follow."""

LONG = 60
"""Characters of an argument of a host call, which may be any object, before it is cut."""

INFIX = {"__getitem__": "{0}[{1}]", "__setitem__": "{0}[{1}] = {2}"}
"""Methods that are not written as calls."""


def described(value: Any) -> str:
    """Shape and dtype."""
    return f"{value.shape} {value.dtype}" if hasattr(value, "dtype") else type(value).__name__


def argument(value: Any) -> str:
    """An argument as source: values by their names, everything else as it would be typed, or nearly."""
    if isinstance(value, slice):
        ends = ["" if end is None else argument(end) for end in (value.start, value.stop)]
        return ":".join(ends) + ("" if value.step is None else f":{argument(value.step)}")
    if isinstance(value, tuple):
        return f"({', '.join(map(argument, value))}{',' * (len(value) == 1)})"
    if isinstance(value, list):
        return f"[{', '.join(map(argument, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {argument(item)}' for key, item in value.items())}}}"
    if value is Ellipsis:
        return "..."
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, np.dtype):
        return str(value)
    text = repr(value)
    return text if len(text) <= LONG and not text.startswith("<") else f"<{type(value).__name__}>"


def function_name(function: Any) -> str:
    """``np.add``, ``np.add.reduce``; of a function that is not NumPy's its own name."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{function.__name__}"
    name = getattr(function, "__name__", type(function).__name__)
    if isinstance(function, np.ufunc) or getattr(function, "__module__", "").partition(".")[0] == "numpy":
        return f"np.{name}"
    return str(name)


def call(instruction: Any) -> str:
    """The call itself."""
    function, name = instruction.function, function_name(instruction.function)
    args = [*map(argument, instruction.args)]
    if name in INFIX:
        return INFIX[name].format(args[0], args[1].removeprefix("(").removesuffix(")"), *args[2:])
    args += [f"{key}={argument(value)}" for key, value in instruction.kwargs.items()]
    if getattr(function, "__objclass__", None) is np.ndarray:
        return f"{args[0]}.{name}({', '.join(args[1:])})"
    is_plain = instruction.kind == "call" or (instruction.kind == "check" and instruction.results is not None)
    kind = "" if is_plain else f"{instruction.kind} "  # what a check needs is a call like any other
    return f"{kind}{name}({', '.join(args)})"


def line(left: str, value: Any = None, scope: Any = None) -> str:
    """An instruction, and behind it the shape of its result and the module it belongs to."""
    shape = described(value) if value is not None else ""
    return f"{left:<{WIDTH}} {shape:<22} {scope or ''}".rstrip()


def written(program: Any) -> Iterator[str]:
    """The lines of a program."""
    for number, value in program.inputs:
        yield line(f"{value} = input {number}", value)
    for place, value in program.states:
        yield line(f"{value} = state {place.name}", value)
    for _, value in program.constants:
        yield line(f"{value} = constant", value)
    for instruction in program.instructions:
        results = instruction.results
        left = f"{argument(results)} = {call(instruction)}" if results is not None else call(instruction)
        yield line(left, None if isinstance(results, list) else results, instruction.scope)
    for place, value in program.settings:
        yield line(f"{place.name} = {value}")
    yield line(f"return {argument(program.outputs)}")
