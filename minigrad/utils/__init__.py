"""Floor 5: PyTorch's names of rooms that are elsewhere here: ``utils.data``."""

from . import data

__all__ = ["data"]
