"""What operations of several results return: named tuples, with PyTorch's names of the fields."""

from __future__ import annotations

from typing import Any, NamedTuple


class ValuesIndices(NamedTuple):
    """Elements that were chosen along an axis, and where they are."""

    values: Any
    indices: Any


class MinMax(NamedTuple):
    """The smallest and the largest element."""

    min: Any
    max: Any


class Histogram(NamedTuple):
    """How many elements, or how much weight, each bin has, and the edges of the bins, one more than bins."""

    hist: Any
    bin_edges: Any
