"""Differentiable exchanges, as in PyTorch's ``torch.distributed.nn``."""

from . import functional

__all__ = ["functional"]
