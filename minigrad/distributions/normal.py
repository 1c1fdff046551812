"""The normal distribution."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..tensor.drawing import normal
from ..tensor.tensor import Tensor
from .distribution import HALF_LOG_2_PI, POSITIVE, REAL, Distribution, broadcast


class Normal(Distribution):
    """Normal distributions: ``exp(-((x - loc) / scale)**2 / 2) / (scale * sqrt(2 * pi))``.

    Args:
        loc: means, tensors or numbers.
        scale: standard deviations, above 0.
        validate_args: whether parameters and values are checked, True.

    Raises:
        ValueError: for parameters that are not allowed, or do not broadcast.

    >>> mg.distributions.Normal(0.0, 1.0).log_prob(0.0)
    tensor(-0.9189)
    """

    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        shape, (loc, scale) = broadcast("Normal", validate_args, loc=(loc, REAL), scale=(scale, POSITIVE))
        super().__init__(shape, validate_args, loc=loc, scale=scale)

    @property
    def loc(self) -> Tensor:
        """The means."""
        found: Tensor = self._expanded("loc")
        return found

    @property
    def scale(self) -> Tensor:
        """The standard deviations."""
        found: Tensor = self._expanded("scale")
        return found

    @property
    def mean(self) -> Tensor:
        """The expected value, ``loc``."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """The value of the greatest density, ``loc``."""
        return self.loc

    @property
    def stddev(self) -> Tensor:
        """The standard deviation, ``scale``."""
        return self.scale

    @property
    def variance(self) -> Tensor:
        """The variance, ``scale**2``."""
        return ops.square(self.scale)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return self.loc + self.scale * normal(0, 1, shape, dtype=self.loc.dtype)

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the density at ``value``."""
        z = (self._value(value, REAL) - self.loc) / self.scale
        log_prob: Tensor = -0.5 * z * z - ops.log(self.scale) - HALF_LOG_2_PI
        return log_prob

    def entropy(self) -> Tensor:
        """``1/2 + log(2 * pi) / 2 + log(scale)``"""
        entropy: Tensor = ops.log(self.scale) + (0.5 + HALF_LOG_2_PI)
        return entropy
