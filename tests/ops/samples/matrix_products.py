"""Samples of products by their own names, and of Einstein's sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.ops.matrix_products import cross_of_last, multi_dot, vecdot
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample

Shapes = list[tuple[int, ...]]

PRODUCTS: dict[str, tuple[Callable[..., Any], Callable[..., Any], Shapes]] = {
    "mm": (mg.mm, np.matmul, [(2, 3), (3, 2)]),
    "bmm": (mg.bmm, np.matmul, [(2, 2, 3), (2, 3, 1)]),
    "mv": (mg.mv, np.matmul, [(2, 3), (3,)]),
    "dot": (mg.dot, np.dot, [(3,), (3,)]),
    "vdot": (mg.vdot, np.vdot, [(3,), (3,)]),
    "inner": (mg.inner, np.inner, [(2, 1, 3), (2, 3)]),
    "inner of vectors": (mg.inner, np.inner, [(3,), (3,)]),
    "inner of a number": (mg.inner, np.inner, [(), (2, 3)]),
    "outer": (mg.outer, np.outer, [(2,), (3,)]),
    "kron": (mg.kron, np.kron, [(2, 2), (2, 1)]),
    "kron of ranks": (mg.kron, np.kron, [(3,), (2, 1, 2)]),
    "tensordot": (mg.tensordot, np.tensordot, [(2, 2, 3), (2, 3, 2)]),
    "tensordot 0": (partial(mg.tensordot, dims=0), lambda a, b: a[:, None] * b, [(2,), (3,)]),
    "tensordot axes": (
        partial(mg.tensordot, dims=([0, -1], [2, 0])),
        lambda a, b: np.einsum("imj,jni->mn", a, b),
        [(2, 2, 3), (3, 2, 2)],
    ),
    "cross": (mg.cross, lambda a, b: np.cross(a, b, axis=0), [(3, 2), (3, 2)]),
    "cross dim": (partial(mg.cross, dim=1), lambda a, b: np.cross(a, b), [(3, 3), (1, 3)]),
    "linalg.cross": (cross_of_last, np.cross, [(2, 3), (1, 3)]),
    "vecdot": (vecdot, lambda a, b: np.sum(a * b, -1), [(2, 3), (3,)]),
    "vecdot axis": (partial(vecdot, axis=0), lambda a, b: np.sum(a * b, 0), [(2, 3), (2, 1)]),
    "multi_dot": (lambda *xs: multi_dot(xs), lambda a, b, c: a @ b @ c, [(2, 3), (3, 1), (1, 2)]),
    "multi_dot of vectors": (lambda *xs: multi_dot(xs), lambda a, b, c: a @ b @ c, [(3,), (3, 2), (2,)]),
    "chain_matmul": (mg.chain_matmul, lambda a, b, c, d: a @ b @ c @ d, [(1, 3), (3, 2), (2, 2), (2, 1)]),
    "matrix_power 3": (partial(mg.matrix_power, n=3), lambda a: a @ a @ a, [(2, 2, 2)]),
    "matrix_power 6": (partial(mg.matrix_power, n=6), lambda a: a @ a @ a @ a @ a @ a, [(2, 2)]),
    "addmm": (partial(mg.addmm, beta=0.5, alpha=-2), lambda x, a, b: 0.5 * x - 2 * (a @ b), [(2,), (2, 3), (3, 2)]),
    "addmv": (mg.addmv, lambda x, a, b: x + a @ b, [(1,), (2, 3), (3,)]),
    "addr": (partial(mg.addr, alpha=3), lambda x, a, b: x + 3 * np.outer(a, b), [(2, 3), (2,), (3,)]),
    "addbmm": (partial(mg.addbmm, beta=2), lambda x, a, b: 2 * x + sum(a @ b), [(2, 2), (2, 2, 3), (2, 3, 2)]),
    "baddbmm": (mg.baddbmm, lambda x, a, b: x + a @ b, [(2, 1, 2), (2, 2, 3), (2, 3, 2)]),
    "bilinear": (
        F.bilinear,
        lambda x, y, w, b: np.einsum("ni,oij,nj->no", x, w, y) + b,
        [(2, 3), (2, 2), (2, 3, 2), (2,)],
    ),
    "bilinear of axes": (
        F.bilinear,
        lambda x, y, w: np.einsum("...i,oij,...j->...o", x, w, y),
        [(2, 1, 2), (2, 1, 2), (3, 2, 2)],
    ),
}

EINSUMS: list[tuple[str, Shapes]] = [
    ("ij,jk->ik", [(2, 3), (3, 2)]),
    ("ij,jk", [(2, 3), (3, 2)]),
    ("ij,kj->ki", [(2, 3), (2, 3)]),
    ("bij,bjk->bik", [(2, 1, 3), (2, 3, 2)]),
    ("i,j->ji", [(2,), (3,)]),
    ("ij,ij->", [(2, 3), (2, 3)]),
    ("ij,ij->i", [(2, 3), (2, 3)]),
    ("ij,ij->ij", [(2, 3), (2, 3)]),
    ("ii", [(3, 3)]),
    ("ii->i", [(3, 3)]),
    ("iji->j", [(2, 3, 2)]),
    ("ii,i->", [(3, 3), (3,)]),
    ("ij->ji", [(2, 3)]),
    ("ba", [(2, 3)]),
    ("bA", [(2, 3)]),
    ("ij->", [(2, 3)]),
    ("ij->i", [(2, 3)]),
    ("ij,k->i", [(2, 3), (2,)]),
    ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 2)]),
    ("i,i,i->", [(3,), (3,), (3,)]),
    ("ij,jk,ki->", [(2, 3), (3, 2), (2, 2)]),
    ("...ij,...jk->...ik", [(2, 1, 2, 3), (2, 3, 2)]),
    ("...i->...", [(2, 3)]),
    ("...i->i...", [(2, 1, 3)]),
    ("i...,i...", [(2, 3), (2, 1)]),
    ("...,...->...", [(2, 3), (3,)]),
    (" i j , j k -> k i ", [(2, 3), (3, 1)]),
    (",->", [(), ()]),
    (",i->i", [(), (3,)]),
]


def matrix_products() -> Iterator[Sample]:
    for name, (function, formula, shapes) in PRODUCTS.items():
        yield Sample(name, function, formula, distinct(*shapes))
    for equation, shapes in EINSUMS:
        yield Sample(
            f"einsum {equation} {shapes}", partial(mg.einsum, equation), partial(np.einsum, equation), distinct(*shapes)
        )
    yield Sample(
        "einsum of length 1",
        partial(mg.einsum, "ij,jk->ik"),
        lambda a, b: a * np.ones(3) @ b,
        distinct((2, 1), (3, 2)),
    )
