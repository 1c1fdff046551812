"""What distributions share: shapes, validation, draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy import ndarray

from .. import ops
from ..engine.dtypes import get_default_dtype, result_type
from ..engine.errors import InvalidValueError
from ..engine.host import check
from ..engine.modes import no_grad
from ..engine.node import Variable, array_of, as_array, describe
from ..ops.arguments import sizes
from ..tensor.conversion import says_its_dtype
from ..tensor.creation import as_tensor
from ..tensor.size import Size
from ..tensor.tensor import Tensor

Condition = tuple[str, Callable[[Any], Any]]
"""What values must be, in words and as a function of an array: which of them are so."""

REAL: Condition = ("real numbers", lambda x: x == x)
POSITIVE: Condition = ("above 0", lambda x: x > 0)
PROBABILITIES: Condition = ("from 0 to 1", lambda x: (x >= 0) & (x <= 1))
BOOLEAN: Condition = ("0 or 1", lambda x: (x == 0) | (x == 1))


class Distribution:
    """A distribution, or a batch of independent ones.

    Args:
        batch_shape: the shape of the batch.
        validate_args: whether parameters, and the values of ``log_prob``, are checked.
        **parameters: tensors, by name.

    >>> mg.distributions.Normal(0.0, 1.0).log_prob(mg.tensor(0.0))
    tensor(-0.9189)
    """

    has_rsample = False
    """Whether gradients flow through ``rsample``."""

    _axes_of_event = 0
    """How many axes of a parameter are not those of the batch."""

    def __init__(self, batch_shape: tuple[int, ...], validate_args: bool | None = None, **parameters: Any) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size()
        self._validates = validate_args is None or bool(validate_args)
        self._parameters = parameters

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one draw of one distribution: ()."""
        return self._event_shape

    @property
    def mean(self) -> Tensor:
        """The expected value."""
        raise NotImplementedError

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return ops.sqrt(self.variance)

    def _expanded(self, name: str) -> Any:
        """A parameter in the shape of the batch; expanded anew, as backward frees the record of it."""
        value = self._parameters[name]
        return value if value.shape == self._batch_shape else ops.expand(value, self._batch_shape)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        """Draws of a whole shape."""
        raise NotImplementedError

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draws of shape ``sample_shape + batch_shape``, outside of any graph."""
        with no_grad():
            return self._draw((*sizes((sample_shape,)), *self._batch_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draws of shape ``sample_shape + batch_shape``, through which gradients flow to the parameters.

        Raises:
            NotImplementedError: where there are none.
        """
        if not self.has_rsample:
            raise NotImplementedError(
                f"{type(self).__name__} has no rsample, no gradient flows through its draws: use sample()."
            )
        return self._draw((*sizes((sample_shape,)), *self._batch_shape))

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the density, or of the probability, at ``value``, which broadcasts to the batch."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The expected value of ``-log_prob``, in nats."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """``exp(entropy)``"""
        return ops.exp(self.entropy())

    def expand(self, batch_shape: Any) -> Self:
        """The same distribution for each place of a larger batch."""
        shape = sizes((batch_shape,))
        parameters: dict[str, Any] = {
            name: ops.expand(value, (*shape, *value.shape[value.ndim - self._axes_of_event :]))
            for name, value in self._parameters.items()
        }
        return type(self)(**parameters, validate_args=False)._validating(self._validates)

    def _validating(self, validates: bool) -> Self:
        """Itself, which checks values or not."""
        self._validates = validates
        return self

    def _value(self, value: Any, condition: Condition) -> Any:
        """A value of ``log_prob`` as a tensor; refused unless it may come up and broadcasts to the batch."""
        value = as_tensor(value) if not isinstance(value, Variable) else value
        try:
            np.broadcast_shapes(value.shape, self._batch_shape)
        except ValueError:
            raise InvalidValueError(
                f"{type(self).__name__}: a value {describe(value)} does not broadcast to the batch {self._batch_shape}."
            ) from None
        if self._validates:
            check(refuse, array_of(value), f"{type(self).__name__}: the value", condition)
        return value

    def __repr__(self) -> str:
        parameters = (
            f"{name}: {value.shape if value.ndim else value.item()}"
            for name, value in ((name, getattr(self, name)) for name in self._parameters)
        )
        return f"{type(self).__name__}({', '.join(parameters)})"


def refuse(array: ndarray, name: str, condition: Condition) -> None:
    """Refuse values that do not fulfil a condition."""
    words, allowed = condition
    wrong = array[~allowed(array)]
    if wrong.size:
        raise InvalidValueError(f"{name} must be {words}, got {wrong.flat[0]}.")


def broadcast(
    name: str, validates: bool | None, **parameters: tuple[Any, Condition]
) -> tuple[tuple[int, ...], list[Any]]:
    """The shape that parameters have together, and each as a float tensor; it comes with what its values must be."""
    values = [value for value, _ in parameters.values()]
    dtype = result_type(*(as_array(array_of(value)) if says_its_dtype(value) else 1.0 for value in values))
    dtype = dtype if dtype.kind == "f" else get_default_dtype()
    tensors = [as_tensor(value, dtype) for value in values]
    for x, (own, (_, condition)) in zip(tensors, parameters.items()):
        if validates is not False:
            check(refuse, array_of(x), f"{name}: {own}", condition)
    try:
        shape = np.broadcast_shapes(*(x.shape for x in tensors))
    except ValueError:
        given = " and ".join(f"{own} {x.shape}" for own, x in zip(parameters, tensors))
        raise InvalidValueError(f"{name}: {given} do not broadcast.") from None
    return shape, tensors


def one_of(name: str, probs: Any, logits: Any) -> None:
    """Refuse both or neither of two ways to give probabilities."""
    if (probs is None) == (logits is None):
        raise InvalidValueError(f"{name}: give either probs or logits.")


def inside(probs: Any) -> Any:
    """Probabilities, those of 0 and 1 moved inside by the dtype's ``eps``, so that their logarithms are finite."""
    eps = float(np.finfo(probs.dtype).eps)
    return ops.clamp(probs, eps, 1 - eps)


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))`` to all digits: minus the logarithm of a probability, of which ``-x`` is the logit."""
    return ops.softplus(x, threshold=math.inf)


HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)
