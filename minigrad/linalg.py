"""Products, norms and what else PyTorch has in ``torch.linalg``: ``mg.linalg``. Matrices are not decomposed here."""

from .ops.table import functions

globals().update(functions("linalg"))

__all__ = list(functions("linalg"))
