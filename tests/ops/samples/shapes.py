"""Samples of operations on shapes and indices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import ops
from minigrad.ops.indexing import placed
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample

SHAPES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "reshape": (lambda x: mg.reshape(x, 3, -1), lambda x: np.reshape(x, (3, 4))),
    "reshape tuple": (lambda x: mg.reshape(x, (12,)), np.ravel),
    "permute": (lambda x: mg.permute(x, 2, 0, 1), lambda x: np.moveaxis(x, 2, 0)),
    "permute tuple": (lambda x: mg.permute(x, (-1, 1, 0)), lambda x: np.swapaxes(x, 0, 2)),
    "swapaxes": (lambda x: mg.swapaxes(x, 0, -2), lambda x: np.swapaxes(x, 0, 1)),
    "transpose": (lambda x: mg.transpose(x, 1, 2), lambda x: np.swapaxes(x, 1, 2)),
    "expand": (lambda x: mg.expand(x, 5, 2, -1, 2), lambda x: np.stack([x] * 5)),
    "expand axis": (lambda x: mg.expand(x[:, :1], 2, 4, 2), lambda x: np.repeat(x[:, :1], 4, axis=1)),
    "squeeze": (lambda x: mg.squeeze(x[:, :1]), lambda x: x[:, 0]),
    "squeeze one": (lambda x: mg.squeeze(x[:1, :1], 1), lambda x: x[:1, 0]),
    "squeeze several": (lambda x: mg.squeeze(x[:1, :1], (0, 1)), lambda x: x[0, 0]),
    "unsqueeze": (lambda x: mg.unsqueeze(x, -1), lambda x: x[..., None]),
    "flatten": (mg.flatten, np.ravel),
    "flatten some": (lambda x: mg.flatten(x, 1), lambda x: np.reshape(x, (2, 6))),
    "astype": (lambda x: ops.astype(x, x.dtype), np.array),
    "clone": (lambda x: x.clone() if isinstance(x, mg.Tensor) else x.copy(), np.array),
}

INDICES: dict[str, Any] = {
    "int": 1,
    "negative int": -2,
    "ints": (1, 0, -1),
    "slice": slice(1, None),
    "negative step": slice(None, None, -2),
    "slices": (slice(2), slice(None, None, -1)),
    "None": (None, slice(None), None, 1),
    "ellipsis": (..., 0),
    "ellipsis alone": ...,
    "empty slice": slice(2, 1),
    "list": [2, 0],
    "twice the same": [1, 1, 0, 1],
    "nested list": [[0, 2], [1, 1]],
    "tuple in a tuple": ((1, 1, 2),),
    "range": (slice(None), range(3)),
    "array": np.array([[0, 0], [2, 1]]),
    "unsigned array": np.array([0, 2, 2], np.uint8),
    "arrays": (np.array([0, 1, 1, 1]), np.array([3, 2, 2, 0])),
    "arrays apart": (np.array([0, 2]), slice(None), np.array([1, 1])),
    "array after slice": (slice(None), np.array([3, 3, 0])),
    "broadcast arrays": (np.array([[0], [2]]), np.array([1, 3])),
    "number array": np.array(1),
    "mask": np.arange(24).reshape(3, 4, 2) % 3 == 0,
    "mask of rows": np.array([True, False, True]),
    "mask of lists": [False, True, True],
    "mask and int": (np.array([True, False, True]), 1),
    "mask of nothing": np.zeros((3, 4), bool),
    "true": True,
    "NumPy int": np.int64(2),
}

PLACES: dict[str, Any] = {
    "slice": (slice(None, None, 2),),
    "twice the same": (np.array([1, 1, 0]),),
    "mask": (np.array([True, False, True, True, False]),),
}


def take(x: Any, index: Any) -> Any:
    return np.asarray(x[index])


def put(values: Any, index: Any) -> Any:
    return placed(values, (5,), index)


def put_one_by_one(values: Any, index: Any) -> Any:
    y = np.zeros(5, values.dtype)
    for i, value in zip(np.arange(5)[index], values):
        y[i] += value
    return y


def join(*tensors: Any, function: Callable[..., Any], dim: int) -> Any:
    return function(tensors, dim)


def shapes() -> Iterator[Sample]:
    for name, (function, formula) in SHAPES.items():
        yield Sample(name, function, formula, distinct((2, 3, 2)))
    for name, index in INDICES.items():
        function, formula = partial(ops.getitem, index=index), partial(take, index=index)
        yield Sample(f"getitem {name}", function, formula, distinct((3, 4, 2)))
    for name, index in PLACES.items():
        yield Sample(f"put {name}", partial(put, index=index), partial(put_one_by_one, index=index), distinct((3,)))
    for dim in (0, 1, -1):
        pieces = distinct((1, 3), (2, 3), (3, 3)) if dim == 0 else distinct((2, 1), (2, 2))
        joined = partial(join, function=np.concatenate, dim=dim)
        yield Sample(f"cat {dim}", partial(join, function=mg.cat, dim=dim), joined, pieces)
        stacked = partial(join, function=np.stack, dim=dim)
        yield Sample(f"stack {dim}", partial(join, function=mg.stack, dim=dim), stacked, distinct((2, 2), (2, 2)))
    constant = np.arange(6, dtype=np.int8).reshape(2, 3)
    yield Sample("cat one", lambda x: mg.cat([x]), np.array, distinct((2, 3)))
    yield Sample("cat ints", lambda x: mg.cat([constant, x]), lambda x: np.concatenate([constant, x]), distinct((2, 3)))
