"""Products beyond their table of samples: orders of many, integers, in place, float16."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.ops.contraction import plan
from minigrad.ops.einsum import recipe
from minigrad.ops.products_of_ranks import best_splits
from tests.helpers.inputs import leaf


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).standard_normal(shape)


def cost(lengths, splits, i, j):
    """The multiplications of a chain of matrices that is split like that."""
    if i == j:
        return 0
    k = splits[i, j]
    return cost(lengths, splits, i, k) + cost(lengths, splits, k + 1, j) + lengths[i] * lengths[k + 1] * lengths[j + 1]


def all_costs(lengths):
    """The multiplications of a chain of matrices in all orders."""
    if len(lengths) == 2:
        return {0}
    return {
        a + b + lengths[0] * lengths[k] * lengths[-1]
        for k in range(1, len(lengths) - 1)
        for a, b in itertools.product(all_costs(lengths[: k + 1]), all_costs(lengths[k:]))
    }


@pytest.mark.parametrize("lengths", [(2, 3, 4), (10, 1, 10, 1), (1, 9, 2, 9, 1), (30, 35, 15, 5, 10, 20, 25), (5,) * 6])
def test_a_chain_of_matrices_is_multiplied_in_the_cheapest_order(lengths):
    assert cost(lengths, best_splits(lengths), 0, len(lengths) - 2) == min(all_costs(lengths))


def test_einsum_multiplies_in_the_cheapest_order():
    how = recipe(("ij", "jk", "kl"), "il", ((9, 8), (8, 7), (7, 1)))
    assert [labels for _, _, labels in how.pairs] == ["jk,kl->jl", "ij,jl->il"]
    how = recipe(("ij", "jk", "kl"), "il", ((1, 8), (8, 7), (7, 9)))
    assert [labels for _, _, labels in how.pairs] == ["ij,jk->ik", "kl,ik->il"]
    many = [mg.tensor(normal(2, 2) + i) for i in range(7)]
    found = mg.einsum("ab,bc,cd,de,ef,fg,gh->ah", many)
    np.testing.assert_allclose(found.numpy(), mg.chain_matmul(*many).numpy(), rtol=1e-12)


def test_products_of_matrices_in_order_move_no_axes():
    assert plan("ij,jk->ik").orders == plan("bij,bjk->bik").orders == (None, None)
    assert plan("ij,jk->ki").swaps and plan("ij,jk->ki").result is None
    assert plan("md,nd->nm").swaps and plan("bqhd,bkhd->bhqk").result is None


def test_labels_are_letters_of_both_cases_sorted_as_in_pytorch():
    a, b = mg.tensor(normal(2, 3)), mg.tensor(normal(3, 4))
    np.testing.assert_array_equal(mg.einsum("bA,AC", a, b).numpy(), (a @ b).numpy().T)


@pytest.mark.parametrize("equation, shapes, shape", [
    ("", [()], ()), ("->", [()], ()), (",", [(), ()], ()), (",i", [(), (3,)], (3,)), ("...->", [(2, 3)], ()),
    ("...ij,...jk->...ik", [(2, 3), (3, 4)], (2, 4)), ("...", [(2, 3)], (2, 3)), ("i...->...", [(2, 3, 4)], (3, 4)),
    ("...i,j...->...", [(2, 3), (4, 2)], (2,)), ("ij->ij...", [(2, 3)], (2, 3)),
    ("ij,jk->ik", [(2, 0), (0, 3)], (2, 3)), ("ii->i", [(0, 0)], (0,)),
    ("i,i->i", [(0,), (1,)], (0,)), ("i,i->i", [(1,), (0,)], (0,)),
])  # fmt: skip
def test_shapes_of_einsum_as_in_pytorch(equation, shapes, shape):
    """Also of axes of an ellipsis that are summed over, which NumPy refuses, and of no elements."""
    operands = [leaf(np.ones(each)) for each in shapes]
    y = mg.einsum(equation, *operands)
    assert y.shape == shape
    for x, dx in zip(operands, mg.grad(y, operands, mg.ones_like(y))):
        assert dx.shape == x.shape


def test_a_chain_of_one_matrix_is_that_matrix():
    x = leaf(normal(2, 3))
    assert mg.chain_matmul(x) is x


def test_einsum_that_does_nothing_returns_a_view():
    x = leaf(normal(2, 3))
    y = mg.einsum("ij", x)
    assert y is not x and not y.is_leaf and np.shares_memory(y.detach().numpy(), x.detach().numpy())


def test_a_diagonal_of_infinities_has_a_gradient_of_zeros_beside_it():
    """Not of NaN, which products with an identity matrix would have."""
    x = leaf(np.eye(2))
    (dx,) = mg.grad(mg.einsum("ii->i", x), x, mg.tensor([np.inf, 1.0], dtype=np.float64))
    np.testing.assert_array_equal(dx.numpy(), [[np.inf, 0], [0, 1]])


INTEGERS = {
    "mm": (lambda x: mg.mm(x, x), lambda x: x @ x),
    "einsum": (lambda x: mg.einsum("ij,kj,k->i", x, x, x[0]), lambda x: (x @ x.T) @ x[0]),
    "tensordot": (lambda x: mg.tensordot(x, x, 2), lambda x: (x * x.T).T.sum() * 0 + np.tensordot(x, x, 2)),
    "matrix_power": (lambda x: x.matrix_power(3), lambda x: x @ x @ x),
    "identity": (lambda x: x.matrix_power(0), lambda x: np.eye(2, dtype=x.dtype)),
    "outer": (lambda x: mg.outer(x[0], x[1]), lambda x: np.outer(x[0], x[1])),
    "kron": (lambda x: mg.kron(x, x), np.kron),
    "addmm": (lambda x: mg.addmm(x, x, x, beta=2, alpha=3), lambda x: 2 * x + 3 * (x @ x)),
    "bilinear": (lambda x: mg.bilinear(x, x, x[None]), lambda x: np.einsum("ni,ij,nj->n", x, x, x)[:, None]),
}


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
@pytest.mark.parametrize("name", INTEGERS)
def test_products_of_integers_are_of_their_dtype(name, dtype):
    function, formula = INTEGERS[name]
    x = np.arange(4, dtype=dtype).reshape(2, 2)
    y = function(mg.tensor(x))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.numpy(), formula(x) if name != "kron" else np.kron(x, x))


def test_booleans_as_in_pytorch():
    x = mg.tensor([[True, False], [True, True]])
    assert mg.einsum("ij->i", x).tolist() == [1, 2] and mg.einsum("ij,ij->ij", x, x).dtype == bool
    assert mg.outer(x[0], x[1]).tolist() == [[True, True], [False, False]]


def test_products_in_place_are_recorded():
    x, a, b = (leaf(normal(2, 2) + i) for i in range(3))
    y = x * 1
    assert y.addmm_(a, b, beta=0.5, alpha=2) is y
    np.testing.assert_allclose(y.detach().numpy(), 0.5 * x.detach().numpy() + 2 * (a @ b).detach().numpy(), rtol=1e-14)
    for dx, factor in zip(
        mg.grad(y.sum(), (x, a)), (0.5 * np.ones((2, 2)), 2 * np.ones((2, 2)) @ b.detach().numpy().T)
    ):
        np.testing.assert_allclose(dx.numpy(), factor, rtol=1e-14)


@pytest.mark.parametrize("name, function, formula", [
    ("matmul", lambda x: x @ x.mT, lambda x: x @ x.T),
    ("einsum", lambda x: mg.einsum("ij,kj", x, x), lambda x: x @ x.T),
    ("linear", lambda x: F.linear(x, x, x[:, 0]), lambda x: x @ x.T + x[:, 0]),
    ("cdist", lambda x: mg.cdist(x, x[:1] * 0), lambda x: np.sqrt((x * x).sum(1, keepdims=True))),
])  # fmt: skip
def test_products_in_float16_are_rounded_once(name, function, formula):
    """Added up in float16, the ones of a sum would stop at 2048."""
    x = np.concatenate([np.ones((1, 5000)), np.round(np.sin(normal(3, 5000)), 2)]).astype(np.float16)
    expected = formula(x.astype(np.float64))
    found = function(mg.tensor(x)).numpy()
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, expected.astype(np.float16), rtol=1e-3, atol=1e-3)
