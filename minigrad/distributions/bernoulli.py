"""The Bernoulli distribution: one coin."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .. import ops
from ..tensor.drawing import bernoulli
from ..tensor.tensor import Tensor
from .distribution import BOOLEAN, PROBABILITIES, REAL, Distribution, broadcast, inside, one_of, softplus


class Bernoulli(Distribution):
    """1 with a probability, else 0.

    Args:
        probs: the probabilities of 1, tensors or numbers; or
        logits: ``log(p / (1 - p))`` of them.
        validate_args: whether parameters and values are checked, True.

    Raises:
        ValueError: for both or neither of them, and for values that are not allowed.

    >>> mg.distributions.Bernoulli(0.25).log_prob(1.0).exp()
    tensor(0.2500)
    """

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        one_of("Bernoulli", probs, logits)
        name, value, condition = ("probs", probs, PROBABILITIES) if logits is None else ("logits", logits, REAL)
        _, (parameter,) = broadcast("Bernoulli", validate_args, **{name: (value, condition)})
        vars(self)[name] = parameter
        super().__init__(parameter.shape, validate_args, **{name: parameter})

    @functools.cached_property
    def probs(self) -> Tensor:
        """The probabilities of 1."""
        return ops.sigmoid(self.logits)

    @functools.cached_property
    def logits(self) -> Tensor:
        """``log(p / (1 - p))``, finite also for p of 0 and 1."""
        p = inside(self.probs)
        return ops.log(p) - ops.log1p(-p)

    @property
    def _of_0(self) -> Tensor:
        """The probabilities of 0, with all digits also where they are small."""
        return ops.sigmoid(-self.logits) if "logits" in self._parameters else 1 - self.probs

    @property
    def mean(self) -> Tensor:
        """The expected value, ``probs``."""
        return self.probs

    @property
    def mode(self) -> Tensor:
        """The likelier value; NaN where both are equally likely."""
        likelier = (self.probs > 0.5).to(self.probs.dtype)
        mode: Tensor = ops.where(self.probs == 0.5, np.array(np.nan, self.probs.dtype), likelier)
        return mode

    @property
    def variance(self) -> Tensor:
        """The variance, ``p * (1 - p)``."""
        return self.probs * self._of_0

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return bernoulli(ops.expand(self.probs, shape))

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the probability of ``value``, 0 or 1."""
        value = self._value(value, BOOLEAN).to(self.logits.dtype)
        log_prob: Tensor = -softplus((1 - 2 * value) * self.logits)
        return log_prob

    def entropy(self) -> Tensor:
        """``-p * log(p) - (1 - p) * log(1 - p)``"""
        entropy: Tensor = self.probs * softplus(-self.logits) + self._of_0 * softplus(self.logits)
        return entropy
