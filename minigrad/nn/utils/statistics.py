"""Statistics of batches, pooled exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ...kernels.batch_norm import taken
from ...ops.normalisation.masks import counting
from ..layers.batchnorm import BatchNorm


class Pool:
    """The mean and variance of everything one BatchNorm has seen, pooled over batches.

    Sums within and between batches are added (law of total variance), in float64 and for each
    channel: a batch does not count for a channel in which it has NaN or infinity.
    """

    def __init__(self, bn: BatchNorm) -> None:
        self.bn = bn
        self.batches = 0
        self.n = np.zeros(bn.num_features)
        self.mean = np.zeros(bn.num_features)
        self.squares = np.zeros(bn.num_features)

    def forward(self, input: Any, mask: Any = None) -> Any:
        """The module's own forward, with the batch, or what a mask keeps of it, added to the pool."""
        output = type(self.bn).forward(self.bn, input, mask)
        x = np.asarray(input, np.float64)
        counts = np.True_ if mask is None else counting(x, mask, training=False, recording=False)
        self.add(taken(x, np.broadcast_to(counts, (len(x), 1, *x.shape[2:]))))
        return output

    def add(self, rows: ndarray) -> None:
        """Add a batch (N, C) to the pool."""
        self.batches += 1
        if not len(rows):
            return
        finite = np.isfinite(rows).all(axis=0)
        rows = rows[:, finite]
        mean = rows.mean(axis=0)
        distance = mean - self.mean[finite]
        before = self.n[finite]
        share = len(rows) / (before + len(rows))
        self.squares[finite] += ((rows - mean) ** 2).sum(axis=0) + distance**2 * before * share
        self.mean[finite] += distance * share
        self.n[finite] += len(rows)

    def write(self) -> None:
        """Make the pooled statistics the module's; a channel without any keeps those it had."""
        buffers, seen = dict(self.bn.named_buffers()), self.n > 0
        if self.batches:
            buffers["running_mean"][seen] = self.mean[seen]
            buffers["running_var"][seen] = self.squares[seen] / (self.n[seen] - 1)
            buffers["num_batches_tracked"].fill_(self.batches)
