"""The nets whose training step is timed: Linear-BatchNorm-activation, a last Linear, cross-entropy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Workload(NamedTuple):
    """One net with its batch size, activation and optimiser."""

    sizes: tuple[int, ...]
    batch: int
    activation: str
    optimizer: str
    seed: int = 0
    """Of the batch and the initial weights."""

    @property
    def description(self) -> str:
        """The sizes, and how it is trained: ``2-32-32-2, batch 32, relu, adam``."""
        return f"{'-'.join(map(str, self.sizes))}, batch {self.batch}, {self.activation}, {self.optimizer}"

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """A batch of inputs (float32) and of class indices."""
        random = np.random.default_rng(2 * self.seed)
        x = random.standard_normal((self.batch, self.sizes[0]), np.float32)
        return x, random.integers(0, self.sizes[-1], self.batch)

    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Initial weight (out, in) and bias (out,) of every layer."""
        random = np.random.default_rng(2 * self.seed + 1)
        shapes = [(a, b) for a, b in zip(self.sizes, self.sizes[1:])]
        bounds = [1 / np.sqrt(a) for a, _ in shapes]
        return [
            (random.uniform(-r, r, (b, a)).astype(np.float32), random.uniform(-r, r, b).astype(np.float32))
            for (a, b), r in zip(shapes, bounds)
        ]


LEARNING_RATE = 1e-3

WORKLOADS = {
    "toy": Workload((2, 32, 32, 2), 32, "relu", "adam"),
    "small": Workload((2, 64, 64, 64, 2), 128, "relu", "adam"),
    "paper": Workload((64, 100, 100, 100, 10), 60, "sigmoid", "sgd"),
    "mid": Workload((784, 256, 256, 10), 256, "relu", "adam"),
    "large": Workload((1024, 2048, 2048, 10), 1024, "relu", "adam"),
}
