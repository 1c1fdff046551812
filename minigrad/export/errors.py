"""What cannot be exported."""

from __future__ import annotations


class OnnxExporterError(RuntimeError):
    """A model, or a part of it, has no form in the file's format; nothing was written."""


class Fixed(Exception):  # noqa: N818
    """A number of the program changes with a size in a way that cannot be written down."""
