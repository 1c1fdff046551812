"""Shapes, indices and masks that operations refuse: with PyTorch's class of error, and before anything changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.helpers.refusals import check_refused

X = mg.arange(6.0).reshape(2, 3)
I = mg.tensor([[0, 1], [2, 2]])  # noqa: E741
V = mg.tensor([0, 2])


def zeros(*shape: int) -> mg.Tensor:
    return mg.zeros(*shape)


OUT_OF_RANGE: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "gather": (lambda: X.gather(1, [[3]]), ["gather", "index 3", "dim 1 of length 3", "0 to 2"]),
    "gather negative": (lambda: X.gather(1, [[-1]]), ["gather", "index -1", "0 to 2"]),
    "gather int32": (lambda: X.gather(0, np.array([[0, -1]], np.int32)), ["gather", "index -1", "0 to 1"]),
    "gather of nothing": (lambda: zeros(2, 0).gather(1, [[0], [0]]), ["gather", "length 0", "nothing to index"]),
    "take_along_dim": (lambda: X.take_along_dim(V[None] + 1, 1), ["take_along_dim", "index 3", "-3 to 2"]),
    "take_along_dim negative": (lambda: X.take_along_dim(V[None] - 4, 1), ["take_along_dim", "index -4", "-3 to 2"]),
    "scatter": (lambda: X.scatter(1, I + 1, 0), ["scatter", "index 3", "dim 1"]),
    "scatter_add": (lambda: X.scatter_add(0, I, zeros(2, 3)), ["scatter_add", "index 2", "dim 0 of length 2"]),
    "scatter_reduce": (lambda: X.scatter_reduce(0, I, zeros(2, 2), "amax"), ["scatter_reduce", "index 2"]),
    "index_select": (lambda: X.index_select(0, V), ["index_select", "index 2", "dim 0 of length 2"]),
    "index_select of a matrix": (lambda: X.index_select(0, I), ["index_select", "a vector", "(2, 2) int64"]),
    "index_add": (lambda: X.index_add(1, V - 1, zeros(2, 2)), ["index_add", "index -1", "0 to 2"]),
    "index_copy": (lambda: X.index_copy(0, V, zeros(2, 3)), ["index_copy", "index 2"]),
    "index_fill": (lambda: X.index_fill(1, [-4], 0), ["index_fill", "index -4", "-3 to 2"]),
    "index_put": (lambda: X.index_put((V,), zeros(2, 3)), ["index_put", "index 2 is out of bounds"]),
    "take": (lambda: X.take([6]), ["index 6 is out of bounds"]),
    "narrow": (lambda: X.narrow(1, 4, 0), ["narrow", "start 4", "dim 1 of length 3"]),
    "select": (lambda: X.select(1, -4), ["select", "index -4", "(2, 3) float32"]),
    "select of a number": (lambda: zeros().select(0, 0), ["select", "single number"]),
    "unbind of a number": (lambda: zeros().unbind(), ["unbind", "single number"]),
    **{
        f"dim of {name}": (call, ["dim 2", "2 dimensions", "-2 to 1"])
        for name, call in {
            "gather": lambda: X.gather(2, I), "index_add": lambda: X.index_add(2, V, X), "flip": lambda: X.flip(2),
            "roll": lambda: X.roll(1, 2), "split": lambda: X.split(1, 2), "diagonal": lambda: X.diagonal(0, 0, 2),
            "movedim": lambda: X.movedim(2, 0), "unflatten": lambda: X.unflatten(2, (1, 3)),
            "unfold": lambda: X.unfold(2, 1, 1), "unsqueeze_": lambda: X[0].unsqueeze(0).squeeze_(2),
        }.items()
    },
}  # fmt: skip

WRONG_KIND: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "gather": (lambda: X.gather(1, X), ["gather", "of integers", "(2, 3) float32", "index.long()"]),
    "gather by a mask": (lambda: X.gather(1, X > 2), ["gather", "of integers", "bool"]),
    "index_select": (lambda: X.index_select(1, X[0]), ["index_select", "of integers"]),
    "take": (lambda: X.take(X), ["take", "of integers"]),
    "repeats": (lambda: X.repeat_interleave(X[:, 0], 0), ["repeat_interleave", "of integers"]),
    "masked_fill": (lambda: X.masked_fill(V[:1], 0), ["masked_fill", "of booleans", "(1,) int64", "mask.bool()"]),
    "masked_select": (lambda: X.masked_select(V[:1]), ["masked_select", "of booleans"]),
    "scatter": (lambda: X.scatter(1, I, I), ["scatter", "(2, 2) int64", "float32", "values.to(mg.float32)"]),
    "scatter_add": (lambda: X.scatter_add(1, I, X.double()), ["scatter_add", "(2, 3) float64", "float32"]),
    "index_add": (lambda: X.index_add(0, V[:1], X[:1].half()), ["index_add", "(1, 3) float16"]),
    "index_put": (lambda: X.index_put((V[:1],), I[0, :1]), ["index_put", "(1,) int64", "float32"]),
    "index_put of a tensor": (lambda: X.index_put(V, 0.0), ["index_put", "a tuple of tensors", "(index,)"]),
    "a value": (lambda: X.masked_fill(X > 2, "a"), ["masked_fill", "a number", "str"]),
    "a mean of integers": (lambda: I.scatter_reduce(0, I * 0, I, "mean"), ["a mean needs floats"]),
    "where": (lambda: mg.where(X > 2, X), ["both input and other, or neither"]),
    "detach": (lambda: mg.detach([1.0]), ["expected a tensor", "list"]),
    "view": (lambda: X.view(6, dtype=mg.int32), ["lengths or a dtype"]),
    "tril_indices": (lambda: mg.tril_indices(2, 2, dtype=mg.float32), ["tril_indices", "of integers", "float32"]),
}

WRONG_SHAPE: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "gather": (lambda: X.gather(1, V), ["gather", "as many axes", "(2, 3) float32", "(2,) int64"]),
    "gather longer": (lambda: X.gather(1, [[0]] * 3), ["gather", "(3, 1)", "no longer than (2, 3)", "other than 1"]),
    "take_along_dim": (lambda: X.take_along_dim(V, 1), ["take_along_dim", "as many axes"]),
    "take_along_dim broadcast": (
        lambda: X.take_along_dim(zeros(3, 1).long(), 1),
        ["take_along_dim", "do not broadcast"],
    ),
    "scatter": (lambda: X.scatter(1, I, zeros(1, 2)), ["scatter", "source (1, 2)", "index (2, 2)"]),
    "scatter of axes": (lambda: X.scatter_add(1, I, zeros(2)), ["scatter_add", "source (2,)"]),
    "scatter reduce": (lambda: X.scatter(1, I, 0, reduce="mean"), ["'add', 'multiply'", "'mean'", "scatter_reduce"]),
    "scatter_reduce": (lambda: X.scatter_reduce(1, I, X, "max"), ["sum, mean, prod, amax, amin", "'max'"]),
    "index_add": (lambda: X.index_add(1, V, X), ["index_add", "(2, 2)", "each index", "(2, 3) float32"]),
    "index_copy": (lambda: X.index_copy(1, V, X[:1, :2]), ["index_copy", "(2, 2)", "(1, 2) float32"]),
    "index_fill": (lambda: X.index_fill(1, V, zeros(1)), ["index_fill", "a number", "(1,) float32"]),
    "index_fill index": (lambda: X.index_fill(1, I, 0), ["index_fill", "a vector", "(2, 2)"]),
    "index_put": (lambda: X.index_put((V[:1],), zeros(2)), ["index_put", "(2, 3)", "(2,) float32"]),
    "masked_fill": (lambda: X.masked_fill(X[:, :2] > 0, 0), ["where", "(2, 2) bool", "(2, 3) float32"]),
    "masked_fill half": (lambda: X.half().masked_fill(X > 0, -1e9), ["masked_fill", "does not fit float16"]),
    "masked_fill integers": (lambda: I.masked_fill(I > 0, np.inf), ["masked_fill", "does not fit int64"]),
    "masked_select": (lambda: X.masked_select(X[0, :2] > 0), ["masked_select: (2, 3), (2,) do not broadcast"]),
    "fill_diagonal_": (lambda: X[0].clone().fill_diagonal_(1), ["fill_diagonal_", "a matrix", "(3,) float32"]),
    "fill_diagonal_ deep": (lambda: zeros(2, 2, 3).fill_diagonal_(1), ["fill_diagonal_", "(2, 2, 3)"]),
    "tril": (lambda: X[0].tril(), ["tril", "(3,) float32", "no matrices"]),
    "view": (lambda: X.T.view(6), ["view", "(3, 2) float32", "x.reshape", "x.contiguous()"]),
    "view dtype": (lambda: X.view(mg.float64), ["view", "(2, 3) float32", "float64"]),
    "view as": (lambda: X.view_as(V), ["view", "(2, 3) float32", "(2,)"]),
    "unflatten": (lambda: X.unflatten(1, (2, 2)), ["unflatten", "3 elements along dim 1", "(2, 2)"]),
    "unflatten by two": (lambda: X.unflatten(1, (-1, -1)), ["unflatten", "(-1, -1)"]),
    "unflatten to nothing": (lambda: X.unflatten(1, ()), ["unflatten", "()"]),
    "sum_to_size": (lambda: X.sum_to_size(2), ["sum_to_size", "(2,)", "(2, 3)"]),
    "broadcast_to": (lambda: X.broadcast_to((2, 2)), ["expand", "(2, 3)", "(2,2)"]),
    "broadcast_shapes": (lambda: mg.broadcast_shapes((2,), 3), ["(2,), (3,) do not broadcast"]),
    "broadcast_tensors": (lambda: mg.broadcast_tensors(X, V), ["(2, 3), (2,) do not broadcast"]),
    "t": (lambda: zeros(1, 2, 3).t(), ["t:", "(1, 2, 3)", "x.mT"]),
    "mT": (lambda: V.mT, ["mT", "(2,) int64", "no matrices"]),
    "movedim": (lambda: X.movedim((0, 0), (0, 1)), ["movedim", "(0, 0)", "once"]),
    "narrow": (lambda: X.narrow(1, 2, 2), ["narrow", "length 3", "no 2 elements from 2 on"]),
    "narrow negative": (lambda: X.narrow(1, 0, -1), ["narrow", "no -1 elements"]),
    "narrow a number": (lambda: zeros().narrow(0, 0, 1), ["narrow", "single number"]),
    "diagonal": (lambda: X.diagonal(0, 1, -1), ["diagonal", "dim1 1 and dim2 -1", "the same axis"]),
    "diag": (lambda: zeros(1, 2, 3).diag(), ["diag", "a matrix or a vector", "(1, 2, 3)"]),
    "diag_embed": (lambda: zeros().diag_embed(), ["diag_embed", "single number"]),
    "flip": (lambda: X.flip(0, -2), ["flip", "(0, -2)", "twice"]),
    "fliplr": (lambda: V.fliplr(), ["fliplr", "at least 2 axes", "(2,) int64"]),
    "flipud": (lambda: zeros().flipud(), ["flipud", "at least 1 axis"]),
    "roll": (lambda: X.roll((1, 2), 0), ["roll", "(1, 2)", "(0,)", "as many"]),
    "rot90": (lambda: X.rot90(1, (0,)), ["rot90", "two axes", "(0,)"]),
    "rot90 plane": (lambda: X.rot90(1, (1, -1)), ["rot90", "the same axis"]),
    "repeat": (lambda: X.repeat(2), ["repeat", "(2, 3) float32", "(2,)"]),
    "repeat negative": (lambda: X.repeat(1, -1), ["repeat", "at least 0", "(1, -1)"]),
    "repeats": (lambda: X.repeat_interleave(V, 1), ["repeat_interleave", "3, got [0, 2]"]),
    "repeats negative": (lambda: X.repeat_interleave(-1), ["repeat_interleave", "at least 0", "[-1]"]),
    "output_size": (lambda: X.repeat_interleave(2, 0, output_size=5), ["output_size is 5", "add up to 4"]),
    "unfold": (lambda: X.unfold(1, 4, 1), ["unfold", "4 elements", "from 0 to 3"]),
    "unfold step": (lambda: X.unfold(1, 2, 0), ["unfold", "step at least 1"]),
    "split": (lambda: X.split([1, 1], 1), ["split", "(1, 1)", "add up to 3"]),
    "split size": (lambda: X.split(0), ["split", "dim 0 of length 2", "length 0"]),
    "split a number": (lambda: zeros().split(1), ["split", "single number"]),
    "tensor_split": (lambda: X.tensor_split(0), ["tensor_split", "at least 1, got 0"]),
    "hsplit": (lambda: X.hsplit(2), ["hsplit", "3 elements along dim 1", "2 equal parts"]),
    "vsplit": (lambda: V.vsplit(1), ["vsplit", "at least 2 axes"]),
    "dsplit": (lambda: X.dsplit(1), ["dsplit", "at least 3 axes"]),
    "chunk": (lambda: X.chunk(0), ["chunk", "at least 1, got 0"]),
    "cat": (lambda: mg.cat([X, V]), ["cat", "(2, 3) float32", "(2,)"]),
    "cat numbers": (lambda: mg.cat([X.sum(), X.sum()]), ["cat", "() float32"]),
    "hstack": (lambda: mg.hstack([]), ["hstack", "at least one tensor"]),
    "block_diag": (lambda: mg.block_diag(zeros(1, 2, 3)), ["block_diag", "(1, 2, 3)"]),
    "cartesian_prod": (lambda: mg.cartesian_prod(X), ["cartesian_prod", "vectors", "(2, 3)"]),
    "cartesian_prod of nothing": (lambda: mg.cartesian_prod(), ["cartesian_prod", "at least one"]),
    "combinations": (lambda: mg.combinations(X), ["combinations", "a vector", "(2, 3)"]),
    "combinations r": (lambda: mg.combinations(V, -1), ["combinations", "at least 0, got -1"]),
    "triu_indices": (lambda: mg.triu_indices(-1, 2), ["triu_indices", "at least 0", "-1 and 2"]),
    "device": (lambda: mg.triu_indices(1, 2, device="cuda"), ["no device 'cuda'", "runs on the CPU"]),
    "expanded": (lambda: X[:1].expand(2, 3).masked_fill_(X > 1, 0), ["masked_fill in place", "read-only", "x.clone()"]),
    "unfolded": (lambda: X.unfold(1, 2, 1).zero_(), ["zero_", "read-only", "x.clone()"]),
}

CLASSES = {
    **{f"out of range: {name}": (IndexError, *row) for name, row in OUT_OF_RANGE.items()},
    **{f"kind: {name}": ((TypeError, RuntimeError), *row) for name, row in WRONG_KIND.items()},
    **{f"shape: {name}": ((ValueError, RuntimeError), *row) for name, row in WRONG_SHAPE.items()},
}


@pytest.mark.parametrize("name", CLASSES)
def test_refused_with_the_cure(name: str) -> None:
    classes, call, parts = CLASSES[name]
    before = X.tolist()
    for kind in classes if isinstance(classes, tuple) else (classes,):
        check_refused(call, kind, parts)
    assert X.tolist() == before


BY_NAME = {
    "gather": lambda **axis: X.gather(index=I, **axis),
    "narrow": lambda **axis: X.narrow(start=0, length=1, **axis),
    "split": lambda **axis: X.split(2, **axis),
    "unbind": lambda **axis: X.unbind(**axis),
    "unsqueeze": lambda **axis: X.unsqueeze(**axis),
    "cat": lambda **axis: mg.cat([X, X], **axis),
}


@pytest.mark.parametrize("name", BY_NAME)
def test_axis_is_another_name_of_dim(name: str) -> None:
    by_dim, by_axis = BY_NAME[name](dim=1), BY_NAME[name](axis=1)
    for one, other in zip(by_dim, by_axis, strict=True):
        assert one.tolist() == other.tolist()
    with pytest.raises(TypeError, match="dim and axis are two names"):
        BY_NAME[name](dim=1, axis=1)
