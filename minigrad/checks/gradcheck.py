"""``gradcheck`` and ``gradgradcheck``, as users call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, overload

from ..engine.arguments import real
from ..engine.modes import enable_grad
from .comparing import Tolerance, check, require_something
from .problem import GradcheckError as GradcheckError
from .problem import Problem, derivative_of, problem_of
from .reached import untouched
from .report import GradcheckReport

REFUSED: dict[str, tuple[Any, str]] = {
    "check_forward_ad": (True, "there is no forward mode here"),
    "check_backward_ad": (False, "backward is all there is to check here"),
    "check_batched_grad": (True, "gradients are not computed in batches here"),
    "check_batched_forward_grad": (True, "gradients are not computed in batches here"),
    "check_fwd_over_rev": (True, "there is no forward mode here"),
    "check_rev_over_rev": (False, "backward through backward is all there is to check here"),
    "masked": (True, "there are no sparse tensors here"),
}
"""PyTorch's arguments for what would not be checked: the value that is refused, and why."""

Raises = Literal[True]
Reports = Literal[False]


@overload
def gradcheck(
    func: Callable[..., Any], inputs: Any, *, eps: float | None = ..., atol: float = ..., rtol: float = ...,
    raise_exception: Raises = ..., nondet_tol: float = ..., check_undefined_grad: bool = ...,
    check_grad_dtypes: bool = ..., check_batched_grad: bool = ..., check_batched_forward_grad: bool = ...,
    check_forward_ad: bool = ..., check_backward_ad: bool = ..., fast_mode: bool = ..., masked: bool | None = ...,
) -> bool: ...  # fmt: skip
@overload
def gradcheck(
    func: Callable[..., Any], inputs: Any, *, eps: float | None = ..., atol: float = ..., rtol: float = ...,
    raise_exception: Reports, nondet_tol: float = ..., check_undefined_grad: bool = ...,
    check_grad_dtypes: bool = ..., check_batched_grad: bool = ..., check_batched_forward_grad: bool = ...,
    check_forward_ad: bool = ..., check_backward_ad: bool = ..., fast_mode: bool = ..., masked: bool | None = ...,
) -> GradcheckReport: ...  # fmt: skip
def gradcheck(
    func: Callable[..., Any], inputs: Any, *, eps: float | None = None, atol: float = 1e-15, rtol: float = 1e-7,
    raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False, check_backward_ad: bool = True, fast_mode: bool = False,
    masked: bool | None = None,
) -> bool | GradcheckReport:  # fmt: skip
    """Compare the gradients ``backward`` computes with finite differences.

    Everything is computed on float64 copies: neither the inputs nor a module, its buffers, modes and
    gradients, nor the random state are changed. Modules and tensors that a function takes from its closure or
    globals (``lambda x: bn(x)``) keep their buffers, attributes and values; what it reaches on other ways cannot be
    protected: a BatchNorm whose statistics move is warned of. Better pass the module itself.

    Args:
        func: a function of the inputs that returns a tensor, or lists, tuples and dicts of tensors; an operation; or
            a module: then its parameters are checked, too. It may draw from minigrad's random state, which is the
            same in every evaluation.
        inputs: a tensor or a sequence, which may have lists, tuples and dicts of tensors in it. Those that require
            grad are checked, the others are passed on as constants; with a module, all of floats are checked if none
            requires grad.
        eps: the step, refined where it is too coarse; by default a thousandth of each input's
            standard deviation.
        atol, rtol: an element is right within ``atol + rtol * |derivative|``, to which comes the
            measured uncertainty of the finite differences. By default ``atol`` is a few rounding
            errors of 1.
        raise_exception: raise an error, or return a report.
        nondet_tol: how far a second evaluation of outputs and gradients may be from the first.
        check_grad_dtypes: without effect, as are ``check_undefined_grad`` and ``fast_mode``: gradients always have
            the dtype of their tensor, none is undefined, and all elements are compared.
        check_batched_grad, check_batched_forward_grad, check_forward_ad, check_backward_ad, masked: PyTorch's
            switches for what is not here; only their defaults are accepted.

    Returns:
        True if all gradients are right. Without ``raise_exception`` a ``GradcheckReport`` in any case, which is true
        if they are, prints as a table and shows as one in notebooks.

    Raises:
        GradcheckError: names each input that is wrong, where, by how much, and the likely cause; or an output that
            moves with an input and does not require grad.
        ValueError: if there is nothing to check.

    >>> mg.gradcheck(lambda x: x * mg.sin(x), mg.randn(3, requires_grad=True))
    True
    """
    refuse(
        "gradcheck", check_forward_ad=check_forward_ad, check_backward_ad=check_backward_ad,
        check_batched_grad=check_batched_grad, check_batched_forward_grad=check_batched_forward_grad, masked=masked,
    )  # fmt: skip
    tolerance = tolerance_of("gradcheck", eps, atol, rtol, nondet_tol)
    return verdict("gradcheck", func, lambda: problem_of(func, inputs), tolerance, raise_exception)


