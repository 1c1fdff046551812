"""Samples of dropout and batch normalisation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad.nn.functional as F
from minigrad import ops
from tests.helpers.inputs import distinct
from tests.helpers.oracles import batch_norm_formula
from tests.ops.samples.sample import Sample

MEAN, VAR = np.array([0.3, -1.0]), np.array([0.5, 2.0])


def dropout(x: Any, p: float) -> Any:
    return ops.dropout(x, p, np.random.default_rng(0))


def dropout_formula(x: Any, p: float) -> Any:
    kept = np.random.default_rng(0).random(x.shape, np.float32) >= p
    return np.where(kept, x / (1 - p) if p < 1 else 0, 0)


def batch_norm(
    x: Any, weight: Any = None, bias: Any = None, mean: Any = None, var: Any = None, mask: Any = None
) -> Any:
    """With the statistics given, in the precision they must have, else with those of the batch."""
    dtype = np.result_type(x.dtype, np.float32)
    mean, var = (None if s is None else s.astype(dtype) for s in (mean, var))
    return F.batch_norm(x, mean, var, weight, bias, training=mean is None, mask=mask)


BATCHES: list[tuple[int, ...]] = [(4, 2), (2, 2, 3), (2, 2, 1, 2), (1, 2, 2, 1, 2)]


def layers() -> Iterator[Sample]:
    for p in (0.0, 0.3, 1.0):
        yield Sample(f"dropout {p}", partial(dropout, p=p), partial(dropout_formula, p=p), distinct((4, 5)))
    for shape, (mode, statistics) in itertools.product(
        BATCHES, {"train": {}, "eval": {"mean": MEAN, "var": VAR}}.items()
    ):
        function, formula = partial(batch_norm, **statistics), partial(batch_norm_formula, **statistics)
        for what, parameters in [("affine", [(2,), (2,)]), ("no bias", [(2,)]), ("plain", [])]:
            yield Sample(f"batch_norm {shape} {mode} {what}", function, formula, distinct(shape, *parameters))
        mask = {"mask": np.arange(np.prod([shape[0], *shape[2:]])).reshape(shape[0], *shape[2:]) % 3 != 1}
        function, formula = partial(function, **mask), partial(formula, **mask)
        yield Sample(f"batch_norm {shape} {mode} masked", function, formula, distinct(shape, (2,), (2,)))
