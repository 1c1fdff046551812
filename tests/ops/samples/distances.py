"""Samples of distances."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

import minigrad as mg
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample

POINTS = np.array([[0.1, 2.9, -1.2], [1.3, -1.9, 0.3], [-2.4, 0.6, 1.6], [0.8, 1.6, -2.9], [2.6, -0.3, 0.0]])
"""Rows whose differences are not near 0, and not near each other."""

NORMS = [0, 0.5, 1, 1.5, 2, 3, np.inf]


def norm(differences: np.ndarray, p: float) -> np.ndarray:
    """The p-norm along the last axis."""
    d = np.abs(differences)
    if p == 0:
        return (d != 0).sum(-1).astype(d.dtype)
    return d.max(-1) if p == np.inf else (d**p).sum(-1) ** (1 / p)


def distances() -> Iterator[Sample]:
    for p in NORMS:
        yield Sample(
            f"cdist {p}",
            partial(mg.cdist, p=p),
            lambda a, b, p=p: norm(a[:, None] - b, p),
            [POINTS[:3, :2], POINTS[3:, :2]],
        )
        yield Sample(
            f"pdist {p}",
            partial(mg.pdist, p=p),
            lambda x, p=p: norm(x[[0, 0, 0, 1, 1, 2]] - x[[1, 2, 3, 2, 3, 3]], p),
            [POINTS[:4]],
        )
    yield Sample(
        "cdist batches",
        mg.cdist,
        lambda a, b: norm(a[..., :, None, :] - b[..., None, :, :], 2),
        distinct((2, 1, 2, 3), (2, 3, 3)),
    )
