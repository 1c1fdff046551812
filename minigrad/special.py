"""Special functions, as PyTorch has them in ``torch.special``: ``mg.special``.

>>> mg.special.erf(mg.tensor([0.0, 1.0]))
tensor([0.0000, 0.8427])
"""

from typing import TYPE_CHECKING, Any

from .engine.absent import absent
from .ops.table import functions

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


globals().update(functions("special"))

__all__ = list(functions("special"))

if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
