"""Arguments that scans, sorting, counting and norms refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import linalg
from tests.helpers.refusals import check_refused

inf, nan = np.inf, np.nan


def ones(*shape: int, dtype: Any = np.float32) -> mg.Tensor:
    return mg.tensor(np.ones(shape, dtype), requires_grad=np.dtype(dtype).kind == "f")


FLOATS = {
    "quantile": lambda x: mg.quantile(x, 0.5),
    "nanquantile": lambda x: mg.nanquantile(x, 0.5),
    "logcumsumexp": lambda x: mg.logcumsumexp(x, 0),
    "norm": mg.norm,
    "dist": lambda x: mg.dist(x, x),
    "vector_norm": linalg.vector_norm,
    "matrix_norm": linalg.matrix_norm,
    "histc": mg.histc,
    "histogram": lambda x: mg.histogram(x, 3),
}

REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], list[str]]] = {
    **{
        f"{name} of ints": (lambda f=function: f(ones(2, 3, dtype=int)), TypeError, [name, "(2, 3) int64", "x.float()"])
        for name, function in FLOATS.items()
    },
    **{
        f"{name} without dim": (lambda f=name: getattr(mg, f)(ones(2)), TypeError, [f"{name} needs dim", "dim=-1"])
        for name in ("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp")
    },
    **{
        f"dim of {name}": (lambda f=name: getattr(mg, f)(ones(2, 3), dim=2), IndexError, ["dim 2", "2 dimensions"])
        for name in (
            "cumsum",
            "sort",
            "argsort",
            "mode",
            "median",
            "diff",
            "any",
            "all",
            "count_nonzero",
            "norm",
            "unique",
        )
    },
    **{
        f"{name} of a list": (
            lambda f=name: getattr(mg, f)([1.0, 2.0]),
            TypeError,
            ["expected a tensor", "list", "mg.tensor"],
        )
        for name in (
            "sort",
            "median",
            "nansum",
            "nanmean",
            "norm",
            "trace",
            "unique",
            "unique_consecutive",
            "any",
            "msort",
        )
    },
    "dim and axis of sort": (lambda: mg.sort(ones(2, 3), 0, axis=1), TypeError, ["dim and axis", "give only one"]),
    "dim and axis of cumsum": (lambda: mg.cumsum(ones(2, 3), 0, axis=1), TypeError, ["dim and axis", "give only one"]),
    "topk": (lambda: mg.topk(ones(2, 3), 4), RuntimeError, ["topk", "k 4", "(2, 3) float32", "at most 3"]),
    "topk of -1": (lambda: mg.topk(ones(2, 3), -1), ValueError, ["topk", "at least 0", "-1"]),
    "topk of half": (lambda: mg.topk(ones(2, 3), 0.5), ValueError, ["topk", "integer", "0.5"]),
    "kthvalue": (lambda: mg.kthvalue(ones(2, 3), 0), RuntimeError, ["kthvalue", "at least 1", "got 0"]),
    "kthvalue above": (lambda: mg.kthvalue(ones(2, 3), 3, 0), RuntimeError, ["kthvalue", "k 3", "at most 2"]),
    "quantile of nothing": (lambda: mg.quantile(ones(0), 0.5), RuntimeError, ["quantile", "(0,) float32"]),
    "q": (lambda: mg.quantile(ones(2), 1.5), RuntimeError, ["quantile", "0 to 1", "1.5"]),
    "q of NaN": (lambda: mg.quantile(ones(2), nan), RuntimeError, ["quantile", "0 to 1", "nan"]),
    "q of a matrix": (lambda: mg.quantile(ones(2), ones(1, 1)), RuntimeError, ["q must be", "vector", "(1, 1)"]),
    "interpolation": (lambda: mg.quantile(ones(2), 0.5, interpolation="cubic"), RuntimeError, ["nearest", "'cubic'"]),
    "diff of a number": (lambda: mg.diff(ones()), RuntimeError, ["diff", "() float32", "x.reshape(1)"]),
    "diff n": (lambda: mg.diff(ones(2), -1), RuntimeError, ["diff", "at least 0", "-1"]),
    "diff prepend": (lambda: mg.diff(ones(2, 3), prepend=ones(3)), RuntimeError, ["(3,) float32", "(2, 3) float32"]),
    "cumsum_": (lambda: mg.tensor([1, 2]).cumsum_(0, dtype=np.float32), RuntimeError, ["cumsum", "(2,) int64"]),
    "bincount of floats": (lambda: mg.bincount(ones(2)), RuntimeError, ["bincount", "(2,) float32", "x.long()"]),
    "bincount of a matrix": (
        lambda: mg.bincount(ones(2, 2, dtype=int)),
        RuntimeError,
        ["vector of integers", "(2, 2)"],
    ),
    "bincount below 0": (lambda: mg.bincount(mg.tensor([1, -1])), RuntimeError, ["bincount", "at least 0", "-1"]),
    "bincount weights": (lambda: mg.bincount(mg.tensor([1, 1]), ones(3)), RuntimeError, ["weights", "(2,)", "(3,)"]),
    "bincount minlength": (lambda: mg.bincount(mg.tensor([1]), minlength=-1), RuntimeError, ["minlength", "-1"]),
    "histc bins": (lambda: mg.histc(ones(2), 0), RuntimeError, ["histc", "bins", "at least 1"]),
    "histc range": (lambda: mg.histc(ones(2), 3, 2, 1), RuntimeError, ["histc", "upwards", "2.0 to 1.0"]),
    "histc of NaN": (lambda: mg.histc(ones(2) * nan), RuntimeError, ["range", "finite", "nan"]),
    "histogram of inf": (lambda: mg.histogram(ones(2), 3, range=(0, inf)), RuntimeError, ["range", "finite"]),
    "histogram edges": (lambda: mg.histogram(ones(2), ones(1)), RuntimeError, ["two or more edges", "(1,)"]),
    "histogram weight": (lambda: mg.histogram(ones(2), 2, weight=ones(3)), RuntimeError, ["weight", "(2,)", "(3,)"]),
    "searchsorted side": (
        lambda: mg.searchsorted(ones(3), ones(2), right=True, side="left"),
        RuntimeError,
        ["searchsorted", "side", "'left'"],
    ),
    "searchsorted rows": (lambda: mg.searchsorted(ones(2, 3), ones(3)), RuntimeError, ["rows", "(2, 3)", "(3,)"]),
    "searchsorted sorter": (
        lambda: mg.searchsorted(ones(3), ones(2), sorter=mg.tensor([0, 1])),
        RuntimeError,
        ["sorter must be (3,)", "(2,) int64"],
    ),
    "bucketize": (lambda: mg.bucketize(ones(3), ones(2, 3)), RuntimeError, ["boundaries must be a vector", "(2, 3)"]),
    "trace": (lambda: mg.trace(ones(3)), RuntimeError, ["trace", "a matrix", "(3,) float32"]),
    "norm p": (lambda: mg.norm(ones(3), "abc"), RuntimeError, ["norm", "'fro'", "'abc'"]),
    "norm p tensor": (lambda: mg.norm(ones(3), ones(2)), RuntimeError, ["requires grad", "x.detach()"]),
    "vector_norm ord": (lambda: linalg.vector_norm(ones(3), "fro"), TypeError, ["must be a number", "'fro'"]),
    "vector_norm of nothing": (lambda: linalg.vector_norm(ones(0), inf), RuntimeError, ["(0,) float32", "inf"]),
    "vector_norm along nothing": (lambda: linalg.vector_norm(ones(0, 3), -1, 0), RuntimeError, ["(0, 3)", "-1"]),
    "spectral norm": (lambda: linalg.matrix_norm(ones(2, 2), 2), RuntimeError, ["singular values", "'fro'"]),
    "nuclear norm": (lambda: linalg.norm(ones(2, 2), "nuc"), RuntimeError, ["singular values", "'nuc'"]),
    "nuclear norm of norm": (lambda: ones(2, 2).norm("nuc"), RuntimeError, ["singular values", "'nuc'"]),
    "matrix_norm ord": (lambda: linalg.matrix_norm(ones(2, 2), 3), RuntimeError, ["'fro', 1, -1", "got 3"]),
    "matrix_norm of a vector": (lambda: linalg.matrix_norm(ones(2)), RuntimeError, ["two axes", "(2,) float32"]),
    "matrix_norm dims": (lambda: linalg.matrix_norm(ones(2, 2), dim=(0, 0)), ValueError, ["(0, 0)", "twice"]),
    "linalg.norm of rank 3": (lambda: linalg.norm(ones(2, 2, 2), 1), RuntimeError, ["give dim", "(2, 2, 2)"]),
    "linalg.norm fro of a vector": (lambda: linalg.norm(ones(2), "fro"), RuntimeError, ["two axes", "(2,) float32"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_cure(name):
    """In one line, with what was given."""
    check_refused(*REFUSED[name])


def test_unique_has_no_derivative():
    x = ones(3)
    with pytest.raises(RuntimeError, match=r"unique has no derivative.*x\.detach\(\)"):
        mg.unique(x).sum().backward()
    assert x.grad is None
