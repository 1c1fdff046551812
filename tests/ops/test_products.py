"""Products by their own names: refusals, in place, integers, and what samples of floats do not show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F

A, B, V = mg.ones(2, 3), mg.ones(2, 2, 3), mg.ones(3)
linalg: Any = mg.linalg

REFUSED: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "mm": (lambda: A.mm(V), ["mm", "a matrix and a matrix", "(2, 3) float32 and (3,) float32"]),
    "mm of lengths": (lambda: A.mm(A), ["matmul", "(2, 3) @ (2, 3)", "x.T"]),
    "mm of dtypes": (lambda: A.mm(A.double().T), ["float32", "float64", "convert one"]),
    "bmm": (lambda: B.bmm(B[:1].mT), ["bmm", "(2, 2, 3)", "(1, 3, 2)", "matmul broadcasts"]),
    "mv": (lambda: A.mv(A), ["mv", "a matrix and a vector"]),
    "dot": (lambda: A.dot(V), ["dot", "a vector and a vector"]),
    "outer": (lambda: V.outer(A), ["outer", "a vector and a vector", "(2, 3)"]),
    "inner": (lambda: A.inner(V[:2]), ["(1,) of (2, 3) must be as long as (0,) of (2,)"]),
    "tensordot": (lambda: mg.tensordot(A, A, 1), ["tensordot", "dims (1,) of (2, 3)", "(0,) of (2, 3)"]),
    "tensordot dims": (lambda: mg.tensordot(A, A, 3), ["tensordot", "no 3 axes"]),
    "tensordot lists": (lambda: mg.tensordot(A, A, [1]), ["tensordot", "two lists of axes"]),
    "cross": (lambda: A[:, :2].cross(A[:, :2]), ["cross", "no axis of length 3"]),
    "cross dim": (lambda: A.cross(A, 0), ["cross", "length 3 along dim 0"]),
    "cross ranks": (lambda: linalg.cross(A, V), ["linalg.cross", "as many axes", "(2, 3) float32 and (3,) float32"]),
    "vecdot": (lambda: linalg.vecdot(A, A[:, :1]), ["linalg.vecdot", "(2, 3) float32 and (2, 1) float32"]),
    "multi_dot": (lambda: linalg.multi_dot([A]), ["multi_dot", "at least two"]),
    "multi_dot vector": (lambda: linalg.multi_dot([A, V, A]), ["multi_dot", "tensor 1", "(3,) float32"]),
    "chain_matmul": (lambda: mg.chain_matmul(A, V), ["chain_matmul", "a matrix and a matrix"]),
    "matrix_power": (lambda: A.matrix_power(2), ["matrix_power", "square", "(2, 3)"]),
    "matrix_power -1": (lambda: mg.ones(2, 2).matrix_power(-1), ["matrix_power", "at least 0", "got -1"]),
    "addmm": (lambda: mg.addmm(B, A, A.T), ["addmm", "(2, 2, 3)", "do not broadcast"]),
    "addmm that grows": (lambda: mg.addmm(mg.ones(1, 2, 2), A, A.T), ["addmm", "(1, 2, 2) float32", "(2, 2)"]),
    "addmm_": (lambda: mg.ones(2).addmm_(A, A.T), ["addmm in place", "(2,) float32", "keeps its shape"]),
    "addmm of dtypes": (lambda: mg.addmm(mg.ones(1).double(), A, A.T), ["addmm", "float64", "float32"]),
    "addbmm": (lambda: mg.addbmm(A, B, B[:1].mT), ["addbmm", "(2, 2, 3)", "(1, 3, 2)"]),
    "bilinear": (lambda: F.bilinear(A, A, mg.ones(4, 3, 2)), ["bilinear", "(out, in1, in2)", "(4, 3, 2)"]),
    "bilinear bias": (lambda: F.bilinear(A, A, mg.ones(4, 3, 3), V), ["bilinear", "(4,)", "(3,) float32"]),
    "einsum lengths": (lambda: mg.einsum("ij,jk", A, A), ["einsum", "j has lengths 3 and 2"]),
    "einsum operands": (lambda: mg.einsum("ij,jk", A), ["einsum", "'ij,jk' names 2 operands, got 1"]),
    "einsum axes": (lambda: mg.einsum("ijk", A), ["einsum", "'ijk' does not name the 2 axes of (2, 3)"]),
    "einsum letter": (lambda: mg.einsum("i1->i", A), ["einsum", "'i1->i'", "a letter"]),
    "einsum result": (lambda: mg.einsum("ij->ik", A), ["einsum", "'k' must be in an operand"]),
    "einsum twice": (lambda: mg.einsum("ij->ii", A), ["einsum", "'i'", "only once"]),
    "einsum equation": (lambda: mg.einsum(A, A), ["einsum", "must be text", "Tensor"]),  # type: ignore[arg-type]
    "einsum dtypes": (lambda: mg.einsum("i,i", V, V.double()), ["einsum", "float32", "float64"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_cure(name: str) -> None:
    call, parts = REFUSED[name]
    with pytest.raises(RuntimeError) as raised:
        call()
    assert isinstance(raised.value, (ValueError, TypeError))
    message = str(raised.value)
    assert "\n" not in message
    assert all(part in message for part in parts), message


def test_products_of_integers() -> None:
    a, b = mg.arange(4).reshape(2, 2), mg.tensor([1, 2])
    for y, expected in [
        (a.mm(a), [[2, 3], [6, 11]]), (a.mv(b), [2, 8]), (b.dot(b), 5), (b.outer(b), [[1, 2], [2, 4]]),
        (a.matrix_power(3), [[6, 11], [22, 39]]), (mg.einsum("ij,j", a, b), [2, 8]), (b.kron(b), [1, 2, 2, 4]),
        (mg.cross(mg.tensor([1, 2, 3]), mg.tensor([3, 2, 1])), [-4, 8, -4]), (a.matrix_power(1), [[0, 1], [2, 3]]),
        (a.addmm(a, a, beta=2), [[2, 5], [10, 17]]),
    ]:  # fmt: skip
        assert y.dtype == np.int64 and y.tolist() == expected


def test_products_of_two_kinds_promote_where_they_are_elementwise() -> None:
    assert mg.outer(V, V.double()).dtype == np.float64
    assert mg.kron(mg.tensor([1]), V).dtype == np.float32


def test_with_a_beta_of_0_the_input_does_not_count() -> None:
    nothing = mg.full((2, 2), np.nan)
    assert mg.addmm(nothing, A, A.T, beta=0).tolist() == [[3, 3], [3, 3]]
    assert nothing.addmm_(A, A.T, beta=0) is nothing and nothing.tolist() == [[3, 3], [3, 3]]


@pytest.mark.parametrize("name", ["addmm", "baddbmm", "addbmm"])
def test_in_place_is_recorded(name: str) -> None:
    batches = (A, A.T) if name == "addmm" else (B, B.mT)
    x = mg.ones(*((2, 2, 2) if name == "baddbmm" else (2, 2)), requires_grad=True)
    y, z = x * 2, getattr(mg, name)(x * 2, *batches, beta=3, alpha=0.5)
    assert getattr(y, f"{name}_")(*batches, beta=3, alpha=0.5) is y
    assert y.tolist() == z.tolist()
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == np.full(x.shape, 6.0).tolist()


def test_the_zeroth_power_is_the_identity() -> None:
    assert mg.zeros(2, 2, 2).matrix_power(0).tolist() == [[[1, 0], [0, 1]]] * 2


def test_a_chain_is_multiplied_in_the_cheapest_order() -> None:
    """(10000, 1) @ (1, 10000) would take 800 MB."""
    column = np.ones((10_000, 1))
    y = linalg.multi_dot([mg.tensor(column), mg.tensor(column.T), mg.tensor(column)])
    assert y.shape == (10_000, 1) and y[0].item() == 10_000


def test_einsum_takes_a_list() -> None:
    assert mg.einsum("i,i->", [V, V]).item() == 3
