"""Samples of products of matrices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample

MATRICES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 2)),
    ((1, 3), (3, 1)),
    ((2, 2, 3), (3,)),
    ((3,), (2, 3, 2)),
    ((2, 2, 3), (3, 2)),
    ((2, 3), (2, 3, 1)),
    ((2, 2, 3), (2, 3, 2)),
    ((2, 1, 2, 3), (2, 3, 1)),
    ((1, 2, 3), (2, 3, 1)),
]


def products() -> Iterator[Sample]:
    for a, b in MATRICES:
        yield Sample(f"matmul {a} {b}", mg.matmul, np.matmul, distinct(a, b))
    for shape in [(3,), (4, 3), (2, 2, 3), (2, 1, 2, 3)]:
        yield Sample(f"linear {shape}", F.linear, lambda x, w, b: x @ w.T + b, distinct(shape, (2, 3), (2,)))
        yield Sample(f"linear {shape} no bias", F.linear, lambda x, w: x @ w.T, distinct(shape, (2, 3)))
