"""What samples of floats do not show of indexing and rearranging: other dtypes, tuples, names, edges, programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile import capture

INTS = np.arange(6).reshape(2, 3) - 2
INDEX = np.array([[0, 0], [2, 1]])

OF_INTEGERS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "gather": (lambda x: x.gather(1, INDEX), [[-2, -2], [3, 2]]),
    "take_along_dim": (lambda x: x.take_along_dim(INDEX - 3, 1), [[-2, -2], [3, 2]]),
    "index_select": (lambda x: x.index_select(1, [2, 2]), [[0, 0], [3, 3]]),
    "take": (lambda x: x.take([[5, -6]]), [[3, -2]]),
    "masked_select": (lambda x: x.masked_select(x > 1), [2, 3]),
    "scatter": (lambda x: x.scatter(1, INDEX, 7.9), [[7, -1, 0], [1, 7, 7]]),
    "scatter multiply": (lambda x: x.scatter(1, INDEX, 3, reduce="multiply"), [[-18, -1, 0], [1, 6, 9]]),
    "scatter_add": (lambda x: x.scatter_add(1, INDEX, x), [[-5, -1, 0], [1, 4, 4]]),
    "scatter_reduce prod": (lambda x: x.scatter_reduce(1, INDEX, x, "prod"), [[-4, -1, 0], [1, 4, 3]]),
    "scatter_reduce amax": (
        lambda x: x.scatter_reduce(1, INDEX, x, "amax", include_self=False),
        [[-1, -1, 0], [1, 2, 1]],
    ),
    "scatter_reduce amin": (lambda x: x.scatter_reduce(1, INDEX, -x, "amin"), [[-2, -1, 0], [1, -2, -1]]),
    "index_add": (lambda x: x.index_add(0, [1, 1], x, alpha=2), [[-2, -1, 0], [-1, 4, 9]]),
    "index_copy": (lambda x: x.index_copy(0, [1], x[:1]), [[-2, -1, 0], [-2, -1, 0]]),
    "index_fill": (lambda x: x.index_fill(1, [-1], 4), [[-2, -1, 4], [1, 2, 4]]),
    "index_put": (lambda x: x.index_put(([0], [0]), 9), [[9, -1, 0], [1, 2, 3]]),
    "index_put accumulate": (lambda x: x.index_put(([0, 0], [0, 0]), 9, True), [[16, -1, 0], [1, 2, 3]]),
    "masked_fill": (lambda x: x.masked_fill(x < 0, 1), [[1, 1, 0], [1, 2, 3]]),
    "tril": (lambda x: x.tril(), [[-2, 0, 0], [1, 2, 0]]),
    "diag_embed": (lambda x: x[:, 0].diag_embed(), [[-2, 0], [0, 1]]),
    "diagonal": (lambda x: x.diagonal(), [-2, 2]),
    "flip": (lambda x: x.flip((0, 1)), [[3, 2, 1], [0, -1, -2]]),
    "roll": (lambda x: x.roll(1), [[3, -2, -1], [0, 1, 2]]),
    "repeat": (lambda x: x.repeat(1, 2), [[-2, -1, 0, -2, -1, 0], [1, 2, 3, 1, 2, 3]]),
    "repeat_interleave": (lambda x: x.repeat_interleave(2, 0), [[-2, -1, 0]] * 2 + [[1, 2, 3]] * 2),
    "unfold": (lambda x: x.unfold(1, 2, 1), [[[-2, -1], [-1, 0]], [[1, 2], [2, 3]]]),
}


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int8])
@pytest.mark.parametrize("name", OF_INTEGERS)
def test_of_integers(name: str, dtype: Any) -> None:
    function, expected = OF_INTEGERS[name]
    y = function(mg.tensor(INTS.astype(dtype)))
    assert y.dtype == dtype
    assert y.tolist() == expected


OF_BOOLEANS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "gather": (lambda x: x.gather(0, [0, 0, 1]), [True, True, False]),
    "index_select": (lambda x: x.index_select(0, [1, 0]), [False, True]),
    "scatter": (lambda x: x.scatter(0, [1], 2), [True, True, True]),
    "scatter_add": (lambda x: x.scatter_add(0, [1, 1], mg.tensor([True, True])), [True, True, True]),
    "scatter_reduce": (lambda x: x.scatter_reduce(0, [2, 2], x[:2], "amin"), [True, False, False]),
    "masked_fill": (lambda x: x.masked_fill(x, False), [False, False, False]),
    "diag": (lambda x: x.diag().sum(0), [1, 0, 1]),
    "flip": (lambda x: x[:2].flip(0), [False, True]),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_BOOLEANS)
def test_of_booleans(name: str) -> None:
    function, expected = OF_BOOLEANS[name]
    assert function(mg.tensor([True, False, True])).tolist() == expected


SPLITS: dict[str, tuple[Callable[[Any], Any], list[list[int]]]] = {
    "split": (lambda x: mg.split(x, 2), [[0, 1], [2, 3], [4]]),
    "split by name": (lambda x: mg.split(tensor=x, split_size_or_sections=[4, 1], dim=0), [[0, 1, 2, 3], [4]]),
    "split, method": (lambda x: x.split(split_size=4), [[0, 1, 2, 3], [4]]),
    "split into longer parts": (lambda x: x.split(9), [[0, 1, 2, 3, 4]]),
    "split of nothing": (lambda x: x[:0].split(2), [[]]),
    "chunk": (lambda x: x.chunk(4), [[0, 1], [2, 3], [4]]),
    "chunk of nothing": (lambda x: x[:0].chunk(2), [[], []]),
    "tensor_split": (lambda x: x.tensor_split(sections=2), [[0, 1, 2], [3, 4]]),
    "tensor_split into more": (lambda x: x[:2].tensor_split(3), [[0], [1], []]),
    "tensor_split indices": (lambda x: x.tensor_split(indices=(3, 1)), [[0, 1, 2], [], [1, 2, 3, 4]]),
    "tensor_split by a tensor": (lambda x: x.tensor_split(mg.tensor([1])), [[0], [1, 2, 3, 4]]),
    "hsplit of a vector": (lambda x: x.hsplit((2,)), [[0, 1], [2, 3, 4]]),
    "vsplit": (lambda x: [part.ravel() for part in x[:, None].vsplit(5)], [[0], [1], [2], [3], [4]]),
    "dsplit": (lambda x: [part.ravel() for part in x[None, None].dsplit([4])], [[0, 1, 2, 3], [4]]),
    "unbind": (lambda x: x[:2, None].unbind(), [[0], [1]]),
    "unbind of nothing": (lambda x: x[:0].unbind(), []),
    "broadcast_tensors": (lambda x: mg.broadcast_tensors(x[:2], x[:1]), [[0, 1], [0, 0]]),
    "atleast_1d": (lambda x: mg.atleast_1d(x[0], x[:2]), [[0], [0, 1]]),
    "atleast_1d of a list": (lambda x: mg.atleast_1d([x[4]]), [[4]]),
    "where": (lambda x: mg.where(x > 2), [[3, 4]]),
    "where of a matrix": (lambda x: mg.where(x.diag()), [[1, 2, 3, 4], [1, 2, 3, 4]]),
    "nonzero as a tuple": (lambda x: x.nonzero(as_tuple=True), [[1, 2, 3, 4]]),
    "nonzero of a number as a tuple": (lambda x: x[1].nonzero(as_tuple=True), [[0]]),
}  # fmt: skip


@pytest.mark.parametrize("name", SPLITS)
def test_functions_that_return_several_tensors(name: str) -> None:
    function, expected = SPLITS[name]
    found = function(mg.arange(5))
    assert isinstance(found, (tuple, list))
    assert [y.tolist() for y in found] == expected


EDGES: dict[str, tuple[Callable[[], Any], Any]] = {
    "nonzero": (lambda: mg.tensor([[0, 2], [3, 0]]).nonzero(), [[0, 1], [1, 0]]),
    "nonzero of a number": (lambda: mg.tensor(3).nonzero(), [[]]),
    "argwhere of 0": (lambda: mg.tensor(0.0).argwhere(), []),
    "take_along_dim of argsort": (lambda: mg.take_along_dim(mg.tensor([3, 1]), np.array([1, 0]), 0), [1, 3]),
    "gather of a number": (lambda: mg.tensor(3).gather(0, mg.tensor(0)), 3),
    "gather by a number": (lambda: mg.tensor([3, 4]).gather(0, mg.tensor(1)), 4),
    "index_select of a number": (lambda: mg.tensor(3).index_select(0, [0]), 3),
    "index_fill of a number": (lambda: mg.tensor(3).index_fill(0, [0], 5), 5),
    "scatter to a number": (lambda: mg.tensor(3).scatter(0, 0, 5), 5),
    "scatter_add to a number": (lambda: mg.tensor(3).scatter_add(0, [0, 0], [5, 6]), 14),
    "masked_select of a number": (lambda: mg.tensor(3).masked_select(mg.tensor(True)), [3]),
    "cat skips an empty vector": (lambda: mg.cat([mg.tensor([]), mg.ones(1, 2)], 1), [[1, 1]]),
    "cat of empty vectors": (lambda: mg.cat([mg.tensor([]), mg.tensor([])]), []),
    "concat": (lambda: mg.concat([mg.tensor([1]), mg.tensor([2])], dim=0), [1, 2]),
    "concatenate": (lambda: mg.concatenate([mg.tensor([[1]]), mg.tensor([[2]])], axis=1), [[1, 2]]),
    "vstack of numbers": (lambda: mg.row_stack([mg.tensor(1), mg.tensor(2)]), [[1], [2]]),
    "column_stack of numbers": (lambda: mg.column_stack([mg.tensor(1), mg.tensor(2)]), [[1, 2]]),
    "dstack of vectors": (lambda: mg.dstack([mg.tensor([1, 2]), mg.tensor([3, 4])]), [[[1, 3], [2, 4]]]),
    "block_diag promotes": (lambda: mg.block_diag(mg.tensor(1), mg.tensor([0.5])), [[1, 0], [0, 0.5]]),
    "block_diag of empty rows": (lambda: mg.block_diag(mg.zeros(0, 2), mg.ones(1, 1)), [[0, 0, 1]]),
    "cartesian_prod of one": (lambda: mg.cartesian_prod(mg.tensor([1, 2])), [1, 2]),
    "cartesian_prod of nothing": (lambda: mg.cartesian_prod(mg.tensor([1]), mg.tensor([]).long()), []),
    "combinations of none": (lambda: mg.combinations(mg.tensor([1, 2]), 0), []),
    "tril_indices": (lambda: mg.tril_indices(3, 2, -1), [[1, 2, 2], [0, 0, 1]]),
    "triu_indices": (lambda: mg.triu_indices(2, 2, dtype=mg.int32), [[0, 0, 1], [0, 1, 1]]),
    "squeeze of a longer axis": (lambda: mg.tensor([[1, 2]]).squeeze(1), [[1, 2]]),
    "t of a vector": (lambda: mg.tensor([1, 2]).t(), [1, 2]),
    "unfold of a number": (lambda: mg.tensor(3).unfold(0, 1, 1), [3]),
    "unfold without elements": (lambda: mg.tensor([3, 4]).unfold(0, 0, 2), [[], []]),
    "diagonal beyond": (lambda: mg.ones(2, 2).diagonal(-2), []),
    "roll of nothing": (lambda: mg.zeros(0).roll(3), []),
    "roll of a number": (lambda: mg.tensor(3).roll(2, 0), 3),
    "repeat_interleave of a number": (lambda: mg.tensor(3).repeat_interleave(2), [3, 3]),
    "repeat_interleave of nothing": (lambda: mg.tensor([1, 2]).repeat_interleave(mg.tensor([0, 0])), []),
    "movedim of a number": (lambda: mg.tensor(3).movedim(0, 0), 3),
    "scatter_reduce of nothing": (
        lambda: mg.ones(2).scatter_reduce(0, np.zeros(0, int), mg.zeros(0), "prod", include_self=False), [1, 1],
    ),
    "scatter_reduce untouched": (
        lambda: mg.tensor([5.0, 6.0]).scatter_reduce(0, [0], mg.tensor([1.0]), "mean", include_self=False), [1, 6],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDGES)
def test_edges(name: str) -> None:
    function, expected = EDGES[name]
    assert function().tolist() == expected


def test_cat_promotes_and_empty_vectors_have_a_gradient() -> None:
    nothing = mg.tensor(np.zeros(0), requires_grad=True)
    x = mg.ones(2, 2, requires_grad=True)
    y = mg.cat([nothing, x])
    assert y.dtype == np.float64
    assert [dx.shape for dx in mg.grad(y.sum(), [nothing, x])] == [(0,), (2, 2)]


def test_of_several_values_for_one_element_the_last_has_the_gradient() -> None:
    for write in (
        lambda x, v: x.scatter(0, [1, 1, 0], v),
        lambda x, v: x.index_copy(0, [1, 1, 0], v),
        lambda x, v: x.index_put(([1, 1, 0],), v),
    ):
        x, v = mg.zeros(3, requires_grad=True), mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
        y = write(x, v)
        assert y.tolist() == [3, 2, 0]
        y.backward(mg.tensor([5.0, 6.0, 7.0]))
        assert x.grad is not None and x.grad.tolist() == [0, 0, 7]
        assert v.grad is not None and v.grad.tolist() == [0, 6, 5]


ALONG: dict[str, Callable[..., Any]] = {
    "gather": lambda x, i: x.gather(1, i),
    "take_along_dim": lambda x, i: x.take_along_dim(i - 1, 1),
    "index_select": lambda x, i: x.index_select(1, i[0]),
    "take": lambda x, i: x.take(i),
    "scatter": lambda x, i: x.scatter(1, i, x * 2),
    "scatter a number": lambda x, i: x.scatter(1, i, 2.0),
    "scatter_add": lambda x, i: x.scatter_add(1, i, x * 2),
    "scatter_add of a constant": lambda x, i: x.scatter_add(1, i, np.ones((2, 3))),
    "mean": lambda x, i: x.scatter_reduce(1, i, x * 2, "mean", include_self=False),
    "index_add": lambda x, i: x.index_add(1, i[1], x * 2),
    "index_copy": lambda x, i: x.index_copy(1, i[1], x * 2),
    "index_fill": lambda x, i: x.index_fill(1, i[1, :1] - 1, 7),
    "index_put": lambda x, i: x.index_put((i[0, :2] * 0, i[1, :2]), x[0, :2], accumulate=True),
    "masked_fill": lambda x, i: x.masked_fill(i > 1, 0),
    "where": lambda x, i: mg.where(i > 0, x, -x),
}
"""Functions of (2, 3) floats and of an index of that shape."""


@pytest.mark.parametrize("name", ALONG)
def test_a_program_takes_another_index_at_each_replay(name: str) -> None:
    def step(x: Any, index: Any) -> Any:
        x = x.detach().requires_grad_()
        y = ALONG[name](x, index)
        return [y.detach(), *mg.grad((y * y).sum(), x)]

    rng = np.random.default_rng(0)
    inputs = [(mg.tensor(rng.standard_normal((2, 3))), mg.tensor(rng.integers(0, 3, (2, 3)))) for _ in range(3)]
    program, first = capture(step, *inputs[0])
    for found, given in [(first, inputs[0]), *((program.run(*given), given) for given in inputs)]:
        for one, other in zip(found, step(*given), strict=True):
            np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", ["gather", "take_along_dim", "scatter_add", "index_select", "index_add", "index_fill"])
def test_a_program_refuses_an_index_out_of_range_before_it_changes_anything(name: str) -> None:
    total = mg.zeros(1, dtype=np.float64)

    def step(x: Any, index: Any) -> Any:
        total.add_(1)
        return ALONG[name](x, index)

    x, index = mg.tensor(np.ones((2, 3))), mg.tensor(np.zeros((2, 3), np.int64))
    program, _ = capture(step, x, index, state=[total])
    with pytest.raises(IndexError, match=r"index [45] is out of range"):
        program.run(x, index + 5)
    assert total.tolist() == [1]
