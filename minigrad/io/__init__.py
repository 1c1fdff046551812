"""Floor 4: checkpoints."""

from .checkpoint import load, save
from .errors import CheckpointError

__all__ = ["CheckpointError", "load", "save"]
