"""Samples of reductions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.engine.op import Op
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample

REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": np.sum,
    "mean": np.mean,
    "prod": np.prod,
    "amax": np.max,
    "amin": np.min,
    "var": lambda x, axis, keepdims: np.var(x, axis=axis, keepdims=keepdims, ddof=1),
    "std": lambda x, axis, keepdims: np.std(x, axis=axis, keepdims=keepdims, ddof=1),
    "logsumexp": lambda x, axis, keepdims: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims)),
}

AXES: list[Any] = [None, 0, -1, (0, 2)]


def largest(x: Any, dim: int, keepdim: bool) -> Any:
    """The values ``max(dim)`` picks."""
    return mg.max(x, dim, keepdim).values


def smallest(x: Any, dim: int, keepdim: bool) -> Any:
    """The values ``min(dim)`` picks."""
    return mg.min(x, dim, keepdim).values


def reductions() -> Iterator[Sample]:
    for (name, formula), axis, keepdims in itertools.product(REDUCTIONS.items(), AXES, [False, True]):
        function = partial(getattr(mg, name), dim=axis, keepdim=keepdims)
        formula = partial(formula, axis=axis, keepdims=keepdims)
        yield Sample(f"{name} {axis} {keepdims}", function, formula, distinct((2, 3, 2)))
    for name, formula in {"max": np.max, "min": np.min}.items():
        yield Sample(f"{name} of all", getattr(mg, name), formula, distinct((2, 3)))
    powers = np.array([-3, 0, 4])
    yield Sample("times_power_of_2", Op.registry["times_power_of_2"], np.ldexp, [*distinct((2, 3)), powers])
    for name in ("sum", "mean", "prod", "amax", "amin", "logsumexp"):
        yield Sample(f"{name} of one", getattr(mg, name), np.array, distinct(()))
    for (name, formula), correction in itertools.product([("var", np.var), ("std", np.std)], [0, 2, 0.5]):
        function = partial(getattr(mg, name), dim=0, correction=correction)
        yield Sample(
            f"{name} correction {correction}", function, partial(formula, axis=0, ddof=correction), distinct((4, 2))
        )
    for (function, formula), axis, keepdims in itertools.product(
        [(largest, np.max), (smallest, np.min)], [0, -1], [False, True]
    ):
        yield Sample(
            f"{function.__name__} {axis} {keepdims}",
            partial(function, dim=axis, keepdim=keepdims),
            partial(formula, axis=axis, keepdims=keepdims),
            distinct((2, 3)),
        )
