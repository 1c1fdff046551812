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
    "nonzero": (np.argwhere, ONE),
}
