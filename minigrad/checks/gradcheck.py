"""``gradcheck`` and ``gradgradcheck``: is what backward says what finite differences say?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..engine.modes import enable_grad
from .diagnosis import Mismatch
from .numeric import REFINEMENTS, derivative, estimate, rounding, step_size
from .problem import GradcheckError as GradcheckError
from .problem import Problem, derivative_of, problem_of
from .reached import untouched

SCATTER = 8
"""How many times the finite differences' own uncertainty a difference must exceed."""


class Tolerance(NamedTuple):
    """When two derivatives count as equal, and with which step the numeric one is taken."""

    eps: float | None
    atol: float
    rtol: float

    def exceeded(self, analytic: ndarray, numeric: ndarray, uncertainty: ndarray) -> ndarray:
        """Where the two are not equal, nor NaN."""
        allowed = self.atol + self.rtol * abs(numeric) + SCATTER * uncertainty
        exceeded: ndarray = ~(abs(analytic - numeric) <= allowed)
        return exceeded


def gradcheck(
    func: Callable[..., Any], inputs: Any, *, eps: float | None = None, atol: float = 1e-15, rtol: float = 1e-7,
    raise_exception: bool = True,
) -> bool:  # fmt: skip
    """Compare the gradients ``backward`` computes with finite differences.

    Everything is computed on float64 copies: neither the inputs nor a module, its buffers, modes and
    gradients, nor the random state are changed. Modules and tensors that a function takes from its closure or
    globals (``lambda x: bn(x)``) keep their buffers and values; what it reaches on other ways cannot be protected:
    a BatchNorm whose statistics move is warned of. Better pass the module itself.

    Args:
        func: a function of the inputs that returns a tensor or a tuple of tensors, or a module: then
            its parameters are checked, too. It may draw from minigrad's random state, which is the
            same in every evaluation.
        inputs: a tensor or a sequence. Those that require grad are checked, the others are passed
            on as constants; with a module, all of floats are checked if none requires grad.
        eps: the step, refined where it is too coarse; by default a thousandth of each input's
            standard deviation.
        atol, rtol: an element is right within ``atol + rtol * |derivative|``, to which comes the
            measured uncertainty of the finite differences. By default ``atol`` is a few rounding
            errors of 1.
        raise_exception: raise an error, or return False.

    Returns:
        True if all gradients are right.

    Raises:
        GradcheckError: names each input that is wrong, where, by how much, and the likely cause; or an output that
            moves with an input and does not require grad.
        ValueError: if there is nothing to check.

    >>> mg.gradcheck(lambda x: x * mg.sin(x), mg.randn(3, requires_grad=True))
    True
    """
    tolerance = Tolerance(eps, atol, rtol)
    return passes(func, lambda: check("gradcheck", problem_of(func, inputs), tolerance), raise_exception)


def gradgradcheck(
    func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, eps: float | None = None, atol: float = 1e-13,
    rtol: float = 1e-7, raise_exception: bool = True,
) -> bool:  # fmt: skip
    """Compare second derivatives, taken through ``create_graph=True``, with finite differences.

    It is ``gradcheck`` of the function that returns the gradients. Whether those are right is for
    ``gradcheck`` to say.

    Args:
        grad_outputs: the gradients of the outputs, a tensor or a sequence; by default fixed random
            numbers. Those that require grad, and the default ones, are checked as inputs are.
        atol: larger than for first derivatives: gradients contain differences like ``1 - y * y``, whose
            rounding error cannot be seen in their size.

    The other arguments, what is returned and raised are those of ``gradcheck``.

    >>> mg.gradgradcheck(nn.BatchNorm1d(2), mg.randn(4, 2, requires_grad=True))
    True
    """
    tolerance = Tolerance(eps, atol, rtol)
    return passes(
        func,
        lambda: check("gradgradcheck", derivative_of(problem_of(func, inputs), grad_outputs), tolerance),
        raise_exception,
    )


def passes(func: Callable[..., Any], check: Callable[[], None], raise_exception: bool) -> bool:
    """Run a check of a function in a state of its own; a failure is raised, or returned as False."""
    try:
        with enable_grad(), untouched(func):
            check()
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def check(title: str, problem: Problem, tolerance: Tolerance) -> None:
    """Compare the two derivatives with respect to every leaf."""
    require_something(title, problem)
    require_connected(title, problem)
    analytic = repeatable_gradients(title, problem)
    with np.errstate(all="ignore"):
        found = [compare(problem, name, analytic[name], tolerance) for name in problem.leaves]
        reports = [mismatch.report() for mismatch in found if mismatch]
    if reports:
        of = "" if sum(weight.size for weight in problem.weights) == 1 else " of the outputs' randomly weighted sum"
        raise GradcheckError("\n".join([f"{title}: wrong derivatives{of}.", *reports]))


def compare(problem: Problem, name: str, analytic: ndarray, tolerance: Tolerance) -> Mismatch | None:
    """Where backward's gradient of one leaf is wrong; None if it is right."""
    x = problem.point[name]
    if not x.size:
        return None
    function = problem.function_of(name)
    step = tolerance.eps or step_size(x)
    numeric, uncertainty = np.zeros(x.shape), np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        numeric[index] = derivative(function, x, index, step).sum()
    differs = tolerance.exceeded(analytic, numeric, uncertainty)
    noise = rounding(function, x, step)
    for index in map(tuple, np.argwhere(differs)):
        numeric[index], uncertainty[index] = estimate(function, x, index, step, noise)
    differs = tolerance.exceeded(analytic, numeric, uncertainty)
    if not differs.any():
        return None
    shapes = [weight.shape for weight in problem.weights]
    return Mismatch(name, x, analytic, numeric, differs, function, step / REFINEMENTS[-1], shapes)


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
        for i, y in constants.items():
            if i not in moved or not np.array_equal(y, moved[i], equal_nan=True):
                raise GradcheckError(
                    f"{title}: output {i}, {y.shape}, moves with {name} but does not require grad: it is detached, or "
                    "leaves the graph, so backward gives nothing for it. Keep it in the graph, or check a function "
                    "without this output."
                )


def repeatable_gradients(title: str, problem: Problem) -> dict[str, ndarray]:
    """What backward says, if it and the function say the same when asked again."""
    (outputs, gradients), (outputs_again, gradients_again) = problem.gradients(), problem.gradients()
    pairs = {f"output {i}": (y.array, z.array) for i, (y, z) in enumerate(zip(outputs, outputs_again))}
    pairs |= {f"the gradient of {name}": (gradients[name], gradients_again[name]) for name in gradients}
    for what, (first, second) in pairs.items():
        if not np.array_equal(first, second, equal_nan=True):
            raise GradcheckError(
                f"{title}: non-deterministic function: {what} changed by up to {abs(first - second).max():.3g} when it "
                "was computed again from the same inputs and random state. Draw from minigrad's random state "
                "(mg.randn, mg.rand), or fix random numbers outside the function."
            )
    return gradients
