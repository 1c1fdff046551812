"""The categorical distribution: one of several classes."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .. import ops
from ..engine.errors import InvalidValueError
from ..engine.host import check
from ..engine.node import array_of
from ..tensor.creation import full
from ..tensor.drawing import multinomial
from ..tensor.tensor import Tensor
from .distribution import REAL, Distribution, broadcast, inside, one_of, refuse

WEIGHTS = ("at least 0", lambda x: x >= 0)


class Categorical(Distribution):
    """A class from 0 on, each with its own probability: of a batch (..., classes).

    Args:
        probs: weights of the classes, at least 0 and not all 0; they are divided by their sum; or
        logits: their logarithms, of which the same constant may be missing.
        validate_args: whether parameters and values are checked, True.

    Raises:
        ValueError: for both or neither of them, and for values that are not allowed.

    >>> mg.distributions.Categorical(probs=mg.tensor([1.0, 3.0])).log_prob(1).exp()
    tensor(0.7500)
    """

    _axes_of_event = 1

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        one_of("Categorical", probs, logits)
        name, value, condition = ("probs", probs, WEIGHTS) if logits is None else ("logits", logits, REAL)
        _, (given,) = broadcast("Categorical", validate_args, **{name: (value, condition)})
        if not given.shape or not given.shape[-1]:
            raise InvalidValueError(f"Categorical: {name} must be (..., classes), got {given.shape}.")
        if logits is None:
            totals = ops.sum(given, -1, keepdim=True)
            if validate_args is not False:
                check(refuse, array_of(totals), "Categorical: the sum of probs", ("above 0", lambda x: x > 0))
            self.probs = given / totals
        else:
            self.logits = given - ops.logsumexp(given, -1, keepdim=True)
        super().__init__(given.shape[:-1], validate_args, **{name: vars(self)[name]})
        self._classes = given.shape[-1]

    @functools.cached_property
    def probs(self) -> Tensor:
        """The probabilities of the classes, (..., classes)."""
        return ops.softmax(self.logits, -1)

    @functools.cached_property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities, finite also for 0."""
        return ops.log(inside(self.probs))

    @property
    def param_shape(self) -> Any:
        """The shape of the probabilities."""
        return next(iter(self._parameters.values())).shape

    @property
    def mean(self) -> Tensor:
        """NaN: classes are no numbers."""
        return full(self._batch_shape, np.nan, dtype=self.probs.dtype)

    @property
    def variance(self) -> Tensor:
        """NaN: classes are no numbers."""
        return full(self._batch_shape, np.nan, dtype=self.probs.dtype)

    @property
    def mode(self) -> Tensor:
        """The likeliest class."""
        return ops.argmax(self.probs, -1)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        rows = ops.reshape(self.probs, (-1, self._classes))
        before = shape[: len(shape) - len(self._batch_shape)]
        count = int(np.prod(before))
        if not count or not rows.shape[0]:
            return full(shape, 0)
        draws = multinomial(rows, count, replacement=True)
        return ops.reshape(ops.permute(draws, (1, 0)), shape)

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the probability of the class ``value``."""
        last = self._classes - 1
        value = self._value(value, (f"a class from 0 to {last}", lambda x: (x >= 0) & (x <= last) & (x % 1 == 0)))
        shape = np.broadcast_shapes(value.shape, self._batch_shape)
        logits = ops.reshape(ops.expand(self.logits, (*shape, self._classes)), (-1, self._classes))
        classes = ops.reshape(ops.expand(value.to(np.int64), shape), (-1,))
        picked = logits[np.arange(logits.shape[0]), classes]
        return ops.reshape(picked, shape)

    def entropy(self) -> Tensor:
        """The sum of ``-p * log(p)``."""
        lowest = float(np.finfo(self.logits.dtype).min)
        return -ops.sum(ops.clamp(self.logits, lowest) * self.probs, -1)
