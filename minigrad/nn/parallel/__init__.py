"""Models that several ranks train together, as PyTorch's ``torch.nn.parallel``."""

from typing import TYPE_CHECKING

from ...engine.absent import absent
from .distributed import DistributedDataParallel

if TYPE_CHECKING:
    from typing import Any

    def __getattr__(name: str) -> Any: ...


__all__ = ["DistributedDataParallel"]

if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
