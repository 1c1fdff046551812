"""What the rows of the table of ties and kinks are made of: functions with settings, and a row itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F

inf, nan = np.inf, np.nan
log2 = np.log(2.0)
steep = 1 / np.sqrt(1e-5)
WEIGHTS = np.array([1.0, 2.0, 3.0])
ORDERS = (0, 0.5, 1, 1.5, 2, 3, inf, -inf)


class Row(NamedTuple):
    """One line of the table."""

    name: str
    function: Callable[..., Any]
    inputs: list[Any]
    value: Any
    gradients: list[Any]


def rows(sections: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[Row]]:
    """The rows under their titles; the gradients, of which there is one for each input, come last."""
    return {title: [Row(*row[:4], list(row[4:])) for row in lines] for title, lines in sections.items()}


def clamped(low: Any, high: Any) -> Callable[[Any], Any]:
    """``clamp`` with numbers."""
    return lambda x: mg.clamp(x, low, high)


def power(p: float) -> Callable[[Any], Any]:
    """``x ** p`` with a number as exponent."""
    return lambda x: x**p


def power_of(base: float) -> Callable[[Any], Any]:
    """``base ** p`` with a number as base."""
    return lambda p: base**p


def grouped(reduce: str, include_self: bool = True) -> Callable[[Any, Any], Any]:
    """``scatter_reduce`` of all values into one element."""
    return lambda x, src: mg.scatter_reduce(x, 0, [0] * len(src), src, reduce, include_self=include_self)


def distance(p: float) -> Callable[..., Any]:
    """``cdist`` with this norm."""
    return lambda a, b: mg.cdist(a, b, p)


def first(function: Callable[[Any], Any], i: int = 0) -> Callable[[Any], Any]:
    """One element of what a function returns."""
    return lambda x: function(x)[i]


def statistic(name: str, **arguments: Any) -> Callable[[Any], Any]:
    """A method of tensors with arguments."""
    return lambda x: getattr(x, name)(**arguments)


def chosen(name: str, *arguments: Any) -> Callable[[Any], Any]:
    """The values of a method that returns their places as well."""
    return lambda x: getattr(x, name)(*arguments).values


def vector_norm(p: float) -> Callable[[Any], Any]:
    """The norm of an order."""
    return lambda x: mg.linalg.vector_norm(x, p)


def with_settings(function: Callable[..., Any], **settings: Any) -> Callable[..., Any]:
    """A function of tensors with settings."""
    return lambda *tensors: function(*tensors, **settings)


def cross_entropy(*target: Any, **arguments: Any) -> Callable[[Any], Any]:
    """The cross entropy with class indices."""
    return lambda x: F.cross_entropy(x, np.array(target), **arguments)


def soft_cross_entropy(*target: Any, **arguments: Any) -> Callable[[Any], Any]:
    """The cross entropy with class probabilities."""
    return lambda x: F.cross_entropy(x, mg.tensor(np.array(target), dtype=x.dtype), **arguments)


def logits_loss(*target: float, **arguments: Any) -> Callable[[Any], Any]:
    """The binary cross entropy of logits."""
    return lambda x: F.binary_cross_entropy_with_logits(
        x, mg.tensor(np.array(target), dtype=x.dtype), reduction="sum", **arguments
    )


def bce(*target: float) -> Callable[[Any], Any]:
    """The binary cross entropy of probabilities."""
    return lambda p: F.binary_cross_entropy(p, mg.tensor(np.array(target), dtype=p.dtype), reduction="sum")


def of_target(*p: float) -> Callable[[Any], Any]:
    """The binary cross entropy as a function of its target."""
    return lambda t: F.binary_cross_entropy(mg.tensor(np.array(p), dtype=t.dtype), t, reduction="sum")


def evaluated(mean: float, weight: float = 1, bias: float = 0) -> Callable[[Any], Any]:
    """``batch_norm`` in evaluation with variance 0 and eps 0."""

    def function(x: Any) -> Any:
        values = [mg.tensor(np.array([value]), dtype=x.dtype) for value in (mean, 0, weight, bias)]
        return F.batch_norm(x, *values, training=False, eps=0)

    return function


def pooled(function: Callable[..., Any], *settings: Any, **named: Any) -> Callable[[Any], Any]:
    """A pooling function with settings."""
    return lambda x: function(x, *settings, **named)
