"""Samples of grids of coordinates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import minigrad as mg
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample

CALLS: dict[str, dict[str, Any]] = {
    "meshgrid": {},
    "meshgrid ij": {"indexing": "ij"},
    "meshgrid xy": {"indexing": "xy"},
}


def grids() -> Iterator[Sample]:
    """Functions of all grids together, so that each vector has a gradient of its own."""
    for name, settings in CALLS.items():
        indexing = settings.get("indexing", "ij")

        def function(x: Any, y: Any, z: Any, settings: Any = settings) -> Any:
            a, b, c = mg.meshgrid(x, y, z, **settings)
            return a * b - c

        def formula(x: Any, y: Any, z: Any, indexing: Any = indexing) -> Any:
            a, b, c = np.meshgrid(x, y, z, indexing=indexing)
            return a * b - c

        yield Sample(name, function, formula, [*distinct((2,), (3,)), np.array(0.5)])
