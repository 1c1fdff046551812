"""Recomputing BatchNorm's running statistics for weights that were not trained with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.modes import no_grad
from ..nn.batchnorm import BatchNorm
from ..nn.module import Module


class Pool:
    """The mean and variance of everything one BatchNorm has seen, pooled over batches.

    Sums within and between batches are added (law of total variance), in float64 and for each
    channel: a batch does not count for a channel in which it has NaN or infinity.
    """

    def __init__(self, bn: BatchNorm) -> None:
        self.bn = bn
        self.saved = {name: buffer.numpy().copy() for name, buffer in bn.named_buffers()}
        self.batches = 0
        self.n = np.zeros(bn.num_features)
        self.mean = np.zeros(bn.num_features)
        self.squares = np.zeros(bn.num_features)

    def forward(self, input: Any) -> Any:
        """The module's own forward, with the batch added to the pool."""
        output = type(self.bn).forward(self.bn, input)
        self.add(np.moveaxis(np.asarray(input, np.float64), 1, -1).reshape(-1, self.bn.num_features))
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

    def restore(self) -> None:
        """Put back the statistics from before."""
        for name, buffer in self.bn.named_buffers():
            buffer.copy_(self.saved[name])


def update_bn(loader: Iterable[Any], model: Module) -> None:
    """Recompute the running statistics of every BatchNorm in ``model`` over a loader, exactly.

    Sums are pooled over all batches, so the result is the mean and variance of the whole, however
    the loader sorts or cuts it; PyTorch averages the batches' statistics instead.

    Args:
        loader: batches, or tuples whose first item is the batch.
        model: is run in training mode under ``no_grad``; every module's mode is restored. Frozen
            modules, and those that do not track running statistics, are left alone.

    ``num_batches_tracked`` becomes the number of batches. After an error the statistics are as they were.
    """
    if not isinstance(model, Module):
        raise TypeError(f"update_bn(loader, model) needs a module as model, got {type(model).__name__}.")
    pools = [
        Pool(module)
        for module in model.modules()
        if isinstance(module, BatchNorm)
        and module.running_mean is not None
        and module.track_running_stats
        and not module.frozen
    ]
    modes = [(module, module.training) for module in model.modules()]
    warned = [(pool.bn, pool.bn._warned) for pool in pools]
    try:
        model.train()
        for pool in pools:
            pool.bn._warned = True
            pool.bn.forward = pool.forward  # type: ignore[method-assign]
        with no_grad():
            for batch in loader:
                model(batch[0] if isinstance(batch, (list, tuple)) else batch)
            for pool in pools:
                pool.write()
    except BaseException:
        with no_grad():
            for pool in pools:
                pool.restore()
        raise
    finally:
        for pool in pools:
            vars(pool.bn).pop("forward", None)
        for bn, value in warned:
            bn._warned = value
        for module, training in modes:
            module.training = training
