"""Tools for modules."""

from . import fusion

__all__ = ["fusion"]
