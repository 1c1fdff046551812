"""Floor 1: functions of arrays alone, which know nothing of tensors, records or operations."""

from . import memory as memory
