"""Measurements as the lines of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .timing import Measurement

NAME_WIDTH, WIDTH = 30, 17


class Unit(NamedTuple):
    """What is printed, and how many of it are one of what was measured."""

    name: str
    per_base: float
    base: str


MICROSECONDS = Unit("microseconds", 1e6, "seconds")
MILLISECONDS = Unit("milliseconds", 1e3, "seconds")
MEGABYTES = Unit("megabytes", 1e-6, "bytes")


def number(value: float) -> str:
    """As many digits as mean something: ``0.95``, ``1.20``, ``12.3``, ``1,234``."""
    return f"{value:,.{(value < 100) + (value < 10)}f}"


def cells(measurement: Measurement, unit: Unit) -> list[str]:
    """The name, and every contender's median; behind it, but for the first, the ratio to the first's."""
    medians = [number(median * unit.per_base) for median in measurement.medians.values()]
    ratios = ["", *(f" ({number(ratio)})" for ratio in list(measurement.ratios.values())[1:])]
    return [measurement.name, *(median + ratio for median, ratio in zip(medians, ratios))]


def text_line(texts: Sequence[str]) -> str:
    """A line of aligned columns."""
    name, *values = texts
    return name.ljust(NAME_WIDTH) + "".join(value.rjust(WIDTH) for value in values)


def markdown_line(texts: Sequence[str]) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(texts)} |"


def markdown_rule(columns: int) -> str:
    """The line under the head of a table in Markdown; all columns but the first are numbers."""
    return markdown_line(["---", *["---:"] * (columns - 1)])
