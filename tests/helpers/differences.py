"""Derivatives by central differences of values alone; nothing here uses ``minigrad.checks``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

import minigrad as mg
from tests.helpers.inputs import cotangent, is_float, leaves, tensors_of, values

STEP = 1e-4
"""Of central differences in float64: leaves an error of about 1e-8 of the third derivative."""


def gradients(
    function: Callable[..., Any], arrays: Sequence[Any], create_graph: bool = False, dy: Any = None
) -> list[ndarray]:
    """The gradients of a function's output, for a random cotangent, by every float array."""
    inputs = leaves(arrays)
    y = function(*inputs)
    dy = cotangent(y.shape) if dy is None else dy
    return values(mg.grad(y, tensors_of(inputs), mg.tensor(dy), create_graph=create_graph))


def scalar(function: Callable[..., Any]) -> Callable[..., Any]:
    """A number made of a function's output, in which no two elements count alike.

    It is quadratic in the output, so that the gradient of the output depends on the inputs, too.
    """

    def number(*inputs: Any) -> Any:
        y = function(*inputs)
        return (y * cotangent(y.shape, 1) + y * y * cotangent(y.shape, 2)).sum()

    return number


def contracted(number: Callable[..., Any], seed: int, create_graph: bool = True) -> Callable[..., Any]:
    """The gradient of a number, multiplied with random vectors: a number again, one order higher."""

    def next_number(*inputs: Any) -> mg.Tensor:
        inputs = leaves(inputs)
        parts = gradients_or_zero(number(*inputs), tensors_of(inputs), create_graph)
        return sum((dx * cotangent(dx.shape, seed + i)).sum() for i, dx in enumerate(parts))

    return next_number


def gradients_or_zero(number: mg.Tensor, targets: list[mg.Tensor], create_graph: bool = False) -> list[mg.Tensor]:
    """``mg.grad``, with zeros where the number does not depend on a target."""
    found = [None] * len(targets)
    if number.requires_grad:
        found = mg.grad(number, targets, create_graph=create_graph, allow_unused=True)
    return [mg.zeros_like(x) if dx is None else dx for x, dx in zip(targets, found)]


def numeric_gradients(number: Callable[..., Any], arrays: Sequence[Any]) -> list[ndarray]:
    """The gradients of a function of arrays to a number, by every float array, by central differences."""

    def slope(i: int, index: tuple[int, ...]) -> float:
        ends = []
        for step in (STEP, -STEP):
            moved = [array.copy() if k == i else array for k, array in enumerate(arrays)]
            moved[i][index] += step
            ends.append(float(number(*moved)))
        return (ends[0] - ends[1]) / (2 * STEP)

    found = []
    for i, array in enumerate(arrays):
        if is_float(array):
            slopes = [slope(i, index) for index in np.ndindex(array.shape)]
            found.append(np.array(slopes, np.float64).reshape(array.shape))
    return found


def check_derivatives(function: Callable[..., Any], arrays: Sequence[Any], order: int = 1) -> None:
    """Compare the derivatives of one order, by all float64 arrays, with differences of the order below.

    The values of the order below are a function of plain arrays: NumPy's results, or gradients as
    ``backward`` computes them, without a graph of their own.
    """
    number = below = scalar(function)
    for seed in range(10, 10 * order, 10):
        number, below = contracted(number, seed), contracted(number, seed, create_graph=False)
    inputs = leaves(arrays)
    found = values(gradients_or_zero(number(*inputs), tensors_of(inputs)))
    for dx, expected in zip(found, numeric_gradients(below, arrays)):
        np.testing.assert_allclose(dx, expected, rtol=1e-5, atol=1e-6 * max(1, np.abs(expected).max(initial=0)))