@overload
def gradgradcheck(
    func: Callable[..., Any], inputs: Any, grad_outputs: Any = ..., *, eps: float | None = ..., atol: float = ...,
    rtol: float = ..., gen_non_contig_grad_outputs: bool = ..., raise_exception: Raises = ...,
    nondet_tol: float = ..., check_undefined_grad: bool = ..., check_grad_dtypes: bool = ...,
    check_batched_grad: bool = ..., check_fwd_over_rev: bool = ..., check_rev_over_rev: bool = ...,
    fast_mode: bool = ..., masked: bool | None = ...,
) -> bool: ...  # fmt: skip
@overload
def gradgradcheck(
    func: Callable[..., Any], inputs: Any, grad_outputs: Any = ..., *, eps: float | None = ..., atol: float = ...,
    rtol: float = ..., gen_non_contig_grad_outputs: bool = ..., raise_exception: Reports,
    nondet_tol: float = ..., check_undefined_grad: bool = ..., check_grad_dtypes: bool = ...,
    check_batched_grad: bool = ..., check_fwd_over_rev: bool = ..., check_rev_over_rev: bool = ...,
    fast_mode: bool = ..., masked: bool | None = ...,
) -> GradcheckReport: ...  # fmt: skip
def gradgradcheck(
    func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, eps: float | None = None, atol: float = 1e-13,
    rtol: float = 1e-7, gen_non_contig_grad_outputs: bool = False, raise_exception: bool = True,
    nondet_tol: float = 0.0, check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
    check_batched_grad: bool = False, check_fwd_over_rev: bool = False, check_rev_over_rev: bool = True,
    fast_mode: bool = False, masked: bool | None = None,
) -> bool | GradcheckReport:  # fmt: skip
    """Compare second derivatives, taken through ``create_graph=True``, with finite differences.

    It is ``gradcheck`` of the function that returns the gradients. Whether those are right is for
    ``gradcheck`` to say.

    Args:
        grad_outputs: the gradients of the outputs, a tensor or a sequence; by default fixed random
            numbers. Those that require grad, and the default ones, are checked as inputs are.
        atol: larger than for first derivatives: gradients contain differences like ``1 - y * y``, whose
            rounding error cannot be seen in their size.
        gen_non_contig_grad_outputs: hand on gradients of the outputs that are not contiguous in memory.
        check_fwd_over_rev, check_rev_over_rev: PyTorch's switches; only their defaults are accepted.

    The other arguments, what is returned and raised are those of ``gradcheck``.

    >>> mg.gradgradcheck(nn.BatchNorm1d(2), mg.randn(4, 2, requires_grad=True))
    True
    """
    refuse(
        "gradgradcheck", check_batched_grad=check_batched_grad, check_fwd_over_rev=check_fwd_over_rev,
        check_rev_over_rev=check_rev_over_rev, masked=masked,
    )  # fmt: skip
    tolerance = tolerance_of("gradgradcheck", eps, atol, rtol, nondet_tol)

    def problem() -> Problem:
        first = problem_of(func, inputs)
        require_something("gradgradcheck", first)
        return derivative_of(first, grad_outputs, gen_non_contig_grad_outputs)

    return verdict("gradgradcheck", func, problem, tolerance, raise_exception)


def verdict(
    title: str, func: Callable[..., Any], problem: Callable[[], Problem], tolerance: Tolerance, raise_exception: bool
) -> bool | GradcheckReport:
    """Run a check of a function in a state of its own; what it finds is raised or returned."""
    try:
        with enable_grad(), untouched(func):
            report = check(title, problem(), tolerance)
    except GradcheckError as error:
        if raise_exception:
            raise
        return GradcheckReport(title, trouble=str(error))
    if not raise_exception:
        return report
    if not report:
        raise GradcheckError(report.message)
    return True


def tolerance_of(title: str, eps: Any, atol: Any, rtol: Any, nondet_tol: Any) -> Tolerance:
    """The numbers that a check was given, or an error that says which they may be."""
    numbers = [
        real(value, lambda number: number >= 0, f"{title}: {name} must be a number, 0 or above")
        for name, value in (("atol", atol), ("rtol", rtol), ("nondet_tol", nondet_tol))
    ]
    if eps is not None:
        eps = real(eps, lambda number: number > 0, f"{title}: eps, the step, must be a number above 0")
    return Tolerance(eps, *numbers)


def refuse(title: str, **given: Any) -> None:
    """Refuse switches for what would not be checked."""
    for name, value in given.items():
        refused, reason = REFUSED[name]
        if value is not None and bool(value) is refused:
            raise ValueError(f"{title}: {name}={value} is refused: {reason}. Leave it out.")
