"""The operations as other rooms read them: which there are, where users find them, how NumPy and ``+=`` reach them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.faces import FACES
from ..engine.op import Op


def functions(place: str) -> dict[str, Callable[..., Any]]:
    """The functions that users find in a place (``function``, ``method``, ``functional``, ``module``), by name."""
    return {name: face.function for name, face in sorted(FACES.items()) if place in face.places}


def numpy_functions() -> dict[Any, Callable[..., Any]]:
    """For each of NumPy's functions the one to call for tensors, with NumPy's own arguments."""
    return {numpy: function for face in FACES.values() for numpy, function in face.numpy.items()}


def ufuncs() -> dict[Any, np.ufunc]:
    """For each operation that is one of NumPy's elementwise functions that function: it can be done in place."""
    return {op: op.numpy for op in Op.registry.values() if isinstance(op.numpy, np.ufunc)}
