"""Random methods: the elements of a tensor overwritten with draws from a distribution, and draws that it describes.

Each takes a ``generator``: a ``mg.Generator`` or one of NumPy's; by default the process's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from ...engine.arguments import not_negative, real
from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.host import host
from ...engine.modes import current
from ...engine.node import as_array, describe, real_array_of
from ...ops.arguments import integers
from .. import drawing
from ..creation.arguments import refuse_range
from ..in_place import InPlace
from ..random import source
from .method import method


def positive(number: float) -> bool:
    """Whether a number is above 0."""
    return number > 0


def between_0_and_1(number: float) -> bool:
    """Whether a number is a probability other than 0 and 1."""
    return 0 < number < 1


WORDS: dict[Any, str] = {
    None: "a number", not_negative: "a number of at least 0", positive: "a number above 0",
    between_0_and_1: "a probability between 0 and 1",
}  # fmt: skip
"""The numbers that arguments may be."""


def number(name: str, argument: str, value: Any, allowed: Callable[[float], bool] | None = None) -> float:
    """An argument as Python's own number."""
    return real(value, allowed or (lambda _: True), f"{name}: {argument} must be {WORDS[allowed]}")


class RandomMethods(InPlace):
    """The random methods of a tensor."""

    __slots__ = ()

    bernoulli, multinomial = method(drawing.bernoulli), method(drawing.multinomial)

    def _refuse_drawing(self, name: str) -> None:
        """Refuse, before anything is drawn, to overwrite a part of a graph or what cannot be written to."""
        if self.node is not None and current().recording:
            raise RuntimeError(
                f"{name}: {describe(self)} requires grad, and draws are not recorded: draw under no_grad(), "
                "or make a new tensor, mg.rand_like(x)."
            )
        if not real_array_of(self.array).flags.writeable:
            raise InvalidValueError(
                f"{name}: {describe(self)} is read-only (an expanded view, or another's array): draw into x.clone()."
            )

    def _drawn(self, name: str, generator: Any, draw: Callable[..., Any], *numbers: Any, kinds: str = "f") -> Self:
        """Overwrite the elements with ``draw(random, shape, *numbers)``."""
        random = source(generator)
        if self.dtype.kind not in kinds:
            raise InvalidTypeError(f"{name}: random numbers are floats, got {describe(self)}: convert it, x.float().")
        self._refuse_drawing(name)
        draws = as_array(host(in_dtype, self.array.dtype, draw, random, self.array.shape, *numbers))
        return self._overwrite((), draws, name)

    def uniform_(self, from_: float = 0, to: float = 1, *, generator: Any = None) -> Self:
        """Overwrite with numbers evenly distributed in [from_, to); the ``generator`` is as of ``rand``.

        >>> mg.empty(2, 3).uniform_(-1, 1).shape
        (2, 3)
        """
        low, high = number("uniform_", "from", from_), number("uniform_", "to", to)
        if low > high:
            raise InvalidValueError(f"uniform_: from must not be above to, got {low} and {high}.")
        return self._drawn("uniform_", generator, uniform, self.dtype, low, high)

    def normal_(self, mean: float = 0, std: float = 1, *, generator: Any = None) -> Self:
        """Overwrite with normally distributed numbers, by ``mean`` and ``std``; the ``generator`` is as of ``rand``.

        >>> mg.empty(2, 3).normal_(5, 0.1).shape
        (2, 3)
        """
        numbers = number("normal_", "mean", mean), number("normal_", "std", std, not_negative)
        return self._drawn("normal_", generator, normal, *numbers)

    def exponential_(self, lambd: float = 1, *, generator: Any = None) -> Self:
        """Overwrite with exponentially distributed numbers: their density is ``lambd * exp(-lambd * x)``.

        The ``generator`` is as of ``rand``.

        >>> mg.empty(2, 3).exponential_(2.0).shape
        (2, 3)
        """
        return self._drawn("exponential_", generator, exponential, number("exponential_", "lambd", lambd, positive))

    def log_normal_(self, mean: float = 1, std: float = 2, *, generator: Any = None) -> Self:
        """Overwrite with numbers whose logarithms are normally distributed, with ``mean`` and ``std``.

        The ``generator`` is as of ``rand``.

        >>> mg.empty(2, 3).log_normal_().shape
        (2, 3)
        """
        numbers = number("log_normal_", "mean", mean), number("log_normal_", "std", std, positive)
        return self._drawn("log_normal_", generator, log_normal, *numbers)

    def cauchy_(self, median: float = 0, sigma: float = 1, *, generator: Any = None) -> Self:
        """Overwrite with numbers of the Cauchy distribution around a median; half are within ``sigma`` of it.

        The ``generator`` is as of ``rand``.

        >>> mg.empty(2, 3).cauchy_().shape
        (2, 3)
        """
        numbers = number("cauchy_", "median", median), number("cauchy_", "sigma", sigma, positive)
        return self._drawn("cauchy_", generator, cauchy, *numbers)

    def geometric_(self, p: float, *, generator: Any = None) -> Self:
        """Overwrite with how many trials it takes until one succeeds, as each does with probability ``p``.

        The ``generator`` is as of ``rand``.

        >>> mg.empty(2, 3).geometric_(0.5).shape
        (2, 3)
        """
        p = number("geometric_", "p", p, between_0_and_1)
        return self._drawn("geometric_", generator, geometric, p, kinds="fiu")

    def random_(self, from_: Any = None, to: Any = None, *, generator: Any = None) -> Self:
        """Overwrite with integers from ``from_`` to below ``to``; ``random_(to)`` starts from 0.

        The ``generator`` is as of ``rand``.

        Without ``to`` all that the dtype counts without gaps may come: up to 2**24 in float32.

        >>> mg.empty(2, 3).random_(10).shape
        (2, 3)
        """
        if to is None:
            from_, to = 0, counted(self.dtype) if from_ is None else from_
        low, high = integers("random_: from and to", (from_ or 0, to))
        refuse_range("random_", ("from", "to"), low, high, self.dtype)
        return self._drawn("random_", generator, random_integers, low, high, kinds="fiub")

    def bernoulli_(self, p: Any = 0.5, *, generator: Any = None) -> Self:
        """Overwrite with 1 at probability ``p``, else 0; a number or a tensor that broadcasts to this one.

        The ``generator`` is as of ``rand``.

        >>> mg.empty(2, 3).bernoulli_(0.5).shape
        (2, 3)
        """
        random, shape = source(generator), self.array.shape
        self._refuse_drawing("bernoulli_")
        if drawing.is_tensor_or_array(p) and not broadcasts(p.shape, shape):
            raise InvalidValueError(f"bernoulli_: p {describe(p)} does not broadcast to {describe(self)}.")
        return self._overwrite((), drawing.ones_with_probability("bernoulli_", p, shape, random), "bernoulli_")


def broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether a shape broadcasts to another one."""
    return len(shape) <= len(to) and all(n in (1, m) for n, m in zip(shape[::-1], to[::-1]))


# What a step that is written down calls anew at each replay.


def in_dtype(dtype: np.dtype[Any], draw: Callable[..., Any], random: np.random.Generator, *args: Any) -> Any:
    """``draw(random, *args)`` in a dtype, in which what is too large for it is infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(draw(random, *args)).astype(dtype, copy=False)


def uniform(random: np.random.Generator, shape: Any, dtype: np.dtype[Any], low: float, high: float) -> Any:
    """Evenly distributed numbers, below ``high`` also where rounding to the dtype would reach it."""
    return np.minimum(random.uniform(low, high, shape), np.nextafter(dtype.type(high), dtype.type(low)))


def normal(random: np.random.Generator, shape: Any, mean: float, std: float) -> Any:
    """Normally distributed numbers."""
    return random.normal(mean, std, shape)


def exponential(random: np.random.Generator, shape: Any, lambd: float) -> Any:
    """Exponentially distributed numbers."""
    return random.standard_exponential(shape) / lambd


def log_normal(random: np.random.Generator, shape: Any, mean: float, std: float) -> Any:
    """Numbers with normally distributed logarithms."""
    return random.lognormal(mean, std, shape)


def cauchy(random: np.random.Generator, shape: Any, median: float, sigma: float) -> Any:
    """Numbers of the Cauchy distribution."""
    return median + sigma * random.standard_cauchy(shape)


def geometric(random: np.random.Generator, shape: Any, p: float) -> Any:
    """Numbers of trials: exponentially distributed times, rounded up."""
    return np.maximum(np.ceil(random.standard_exponential(shape) / -math.log1p(-p)), 1)


def random_integers(random: np.random.Generator, shape: Any, low: int, high: int) -> Any:
    """Integers below ``high``."""
    kind = np.uint64 if high - 1 > np.iinfo(np.int64).max else np.int64
    return random.integers(low, high - 1, shape, kind, endpoint=True)


def counted(dtype: np.dtype[Any]) -> int:
    """The first integer behind those that a dtype counts without gaps."""
    if dtype.kind == "f":
        return (1 << (np.finfo(dtype).nmant + 1)) + 1
    return 2 if dtype.kind == "b" else int(np.iinfo(dtype).max) + 1
