"""Samples of scans, of sorting and of elements of a rank."""

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


def values(name: str, *args: Any, **named: Any) -> Callable[[Any], Any]:
    """The values of a function that returns their places as well."""
    return lambda x: getattr(mg, name)(x, *args, **named).values


def with_attributes(name: str, *attributes: Any) -> Callable[..., Any]:
    """An operation as a function of its operands."""
    return lambda *operands: Op.registry[name](*operands, *attributes)


def lower_median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.quantile(x, 0.5, axis=axis, keepdims=keepdims, method="lower")


def logcumsumexp(x: Any, axis: int) -> Any:
    return np.log(np.cumsum(np.exp(x), axis))


def one_by_one(a: Any, b: Any, axis: int, reverse: bool) -> Any:
    """``y[i] = a[i] * y[i - 1] + b[i]``, or from the end ``y[i] = a[i + 1] * y[i + 1] + b[i]``."""
    a, y = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0).copy()
    places = range(len(y) - 2, -1, -1) if reverse else range(1, len(y))
    for i in places:
        y[i] = a[i + 1] * y[i + 1] + y[i] if reverse else a[i] * y[i - 1] + y[i]
    return np.moveaxis(y, 0, axis)


def put_one_by_one(values: Any, index: Any, length: int) -> Any:
    y = np.zeros((len(values), length), values.dtype)
    for row, places, line in zip(y, index, values):
        for place, value in zip(places, line):
            row[place] += value
    return y


SCANS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "cumsum": (mg.cumsum, np.cumsum),
    "cumprod": (mg.cumprod, np.cumprod),
    "logcumsumexp": (mg.logcumsumexp, logcumsumexp),
    "cummax": (lambda x, dim: mg.cummax(x, dim).values, np.maximum.accumulate),
    "cummin": (lambda x, dim: mg.cummin(x, dim).values, np.minimum.accumulate),
    "sort": (lambda x, dim: mg.sort(x, dim).values, np.sort),
    "diff": (lambda x, dim: mg.diff(x, 2, dim), lambda x, axis: np.diff(x, 2, axis)),
    "descending": (lambda x, dim: mg.sort(x, dim, True).values, lambda x, axis: np.flip(np.sort(x, axis), axis)),
    "mode": (lambda x, dim: mg.mode(x, dim).values, lambda x, axis: np.min(x, axis)),
}

WITH_ZEROS = np.array([[2.0, 0.0, -1.5, 0.5], [0.0, 3.0, 0.0, 2.0], [-1.2, 0.7, 2.0, 0.0]])


def ordering() -> Iterator[Sample]:
    for (name, (function, formula)), dim in itertools.product(SCANS.items(), [0, 1, -1]):
        yield Sample(f"{name} {dim}", partial(function, dim=dim), partial(formula, axis=dim), distinct((3, 4, 2)))
    for dim in (0, 1):
        yield Sample(
            f"cumprod of zeros {dim}", partial(mg.cumprod, dim=dim), partial(np.cumprod, axis=dim), [WITH_ZEROS]
        )
    yield Sample("msort", mg.msort, partial(np.sort, axis=0), distinct((3, 2)))
    yield Sample("topk", values("topk", 2), lambda x: -np.sort(-x)[:, :2], distinct((3, 4)))
    yield Sample("topk smallest", values("topk", 2, 0, False), lambda x: np.sort(x, 0)[:2], distinct((4, 3)))
    for name, function in {"cumsum": mg.cumsum, "cumprod": mg.cumprod, "logcumsumexp": mg.logcumsumexp}.items():
        yield Sample(f"{name} of one", partial(function, dim=0), np.array, distinct(()))
    for name in ("median", "nanmedian"):
        yield Sample(f"{name} of all", getattr(mg, name), lower_median, distinct((2, 4)))
    for dim, keepdim in itertools.product([0, 1], [False, True]):
        formula = partial(lower_median, axis=dim, keepdims=keepdim)
        arguments = {"dim": dim, "keepdim": keepdim}
        for name in ("median", "nanmedian"):
            yield Sample(f"{name} {dim} {keepdim}", values(name, **arguments), formula, distinct((3, 4)))
        kth = partial(np.quantile, q=1 / (2 + dim), axis=dim, keepdims=keepdim)
        yield Sample(f"kthvalue {dim} {keepdim}", values("kthvalue", 2, **arguments), kth, distinct((3, 4)))
    for axis, reverse in itertools.product([0, 1], [False, True]):
        function = with_attributes("linear_recurrence", axis, reverse)
        formula = partial(one_by_one, axis=axis, reverse=reverse)
        yield Sample(f"linear_recurrence {axis} {reverse}", function, formula, distinct((3, 4), (3, 4)))
    index = np.array([[1, 0, 1], [2, 2, 2]])
    for name, places, separate in [
        ("twice the same", index, False),
        ("distinct", np.array([[1, 0, 3], [0, 2, 1]]), True),
    ]:
        function = with_attributes("scatter_add", (2, 4), 1, separate)
        formula = partial(put_one_by_one, length=4)
        yield Sample(f"scatter_add {name}", function, formula, [*distinct((2, 3)), places])


def quantiles() -> Iterator[Sample]:
    for interpolation in ("linear", "lower", "higher", "midpoint", "nearest"):
        function = partial(mg.quantile, q=0.3, dim=0, interpolation=interpolation)
        formula = partial(np.quantile, q=0.3, axis=0, method=interpolation)
        yield Sample(f"quantile {interpolation}", function, formula, distinct((4, 2)))
    q = [0.0, 0.25, 0.6, 1.0]
    for name, dim, keepdim in itertools.product(["quantile", "nanquantile"], [None, 0, 1], [False, True]):
        function = partial(getattr(mg, name), q=q, dim=dim, keepdim=keepdim)
        formula = partial(np.quantile, q=q, axis=dim, keepdims=keepdim)
        yield Sample(f"{name} {dim} {keepdim}", function, formula, distinct((4, 3)))
    yield Sample("quantile of all", partial(mg.quantile, q=0.4), partial(np.quantile, q=0.4), distinct((2, 3)))
    yield Sample(
        "quantile by q",
        lambda x, q: mg.quantile(x, q),
        lambda x, q: np.quantile(x, q),
        [*distinct((5,)), np.array([0.3])],
    )
    yield Sample(
        "interpolate",
        Op.registry["interpolate"],
        lambda low, high, weight: low + weight * (high - low),
        [np.array([-1.0, 0.5, 2.0]), np.array([1.5, 0.75, 4.0]), np.array([0.25, 0.5, 0.9])],
    )
