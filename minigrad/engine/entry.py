"""The statement that defines an operation, which the reference shows."""

from __future__ import annotations

import ast
import linecache
import textwrap
from types import FrameType


def place_of(caller: FrameType) -> tuple[str, int]:
    """The file and the line that a call comes from, outside of functions if one of that file has passed it on."""
    frame = caller
    while frame.f_code.co_name != "<module>" and frame.f_back is not None:
        if frame.f_back.f_code.co_filename != frame.f_code.co_filename:
            return caller.f_code.co_filename, caller.f_lineno
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def statement_at(filename: str, line: int) -> str:
    """The text of the innermost statement around a line; empty where the file cannot be read."""
    if filename == "<string>":  # the name of any text that is executed; Python 3.13 keeps the one of ``python -c``
        return ""
    lines = linecache.getlines(filename)
    try:
        statements = [node for node in ast.walk(ast.parse("".join(lines))) if isinstance(node, ast.stmt)]
    except SyntaxError:  # a notebook's cell with commands of its own
        return ""
    around = [node for node in statements if node.lineno <= line <= (node.end_lineno or node.lineno)]
    if not around:
        return ""
    return textwrap.dedent("".join(lines[around[-1].lineno - 1 : around[-1].end_lineno]))
