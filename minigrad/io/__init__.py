"""Floor 4: checkpoints."""

from .checkpoint import CheckpointError, load, save

__all__ = ["CheckpointError", "load", "save"]
