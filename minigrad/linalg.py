"""Products, norms and what else PyTorch has in ``torch.linalg``: ``mg.linalg``. Matrices are not decomposed here.

>>> mg.linalg.norm(mg.tensor([3.0, 4.0]))
tensor(5.)
"""

from typing import TYPE_CHECKING, Any

from .engine.absent import absent
from .ops.table import functions

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


globals().update(functions("linalg"))

__all__ = list(functions("linalg"))

if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
