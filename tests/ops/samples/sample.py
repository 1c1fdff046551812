"""One use of an operation, with the same as a formula in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Sample(NamedTuple):
    """One use of an operation."""

    name: str
    function: Callable[..., Any]
    formula: Callable[..., Any]
    inputs: list[Any]
