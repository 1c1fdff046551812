"""Tables of short texts, as plain text, Markdown and HTML."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Collection, Sequence

WIDTH = 80
"""Columns of a terminal."""
SHORTEST = 20
"""Of a text that is shortened to fit."""
GAP = "  "

CELL = "padding:0.2em 0.7em;border-bottom:1px solid rgba(128,128,128,0.4);"
"""Colours of the page, but for the rules and what is wrong: both can be read on white and on black."""
NUMBER = "text-align:right;white-space:nowrap;"
"""A narrow column must not break 1e-05 at its sign."""
WRONG = "color:#e5484d;font-weight:bold;"
TEXT = "font-family:monospace;white-space:pre-wrap;word-break:normal;"
"""JupyterLab sets text in a table's letters, of different widths, and breaks words anywhere."""


def text_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[str] = (), shortest: int = SHORTEST
) -> str:
    """Aligned columns within 80 characters, if need be.

    To make them fit the last column loses what follows a colon, and the first two the middle of long texts.

    Args:
        header: the names of the columns.
        rows: of each as many texts.
        numbers: the names of the columns that are aligned to the right.
        shortest: what is left at least of texts without their middle.
    """
    widths = column_widths(header, rows)
    gaps = len(GAP) * (len(header) - 1)
    if sum(widths) + gaps > WIDTH:
        rows = [[*cells, last.partition(":")[0]] for *cells, last in rows]
        widths = column_widths(header, rows)
    for column in (0, 1):
        others = sum(widths) - widths[column]
        widths[column] = min(widths[column], max(shortest, WIDTH - gaps - others))
    return "\n".join(text_line(header, row, widths, numbers) for row in (header, *rows))


def column_widths(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """How wide each column has to be."""
    return [max(map(len, column)) for column in zip(header, *rows)]


def text_line(header: Sequence[str], row: Sequence[str], widths: Sequence[int], numbers: Collection[str] = ()) -> str:
    """One line of a table."""
    cells = [
        shortened(cell, width).rjust(width) if name in numbers else shortened(cell, width).ljust(width)
        for name, cell, width in zip(header, row, widths)
    ]
    return GAP.join(cells).rstrip()


def shortened(text: str, width: int) -> str:
    """A text of at most ``width`` characters, if need be without its middle; spaces in front of it stay."""
    if len(text) <= width:
        return text
    indent = len(text) - len(text.lstrip(" "))
    if 0 < indent < width // 2:
        return text[:indent] + shortened(text[indent:], width - indent)
    tail = (width - 1) * 2 // 3
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def wrapped(text: str, indent: str = "") -> str:
    """A paragraph as wide as a terminal; lines after its first begin with ``indent``."""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent)


def html_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[str] = (), wrong: Collection[int] = ()
) -> str:
    """A table for notebooks and pages; ``wrong`` are the numbers of the rows whose last cell stands out."""
    styles = [CELL + (NUMBER if name in numbers else "text-align:left;") for name in header]
    lines = [html_row(header, styles, heading=True)]
    for i, row in enumerate(rows):
        lines.append(html_row(row, [*styles[:-1], styles[-1] + WRONG * (i in wrong)]))
    return "\n".join(['<table style="border-collapse:collapse;margin:0.5em 0;">', *lines, "</table>"])


def html_page(
    header: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[str] = (), wrong: Collection[int] = ()
) -> str:
    """A page with a table, in the colours that the reader's browser prefers."""
    head = '<!DOCTYPE html>\n<meta charset="utf-8">\n<meta name="color-scheme" content="light dark">\n'
    return f"{head}<title>minigrad check</title>\n{html_table(header, rows, numbers, wrong)}\n"


def html_block(before: Sequence[str], table: str = "", after: Sequence[str] = ()) -> str:
    """A table, or another element, between paragraphs of plain text: how objects show themselves in notebooks."""
    first, last = ("".join(f"<div>{html.escape(line)}</div>" for line in lines if line) for lines in (before, after))
    return f"<div>{first}{table}{last}</div>"


def html_text(text: str) -> str:
    """Plain text with its lines and spaces, in letters of one width."""
    return f'<pre style="{TEXT}">{html.escape(text)}</pre>'


def html_row(cells: Sequence[str], styles: Sequence[str], heading: bool = False) -> str:
    """One row of a table.

    There is no ``th``, and no paragraph elsewhere: nbconvert shows the markup of both when it makes pages of notebooks
    that are not trusted.
    """
    role, first, last = (' role="columnheader"', "<strong>", "</strong>") if heading else ("", "", "")
    inside = "".join(
        f'<td{role} style="{style}">{first}{html.escape(cell)}{last}</td>' for cell, style in zip(cells, styles)
    )
    return f"<tr>{inside}</tr>"


def markdown_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[str] = (), *_: object
) -> str:
    """A table in Markdown."""
    rules = ["---:" if name in numbers else "---" for name in header]
    lines = [[cell.replace("|", r"\|") for cell in row] for row in (header, rules, *rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
