"""The operations as other rooms read them: which there are, where users find them, how NumPy and ``+=`` reach them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.faces import FACES
from ..engine.op import Op


def functions(place: str) -> dict[str, Callable[..., Any]]:
    """The functions that users find in a place, one of ``engine.faces.PLACES``, by name."""
    return dict(sorted(FACES[place].items()))


def ufuncs() -> dict[Any, np.ufunc]:
    """For each operation that is one of NumPy's elementwise functions that function: it can be done in place."""
    return {op: op.numpy for op in Op.registry.values() if isinstance(op.numpy, np.ufunc)}
