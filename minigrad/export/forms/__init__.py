"""Which nodes operations and calls of NumPy become.

Each form is called ``form(graph, result, *arguments)`` and returns the name of the result, or a list of them. Where it
returns ``NotImplemented``, an operation is translated by the calls of NumPy that it consists of.
"""

from __future__ import annotations

from . import elementwise, indexing, layers, ordering, reductions, shapes
from .table import CALLS, OPERATIONS

ROOMS = elementwise, indexing, layers, ordering, reductions, shapes

__all__ = ["CALLS", "OPERATIONS"]
