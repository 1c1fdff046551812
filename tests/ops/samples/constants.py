"""Operations without a derivative: their results are booleans or integers. Each with NumPy's formula and its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

PAIR = (np.array([[0.0, 1.0, 2.0]]), np.array([[0.0], [2.0]]))
BITS = (np.array([6, 3, 0]), np.array([3, 3, 1]))
PLACES = (np.array([[2.0, -1.0, 2.0], [0.5, 3.0, -4.0]]),)
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
    "isnan": (np.isnan, ONE),
    "isinf": (np.isinf, ONE),
    "isfinite": (np.isfinite, ONE),
    "argmax": (np.argmax, PLACES),
    "argmin": (np.argmin, PLACES),
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
