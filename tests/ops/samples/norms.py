"""Samples of norms, of sums that leave out NaN, and of sums over bins."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample

inf = np.inf

POWERS = [2, 1, 3, 1.5, 0.5, -1, -2, inf, -inf]
MATRIX_NORMS: list[Any] = ["fro", 1, -1, inf, -inf]


def vector_norm(x: Any, p: float, axis: Any = None, keepdims: bool = False) -> Any:
    """From the definition."""
    size = np.abs(x)
    if np.isinf(p):
        return (np.max if p > 0 else np.min)(size, axis=axis, keepdims=keepdims)
    return np.sum(size**p, axis=axis, keepdims=keepdims) ** (1 / p)


MASK = np.array([[True, False, True], [False, True, True], [True, True, True], [True, False, True]])


def of_some(name: str, **arguments: Any) -> Callable[[Any], Any]:
    """A function of a tensor in which some elements are NaN."""
    return lambda x: getattr(mg, name)(mg.where(MASK, x, np.nan), **arguments)


def formula_of_some(formula: Callable[..., Any], **arguments: Any) -> Callable[[Any], Any]:
    return lambda x: formula(np.where(MASK, x, np.nan), **arguments)


NUMBERS: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[Any]]] = {
    "nansum": (lambda x: mg.nansum(x, 0), lambda x: np.sum(x, 0), distinct((2, 3))),
    "nanmean of all": (mg.nanmean, np.mean, distinct((2, 3))),
    "nanmean": (lambda x: mg.nanmean(x, 1, True), lambda x: np.mean(x, 1, keepdims=True), distinct((2, 3))),
    "aminmax": (lambda x: mg.aminmax(x, dim=0).max, lambda x: np.max(x, 0), distinct((2, 3))),
    "var_mean": (lambda x: mg.var_mean(x, 0)[0], lambda x: np.var(x, 0, ddof=1), distinct((3, 2))),
    "std_mean": (lambda x: mg.std_mean(x, False)[1], np.mean, distinct((3, 2))),
    "norm": (mg.norm, np.linalg.norm, distinct((2, 3))),
    "norm of a number": (mg.norm, np.abs, distinct(())),
    "dist": (mg.dist, lambda x, y: np.linalg.norm(x - y), distinct((2, 3), (3,))),
    "dist 3": (lambda x, y: mg.dist(x, y, 3), lambda x, y: vector_norm(x - y, 3), distinct((2,), (2,))),
    "trace": (mg.trace, np.trace, distinct((3, 4))),
    "histogram of weights": (
        lambda w: mg.histogram(np.array([0.5, 2.5, 1.5, 0.75], w.dtype), 3, range=(0, 3), weight=w).hist,
        lambda w: np.array([w[0] + w[3], w[2], w[1]]),
        distinct((4,)),
    ),
    "histogram of density": (
        lambda w: mg.histogram(np.array([0.5, 1.5], w.dtype), 2, range=(0, 2), weight=w * w, density=True).hist,
        lambda w: w**2 / np.sum(w**2),
        distinct((2,)),
    ),
    "sum in its dtype": (lambda x: mg.sum(x, dtype=x.dtype), np.sum, distinct((2, 2))),
    "bincount": (
        lambda w: mg.bincount(np.array([1, 1, 3]), w, 5).astype(w.dtype),
        lambda w: np.bincount([1, 1, 3], w, 5),
        distinct((3,)),
    ),
}


def norms() -> Iterator[Sample]:
    for p, dim in itertools.product(POWERS, [None, 0, (0, 2)]):
        function = partial(mg.linalg.vector_norm, ord=p, dim=dim, keepdim=dim == 0)
        yield Sample(
            f"vector_norm {p} {dim}",
            function,
            partial(vector_norm, p=p, axis=dim, keepdims=dim == 0),
            distinct((2, 3, 2)),
        )
    for order, keepdim in itertools.product(MATRIX_NORMS, [False, True]):
        function = partial(mg.linalg.matrix_norm, ord=order, keepdim=keepdim)
        formula = partial(np.linalg.norm, ord=order, axis=(-2, -1), keepdims=keepdim)
        yield Sample(f"matrix_norm {order} {keepdim}", function, formula, distinct((2, 3, 2)))
    for order, dim in [(None, None), ("fro", None), (1, None), (inf, (1, 0)), (3, 1)]:
        function, formula = (partial(norm, ord=order) for norm in (mg.linalg.norm, np.linalg.norm))
        yield Sample(
            f"linalg.norm {order} {dim}", partial(function, dim=dim), partial(formula, axis=dim), distinct((2, 3))
        )
    for name, (function, formula, inputs) in NUMBERS.items():
        yield Sample(name, function, formula, inputs)
    for name, axis in itertools.product(["nansum", "nanmean", "nanmedian", "nanquantile"], [None, 0]):
        q: Any = {"q": 0.3} if name == "nanquantile" else {}
        function = of_some(name, dim=axis, **q)
        if name == "nanmedian":
            formula = formula_of_some(np.nanquantile, q=0.5, method="lower", axis=axis)
            function = function if axis is None else lambda x, f=function: f(x).values
        else:
            formula = formula_of_some(getattr(np, name), axis=axis, **q)
        yield Sample(f"{name} of some {axis}", function, formula, distinct((4, 3)))
