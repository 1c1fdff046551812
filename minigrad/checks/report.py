"""What a gradient check found: a table that prints, shows in notebooks, and is true if all is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..reports.table import html_block, html_table, html_text, text_table

HEADER = ("derivative", "shape", "dtype", "count", "abs err", "rel err", "at", "verdict")
NUMBERS = ("count", "abs err", "rel err")
RIGHT = "right"


class Row(NamedTuple):
    """How one derivative compares: that of the outputs, or of one of several outputs, by one input or parameter."""

    name: str
    """``input 0``, ``parameter fc.weight``, or of several outputs ``output 1 by input 0``."""
    shape: tuple[int, ...]
    dtype: Any
    """Of the input as it was given; it is checked in float64."""
    elements: int
    """How many were compared."""
    absolute: float
    """The largest absolute error."""
    relative: float
    """The largest relative error, among derivatives that are not 0."""
    at: tuple[int, ...]
    """Where the error is largest; what ``backward`` and finite differences give there are the next two."""
    backward: float
    numeric: float
    verdict: str
    """``right``, or ``wrong`` and the likely cause."""
    finding: str
    """What differs, by how much and why; nothing if it is right."""

    def __bool__(self) -> bool:
        return not self.finding

    @property
    def cells(self) -> list[str]:
        """The row as texts, one for each column of ``HEADER``."""
        numbers = [str(self.elements), short(self.absolute), short(self.relative)]
        return [self.name, str(self.shape), str(self.dtype), *numbers, str(self.at), self.verdict]


class GradcheckReport:
    """What ``gradcheck`` and ``gradgradcheck`` found: true if everything is right.

    It prints as a table with a row for each derivative, and shows as one in notebooks.

    Attributes:
        title: the name of the check.
        rows: a ``Row`` for each input, and for each of several outputs.
        trouble: why derivatives could not be compared; usually nothing.
        weighted: whether the derivatives are those of a randomly weighted sum of several outputs.

    >>> x = mg.tensor([0.5, 2.0], requires_grad=True)
    >>> report = mg.gradcheck(lambda x: x.detach() * x, x, raise_exception=False)
    >>> bool(report), report.rows[0].verdict
    (False, 'wrong: constant factor')
    """

    def __init__(self, title: str, rows: Sequence[Row] = (), trouble: str = "", weighted: bool = False) -> None:
        self.title = title
        self.rows = list(rows)
        self.trouble = trouble
        self.weighted = weighted

    def __bool__(self) -> bool:
        return not self.trouble and all(self.rows)

    @property
    def findings(self) -> list[str]:
        """What is wrong with each derivative that is."""
        return [row.finding for row in self.rows if row.finding]

    @property
    def message(self) -> str:
        """What the error says."""
        of = " of the outputs' randomly weighted sum" if self.weighted else ""
        return self.trouble or "\n".join([f"{self.title}: wrong derivatives{of}.", *self.findings])

    @property
    def summary(self) -> str:
        """One line: how many derivatives and elements were compared, how many are wrong."""
        if self.trouble:
            return self.trouble
        elements = sum(row.elements for row in self.rows)
        compared = f"{counted(len(self.rows), 'derivative')}, {counted(elements, 'element')}"
        wrong = len(self.findings)
        return f"{self.title}: {f'{wrong} wrong of' if wrong else 'all right,'} {compared}"

    def __str__(self) -> str:
        if self.trouble:
            return self.trouble
        return "\n".join([self.summary, text_table(HEADER, [row.cells for row in self.rows], NUMBERS), *self.findings])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """For notebooks."""
        wrong = [i for i, row in enumerate(self.rows) if not row]
        table = html_table(HEADER, [row.cells for row in self.rows], NUMBERS, wrong) if self.rows else ""
        details = html_text("\n".join(self.findings)) if wrong else ""
        return html_block([self.summary], table + details)


def short(number: float) -> str:
    """Two digits: ``2.1e-12``, ``3.0e-12``, ``0.33``, ``0``."""
    return f"{number:.2g}" if number == 0 or 1e-2 <= number < 1e3 else f"{number:.1e}"


def counted(number: int, noun: str) -> str:
    """A number and what there are so many of: ``1 element``, ``1,234 elements``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
