"""Is what backward says what finite differences say? The parts of a check, from a problem to its report."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy import ndarray

from .diagnosis import Comparison
from .numeric import REFINEMENTS, Function, derivative, estimate, jumps, rounding, step_size
from .problem import GradcheckError, Problem
from .report import RIGHT, GradcheckReport, Row

SCATTER = 8
"""How many times the finite differences' own uncertainty a difference must exceed."""


class Tolerance(NamedTuple):
    """When two derivatives count as equal, and with which step the numeric one is taken."""

    eps: float | None
    atol: float
    rtol: float
    nondet_tol: float = 0.0
    """By how much a second evaluation may differ from the first."""

    def allowed(self, numeric: ndarray, uncertainty: ndarray) -> ndarray:
        """How far from it the other may be."""
        allowed: ndarray = self.atol + self.rtol * abs(numeric) + SCATTER * uncertainty
        return allowed

    def same(self, first: ndarray, second: ndarray) -> bool:
        """Whether a second evaluation confirms the first."""
        if np.array_equal(first, second, equal_nan=True):
            return True
        return first.shape == second.shape and bool(np.all(abs(first - second) <= self.nondet_tol))


def check(title: str, problem: Problem, tolerance: Tolerance) -> GradcheckReport:
    """Compare the two derivatives with respect to every leaf.

    Raises:
        GradcheckError: if there is no derivative to compare: of a function that draws random numbers, say.
        ValueError: if there is nothing to check.
    """
    require_something(title, problem)
    require_connected(title, problem)
    analytic = repeatable_gradients(title, problem, tolerance)
    with np.errstate(all="ignore"):
        rows = [row for name in problem.leaves for row in compare(problem, name, analytic[name], tolerance)]
    weighted = sum(weight.size for weight in problem.weights.values()) > 1
    return GradcheckReport(title, rows, weighted=weighted)


def compare(problem: Problem, name: str, analytic: list[ndarray], tolerance: Tolerance) -> list[Row]:
    """For each group of outputs how the gradients of one leaf compare; nothing for one without elements."""
    x = problem.point[name]
    if not x.size:
        return []

    def add(terms: ndarray) -> ndarray:
        return np.array([part.sum() for part in problem.split(terms)])

    function = problem.function_of(name)
    step = tolerance.eps or step_size(x)
    backward = np.array(analytic)
    numeric, uncertainty = np.zeros(backward.shape), np.zeros(backward.shape)
    for index in np.ndindex(x.shape):
        numeric[:, *index] = add(derivative(function, x, index, step))
    allowed = tolerance.allowed(numeric, uncertainty)
    jumping = np.zeros(backward.shape, bool)
    noise = rounding(function, x, step, problem.split)
    for index in map(tuple, np.argwhere(~(abs(backward - numeric) <= allowed).all(0))):
        numeric[:, *index], uncertainty[:, *index] = estimate(function, x, index, step, noise, add)
        jumping[:, *index] = jumps(function, x, index, step, noise, add)
    allowed = np.where(jumping, 0, tolerance.allowed(numeric, uncertainty))
    rows = []
    for i, group in enumerate(problem.groups):
        shapes = {output: problem.weights[output].shape for output in group}
        comparison = Comparison(
            f"{group[0]} by {name}" if len(problem.groups) > 1 else name,
            x, backward[i], numeric[i], allowed[i], jumping[i], part(function, problem, i),
            step / REFINEMENTS[-1], shapes,
        )  # fmt: skip
        if any(problem.weights[output].size for output in group):
            rows.append(row_of(comparison, problem.dtypes[name]))
    return rows


def part(function: Function, problem: Problem, group: int) -> Function:
    """The terms of one group of outputs."""
    return lambda value: problem.split(function(value))[group]


def row_of(m: Comparison, dtype: object) -> Row:
    """What was compared, and what differs, if anything does."""
    error, size = abs(m.analytic - m.numeric), np.maximum(abs(m.analytic), abs(m.numeric))
    differ = m.differs.any()
    counted = m.differs if differ else size > m.allowed
    relative = float((error[counted] / size[counted]).max(initial=0))
    flat = int(np.argmax(np.nan_to_num(error, nan=np.inf)))
    index = tuple(map(int, np.unravel_index(flat, error.shape)))
    found = Row(
        m.name, m.x.shape, dtype, m.x.size, float(error.max()), relative, index,
        float(m.analytic[index]), float(m.numeric[index]), RIGHT, "",
    )  # fmt: skip
    if not differ:
        return found
    cause, diagnosis = m.diagnosis
    finding = (
        f"{m.name} {m.x.shape}: {m.differs.sum()} of {m.x.size} elements differ.\n"
        f"  largest absolute error {found.absolute:.3g}, largest relative error {relative:.3g}\n"
        f"  worst at index {index}: backward {found.backward:.9g}, finite differences {found.numeric:.9g}\n"
        f"  diagnosis: {diagnosis}"
    )
    return found._replace(verdict=f"wrong: {cause}" if cause else "wrong", finding=finding)


def require_something(title: str, problem: Problem) -> None:
    """Refuse a check that could not fail, or not succeed."""
    if not any(x.size for x in problem.point.values()):
        raise ValueError(f"{title}: nothing to check: no input with elements requires grad. Call x.requires_grad_().")
    if not problem.weights:
        raise ValueError(f"{title}: nothing to check: no output requires grad. Is it detached, or under no_grad()?")
    for name, x in problem.point.items():
        if not np.isfinite(x).all():
            raise ValueError(f"{title}: {name} {x.shape} has NaN or infinite elements: there is no derivative there.")


def require_connected(title: str, problem: Problem) -> None:
    """Refuse outputs that depend on a leaf and do not require grad: backward says nothing of them."""
    constants = problem.constants()
    if not constants:
        return
    for name, x in problem.point.items():
        if not x.size:
            continue
        signs = np.random.default_rng(0).choice((-1.0, 1.0), x.shape)
        moved = problem.constants(name, x + step_size(x) * signs)
        for output, y in constants.items():
            if output not in moved or not np.array_equal(y, moved[output], equal_nan=True):
                raise GradcheckError(
                    f"{title}: {output}, {y.shape}, moves with {name} but does not require grad: it is detached, or "
                    "leaves the graph, so backward gives nothing for it. Keep it in the graph, or check a function "
                    "without this output."
                )


def repeatable_gradients(title: str, problem: Problem, tolerance: Tolerance) -> dict[str, list[ndarray]]:
    """What backward says, if it and the function say the same when asked again."""
    (outputs, gradients), (outputs_again, gradients_again) = problem.gradients(), problem.gradients()
    pairs = [(name, y.array, outputs_again[name].array) for name, y in outputs.items()]
    for name, found in gradients.items():
        pairs += [(f"the gradient of {name}", *both) for both in zip(found, gradients_again[name])]
    for what, first, second in pairs:
        if not tolerance.same(first, second):
            raise GradcheckError(
                f"{title}: non-deterministic function: {what} changed by up to {abs(first - second).max():.3g} when it "
                "was computed again from the same inputs and random state. Draw from minigrad's random state "
                "(mg.randn, mg.rand), fix random numbers outside the function, or allow so much with nondet_tol=."
            )
    return gradients
