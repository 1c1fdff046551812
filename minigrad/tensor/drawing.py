"""Random draws from distributions that tensors describe, and the arrays in which they are drawn.

The draws are constants: no gradient flows through them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import not_negative, real
from ..engine.dtypes import get_default_dtype, result_type
from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.host import check, host
from ..engine.node import Variable, array_of, as_array, describe, wrap
from ..ops.arguments import integers, shape_of
from ..ops.random import probability
from .creation.arguments import float_dtype, made, shape_from
from .device import on_cpu
from .random import source

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["bernoulli", "multinomial", "normal"]


def is_tensor_or_array(value: Any) -> bool:
    """Whether it is a tensor or an array."""
    return isinstance(value, (Variable, ndarray))


# -- normal ------------------------------------------------------------------------------------


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Any = None,
    dtype: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Normally distributed random numbers.

    Args:
        mean, std: tensors that broadcast, or numbers; ``std`` is at least 0. No gradient flows to them.
        size: the shape, if both are numbers; ``dtype`` and ``requires_grad`` are for this form.
        generator: where to draw from.
        dtype: of the numbers, by default that of the tensors, or the default dtype.
        device: the CPU.
        requires_grad: whether the result is a leaf that requires grad.

    Raises:
        ValueError: for a negative ``std``.
        TypeError: for numbers without ``size``, and for tensors of integers.

    >>> mg.normal(mg.tensor([0.0, 100.0]), mg.tensor([0.0, 0.0]))
    tensor([  0., 100.])
    >>> mg.normal(2, 3, (4, 5)).shape
    (4, 5)
    """
    on_cpu(device)
    random = source(generator)
    tensors = [array_of(value) for value in (mean, std) if is_tensor_or_array(value)]
    if not is_tensor_or_array(mean):
        mean = real(mean, lambda _: True, "normal: mean must be a number")
    if not is_tensor_or_array(std):
        std = real(std, not_negative, "normal: std must be a number of at least 0")
    if bool(tensors) == (size is not None):
        raise InvalidTypeError("normal takes two numbers and a size, or at least one tensor of means or of stds.")
    dtype = float_dtype("normal", dtype or (result_type(*tensors) if tensors else get_default_dtype()))
    if tensors:
        if is_tensor_or_array(std):
            check(refuse_negative_stds, array_of(std))
        try:
            shape = np.broadcast_shapes(*(x.shape for x in tensors))
        except ValueError:
            raise InvalidValueError(f"normal: {' and '.join(map(describe, tensors))} do not broadcast.") from None
    else:
        shape = shape_from("normal", (size,))
    draws = as_array(host(random.standard_normal, shape))
    return made(as_array(array_of(mean) + array_of(std) * draws), dtype, requires_grad)


def refuse_negative_stds(std: ndarray) -> None:
    """Refuse standard deviations below 0."""
    if (std < 0).any():
        raise InvalidValueError(f"normal: every std must be at least 0, got {std.min()}.")


# -- bernoulli -----------------------------------------------------------------------------------


def bernoulli(input: Any, p: Any = None, *, generator: Any = None) -> Tensor:
    """1 with the probability that each element of ``input`` is, else 0, in the dtype of ``input``.

    Args:
        input: probabilities, from 0 to 1. No gradient flows to them.
        p: one probability instead of them: ``input`` gives only the shape and the dtype.
        generator: where to draw from.

    Raises:
        ValueError: for what is no probability.
        TypeError: for probabilities that are integers.

    >>> mg.bernoulli(mg.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    shape, random = shape_of(input), source(generator)
    chances = array_of(input) if p is None else p
    return made(ones_with_probability("bernoulli", chances, shape, random), input.dtype, False)


def ones_with_probability(name: str, p: Any, shape: tuple[int, ...], random: np.random.Generator) -> Any:
    """Whether each of a shape's elements is 1: ``p`` is a number, or an array or a tensor of that shape."""
    if is_tensor_or_array(p):
        p = array_of(p)
        if p.dtype.kind != "f":
            raise InvalidTypeError(f"{name}: probabilities are floats, got {describe(p)}: convert them, p.float().")
        check(refuse_no_probabilities, p)
    else:
        p = probability(p, name)
    return as_array(host(random.random, shape)) < p


