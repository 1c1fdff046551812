# Floor 5: imports come from the floors below.
"""PyTorch's names of rooms that are elsewhere here: ``utils.data``."""

from typing import TYPE_CHECKING

from ..engine.absent import absent
from . import data

__all__ = ["data"]

if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
