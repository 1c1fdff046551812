"""``CannotBuild``: why a program stays with NumPy."""

from __future__ import annotations


class CannotBuild(Exception):  # noqa: N818
    """The program cannot be made C here; the message says why, and what would help."""
