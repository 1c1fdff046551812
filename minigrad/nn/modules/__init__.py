"""PyTorch's path to what concerns all modules: ``nn.modules.module``."""

from . import module

__all__ = ["module"]
