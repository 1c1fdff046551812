"""Kullback-Leibler divergences of two distributions of one kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..tensor.tensor import Tensor
from .bernoulli import Bernoulli
from .categorical import Categorical
from .distribution import Distribution, softplus
from .normal import Normal

FORMULAS: dict[tuple[type, type], Callable[[Any, Any], Any]] = {}
"""The divergence by the kinds of both distributions."""


def register_kl(type_p: type, type_q: type) -> Callable[[Callable[[Any, Any], Any]], Callable[[Any, Any], Any]]:
    """A decorator: the function computes ``kl_divergence(p, q)`` for distributions of these kinds.

    Args:
        type_p, type_q: the classes of ``p`` and ``q``; their subclasses use the formula, too, unless they have one.

    >>> class Exponential(mg.distributions.Distribution):
    ...     def __init__(self, rate):
    ...         self.rate = mg.tensor(rate)
    >>> @mg.distributions.register_kl(Exponential, Exponential)
    ... def of_exponentials(p, q):
    ...     return mg.log(p.rate / q.rate) + q.rate / p.rate - 1
    >>> mg.distributions.kl_divergence(Exponential(2.0), Exponential(1.0))
    tensor(0.1931)
    """

    def register(formula: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        FORMULAS[type_p, type_q] = formula
        return formula

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The Kullback-Leibler divergence: the expected value under ``p`` of ``log(p / q)``, for each place of the batch.

    Raises:
        NotImplementedError: for kinds of distributions that no formula is known for.

    >>> Normal = mg.distributions.Normal
    >>> mg.distributions.kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
    tensor(0.5000)
    """
    for kind_p in type(p).__mro__:
        for kind_q in type(q).__mro__:
            if (kind_p, kind_q) in FORMULAS:
                found: Tensor = FORMULAS[kind_p, kind_q](p, q)
                return found
    raise NotImplementedError(
        f"kl_divergence has no formula for {type(p).__name__} and {type(q).__name__}: give one with "
        "@distributions.register_kl(type_p, type_q)."
    )


@register_kl(Normal, Normal)
def of_normals(p: Normal, q: Normal) -> Any:
    """``(r + ((m_p - m_q) / s_q)**2 - 1 - log(r)) / 2`` with the ratio ``r`` of the variances."""
    ratio = ops.square(p.scale / q.scale)
    return 0.5 * (ratio + ops.square((p.loc - q.loc) / q.scale) - 1 - ops.log(ratio))


@register_kl(Bernoulli, Bernoulli)
def of_coins(p: Bernoulli, q: Bernoulli) -> Any:
    """The parts of 1 and of 0."""
    one = part(p.probs, softplus(-q.logits) - softplus(-p.logits), q.probs)
    return one + part(p._of_0, softplus(q.logits) - softplus(p.logits), q._of_0)


@register_kl(Categorical, Categorical)
def of_classes(p: Categorical, q: Categorical) -> Any:
    """The sum over the classes."""
    return ops.sum(part(p.probs, p.logits - q.logits, q.probs), -1)


def part(p: Any, log_ratio: Any, q: Any) -> Any:
    """``p * log(p / q)``: infinite where ``q`` is 0, and 0 where ``p`` is."""
    infinite, zero = np.array(np.inf, p.dtype), np.array(0, p.dtype)
    return ops.where(p == 0, zero, ops.where(q == 0, infinite, p * log_ratio))
