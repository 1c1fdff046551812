"""Chapters as notebooks: ``python examples/notebook.py`` writes 01_batchnorm_notebook.ipynb, with its outputs.

``python examples/notebook.py 08_scale_invariance.py`` writes that chapter beside it. A notebook is JSON: nothing but
Python is needed to write one, and the cells are those of the script, ``# %%``.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import minigrad as mg

HERE = Path(__file__).parent
FIRST = HERE / "01_batchnorm_notebook.py"
MARK = re.compile(r"^# %%(?: \[markdown\])? ?", re.MULTILINE)


def split(cell: str) -> tuple[str, str]:
    """The words at the head of a cell, without their comment signs, and the code below them."""
    lines = cell.rstrip().split("\n")  # the first is what follows the mark, often nothing
    count = next((i for i, line in enumerate(lines) if i > 0 and not line.startswith("#")), len(lines))
    words = [re.sub(r"^#( |$)", "", line) for line in lines[:count]]
    return "\n".join(words).strip(), "\n".join(lines[count:]).strip("\n")


def cells(script: str) -> list[tuple[str, str]]:
    """The cells of a script: ("markdown", words) or ("code", lines)."""
    head, *rest = MARK.split(script)
    title, _, text = (ast.get_docstring(ast.parse(head)) or "").partition("\n")
    found = [("markdown", f"# {title}\n{text}".strip())]
    for cell in rest:
        words, code = split(cell)
        found += [("markdown", words)] * bool(words) + [("code", code)] * bool(code)
    return found


def outputs(code: str, names: dict[str, Any]) -> list[dict[str, Any]]:
    """What a cell prints, as a notebook keeps it."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "cell", "exec"), names)
    text = printed.getvalue().splitlines(keepends=True)
    return [{"name": "stdout", "output_type": "stream", "text": text}] if text else []


def notebook(script: str) -> dict[str, Any]:
    """A chapter as a notebook, run from seed 0."""
    mg.manual_seed(0)
    names: dict[str, Any] = {"__name__": "__main__"}
    written, count = [], 0
    for number, (kind, text) in enumerate(cells(script)):
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text.splitlines(keepends=True)}
        if kind == "code":
            count += 1
            cell |= {"execution_count": count, "outputs": outputs(text, names)}
        written.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": written, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def main() -> None:
    chapter = HERE / sys.argv[1] if sys.argv[1:] else FIRST
    text = json.dumps(notebook(chapter.read_text(encoding="utf-8")), indent=1, ensure_ascii=False) + "\n"
    chapter.with_suffix(".ipynb").write_text(text, encoding="utf-8")
    print(f"wrote {chapter.with_suffix('.ipynb').name}")


if __name__ == "__main__":
    main()
