"""What wrong gradients look like: a table of diagnoses, each with its test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

from .numeric import LEFT, RIGHT, Function, derivative

ALIKE = 1e-4
"""How far two derivatives of one cause may be apart, relative to the largest."""


class computed_once:
    """A property that is computed when it is first asked for.

    Before Python 3.12 ``functools.cached_property`` holds one lock for all objects meanwhile: ranks that are threads,
    and wait for each other while they compute, would never end.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function, self.__doc__ = function, function.__doc__

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        value = vars(instance)[self.function.__name__] = self.function(instance)
        return value


@dataclass
class Comparison:
    """The two derivatives by one leaf, and what is needed to find out why they differ, if they do."""

    name: str
    """Of the derivative: ``input 0``, or ``output 1 by input 0``."""
    x: ndarray
    analytic: ndarray
    """What backward says, of the shape of ``x``; so is the next."""
    numeric: ndarray
    allowed: ndarray
    """How far the two may be apart."""
    jumps: ndarray
    """Where the function jumps, so that finite differences say nothing."""
    function: Function
    """The weighted outputs as a function of ``x``."""
    step: float
    """Of the finest finite differences."""
    shapes: Mapping[str, tuple[int, ...]]
    """Of the outputs, by name."""

    @computed_once
    def differs(self) -> ndarray:
        """Where the two do not agree, or one is NaN."""
        differs: ndarray = ~(abs(self.analytic - self.numeric) <= self.allowed)
        return differs

    @computed_once
    def places(self) -> list[tuple[int, ...]]:
        """The indices of the elements that differ, the worst first."""
        error = np.nan_to_num(abs(self.analytic - self.numeric), nan=np.inf)
        found = [tuple(map(int, index)) for index in np.argwhere(self.differs)]
        return sorted(found, key=lambda index: -error[index])

    @computed_once
    def slopes(self) -> list[tuple[float, float]]:
        """At each of the places the slopes to the left and to the right."""
        left, right = (
            [float(derivative(self.function, self.x, index, self.step, side).sum()) for index in self.places]
            for side in (LEFT, RIGHT)
        )
        return list(zip(left, right))

    @computed_once
    def kinks(self) -> ndarray:
        """Where the two slopes are not the same, or the function jumps."""
        mask = np.array(self.jumps)
        for index, (left, right) in zip(self.places, self.slopes):
            mask[index] |= abs(right - left) > ALIKE * max(abs(left), abs(right), abs(self.analytic[index]))
        return mask

    def explained_by(self, candidate: ndarray) -> bool:
        """Whether backward's gradient, corrected to ``candidate``, would be right, except at kinks."""
        error = abs(candidate - self.numeric)
        size = abs(self.numeric[~np.array(self.jumps)]).max(initial=0)
        return bool(np.all((error <= ALIKE * size) | self.kinks))

    @computed_once
    def diagnosis(self) -> tuple[str, str]:
        """The name of the first entry of the table that applies, or none, and what it found."""
        for name, test in DIAGNOSES.items():
            finding = test(self)
            if finding:
                return name, f"{name}: {finding}."
        return "", f"none of {', '.join(DIAGNOSES)}: compare the rule with the formula, term by term."


# -- the tests: each returns what it found, nothing if it does not apply -----------------------


def not_a_number(m: Comparison) -> str:
    """NaN or infinity, from backward or from the function itself."""
    for source, values in (("backward", m.analytic), ("the function, evaluated around the index,", m.numeric)):
        if not np.isfinite(values[m.differs]).all():
            return f"{source} gives NaN or infinity; detect_anomaly() names the operation that makes a gradient NaN"
    return ""


def jump(m: Comparison) -> str:
    """Another value on the left than on the right: there is no derivative."""
    if not m.jumps[m.differs].all():
        return ""
    return (
        "the values are others on its left than on its right, so there is no derivative; check the function elsewhere"
    )


def kink(m: Comparison) -> str:
    """Slopes on the left and on the right that differ: there is no derivative."""
    if not m.kinks[m.differs].all():
        return ""
    left, right = m.slopes[0]
    return (
        f"the slope at the index is {left:.6g} on its left and {right:.6g} on its right, so there is no derivative; "
        "check the function elsewhere"
    )


def cut(m: Comparison) -> str:
    """A gradient of 0 everywhere: the graph does not reach the outputs."""
    if m.analytic.any():
        return ""
    return "backward gives 0 everywhere: somewhere the path to the outputs is detached, or leaves the graph"


def opposite_sign(m: Comparison) -> str:
    """The derivative times -1."""
    return "backward gives the derivative times -1" * m.explained_by(-m.analytic)


def transposed(m: Comparison) -> str:
    """The derivative with two axes swapped."""
    for i, j in itertools.combinations(range(m.x.ndim), 2):
        axes = list(range(m.x.ndim))
        axes[i], axes[j] = j, i
        if m.explained_by(m.analytic.reshape(m.x.transpose(axes).shape).transpose(axes)):
            return f"backward gives the derivative with axes {i} and {j} swapped"
    return ""


def missing_sum(m: Comparison) -> str:
    """One term of a sum over an axis of an output, instead of the sum."""
    places = [(name, axis, k) for name, shape in m.shapes.items() for axis, n in enumerate(shape) for k in range(n)]
    shapes = list(m.shapes.values())
    rests = [other_terms(derivative(m.function, m.x, index, m.step), shapes) for index in np.ndindex(m.x.shape)]
    for (name, axis, k), rest in zip(places, np.transpose(rests)):
        if m.explained_by(m.analytic + rest.reshape(m.x.shape)):
            return f"of the sum along axis {axis} of {name}, backward gives the term at index {k} only"
    return ""


def other_terms(terms: ndarray, shapes: Sequence[tuple[int, ...]]) -> ndarray:
    """For each output, axis and index along it: the sum of the output's terms at all other indices."""
    rests = [np.zeros(0)]
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes])
    for shape, flat in zip(shapes, np.split(terms, ends)):
        part = flat.reshape(shape)
        rests += [part.sum() - part.sum(tuple({*range(part.ndim)} - {axis})) for axis in range(part.ndim)]
    return np.concatenate(rests)


def constant_factor(m: Comparison) -> str:
    """The derivative times a number."""
    factor = np.vdot(m.analytic, m.numeric) / np.vdot(m.numeric, m.numeric)
    if not m.explained_by(m.analytic / factor):
        return ""
    return f"backward gives the derivative times {factor:.6g}"


DIAGNOSES: dict[str, Callable[[Comparison], str]] = {
    "NaN": not_a_number,
    "jump": jump,
    "kink": kink,
    "cut graph": cut,
    "sign": opposite_sign,
    "transposed": transposed,
    "missing broadcast sum": missing_sum,
    "constant factor": constant_factor,
}
"""The first that applies is reported: what makes the others meaningless comes first, the most general last."""
