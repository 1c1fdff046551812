# Floor 1: imports come from the floors below.
"""Functions of arrays alone, which know nothing of tensors, records or operations."""

from . import memory as memory
