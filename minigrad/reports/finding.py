"""One thing that a diagnosis has found."""

from __future__ import annotations

from typing import NamedTuple

from .table import wrapped


class Finding(NamedTuple):
    """What is suspicious, where, why, and what to do."""

    where: str
    """The dotted name of a module or parameter, or ``loader``, or ``optimizer``."""
    what: str
    why: str
    cure: str

    def __str__(self) -> str:
        """Three paragraphs, as wide as a terminal."""
        lines = (f"{self.where}: {self.what}", f"  Why: {self.why}", f"  Cure: {self.cure}")
        return "\n".join(wrapped(line, "    ") for line in lines)
