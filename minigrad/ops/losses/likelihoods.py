"""Negative logarithms of probabilities, and divergences of distributions."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ...engine.errors import InvalidValueError
from ...engine.faces import public
from ...engine.host import check
from ...engine.node import array_of, describe
from ...engine.scope import call_path
from ..arguments import shape_of
from ..choosing import where
from ..distances import clamped_from_below
from ..functions import exp, log, square
from ..reductions import of_float16_in_float32
from ..shapes import unsqueeze
from .pairs import compare, matching, pairwise_loss
from .reduction import as_operand, check_reduction, reduction_of
from .reduction import reduce as collect

if TYPE_CHECKING:
    from ...tensor.tensor import Tensor

__all__ = ["gaussian_nll_loss", "kl_div", "poisson_nll_loss"]

# -- Kullback and Leibler ------------------------------------------------------------------------

kl_op = pairwise_loss(
    "kl_div",
    lambda x, t: np.where(t == 0, 0, t * np.log(np.where(t == 0, 1, t))) - t * x,
    lambda x, t: -t,
    lambda x, t: log(t) + t / t - x,  # at a target of 0 it is NaN, as in PyTorch
    doc="``target * (log(target) - input)``, reduced; a target of 0 adds 0",
)
kl_of_logarithms_op = pairwise_loss(
    "kl_div_of_logarithms",
    lambda x, t: np.exp(t) * (t - x),
    lambda x, t: -exp(t),  # type: ignore[has-type]
    lambda x, t: exp(t) * (t - x + 1),
    doc="``exp(target) * (target - input)``, reduced",
)


@public("functional")
def kl_div(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:  # fmt: skip
    """``t * (log(t) - input)``: how far a distribution, given by its logarithm, is from the target t.

    S. Kullback, R. Leibler, On information and sufficiency, 1951.

    Args:
        input: log-probabilities.
        target: probabilities, of the same shape; logarithms of them with ``log_target``.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "batchmean", the sum divided by the length of the first axis, which is the mean divergence of the
            rows; "mean" over all elements, "sum" or "none".
        log_target: whether the target is a logarithm.

    >>> p = mg.tensor([[0.5, 0.5]])
    >>> F.kl_div(mg.log(p), p, reduction="batchmean")
    tensor(0.)
    """
    batch = reduction == "batchmean" and size_average is None and reduce is None
    reduction = "sum" if batch else reduction_of("kl_div", reduction, size_average, reduce)
    loss = compare(kl_of_logarithms_op if log_target else kl_op, input, target, reduction)
    return loss / input.shape[0] if batch and input.shape else loss


# -- distributions of numbers --------------------------------------------------------------------


@public("functional")
@of_float16_in_float32
def poisson_nll_loss(
    input: Any, target: Any, log_input: bool = True, full: bool = False, size_average: Any = None,
    eps: float = 1e-8, reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``exp(input) - target * input``: minus the logarithm of the probability of counts, but for a constant.

    Args:
        input: the logarithm of the expected count; the expected count itself with ``log_input=False``.
        target: counts, of the same shape.
        log_input: whether the input is a logarithm; if not, the loss is ``input - target * log(input + eps)``.
        full: add Stirling's approximation of ``log(target!)`` where the target is greater than 1.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        eps: keeps the logarithm of an input of 0 finite.
        reduction: "mean", "sum" or "none".

    >>> F.poisson_nll_loss(mg.tensor([0.0]), mg.tensor([3.0]))
    tensor(1.)
    """
    reduction = reduction_of("poisson_nll_loss", reduction, size_average, reduce)
    target = matching("poisson_nll_loss", input, target)
    losses = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        counts = where(target > 1, target, 2)
        stirling = counts * log(counts) - counts + 0.5 * log(2 * math.pi * counts)
        losses = losses + where(target > 1, stirling, 0)
    return collect(losses, reduction)


@public("functional")
@of_float16_in_float32
def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """``(log(var) + (input - target)**2 / var) / 2``: minus the logarithm of a normal density, but for a constant.

    D. Nix, A. Weigend, Estimating the mean and variance of the target probability distribution, 1994.

    Args:
        input: expected values.
        target: observed values, of the same shape.
        var: variances, of the same shape; of the shape without its last axis, or with length 1 along one axis; or
            one number.
        full: add the constant, ``log(2 pi) / 2``.
        eps: a smaller variance counts as this one.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: for a negative variance, and for shapes that do not fit.

    >>> F.gaussian_nll_loss(mg.tensor([1.0]), mg.tensor([3.0]), mg.tensor([1.0]))
    tensor(2.)
    """
    check_reduction(reduction)
    target = matching("gaussian_nll_loss", input, target)
    var = variances(input, np.full(input.shape, var, input.dtype) if isinstance(var, Real) else var)
    check(refuse_negative, array_of(var))
    var = clamped_from_below(var, eps)
    losses = 0.5 * (log(var) + square(input - target) / var)
    return collect(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def variances(input: Any, var: Any) -> Any:
    """Variances that broadcast with the input; refused unless they were meant to."""
    var, shape = as_operand(var, input.dtype), shape_of(input)
    if var.shape == shape:
        return var
    if var.shape == shape[:-1]:
        return unsqueeze(var, -1)
    if len(var.shape) != len(shape) or [n for n, wanted in zip(var.shape, shape) if n != wanted] != [1]:
        raise InvalidValueError(
            f"gaussian_nll_loss{call_path()}: input {shape} wants a var of its shape, of {shape[:-1]}, or with length "
            f"1 along one axis, got {describe(var)}."
        )
    return var


def refuse_negative(var: ndarray) -> None:
    """Refuse variances that are negative."""
    if var.size and var.min() < 0:
        raise InvalidValueError(f"gaussian_nll_loss{call_path()}: var must not be negative, got {var.min():.4g}.")
