"""Inputs that stay away from kinks, and tensors made of them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

import minigrad as mg


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


def flat(results: Any) -> Iterator[Any]:
    """One result, or those in tuples and lists, however nested, one by one."""
    for result in results if isinstance(results, (tuple, list)) else [results]:
        yield from flat(result) if isinstance(result, (tuple, list)) else [result]


def values(tensors: Any) -> list[ndarray]:
    """The arrays of tensors."""
    return [tensor.detach().numpy() for tensor in tensors]


@functools.cache
def cotangent(shape: tuple[int, ...], seed: int = 7) -> ndarray:
    """A random gradient of an output: a uniform one would hide errors that cancel in a sum."""
    return np.asarray(np.random.default_rng(seed).standard_normal(shape))


def tensors_of(inputs: Sequence[Any]) -> list[mg.Tensor]:
    return [x for x in inputs if isinstance(x, mg.Tensor)]
