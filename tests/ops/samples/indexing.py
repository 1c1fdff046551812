"""Samples of operations that take elements at an index along an axis, and put values there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.ops.along import elements_added, slices_added_op
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample

AT_1 = np.array([[0, 3, 3], [1, 1, 1]])
"""Along axis 1 of (2, 4), with elements that are named several times."""
AT_0 = np.array([[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]])
"""Along axis 0 of (2, 4), as long as it may be along the other one."""
SHORT = np.array([[3, 0]])
VECTOR = np.array([2, 0, 2])
DEEP = np.array([[[0], [2]], [[1], [1]]])
"""Along axis 1 of (2, 3, 2)."""
MASK = np.array([True, False, True, False])


def at(index: Any, dim: int) -> tuple[Any, ...]:
    """An index along an axis as NumPy's index of elements."""
    grid = list(np.indices(index.shape))
    grid[dim] = index
    return tuple(grid)


def added(x: Any, where: Any, values: Any) -> Any:
    """``x`` with values added one after the other."""
    y = np.array(x)
    for i, value in zip(zip(*map(np.ravel, where)), np.ravel(values)):
        y[i] += value
    return y


def replaced(x: Any, where: Any, values: Any) -> Any:
    """``x`` with values put one after the other."""
    y = np.array(x)
    y[where] = values
    return y


def reduced(x: Any, src: Any, index: Any, dim: int, how: Callable[..., Any], include_self: bool) -> Any:
    """``scatter_reduce``, from lists of all values for each element."""
    y = np.array(x)
    where = at(index, dim)
    for place in np.ndindex(x.shape):
        values = [src[own] for own in np.ndindex(index.shape) if tuple(int(g[own]) for g in where) == place]
        if values:
            y[place] = how([*values, x[place]] if include_self else values)
    return y


TAKEN: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "gather 1": (lambda x: mg.gather(x, 1, AT_1), lambda x: x[at(AT_1, 1)]),
    "gather 0": (lambda x: mg.gather(x, 0, AT_0), lambda x: x[at(AT_0, 0)]),
    "gather short": (lambda x: mg.gather(x, axis=-1, index=SHORT), lambda x: x[:1, [3, 0]]),
    "gather nothing": (lambda x: mg.gather(x, 1, np.zeros((2, 0), int)), lambda x: x[:, :0]),
    "take_along_dim": (lambda x: mg.take_along_dim(x, AT_1 - 4, 1), lambda x: np.take_along_axis(x, AT_1, 1)),
    "take_along_dim broadcast": (lambda x: mg.take_along_dim(x, SHORT, 1), lambda x: x[:, [3, 0]]),
    "take_along_dim broadcast input": (
        lambda x: mg.take_along_dim(x[:1], AT_1, axis=1),
        lambda x: np.take_along_axis(np.stack([x[0], x[0]]), AT_1, 1),
    ),
    "take_along_dim flat": (lambda x: mg.take_along_dim(x, AT_1), lambda x: np.ravel(x)[np.ravel(AT_1)]),
    "index_select 1": (lambda x: mg.index_select(x, 1, VECTOR), lambda x: x[:, VECTOR]),
    "index_select 0": (lambda x: mg.index_select(x, 0, np.array(1)), lambda x: x[1:]),
    "take": (lambda x: mg.take(x, np.array([[0, -1], [5, 5]])), lambda x: np.ravel(x)[[[0, 7], [5, 5]]]),
    "masked_select": (lambda x: mg.masked_select(x, MASK), lambda x: np.ravel(x[:, MASK])),
    "masked_fill": (lambda x: mg.masked_fill(x, MASK, -1.5), lambda x: np.where(MASK, -1.5, x)),
    "masked_fill broadcast": (
        lambda x: mg.masked_fill(x[0], MASK & [[True], [False]], 0),
        lambda x: np.where(MASK & [[True], [False]], 0, x[0]),
    ),
    "index_fill": (lambda x: mg.index_fill(x, 1, np.array([0, -1]), 2), lambda x: x * [0, 1, 1, 0] + [2, 0, 0, 2]),
    "scatter a number": (lambda x: mg.scatter(x, 1, AT_1, 2.5), lambda x: replaced(x, at(AT_1, 1), 2.5)),
    "scatter add a number": (
        lambda x: mg.scatter(x, 1, AT_1, value=2.5, reduce="add"),
        lambda x: added(x, at(AT_1, 1), np.full(AT_1.shape, 2.5)),
    ),
    "index_put a number": (lambda x: mg.index_put(x, (np.array([0, 1]),), 0.5), lambda x: x * 0 + 0.5),
}
"""Functions of an array of shape (2, 4), each with the same in plain NumPy."""

