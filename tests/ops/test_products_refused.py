"""What products, and einsum refuse, in one line with the shapes and the cure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.refusals import check_refused


def ones(*shape: int, dtype: Any = np.float32) -> mg.Tensor:
    return mg.tensor(np.ones(shape, dtype))


A = ones(2, 3)
BOOLS = ones(2, 2, dtype=bool)
INTS = ones(2, 2, dtype=np.int64)

Refused = tuple[Callable[[], Any], type[Exception], list[str]]

PRODUCTS: dict[str, Refused] = {
    "mm": (lambda: mg.mm(A, A), ValueError, ["(2, 3) @ (2, 3)", "x.T"]),
    "mm of a vector": (lambda: mg.mm(A, ones(3)), ValueError, ["mm: (2, 3) and (3,)", "not a matrix", "matmul"]),
    "mm of a batch": (lambda: ones(2, 2, 3).mm(A), ValueError, ["(2, 2, 3) is not a matrix"]),
    "bmm": (lambda: mg.bmm(ones(2, 2, 3), ones(2, 2, 3)), ValueError, ["(2, 2, 3) @ (2, 2, 3)"]),
    "bmm of a matrix": (lambda: mg.bmm(ones(2, 2, 3), A), ValueError, ["bmm", "(2, 3) is not a batch of matrices"]),
    "bmm of batches": (lambda: mg.bmm(ones(1, 2, 2), ones(3, 2, 2)), ValueError, ["(1, 2, 2) and (3, 2, 2)", "matmul"]),
    "mv": (lambda: mg.mv(A, ones(2)), ValueError, ["(2, 3) @ (2,)"]),
    "mv of vectors": (lambda: mg.mv(ones(3), ones(3)), ValueError, ["mv: (3,) and (3,)", "not a matrix"]),
    "dot": (lambda: mg.dot(ones(2), ones(3)), ValueError, ["(2,) @ (3,)"]),
    "dot of matrices": (lambda: A.dot(A), ValueError, ["dot: (2, 3) and (2, 3)", "not a vector", "(x * y).sum()"]),
    "vdot of matrices": (lambda: A.vdot(A), ValueError, ["not a vector", "x.flatten()"]),
    "outer of matrices": (lambda: mg.outer(A, ones(2)), ValueError, ["outer", "(2, 3) is not a vector", "x.flatten()"]),
    "inner": (lambda: mg.inner(ones(2), ones(3)), ValueError, ["inner: (2,) and (3,)", "must be equal"]),
    "mm of a list": (lambda: mg.mm(A, [[1.0]]), TypeError, ["list", "mg.tensor"]),
    "mm of two floats": (lambda: mg.mm(A, A.double().T), TypeError, ["float32", "float64", "convert"]),
    "matmul of bools": (lambda: BOOLS @ BOOLS, TypeError, ["matmul", "booleans", "x.long()"]),
    "einsum of bools": (lambda: mg.einsum("ij,jk", BOOLS, BOOLS), TypeError, ["einsum", "booleans", "x.long()"]),
    "cross of bools": (lambda: mg.cross(ones(3, dtype=bool), ones(3, dtype=bool)), TypeError, ["cross", "booleans"]),
    "cross": (lambda: mg.cross(ones(2, 2), ones(2, 2)), ValueError, ["(2, 2)", "length 3"]),
    "cross of ranks": (lambda: mg.cross(ones(3), A), ValueError, ["(3,) and (2, 3)", "number of axes", "unsqueeze"]),
    "cross dim": (lambda: mg.linalg.cross(A, A, dim=0), ValueError, ["length 3 along dim 0", "dim=..."]),
    "cross dim out of range": (lambda: mg.linalg.cross(A, A, dim=2), IndexError, ["dim 2 is out of range"]),
    "cross of numbers": (lambda: mg.linalg.cross(ones(), ones()), ValueError, ["()", "length 3"]),
    "vecdot": (lambda: mg.linalg.vecdot(A, ones(2)), ValueError, ["(2, 3) and (2,)", "broadcast"]),
    "vecdot of ints": (lambda: mg.linalg.vecdot(INTS, INTS), TypeError, ["(2, 2) int64", "x.float()"]),
    "multi_dot of one": (lambda: mg.linalg.multi_dot([A]), ValueError, ["two matrices", "(2, 3)"]),
    "multi_dot": (lambda: mg.linalg.multi_dot([A, A]), ValueError, ["(2, 3), (2, 3)", "last length of each"]),
    "multi_dot of a vector": (lambda: mg.linalg.multi_dot([A, ones(3), A]), ValueError, ["expected matrices", "(3,)"]),
    "chain_matmul of a batch": (lambda: mg.chain_matmul(ones(1, 2, 2)), ValueError, ["expected matrices", "(1, 2, 2)"]),
    "chain_matmul of nothing": (lambda: mg.chain_matmul(), ValueError, ["at least one tensor"]),
    "matrix_power": (lambda: A.matrix_power(2), ValueError, ["square matrices", "(2, 3)"]),
    "negative power": (lambda: ones(2, 2).matrix_power(-1), ValueError, ["n=-1 is negative", "inverts no matrices"]),
    "fractional power": (lambda: ones(2, 2).matrix_power(1.5), TypeError, ["matrix_power: n", "1.5"]),
    "addmm": (lambda: mg.addmm(ones(3), A, A.T), ValueError, ["addmm", "input (3,)", "(2, 2)"]),
    "addmm of more axes": (lambda: mg.addmm(ones(4, 2, 2), A, A.T), ValueError, ["input (4, 2, 2)", "(2, 2)"]),
    "addmm of two floats": (lambda: mg.addmm(ones(2).double(), A, A.T), TypeError, ["float64", "float32", "convert"]),
    "addmm of ints": (lambda: mg.addmm(INTS, INTS, INTS, alpha=1.5), TypeError, ["alpha=1.5", "int64", "integer"]),
    "addmm_": (lambda: ones(2).addmm_(A, A.T), ValueError, ["addmm in place", "(2,) float32", "(2, 2) float32"]),
    "addbmm": (lambda: mg.addbmm(A, ones(2, 2, 3), ones(2, 2, 3)), ValueError, ["addbmm", "(2, 2, 3)", "x.mT"]),
    "mT": (lambda: ones(3).mT, ValueError, ["mT", "(3,)"]),
    "bilinear": (lambda: F.bilinear(ones(4, 2), ones(4, 2), ones(5, 2, 3)), ValueError, ["(out, in1, in2)", "(4, 2)"]),
    "bilinear bias": (
        lambda: F.bilinear(ones(4, 2), ones(4, 3), ones(5, 2, 3), ones(1)),
        ValueError,
        ["a bias (out,)", "(1,)"],
    ),
}

EINSUM: dict[str, Refused] = {
    "a label": (lambda: mg.einsum("i1,j", A, A), ValueError, ["'1' is no label", "letters"]),
    "a dot": (lambda: mg.einsum("i..", A), ValueError, ["'.' is no label", "..."]),
    "two arrows": (lambda: mg.einsum("ij->i->j", A), ValueError, ["no label", "'ij->i->j'"]),
    "too few operands": (lambda: mg.einsum("ij,jk", A), ValueError, ["2 operands, got 1"]),
    "too many operands": (lambda: mg.einsum("ij", A, A), ValueError, ["1 operands, got 2"]),
    "no operand": (lambda: mg.einsum("ij"), ValueError, ["1 operands, got 0"]),
    "more labels than axes": (lambda: mg.einsum("ijk", A), ValueError, ["'ijk'", "2 dimensions"]),
    "more axes than labels": (lambda: mg.einsum("i", A), ValueError, ["'i'", "2 dimensions", "'...i'"]),
    "a label twice in the result": (lambda: mg.einsum("ij->ii", A), ValueError, ["'i' twice"]),
    "a label of the result": (lambda: mg.einsum("ij->k", A), ValueError, ["'k' of the result is in no operand"]),
    "lengths": (lambda: mg.einsum("ij,jk", A, A), ValueError, ["'j' has lengths 3 and 2", "(2, 3), (2, 3)"]),
    "lengths of a diagonal": (lambda: mg.einsum("ii", A), ValueError, ["'i' has lengths 2 and 3"]),
    "a diagonal does not broadcast": (lambda: mg.einsum("ii", ones(1, 3)), ValueError, ["'i' has lengths 1 and 3"]),
    "lengths of an ellipsis": (lambda: mg.einsum("...,...", A, ones(2)), ValueError, ["of an ellipsis", "3 and 2"]),
    "no equation": (lambda: mg.einsum(A, A), TypeError, ["expected an equation", "(2, 3) float32"]),
    "operands of a list": (lambda: mg.einsum("i,i", [1.0, 2.0]), TypeError, ["expected a tensor, got 1.0"]),
    "two floats": (lambda: mg.einsum("ij,ij", A, A.double()), TypeError, ["float32", "float64", "convert"]),
    "tensordot": (lambda: mg.tensordot(A, A, 1), ValueError, ["axis 1 of (2, 3)", "axis 0 of (2, 3)", "dims="]),
    "tensordot of less than nothing": (lambda: mg.tensordot(A, A, -1), ValueError, ["dims=-1", "0 to 2"]),
    "tensordot of too many": (lambda: mg.tensordot(A, A, 3), ValueError, ["dims=3", "0 to 2"]),
    "tensordot of uneven lists": (lambda: mg.tensordot(A, A, ([0, 1], [0])), ValueError, ["two lists of one length"]),
    "tensordot of numbers": (lambda: mg.tensordot(A, A, (1, 0)), ValueError, ["two lists", "(1, 0)"]),
    "tensordot of an axis twice": (lambda: mg.tensordot(A, A, ([0, 0], [0, 1])), ValueError, ["an axis twice"]),
    "tensordot of an axis": (lambda: mg.tensordot(A, A, ([2], [0])), IndexError, ["dim 2 is out of range"]),
}


@pytest.mark.parametrize(
    "call, error, parts",
    [*PRODUCTS.values(), *EINSUM.values()],
    ids=[*PRODUCTS, *(f"einsum: {name}" for name in EINSUM)],
)
def test_refused_with_the_cure(call, error, parts):
    check_refused(call, error, parts)


@pytest.mark.parametrize(
    "name",
    [name for name, (_, error, _) in PRODUCTS.items() if error is ValueError and name != "chain_matmul of nothing"],
)
def test_shapes_that_do_not_fit_are_a_runtime_error_as_in_pytorch(name):
    with pytest.raises(RuntimeError):
        PRODUCTS[name][0]()
