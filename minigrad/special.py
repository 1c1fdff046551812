"""Special functions, as PyTorch has them in ``torch.special``: ``mg.special``."""

from typing import TYPE_CHECKING, Any

from .ops.table import functions

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


globals().update(functions("special"))

__all__ = list(functions("special"))
