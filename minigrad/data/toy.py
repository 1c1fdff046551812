"""Toy data: points in the plane to classify, and a curve to fit.

Every function takes ``n``, the number of samples; ``noise``, the standard deviation of the normal noise that is
added to the positions (``sine``: to the targets) after labelling; and ``seed``: the same seed gives the same data,
and the global random state is not touched. Samples come in random order, classes are equally large (to one
sample). ``k`` is the label of a point; ``t`` goes in even steps from 0 to 1 within each class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import not_negative, real, seeded, whole
from ..tensor.creation import from_numpy
from .dataset import TensorDataset


def moons(n: int = 1000, noise: float = 0.1, seed: int = 0) -> TensorDataset:
    """Two half circles, each of which reaches into the other.

    ``(cos(pi t), sin(pi t))`` for k = 0 and ``(1 - cos(pi t), 1/2 - sin(pi t))`` for k = 1. Inputs (n, 2), labels (n,).

    Args:
        n: how many points.
        noise: the standard deviation of the normal noise that is added to them.
        seed: the same one gives the same data; the global random state is not touched.

    >>> inputs, labels = data.moons(100)[:]
    >>> inputs.shape, labels.shape
    ((100, 2), (100,))
    """
    k, t = steps(n, 2)
    x, y = polar(1, np.pi * t)
    return scattered(np.where(k, 1 - x, x), np.where(k, 0.5 - y, y), k, noise, seeded(seed))


def circles(n: int = 1000, noise: float = 0.08, seed: int = 0) -> TensorDataset:
    """A circle of radius 1/2 (k = 1) in a circle of radius 1 (k = 0).

    ``r (cos(2 pi t), sin(2 pi t))`` with ``r = 1 - k/2``. Inputs (n, 2), labels (n,).

    Arguments are those of ``moons``.

    >>> len(data.circles(100))
    100
    """
    k, t = steps(n, 2)
    return scattered(*polar(1 - k / 2, 2 * np.pi * t), k, noise, seeded(seed))


def spirals(n: int = 900, noise: float = 0.03, seed: int = 0, classes: int = 3) -> TensorDataset:
    """Arms that wind once around the origin, one per class.

    ``r (cos a, sin a)`` with ``r = 0.1 + 0.9 t`` and ``a = 2 pi (r + k / classes)``. Inputs (n, 2), labels (n,).

    ``classes`` is the number of classes; the other arguments are those of ``moons``.

    >>> len(data.spirals(90))
    90
    """
    k, t = steps(n, classes)
    radius = 0.1 + 0.9 * t
    return scattered(*polar(radius, 2 * np.pi * (radius + k / classes)), k, noise, seeded(seed))


def blobs(n: int = 900, noise: float = 0.6, seed: int = 0, classes: int = 3) -> TensorDataset:
    """Clouds of standard deviation ``noise``, one per class, whose centres lie on a circle of radius 2.

    ``2 (cos a, sin a)`` with ``a = 2 pi k / classes``. Inputs (n, 2), labels (n,).

    ``classes`` is the number of classes; the other arguments are those of ``moons``.

    >>> len(data.blobs(90))
    90
    """
    k, _ = steps(n, classes)
    return scattered(*polar(2, 2 * np.pi * k / classes), k, noise, seeded(seed))


def xor(n: int = 1000, noise: float = 0.03, seed: int = 0) -> TensorDataset:
    """Four squares around the origin: 0 where both coordinates have the same sign, else 1.

    ``k = (x > 0) xor (y > 0)``, with ``0.1 < |x|, |y| < 0.9`` evenly distributed. Inputs (n, 2), labels (n,).

    Arguments are those of ``moons``.

    >>> len(data.xor(100))
    100
    """
    return board(2, n, noise, seed)


def checkerboard(n: int = 2000, noise: float = 0.03, seed: int = 0) -> TensorDataset:
    """A board of 4x4 squares from -2 to 2.

    ``k = (floor(x) + floor(y)) mod 2``, evenly distributed but for a margin of 0.1 around each square.
    Inputs (n, 2), labels (n,).

    Arguments are those of ``moons``.

    >>> len(data.checkerboard(100))
    100
    """
    return board(4, n, noise, seed)


def sine(n: int = 500, noise: float = 0.1, seed: int = 0) -> TensorDataset:
    """A noisy sine, for regression: ``y = sin(x)``, with x in even steps from -pi to pi.

    Inputs (n, 1), targets (n, 1), both float32.

    Arguments are those of ``moons``; the noise is that of the targets.

    >>> inputs, targets = data.sine(100)[:]
    >>> inputs.shape, targets.shape
    ((100, 1), (100, 1))
    """
    _, t = steps(n, 1)
    generator = seeded(seed)
    x = np.pi * (2 * t[:, None] - 1)
    return shuffled(x, noisy(np.sin(x), noise, generator).astype(np.float32), generator)


# -- what they share ---------------------------------------------------------------------------


def steps(n: int, classes: int) -> tuple[ndarray, ndarray]:
    """For each sample its label k, and its place t in its class, in even steps from 0 to 1."""
    classes = whole(classes, 1, "classes must be an integer of at least 1")
    n = whole(n, classes, f"n must be an integer of at least {classes}, a sample per class")
    k = np.arange(n) % classes
    return k, (np.arange(n) // classes + 0.5) / np.bincount(k)[k]


def polar(radius: Any, angle: ndarray) -> tuple[ndarray, ndarray]:
    """The points at this distance and direction from the origin."""
    return radius * np.cos(angle), radius * np.sin(angle)


def board(side: int, n: int, noise: float, seed: int) -> TensorDataset:
    """A board of ``side`` (an even number) unit squares each way, in two colours, around the origin."""
    k, _ = steps(n, 2)
    generator = seeded(seed)
    row = generator.integers(side, size=n)
    column = 2 * generator.integers(side // 2, size=n) + (row + k) % 2
    x, y = (square - side // 2 + generator.uniform(0.1, 0.9, n) for square in (column, row))
    return scattered(x, y, k, noise, generator)


def scattered(x: ndarray, y: ndarray, labels: ndarray, noise: float, generator: np.random.Generator) -> TensorDataset:
    """Labelled points, moved a little."""
    return shuffled(noisy(np.stack([x, y], 1), noise, generator), labels, generator)


def noisy(values: ndarray, noise: float, generator: np.random.Generator) -> ndarray:
    """The values with normal noise added."""
    noise = real(noise, not_negative, "noise is a standard deviation and must be at least 0")
    return values + noise * generator.standard_normal(values.shape)


def shuffled(inputs: ndarray, targets: ndarray, generator: np.random.Generator) -> TensorDataset:
    """The samples in random order."""
    order = generator.permutation(len(inputs))
    return TensorDataset(from_numpy(inputs[order].astype(np.float32)), from_numpy(targets[order]))
