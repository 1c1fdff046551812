"""What operations compute and how their derivatives are computed, as it is written in their files."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import textwrap
from collections.abc import Callable
from types import CodeType
from typing import Any, NamedTuple

from ...engine.op import Op

LONGEST = 60
"""Lines of a function that are shown."""


class Explained(NamedTuple):
    """An operation for a reader."""

    formula: str
    """What it computes: the first paragraph of its docstring."""
    rules: list[tuple[str, str]]
    """For each operand its name and the text of the rule that gives its gradient."""
    example: str
    """The doctest at the end of its docstring, if there is one."""


@functools.lru_cache(maxsize=1024)
def explained(op: Op) -> Explained:
    """The formula of an operation, its derivative rules, and an example of it."""
    names = ["all operands"] if op.operands < 0 else list(op.__signature__.parameters)
    texts = [text_of(rule) if rule else "no derivative" for rule in op.written_rules]
    doc = (op.__doc__ or "").strip()
    _, prompt, example = doc.partition(">>> ")
    formula = doc.partition("\n\n")[0] or text_of(op.definition)
    return Explained(formula, list(zip(names, texts)), prompt + example)


def text_of(function: Callable[..., Any]) -> str:
    """The source text of a function, of a lambda its own expression alone; empty if the file cannot be read."""
    function = inspect.unwrap(function)
    while isinstance(function, functools.partial):
        function = inspect.unwrap(function.func)
    code = getattr(function, "__code__", None)
    if code is None:
        return getattr(function, "__name__", type(function).__name__)
    source = "".join(linecache.getlines(code.co_filename))
    found = [node for node in functions_in(source) if made_of(code, node)]
    if not found:
        return ""
    node = found[-1]  # the innermost: walks go from outside to inside
    if isinstance(node, ast.Lambda):
        first, *rest = (ast.get_source_segment(source, node) or "").splitlines()
        lines = [first, *textwrap.indent(textwrap.dedent("\n".join(rest)), "    ").splitlines()]
    else:
        lines = textwrap.dedent("\n".join(source.splitlines()[first_line(node) - 1 : node.end_lineno])).splitlines()
    return "\n".join([*lines[:LONGEST], *["..."] * (len(lines) > LONGEST)])


@functools.lru_cache(maxsize=64)
def functions_in(source: str) -> list[Any]:
    """The functions and lambdas of a file, each after those around it."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a notebook's cell with commands of its own
        return []
    return [node for node in ast.walk(tree) if isinstance(node, (ast.Lambda, ast.FunctionDef))]


def first_line(node: Any) -> int:
    """The line that a function begins in, with what decorates it."""
    return int(min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))]))


def made_of(code: CodeType, node: Any) -> bool:
    """Whether a function's code was compiled from a node of its file; one line may have several lambdas."""
    if not isinstance(node, ast.Lambda):
        return bool(node.name == code.co_name and first_line(node) == code.co_firstlineno)
    begin, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
    return code.co_name == "<lambda>" and all(
        begin <= (line, column) and (last, last_column) <= end
        for line, last, column, last_column in code.co_positions()
        if line and last and column is not None and last_column  # the instructions of a call begin at column 0
    )
