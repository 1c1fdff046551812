"""Shapes and batches for the kernels of BatchNorm."""

import numpy as np
import pytest

SHAPES = [
    (2, 1), (3, 5), (33, 7), (1025, 3), (5, 3000), (3, 9000),
    (2, 3, 1), (7, 3, 10), (3, 2, 50, 60), (40, 1, 300), (700, 2, 9),
]  # fmt: skip

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def standardised(x):
    """What batch normalisation makes of a batch, in float64."""
    exact, axes = x.astype(np.float64), (0, *range(2, x.ndim))
    exact -= exact.mean(axes, keepdims=True)
    return exact / np.sqrt((exact**2).mean(axes, keepdims=True) + 1e-5)


def batch(shape, mean=0.0):
    return np.random.default_rng(shape).standard_normal(shape) * 3 + mean