HOW: dict[str, Callable[..., Any]] = {
    "sum": np.sum,
    "mean": np.mean,
    "prod": np.prod,
    "amax": np.max,
    "amin": np.min,
}


def scatter(x: Any, src: Any, index: Any, dim: int, function: Callable[..., Any], **options: Any) -> Any:
    return function(x, dim, index, src, **options)


def indexing() -> Iterator[Sample]:
    for name, (function, formula) in TAKEN.items():
        yield Sample(name, function, formula, distinct((2, 4)))
    value = distinct((2, 4), ())
    yield Sample(
        "masked_fill tensor", lambda x, v: mg.masked_fill(x, MASK, v), lambda x, v: np.where(MASK, v, x), value
    )
    yield Sample("gather deep", lambda x: mg.gather(x, 1, DEEP), lambda x: x[at(DEEP, 1)], distinct((2, 3, 2)))
    yield Sample(
        "gather a number", lambda x: mg.gather(x, 0, np.array([0, 0])), lambda x: np.stack([x, x]), distinct(())
    )
    for index, dim, src in [(AT_1, 1, (2, 3)), (AT_0, 0, (3, 5)), (SHORT, 1, (1, 2))]:
        reach, inputs = tuple(map(slice, index.shape)), distinct((2, 4), src)
        yield Sample(
            f"scatter_add {src}",
            partial(scatter, index=index, dim=dim, function=mg.scatter_add),
            lambda x, v, i=index, d=dim, r=reach: added(x, at(i, d), v[r]),
            inputs,
        )
        yield Sample(
            f"scatter {src}",
            partial(scatter, index=index, dim=dim, function=mg.scatter),
            lambda x, v, i=index, d=dim, r=reach: replaced(x, at(i, d), v[r]),
            inputs,
        )
        for reduce, include_self in [(reduce, own) for reduce in HOW for own in (True, False)]:
            yield Sample(
                f"scatter_reduce {reduce} {src} {include_self}",
                partial(
                    scatter, index=index, dim=dim, function=mg.scatter_reduce, reduce=reduce, include_self=include_self
                ),
                lambda x, v, i=index, d=dim, r=reach, h=HOW[reduce], s=include_self: reduced(x, v[r], i, d, h, s),
                inputs,
            )
    yield Sample(
        "scatter_add zeros",
        lambda v: elements_added(v, AT_1, (2, 4), 1),
        lambda v: added(np.zeros((2, 4)), at(AT_1, 1), v),
        distinct((2, 3)),
    )
    yield Sample(
        "index_add zeros",
        lambda v: slices_added_op(v, VECTOR, 4, 0),
        lambda v: np.stack([v[1], v[0] * 0, v[0] + v[2], v[0] * 0]),
        distinct((3, 2)),
    )
    slices = distinct((2, 4), (2, 3))
    yield Sample(
        "index_add",
        lambda x, v: mg.index_add(x, 1, VECTOR, v, alpha=-2),
        lambda x, v: added(x, at(np.stack([VECTOR, VECTOR]), 1), -2 * v),
        slices,
    )
    yield Sample(
        "index_copy",
        lambda x, v: mg.index_copy(x, 1, VECTOR, v),
        lambda x, v: np.stack([v[:, 1], x[:, 1], v[:, 2], x[:, 3]], 1),
        slices,
    )
    pairs = (np.array([1, 0, 1]), np.array([2, 3, 2]))
    yield Sample(
        "index_put", lambda x, v: mg.index_put(x, pairs, v), lambda x, v: replaced(x, pairs, v), distinct((2, 4), (3,))
    )
    yield Sample(
        "index_put mask",
        lambda x, v: mg.index_put(x, (MASK & [[True], [False]],), v),
        lambda x, v: replaced(x, ([0, 0], [0, 2]), v),
        distinct((2, 4), (2,)),
    )
    yield Sample(
        "index_put accumulate",
        lambda x, v: mg.index_put(x, (VECTOR % 2,), v, accumulate=True),
        lambda x, v: x + np.stack([3 * v, 0 * v]),
        distinct((2, 4), (4,)),
    )
    yield Sample(
        "index_put accumulate pairs",
        lambda x, v: mg.index_put(x, pairs, v, True),
        lambda x, v: added(x, pairs, v),
        distinct((2, 4), (3,)),
    )
