"""Samples of einsum, and of products of tensors of certain ranks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial, reduce

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample

Shapes = tuple[tuple[int, ...], ...]

EQUATIONS: list[tuple[str, Shapes]] = [
    ("ij,jk->ik", ((2, 3), (3, 4))),
    ("ij,jk->ki", ((2, 3), (3, 4))),
    ("bij,bjk->bik", ((2, 2, 3), (2, 3, 2))),
    ("ibj,kjb", ((2, 3, 2), (2, 2, 3))),
    ("bhq d,bhkd->bhqk", ((2, 1, 2, 3), (2, 1, 2, 3))),
    ("i,j", ((2,), (3,))),
    ("i,i", ((3,), (3,))),
    ("i,i->i", ((3,), (1,))),
    ("ij,j->", ((2, 3), (3,))),
    ("ij,kl->", ((2, 3), (2, 2))),
    ("ji", ((2, 3),)),
    ("ij->j", ((2, 3),)),
    ("ij->", ((2, 3),)),
    ("ii", ((3, 3),)),
    ("ii->i", ((3, 3),)),
    ("iij->ji", ((2, 2, 3),)),
    ("iii->i", ((2, 2, 2),)),
    ("iji,jj->ij", ((2, 3, 2), (3, 3))),
    ("...ij,...jk", ((2, 2, 3), (3, 2))),
    ("...ij,...jk->...ki", ((2, 1, 2, 3), (2, 3, 2))),
    ("i...,...i->...", ((2, 3), (3, 2))),
    ("ij,jk->ik", ((2, 1), (3, 2))),
    ("ij,jk,kl->il", ((2, 3), (3, 2), (2, 3))),
    ("i,j,k,l->lkji", ((2,), (2,), (2,), (2,))),
    ("n...,nm,m->m...", ((2, 2), (2, 3), (3,))),
    ("i,i,i->", ((3,), (3,), (3,))),
]


def numpys_einsum(equation: str, *arrays: np.ndarray) -> np.ndarray:
    """``np.einsum``, which allows no result without the axes of an ellipsis; it broadcasts axes of length 1 as well."""
    return np.asarray(np.einsum(equation, *arrays))


def equations() -> Iterator[Sample]:
    for equation, shapes in EQUATIONS:
        function, formula = partial(mg.einsum, equation), partial(numpys_einsum, equation)
        yield Sample(f"einsum {equation} {shapes}", function, formula, distinct(*shapes))
    yield Sample("einsum list", lambda a, b: mg.einsum("ij,kj", [a, b]), lambda a, b: a @ b.T, distinct((2, 3), (4, 3)))
    yield Sample("einsum x x", lambda x: mg.einsum("ij,kj", x, x), lambda x: x @ x.T, distinct((2, 3)))
    yield Sample(
        "einsum sum of an ellipsis", lambda x: mg.einsum("...i->i", x), lambda x: x.sum((0, 1)), distinct((2, 2, 3))
    )
    for dims, *shapes in [
        (0, (2,), (3,)),
        (1, (2, 3), (3, 2)),
        (2, (2, 3, 2), (3, 2, 2)),
        (([0, 2], [1, 0]), (2, 2, 3), (3, 2)),
        (([-1], [-1]), (2, 3), (2, 3)),
    ]:
        yield Sample(
            f"tensordot {dims}", partial(mg.tensordot, dims=dims), partial(np.tensordot, axes=dims), distinct(*shapes)
        )
    yield Sample(
        "tensordot broadcast", partial(mg.tensordot, dims=1), lambda a, b: a * b.sum(0), distinct((2, 1), (3, 2))
    )


def products_of_ranks() -> Iterator[Sample]:
    for function, *shapes in [
        (mg.mm, (2, 3), (3, 2)),
        (mg.bmm, (2, 2, 3), (2, 3, 2)),
        (mg.mv, (2, 3), (3,)),
        (mg.dot, (3,), (3,)),
        (mg.vdot, (3,), (3,)),
    ]:
        yield Sample(f"{function.__name__}", function, np.matmul, distinct(*shapes))
    for a, b in [((2, 3), (4, 3)), ((3,), (3,)), ((), (2, 3))]:
        yield Sample(f"inner {a} {b}", mg.inner, np.inner, distinct(a, b))
    yield Sample("outer", mg.outer, np.outer, distinct((2,), (3,)))
    for a, b in [((2, 3), (2, 2)), ((3,), (2, 1)), ((), (2,)), ((1, 2, 1), (2,))]:
        yield Sample(f"kron {a} {b}", mg.kron, np.kron, distinct(a, b))
    for a, b, dim in [((3,), (3,), -1), ((2, 3), (1, 3), -1), ((3, 2), (3, 2), 0), ((2, 3, 1), (2, 3, 2), 1)]:
        yield Sample(
            f"cross {a} {b} {dim}", partial(mg.linalg.cross, dim=dim), partial(np.cross, axis=dim), distinct(a, b)
        )
    yield Sample("cross", mg.cross, partial(np.cross, axis=1), distinct((2, 3, 3), (2, 3, 3)))
    for a, b, dim in [((2, 3), (2, 3), -1), ((2, 3), (3,), 1), ((2, 1, 3), (2, 1), 1), ((3,), (1,), 0), ((), (), -1)]:
        formula = (lambda x, y, dim=dim: (x * y).sum(dim)) if a else np.multiply
        yield Sample(f"vecdot {a} {b} {dim}", partial(mg.linalg.vecdot, dim=dim), formula, distinct(a, b))
    chains: list[Shapes] = [
        ((2, 3), (3, 2)),
        ((4, 1), (1, 3), (3, 2)),
        ((3,), (3, 2), (2, 4), (4,)),
        ((2, 3), (3, 1), (1,)),
    ]
    for shapes in chains:
        yield Sample(
            f"multi_dot {shapes}", lambda *x: mg.linalg.multi_dot(x), lambda *x: reduce(np.matmul, x), distinct(*shapes)
        )
    yield Sample("chain_matmul", mg.chain_matmul, lambda a, b, c: a @ b @ c, distinct((2, 3), (3, 1), (1, 3)))
    for n in (0, 1, 2, 5):
        yield Sample(
            f"matrix_power {n}",
            partial(mg.matrix_power, n=n),
            partial(np.linalg.matrix_power, n=n),
            distinct((2, 2, 2), low=-1, high=1),
        )


def added_products() -> Iterator[Sample]:
    ones = {"beta": 1, "alpha": 1}
    for beta, alpha in [(1, 1), (0.5, -2), (0, 3)]:
        for name, product, *shapes in [
            ("addmm", np.matmul, (2, 3), (3, 4), (2, 4)),
            ("addmm", np.matmul, (2, 3), (3, 4), (4,)),
            ("addmv", np.matmul, (2, 3), (3,), (2,)),
            ("addbmm", lambda a, b: (a @ b).sum(0), (2, 2, 3), (2, 3, 2), (2, 1)),
            ("baddbmm", np.matmul, (2, 2, 3), (2, 3, 2), (2, 2, 2)),
            ("addr", np.outer, (2,), (3,), (2, 3)),
        ]:
            *factors, own = shapes
            numbers = {"beta": beta, "alpha": alpha}
            yield Sample(
                f"{name} {own} {beta} {alpha}",
                partial(getattr(mg, name), **(numbers if numbers != ones else {})),
                lambda x, a, b, f=product, beta=beta, alpha=alpha: beta * x + alpha * f(a, b),
                distinct(own, *factors),
            )
    for front in [(), (4,), (2, 2)]:
        shapes = [(*front, 2), (*front, 3), (2, 2, 3), (2,)]
        yield Sample(
            f"bilinear {front}",
            F.bilinear,
            lambda a, b, w, bias: np.einsum("...i,oij,...j->...o", a, w, b) + bias,
            distinct(*shapes),
        )
    yield Sample(
        "bilinear no bias",
        mg.bilinear,
        lambda a, b, w: np.einsum("ni,oij,nj->no", a, w, b),
        distinct((2, 3), (2, 2), (2, 3, 2)),
    )
