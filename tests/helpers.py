"""What the tests share: inputs that stay away from kinks, and derivatives by finite differences.

Nothing here uses ``minigrad.checks``: the numbers a gradient is compared with come from values alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

import minigrad as mg

STEP = 1e-4
"""Of central differences in float64: leaves an error of about 1e-8 of the third derivative."""


def distinct(*shapes: tuple[int, ...], low: float = -2, high: float = 2, seed: int = 0) -> list[ndarray]:
    """Arrays whose elements all differ, and differ from 0, by many steps: no kink is near."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    n = sum(sizes)
    values = low + (high - low) * (np.arange(n) + 0.37) / max(n, 1)
    values[np.abs(values) < 0.03] += 0.06
    values = np.random.default_rng(seed).permutation(values)
    return [part.reshape(shape) for part, shape in zip(np.split(values, np.cumsum(sizes)[:-1]), shapes)]


def leaf(array: Any, dtype: Any = None) -> mg.Tensor:
    """A tensor that requires grad."""
    return mg.tensor(np.asarray(array), dtype=dtype, requires_grad=True)


def leaves(arrays: Sequence[Any]) -> list[Any]:
    """Float arrays as tensors that require grad, everything else as it is."""
    return [leaf(array) if is_float(array) else array for array in arrays]


def is_float(value: Any) -> bool:
    return isinstance(value, ndarray) and value.dtype.kind == "f"


def values(tensors: Any) -> list[ndarray]:
    """The arrays of tensors."""
    return [tensor.detach().numpy() for tensor in tensors]


@functools.cache
def cotangent(shape: tuple[int, ...], seed: int = 7) -> ndarray:
    """A random gradient of an output: a uniform one would hide errors that cancel in a sum."""
    return np.asarray(np.random.default_rng(seed).standard_normal(shape))


def gradients(
    function: Callable[..., Any], arrays: Sequence[Any], create_graph: bool = False, dy: Any = None
) -> list[ndarray]:
    """The gradients of a function's output, for a random cotangent, by every float array."""
    inputs = leaves(arrays)
    y = function(*inputs)
    dy = cotangent(y.shape) if dy is None else dy
    return values(mg.grad(y, tensors_of(inputs), mg.tensor(dy), create_graph=create_graph))


def tensors_of(inputs: Sequence[Any]) -> list[mg.Tensor]:
    return [x for x in inputs if isinstance(x, mg.Tensor)]


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


# -- formulas in plain NumPy, that more than one file compares with ------------------------------

REDUCE = {"mean": np.mean, "sum": np.sum, "none": np.asarray}


def softmax_formula(x: ndarray, axis: Any) -> ndarray:
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def cross_entropy_formula(
    x: ndarray,
    target: ndarray,
    weight: ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> ndarray:
    """Every target as a distribution over the classes, one after the other."""
    class_axis = 1 if x.ndim > 1 else 0
    log_p = np.moveaxis(np.log(softmax_formula(x, class_axis)), class_axis, -1)
    classes = log_p.shape[-1]
    weight = np.ones(classes) if weight is None else weight
    given = target.dtype.kind == "f"
    wanted = np.moveaxis(target, class_axis, -1) if given else target
    losses, divisor = np.zeros(log_p.shape[:-1]), 0.0
    for where in np.ndindex(log_p.shape[:-1]):
        if not given and wanted[where] == ignore_index:
            continue
        q = wanted[where] if given else np.eye(classes)[wanted[where]]
        q = (1 - label_smoothing) * q + label_smoothing / classes
        losses[where] = -(q * weight * log_p[where]).sum()
        divisor += 1 if given else weight[wanted[where]]
    return losses.sum() / divisor if reduction == "mean" else REDUCE[reduction](losses)


def batch_norm_formula(
    x: ndarray, weight: Any = 1.0, bias: Any = 0.0, mean: Any = None, var: Any = None, eps: float = 1e-5
) -> ndarray:
    """In float64; with the statistics of the batch, unless others are given."""
    x = np.moveaxis(x.astype(np.float64), 1, -1)
    others = tuple(range(x.ndim - 1))
    mean = x.mean(axis=others) if mean is None else mean
    var = ((x - mean) ** 2).mean(axis=others) if var is None else var
    return np.moveaxis((x - mean) / np.sqrt(var + eps) * weight + bias, -1, 1)
