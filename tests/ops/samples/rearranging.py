"""Samples of operations that rearrange, repeat, join and split elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import ops
from minigrad.ops import reordering, unfolding, views
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample

ROWS = np.arange(6).reshape(2, 3)

REARRANGED: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "view": (lambda x: views.view(x, 2, 3, 1, -1), lambda x: np.reshape(x, (2, 3, 1, 2))),
    "view as": (lambda x: views.view_as(x, np.ones((2, 3, 2, 1))), lambda x: x[..., None]),
    "reshape as": (lambda x: views.reshape_as(x, np.ones(12)), np.ravel),
    "expand as": (lambda x: views.expand_as(x, np.ones((4, 2, 3, 2))), lambda x: np.stack([x] * 4)),
    "broadcast_to": (lambda x: mg.broadcast_to(x, (3, -1, 3, 2)), lambda x: np.stack([x] * 3)),
    "sum_to_size": (lambda x: views.sum_to_size(x, 3, 1), lambda x: np.sum(x, (0, 2))[:, None]),
    "sum_to_size of its own": (lambda x: views.sum_to_size(x, (2, 3, 2)), np.array),
    "ravel": (mg.ravel, np.ravel),
    "unflatten": (lambda x: mg.unflatten(x, 1, (-1, 1)), lambda x: x[:, :, None]),
    "t": (lambda x: mg.t(x[0]), lambda x: np.transpose(x[0])),
    "swapdims": (lambda x: mg.swapdims(x, 0, 1), lambda x: np.swapaxes(x, 0, 1)),
    "movedim": (lambda x: mg.movedim(x, (0, 1), (-1, 0)), lambda x: np.moveaxis(x, (0, 1), (-1, 0))),
    "movedim one": (lambda x: mg.movedim(x, -1, 0), lambda x: np.moveaxis(x, -1, 0)),
    "atleast_3d": (lambda x: mg.atleast_3d(x[0]), lambda x: x[0][:, :, None]),
    "narrow": (lambda x: mg.narrow(x, 1, -2, 2), lambda x: x[:, 1:]),
    "select": (lambda x: mg.select(x, 2, -1), lambda x: x[..., 1]),
    "diagonal": (mg.diagonal, lambda x: np.stack([x[0, 0], x[1, 1]], -1)),
    "diagonal below": (lambda x: mg.diagonal(x, -1, 1, -1), lambda x: np.stack([x[:, 1, 0], x[:, 2, 1]], -1)),
    "diagonal of nothing": (lambda x: mg.diagonal(x, 3), lambda x: np.zeros((2, 0))),
    "linalg.diagonal": (mg.linalg.diagonal, lambda x: np.stack([x[:, 0, 0], x[:, 1, 1]], -1)),
    "diag": (lambda x: mg.diag(x[0], 1), lambda x: x[0, :1, 1]),
    "diag of a vector": (lambda x: mg.diag(x[0, 0], -1), lambda x: np.diag(x[0, 0], -1)),
    "diag_embed": (mg.diag_embed, lambda x: x[..., None] * np.eye(2)),
    "diag_embed apart": (lambda x: mg.diag_embed(x, 1, 0, 2), lambda x: shifted_diagonal(x)),
    "diagflat": (lambda x: mg.diagflat(x[0], 1), lambda x: np.diag(np.ravel(x[0]), 1)),
    "unfold": (lambda x: unfolding.unfold(x, 1, 2, 1), lambda x: np.stack([x[:, :2], x[:, 1:]], 1).swapaxes(2, 3)),
    "unfold apart": (
        lambda x: unfolding.unfold(mg.ravel(x), 0, 5, 3),
        lambda x: np.ravel(x)[[range(5), range(3, 8), range(6, 11)]],
    ),
    "unfold with gaps": (
        lambda x: unfolding.unfold(mg.ravel(x), -1, 2, 5),
        lambda x: np.ravel(x)[[[0, 1], [5, 6], [10, 11]]],
    ),
    "flip": (lambda x: mg.flip(x, (0, -1)), lambda x: x[::-1, :, ::-1]),
    "flip one": (lambda x: mg.flip(x, 1), lambda x: x[:, ::-1]),
    "fliplr": (mg.fliplr, lambda x: x[:, ::-1]),
    "flipud": (mg.flipud, lambda x: x[::-1]),
    "roll": (lambda x: mg.roll(x, 5), lambda x: np.reshape(np.append(np.ravel(x)[7:], np.ravel(x)[:7]), x.shape)),
    "roll axes": (lambda x: mg.roll(x, (-1, 1), (1, 2)), lambda x: x[:, [1, 2, 0]][..., [1, 0]]),
    "roll one axis": (lambda x: mg.roll(x, 4, 1), lambda x: x[:, [2, 0, 1]]),
    **{
        f"rot90 {k}": (
            lambda x, k=k: mg.rot90(x, k, (1, 0)),
            lambda x, k=k: [x, np.swapaxes(x, 0, 1)[:, ::-1], x[::-1, ::-1], np.swapaxes(x, 0, 1)[::-1]][k % 4],
        )
        for k in (0, 1, 2, -1)
    },
    "repeat": (
        lambda x: reordering.repeat(x, 2, 1, 3, 2),
        lambda x: np.stack([np.concatenate([np.concatenate([x] * 3, 1)] * 2, 2)] * 2),
    ),
    "repeat none": (lambda x: reordering.repeat(x, 1, 1, 0), lambda x: x[..., :0]),
    "tile": (lambda x: mg.tile(x, 2), lambda x: np.concatenate([x, x], 2)),
    "repeat_interleave": (lambda x: mg.repeat_interleave(x, 2), lambda x: np.ravel(np.stack([x, x], -1))),
    "repeat_interleave axis": (lambda x: mg.repeat_interleave(x, 2, 1), lambda x: x[:, [0, 0, 1, 1, 2, 2]]),
    "repeat_interleave each": (
        lambda x: mg.repeat_interleave(x, np.array([2, 0, 1]), dim=1, output_size=3),
        lambda x: x[:, [0, 0, 2]],
    ),
    "tril": (mg.tril, lambda x: x * (np.arange(3)[:, None] >= np.arange(2))),
    "tril above": (lambda x: mg.tril(x[0], 1), lambda x: x[0] * (np.arange(3)[:, None] + 1 >= np.arange(2))),
    "triu": (mg.triu, lambda x: x * (np.arange(3)[:, None] <= np.arange(2))),
    "triu below": (lambda x: mg.triu(x, -1), lambda x: x * (np.arange(3)[:, None] <= np.arange(2) + 1)),
    "hstack": (lambda x: mg.hstack([x, x]), lambda x: np.concatenate([x, x], 1)),
    "hstack of vectors": (lambda x: mg.hstack([x[0, 0], x[1, 1, :1]]), lambda x: np.append(x[0, 0], x[1, 1, 0])),
    "vstack": (lambda x: mg.vstack([x[0, 0], x[1]]), lambda x: np.concatenate([x[0, :1], x[1]])),
    "dstack": (lambda x: mg.dstack([x[0], x[1]]), lambda x: np.moveaxis(x, 0, -1)),
    "column_stack": (lambda x: mg.column_stack([x[0, :, 0], x[1]]), lambda x: np.concatenate([x[0, :, :1], x[1]], 1)),
    "cat with an empty vector": (
        lambda x: mg.cat([np.zeros(0, np.float16), x, x], 1),
        lambda x: np.concatenate([x, x], 1),
    ),
    "block_diag": (
        lambda x: mg.block_diag(x[0], x[1, 0, 0], x[1, 1]),
        lambda x: (
            np.pad(x[0], ((0, 2), (0, 3)))
            + np.pad(np.array([[x[1, 0, 0]]]), ((3, 1), (2, 2)))
            + np.pad(x[1, 1:2], ((4, 0), (3, 0)))
        ),
    ),
    "cartesian_prod": (
        lambda x: mg.cartesian_prod(x[0, 0], x[1, :, 1]),
        lambda x: np.stack([np.repeat(x[0, 0], 3), np.append(x[1, :, 1], x[1, :, 1])], -1),
    ),
    "combinations": (lambda x: mg.combinations(x[1, :, 0]), lambda x: x[1, [[0, 1], [0, 2], [1, 2]], 0]),
    "combinations again": (
        lambda x: mg.combinations(x[1, :2, 0], 3, with_replacement=True),
        lambda x: x[1, [[0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1]], 0],
    ),
}
"""Functions of an array of shape (2, 3, 2), each with the same in plain NumPy."""

PARTS: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "split": (lambda x: mg.split(x, 2, 1), [slice(2), slice(2, 3)]),
    "split sections": (lambda x: mg.split(x, [1, 0, 2], 1), [slice(1), slice(0), slice(1, 3)]),
    "tensor_split": (lambda x: mg.tensor_split(x, 2, 1), [slice(2), slice(2, 3)]),
    "tensor_split indices": (lambda x: mg.tensor_split(x, (-2, 1, 9), 1), [slice(1), slice(0), slice(1, 3), slice(0)]),
    "chunk": (lambda x: mg.chunk(x, 2, 1), [slice(2), slice(2, 3)]),
    "unbind": (lambda x: mg.unbind(x, 1), [0, 1, 2]),
    "hsplit": (lambda x: mg.hsplit(x, 3), [slice(1), slice(1, 2), slice(2, 3)]),
}
"""Functions that split (2, 3, 2) along its second axis, each with the index of all parts."""


def shifted_diagonal(x: Any) -> Any:
    """``diag_embed(x, 1, 0, 2)``, written element by element."""
    y = np.zeros((3, 2, 3, 3), x.dtype)
    for i in range(2):
        y[i, :, i + 1, :] = x[..., i]
    return y


def weighted(parts: Any) -> Any:
    """The sums of all parts, each counted differently, times the first one."""
    return sum((i + 1) * part.sum() for i, part in enumerate(parts)) * parts[0]


def split_by_index(x: Any, indices: list[Any]) -> Any:
    return weighted([x[:, index] for index in indices])


def rearranging() -> Iterator[Sample]:
    for name, (function, formula) in REARRANGED.items():
        yield Sample(name, function, formula, distinct((2, 3, 2)))
    for name, (function, indices) in PARTS.items():
        yield Sample(
            name, lambda x, f=function: weighted(f(x)), partial(split_by_index, indices=indices), distinct((2, 3, 2))
        )
    yield Sample("flip of a number", lambda x: ops.flip(x, ()), np.array, distinct(()))
    yield Sample("repeat a number", lambda x: reordering.repeat(x, 3), lambda x: np.stack([x] * 3), distinct(()))
    yield Sample("tile a number", lambda x: mg.tile(x, ()), np.array, distinct(()))
    yield Sample(
        "broadcast_tensors",
        lambda x, y: mg.stack(mg.broadcast_tensors(x, y)),
        lambda x, y: np.stack([x + 0 * y, y + 0 * x]),
        distinct((3,), (2, 1)),
    )
