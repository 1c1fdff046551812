"""One thing that a diagnosis has found."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """What is suspicious, where, why, and what to do."""

    where: str
    """The dotted name of a module or parameter, or ``loader``, or ``optimizer``."""
    what: str
    why: str
    cure: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n  Why: {self.why}\n  Cure: {self.cure}"