def refuse_no_probabilities(p: ndarray) -> None:
    """Refuse values outside of 0 to 1, NaN too."""
    wrong = p[~((p >= 0) & (p <= 1))]
    if wrong.size:
        raise InvalidValueError(f"bernoulli: probabilities are from 0 to 1, got {wrong.flat[0]}.")


# -- multinomial -----------------------------------------------------------------------------------


def multinomial(input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Tensor:
    """Numbers of classes, drawn with the probabilities of the classes: int64, (num_samples,) or (rows, num_samples).

    Args:
        input: weights of the classes, floats of at least 0, (classes,) or (rows, classes): each row is a distribution.
            They need not add up to 1.
        num_samples: how many are drawn.
        replacement: whether a class may be drawn again. Else those drawn first are likelier: they are in the order of
            a draw one by one.
        generator: where to draw from.

    Raises:
        ValueError: for weights that are negative, not finite or all 0, and for more samples than classes with a weight
            above 0, without replacement.
        TypeError: for weights that are no floats.

    >>> mg.multinomial(mg.tensor([0.0, 3.0, 0.0]), 4, replacement=True)
    tensor([1, 1, 1, 1])
    >>> sorted(mg.multinomial(mg.tensor([1.0, 0.0, 2.0]), 2).tolist())
    [0, 2]
    """
    shape, random = shape_of(input), source(generator)
    (count,) = integers("num_samples", (num_samples,))
    weights = array_of(input)
    if weights.dtype.kind != "f":
        raise InvalidTypeError(f"multinomial: weights are floats, got {describe(weights)}: convert them, x.float().")
    if len(shape) not in (1, 2) or not shape[-1]:
        raise InvalidValueError(f"multinomial: expected weights (classes,) or (rows, classes), got {shape}.")
    if count < 1:
        raise InvalidValueError(f"multinomial: num_samples must be at least 1, got {count}.")
    check(refuse_weights, weights, 1 if replacement else count)
    rows = weights.astype(np.float64).reshape(-1, shape[-1])
    draw = with_replacement if replacement or count == 1 else without_replacement
    return wrap(draw(rows, count, random).reshape(*shape[:-1], count))


def refuse_weights(weights: ndarray, classes: int) -> None:
    """Refuse rows of weights that are no distribution, or have too few classes to draw."""
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise InvalidValueError("multinomial: weights must be finite and at least 0.")
    if classes == 1 and not (weights > 0).any(-1).all():
        raise InvalidValueError("multinomial: a row has no weight above 0.")
    fewest = (weights > 0).sum(-1).min() if weights.size else classes
    if fewest < classes:
        raise InvalidValueError(
            f"multinomial: {classes} to draw, but a row has {fewest} classes with a weight above 0: draw fewer, or "
            "with replacement=True."
        )


def with_replacement(rows: Any, count: int, random: np.random.Generator) -> Any:
    """The classes in whose part of the sum of weights a uniform number falls."""
    ends = np.cumsum(rows, -1)
    draws = as_array(host(random.random, (rows.shape[0], count))) * ends[:, -1:]
    # the end of a class that is not above the number is behind it; whichever loop is shorter
    if count < rows.shape[0]:
        drawn = np.stack([np.sum(ends <= draws[:, i, None], -1) for i in range(count)], -1)
    else:
        found = [np.searchsorted(ends[i], draws[i], side="right") for i in range(rows.shape[0])]
        drawn = np.stack(found) if found else np.zeros((0, count), np.int64)
    # a product rounded up to the sum would be behind the last class: its place is that of the last weight above 0
    last = rows.shape[-1] - 1 - np.argmax(rows[:, ::-1] > 0, -1)
    return np.minimum(drawn, last[:, None])


def without_replacement(rows: Any, count: int, random: np.random.Generator) -> Any:
    """The classes that come first if each comes after an exponentially distributed time, its weight the rate.

    Their order is that of a draw one by one (P. Efraimidis, P. Spirakis, Weighted random sampling with a reservoir,
    2006).
    """
    times = as_array(host(random.standard_exponential, rows.shape)) / np.where(rows > 0, rows, 1)
    return np.argsort(np.where(rows > 0, times, np.inf), -1, kind="stable")[:, :count]
