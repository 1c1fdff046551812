"""A program as C: lowered to single assignments, fused to loop nests, built, and called."""

from __future__ import annotations

from .execution import NativeExecution

__all__ = ["NativeExecution"]
