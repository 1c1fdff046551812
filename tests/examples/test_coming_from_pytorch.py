"""The page on differences from PyTorch: minigrad's side of each line is what minigrad does."""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from typing import Any

import pytest

import minigrad as mg

from .chapters import EXAMPLES

PAGE = (EXAMPLES / "coming_from_pytorch.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
LINES = re.findall(r"^\| (`.*`) \| (.*?) \| (.*?) \| (.*) \|$", PAGE, re.MULTILINE)
"""The lines of the tables: the program, what PyTorch does, what minigrad does, and why."""


def outcome(program: str, names: dict[str, Any]) -> tuple[str, bool]:
    """The value of a program's last expression as text, and whether it warned."""
    *statements, last = ast.parse(program).body
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(compile(ast.Module(statements, []), "page", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "page", "eval"), names)
    return repr(value), bool(caught)


def checked(program: str, said: str, blocks: list[str]) -> None:
    """Compare what the page says of a program, ``value``, ``value and a warning`` or ``refused``, with what it does."""
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    mg.manual_seed(0)
    word = re.search("`(.*)`", said)[1]
    program = "\n".join(re.findall("`([^`]*)`", program))
    if said.startswith("refused"):
        with pytest.raises(getattr(builtins, word)):
            outcome(program, names)
    else:
        assert outcome(program, names) == (word, said.endswith("and a warning"))


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0][:60])
def test_minigrad_does_what_the_page_says(line: tuple[str, str, str, str]) -> None:
    program, theirs, ours, reason = line
    checked(program, ours, BLOCKS)
    assert theirs != ours and reason


def test_the_page_has_lines() -> None:
    assert len(LINES) > 50
    assert len(LINES) == PAGE.count("\n| `")
