"""Derivatives by finite differences, and how far they can be trusted.

Everything here takes a function from one array to one flat array. A derivative with respect to an
element is a weighted sum of the function's values at points around it, divided by their distance:

    f'(x) = (f(x - 2h) - 8 f(x - h) + 8 f(x + h) - f(x + 2h)) / 12h

The stencil's own error falls with ``h**4``, that of rounding grows with ``1 / h``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

Function = Callable[[ndarray], ndarray]
Stencil = dict[int, float]
"""How much the function's value counts at each multiple of the step."""

CENTRAL: Stencil = {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}
LEFT: Stencil = {-2: 1 / 2, -1: -2}
RIGHT: Stencil = {1: 2, 2: -1 / 2}

RELATIVE_STEP = 1e-3
"""The step, for an input of standard deviation 1."""
REFINEMENTS = (1, 64, 4096)
"""What the step is divided by, for functions that are strongly curved or have a kink nearby."""
SIMILAR = tuple(2 ** (-k / 6) for k in range(5))
"""What it is multiplied with, to see how far the results can be trusted. In no ratio of small integers:
differences rounded to the same digit would agree by accident."""
UNRELIABLE = 1e-3
"""The scatter, relative to the value, of steps that are too coarse (or of a derivative that is 0)."""

FINEST = 1e-12
"""The step by which jumps are looked for, relative to the usual one."""
ALIKE = 1e-2
"""How far the changes by two such steps may be apart: what curvature or rounding makes of them is."""
VISIBLE = 1e3
"""How many rounding errors a jump must exceed."""


def step_size(x: ndarray) -> float:
    """The step that suits an input: a thousandth of its standard deviation.

    Equal elements have none: their root mean square takes its place, and 1 where that is 0, too.
    """
    size = float(np.sqrt(np.mean(np.square(x))))
    spread = float(np.std(x))
    return RELATIVE_STEP * (spread if spread > 1e-12 * size else size or 1.0)


def derivative(
    function: Function, x: ndarray, index: tuple[int, ...], step: float, stencil: Stencil = CENTRAL
) -> ndarray:
    """The derivative of every output of ``function`` with respect to ``x[index]``.

    The value at ``x`` is subtracted from each, so that outputs which do not depend on the element
    get exactly 0.
    """
    here = function(x)
    total = np.zeros_like(here)
    for offset, weight in stencil.items():
        moved = x.copy()
        moved[index] += offset * step
        total += weight * (function(moved) - here)
    return total / step


def estimate(
    function: Function,
    x: ndarray,
    index: tuple[int, ...],
    step: float,
    noise: Any,
    add: Callable[[ndarray], Any] = np.sum,
) -> tuple[Any, Any]:
    """The derivative of the outputs' sum with respect to ``x[index]``, and its uncertainty.

    From several steps: how much the results of similar ones scatter shows what curvature, a kink
    nearby and rounding do at that size. The best is that with the least scatter among those that
    are reliable, if there are any. NaN and infinity where nothing is finite.

    Args:
        noise: the rounding error of the sum.
        add: adds up the outputs; if it returns several sums, so does ``noise``, and each has its own estimate.
    """
    values, scatters = [], []
    for refinement in REFINEMENTS:
        finer = step / refinement
        slopes = np.array([add(derivative(function, x, index, finer * part)) for part in SIMILAR])
        values.append(slopes.mean(0))
        scatters.append(np.ptp(slopes, 0) + noise / finer)
    value, scatter = np.array(values), np.array(scatters)
    finite = np.isfinite(scatter)
    value, scatter = np.where(finite, value, np.nan), np.where(finite, scatter, np.inf)
    unreliable = ~(scatter <= UNRELIABLE * abs(value))
    best = np.lexsort((scatter, unreliable), axis=0)[:1]
    return np.take_along_axis(value, best, 0)[0], np.take_along_axis(scatter, best, 0)[0]


def jumps(
    function: Function, x: ndarray, index: tuple[int, ...], step: float, noise: Any,
    add: Callable[[ndarray], Any] = np.sum,
) -> Any:  # fmt: skip
    """Whether the outputs' sum jumps at ``x[index]``: however fine the step, its change is the same.

    Finite differences then grow without end, and so does their scatter, within which any derivative lies.
    """
    finest = max(step * FINEST, 8 * float(np.spacing(abs(x[index]))))
    steps = [finest * multiple for multiple in (1, 7, 49, 343)]
    changes = np.array([add(derivative(function, x, index, h, {-1: -1, 1: 1}) * h) for h in steps])
    size = abs(changes).min(0)
    return (np.ptp(changes, 0) < ALIKE * size) & (size > VISIBLE * noise) & (steps[-1] < step)


def rounding(
    function: Function, x: ndarray, step: float, split: Callable[[ndarray], Sequence[ndarray]] = lambda terms: [terms]
) -> ndarray:
    """The rounding errors of the sums of the outputs, as ``split`` divides them up; by default of all.

    An output that a step leaves as it is may be saturated, like the 1 of a softmax, or a constant,
    like a mask's -1e9, whose size must not count.
    """
    y = function(x)
    moved = function(x + step * np.random.default_rng(0).choice((-1.0, 1.0), x.shape))
    size = np.where(y != moved, abs(y), np.minimum(abs(y), 1))
    parts = split(np.where(np.isfinite(size), size, 0))
    return np.finfo(np.float64).eps * np.array([np.linalg.norm(part) for part in parts])
