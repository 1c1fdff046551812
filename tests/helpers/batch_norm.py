"""Golden values, batches and the call in training mode that the tests of batch normalisation share."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F


def statistics(channels: int, dtype: Any = np.float64) -> tuple[mg.Tensor, mg.Tensor]:
    """Running statistics as a module starts with."""
    return mg.zeros(channels, dtype=dtype), mg.ones(channels, dtype=dtype)


def close(found: Any, expected: Any) -> None:
    """Golden values are given with six decimals."""
    np.testing.assert_allclose(np.asarray(found.detach()), np.array(expected), rtol=0, atol=1e-6)


X1 = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 8.0], [7.0, 2.0]])
DY1 = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0], [0.0, 3.0]])
WEIGHT1, BIAS1 = np.array([1.0, 2.0]), np.array([0.0, 1.0])

TRAIN1 = {
    "y": [[-1.341639, -0.632992], [-0.447213, 1.0], [0.447213, 4.265984], [1.341639, -0.632992]],
    "dx": [[0.044721, -1.292784], [-0.35777, 0.204124], [0.581377, -0.068044], [-0.268328, 1.156704]],
    "dweight": [-0.447213, -4.08248],
    "dbias": [3, 3],
}

EVAL1 = {
    "y": [[0.47936, 3.454281], [2.077226, 6.522132], [3.675091, 12.657834], [5.272957, 3.454281]],
    "dx": [[0.798933, 0], [0, 1.533925], [1.597866, -1.533925], [0, 4.601776]],
    "dweight": [7.829543, 0.61357],
    "dbias": [3, 3],
}


def batch(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape) * 2 + 1


WEIGHT3, BIAS3 = np.array([0.5, -2.0, 1.5]), np.array([0.0, 1.0, -1.0])


def train(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    return F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)
