"""The page of the guide on ties and kinks, written from the table that the tests check.

``python -m tests.contract.conventions_page`` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.contract.conventions_functions import Row
from tests.contract.conventions_table import MATHEMATICS, PYTORCH

PAGE = Path(__file__).parents[2] / "examples" / "ties_and_kinks.md"
LONGEST = 8
"""Of more numbers, equal neighbours are counted."""

INTRODUCTION = """\
# Ties and kinks

Some functions have points without a derivative: `relu` and `abs` at 0, `maximum` of two equal numbers, `clamp` at its
bounds. Others meet 0, infinities or NaN there. A library must choose what it gives, and programs depend on the choice.
minigrad gives what PyTorch 2.14.1 gives, but for a few points where PyTorch gives NaN, or loses the value, and
mathematics has one. These are at the end, with the reason.

Each line is a function at a point, the inputs that were given, the value, and the gradient of the value's sum. If there
are several inputs, they and their gradients are separated by semicolons. float32 and float64 give the same but for
their rounding; six digits are shown here.

This page is made from a table in the tests (`tests/contract/conventions_table.py`), which check every line of it. To
write it again: `python -m tests.contract.conventions_page`.
"""

DEPARTURES = """\
## Where minigrad departs from PyTorch 2.14.1

Any other difference at a tie, a kink or an edge is a bug.
"""


def text(value: Any) -> str:
    """A number or nested lists of numbers, as in the language."""
    if not isinstance(value, list):
        return f"{value:.6g}"
    items = [text(item) for item in value]
    if len(items) > LONGEST:
        counts = ((item, len(list(group))) for item, group in groupby(items))
        items = [item if count == 1 else f"{item} ({count} times)" for item, count in counts]
    return f"[{', '.join(items)}]"


def line(row: Row) -> str:
    """A row of the table in Markdown."""
    inputs, gradients = ("; ".join(map(text, values)) for values in (row.inputs, row.gradients))
    return f"| `{row.name}` | {inputs} | {text(row.value)} | {gradients} |"


def table(rows: list[Row]) -> str:
    """Rows with their header."""
    return "\n".join(
        ["| function and point | inputs | value | gradient |", "| --- | --- | --- | --- |", *map(line, rows)]
    )


def parts() -> Iterator[str]:
    """The paragraphs of the page."""
    yield INTRODUCTION
    for title, rows in PYTORCH.items():
        yield f"## {title}\n\n{table(rows)}\n"
    yield DEPARTURES
    for reason, rows in MATHEMATICS.items():
        yield f"{reason}\n\n{table(rows)}\n"


def page() -> str:
    """The whole page."""
    return "\n".join(parts())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
