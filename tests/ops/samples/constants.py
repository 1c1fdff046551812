"""Operations without a derivative: their results are booleans or integers. Each with a formula and its inputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.engine.op import Op
from minigrad.kernels.windows import Windows


def places(x: Any) -> Any:
    """The first of the largest of each three neighbours of a row."""
    return np.stack([i + np.argmax(x[..., i : i + 3], -1) for i in range(3)], -1)


PAIR = (np.array([[0.0, 1.0, 2.0]]), np.array([[0.0], [2.0]]))
BITS = (np.array([6, 3, 0]), np.array([3, 3, 1]))
PLACES = (np.array([[2.0, -1.0, 2.0], [0.5, 3.0, -4.0]]),)
ROW = (np.array([[[2.0, 2.0, 0.5, -3.0, 2.0]]]),)
NEIGHBOURS = Windows((5,), (3,), (3,), (1,), (0,), (1,))
INTEGERS = (np.array([12, -18, 0, 7, 9]), np.array([18, 12, 5, 0, -6]))
SHIFTS = (np.array([1, -8, 5, 3, 1, -8, 7]), np.array([3, 1, 0, 62, 64, 70, -1]))
SHIFTED = {
    "bitwise_left_shift": np.array([8, -16, 5, -(1 << 62), 0, 0, 0]),
    "bitwise_right_shift": np.array([0, -4, 5, 0, 0, -1, 0]),
}
NEAR = (
    np.array([1.0, 1.0, 1000.0, np.inf, np.inf, np.nan, 0.0, 1.0]),
    np.array([1.000009, 1.0001, 1000.009, np.inf, -np.inf, np.nan, 1e-9, np.inf]),
)
ONE = (np.array([-1.5, 0.0, 2.0, np.nan, np.inf, -np.inf]),)


CONSTANT: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "eq": (np.equal, PAIR),
    "ne": (np.not_equal, PAIR),
    "lt": (np.less, PAIR),
    "le": (np.less_equal, PAIR),
    "gt": (np.greater, PAIR),
    "ge": (np.greater_equal, PAIR),
    "logical_and": (np.logical_and, PAIR),
    "logical_or": (np.logical_or, PAIR),
    "logical_not": (np.logical_not, ONE),
    "bitwise_and": (np.bitwise_and, BITS),
    "bitwise_or": (np.bitwise_or, BITS),
    "bitwise_not": (np.invert, BITS[:1]),
    "bitwise_xor": (np.bitwise_xor, BITS),
    "bitwise_left_shift": (lambda a, _b: SHIFTED["bitwise_left_shift"], SHIFTS),
    "bitwise_right_shift": (lambda a, _b: SHIFTED["bitwise_right_shift"], SHIFTS),
    "gcd": (np.vectorize(math.gcd), INTEGERS),
    "lcm": (np.vectorize(math.lcm), INTEGERS),
    "logical_xor": (lambda a, b: (a != 0) != (b != 0), PAIR),
    "isposinf": (lambda x: x == np.inf, ONE),
    "isneginf": (lambda x: x == -np.inf, ONE),
    "isreal": (lambda x: np.full(x.shape, True), ONE),
    "signbit": (lambda x: x < 0, ONE),
    "isclose": (np.isclose, NEAR),
    "isin": (np.isin, PAIR),
    "binary_exponent": (np.vectorize(lambda x: math.frexp(x)[1], otypes=[np.int32]), PLACES),
    "isnan": (np.isnan, ONE),
    "isinf": (np.isinf, ONE),
    "isfinite": (np.isfinite, ONE),
    "argmax": (np.argmax, PLACES),
    "argmin": (np.argmin, PLACES),
    "max_pool_indices": (places, ROW),
    "nonzero": (np.argwhere, ONE),
    "argsort": (lambda x: np.argsort(x, kind="stable"), PLACES),
    "any": (np.any, PLACES),
    "all": (np.all, PLACES),
    "count_nonzero": (lambda x: np.asarray(np.count_nonzero(x)), PAIR[:1]),
}

PARTS: dict[str, tuple[tuple[Any, ...], Any]] = {
    "kthvalue": ((PLACES[0], 1, 1), [[0], [0]]),
    "topk": ((PLACES[0], 2, 1, True), [[0, 2], [1, 0]]),
    "searchsorted": ((np.array([0.0, 1.0]), np.array([0.5, 1.0, 4.0]), "left", np.dtype(np.int64)), [1, 1, 2]),
    "mode": ((PLACES[0], 1), [[2], [2]]),
    "places_of_ranks": ((PLACES[0], np.array([2, 0]), 1, False), [[2, 1], [1, 2]]),
    "middle_rank": ((np.array([[1.0, np.nan, 2.0, 3.0]]), 1), [[1]]),
    "cummax": ((PLACES[0], 1), [[0, 0, 2], [0, 1, 1]]),
    "cummin": ((PLACES[0], 1), [[0, 1, 1], [0, 0, 2]]),
    "unique": ((np.array([[7, 5], [5, 4]]), None), [4, 5, 7]),
    "unique_consecutive": ((np.array([[4, 5], [6, 7]]), None, np.array([0, 3])), [4, 7]),
    "bin_counts": ((np.array([2, 0, 1, 1]), 3), [1, 2, 1]),
    "edges_of_bins": ((PLACES[0], 2, None, None, 0.5), [-4, -0.5, 3]),
    "bin_of": ((np.array([-1.0, 0.0, 1.5, 2.0, np.nan]), np.array([0.0, 1.0, 2.0])), [2, 0, 1, 1, 2]),
}
"""Operations that functions of users are made of, their operands and attributes, and their results."""


SETTINGS: dict[str, dict[str, Any]] = {"max_pool_indices": {"windows": NEIGHBOURS}}
"""Arguments of operations besides tensors."""


def function_of(name: str) -> Callable[..., Any]:
    """The operation as a function of tensors alone: the one that users call, if they do."""
    return partial(getattr(mg, name, Op.registry.get(name)), **SETTINGS.get(name, {}))
