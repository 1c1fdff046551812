"""Tools for modules."""

from . import fusion as fusion
