"""Samples of special functions."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator
from functools import partial
from statistics import NormalDist
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.ops.special.error import inverse_mills
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample

HAS_SCIPY = importlib.util.find_spec("scipy") is not None
WITHOUT_SAMPLES = set() if HAS_SCIPY else {"digamma", "lgamma", "polygamma"}
"""Operations that need SciPy, where it is missing."""


def by_element(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a number as one of arrays."""
    return np.vectorize(function, otypes=[float])


CDF = by_element(lambda x: math.erfc(-x / math.sqrt(2)) / 2)


def density(x: Any) -> Any:
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def log_odds(x: Any) -> Any:
    return np.log(x / (1 - x))


def zeta(s: int, x: float) -> float:
    """The sum of ``(x + k) ** -s`` over all k of at least 0, from 40 on by L. Euler's and C. Maclaurin's formula."""
    head, x = sum((x + k) ** -s for k in range(40)), x + 40
    tail = x ** (1 - s) / (s - 1) + x**-s / 2 + s * x ** (-s - 1) / 12 - s * (s + 1) * (s + 2) * x ** (-s - 3) / 720
    return head + tail


def psi(x: float) -> float:
    """The digamma function by its asymptotic series at x + 40."""
    head, x = sum(1 / (x + k) for k in range(40)), x + 40
    return math.log(x) - 1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4) - 1 / (252 * x**6) - head


SPECIAL: dict[str, tuple[Callable[..., Any], Callable[..., Any], float, float]] = {
    "erf": (mg.erf, by_element(math.erf), -2, 2),
    "erfc": (mg.erfc, by_element(math.erfc), -2, 2),
    "erfinv": (mg.erfinv, by_element(lambda x: NormalDist().inv_cdf((1 + x) / 2) / math.sqrt(2)), -0.9, 0.9),
    "ndtr": (mg.special.ndtr, CDF, -2, 2),
    "log_ndtr": (mg.special.log_ndtr, lambda x: np.log(CDF(x)), -3, 2),
    "inverse_mills": (inverse_mills, lambda x: density(x) / CDF(x), -3, 2),
    "logit": (mg.logit, log_odds, 0.1, 0.9),
    "logit eps": (partial(mg.logit, eps=0.2), lambda x: log_odds(np.clip(x, 0.2, 0.8)), 0.1, 0.9),
    "entr": (mg.special.entr, lambda x: -x * np.log(x), 0.2, 2),
    "expit": (mg.special.expit, lambda x: 1 / (1 + np.exp(-x)), -2, 2),
}  # fmt: skip

GAMMA: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "lgamma": (mg.lgamma, by_element(math.lgamma)),
    "digamma": (mg.digamma, by_element(psi)),
    "polygamma 0": (partial(mg.polygamma, 0), by_element(psi)),
    "polygamma 1": (partial(mg.polygamma, 1), by_element(lambda x: zeta(2, x))),
    "polygamma 2": (partial(mg.polygamma, 2), by_element(lambda x: -2 * zeta(3, x))),
}


def special() -> Iterator[Sample]:
    for shape in [(), (3,), (2, 3)]:
        for name, (function, formula, low, high) in SPECIAL.items():
            yield Sample(f"{name} {shape}", function, formula, distinct(shape, low=low, high=high))
        for name, (function, formula) in GAMMA.items() if HAS_SCIPY else ():
            yield Sample(f"{name} {shape}", function, formula, distinct(shape, low=0.5, high=3))
    for shapes in [((3,), (3,)), ((2, 3), (3,)), ((), (2, 1))]:
        inputs = distinct(*shapes, low=0.2, high=2)
        yield Sample(f"xlog1py {shapes}", mg.special.xlog1py, lambda a, b: a * np.log(1 + b), inputs)
