"""Special functions, as PyTorch has them in ``torch.special``: ``mg.special``."""

from .ops.table import functions

globals().update(functions("special"))

__all__ = list(functions("special"))
