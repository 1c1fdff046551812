"""A program as C: lowered to single assignments, fused to loop nests, built, and called."""

from __future__ import annotations

from . import panels, sums  # noqa: F401 - they register themselves, and may be left out
from .execution import NativeExecution

__all__ = ["NativeExecution"]
