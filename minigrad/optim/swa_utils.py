"""Recomputing BatchNorm's running statistics for weights that were not trained with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..engine.modes import no_grad
from ..nn.batchnorm import BatchNorm
from ..nn.module import Module


class Pool:
    """The mean and variance of everything one BatchNorm has seen, pooled over batches.

    Sums within and between batches are added (law of total variance), in float64. The batch's own
    statistics are read off the running ones, which a momentum of 1 makes those of the batch.
    """

    def __init__(self, bn: BatchNorm) -> None:
        self.bn = bn
        self.saved = {name: buffer.numpy().copy() for name, buffer in bn.named_buffers()}
        self.momentum = bn.momentum
        self.n = 0
        self.mean: Any = 0.0
        self.squares: Any = 0.0

    def forward(self, input: Any) -> Any:
        """The module's own forward, with the batch added to the pool."""
        bn = self.bn
        bn.momentum = 1.0
        output = type(bn).forward(bn, input)
        n = input.array.size // bn.num_features
        if n:
            assert bn.running_mean is not None and bn.running_var is not None
            mean, var = (b.numpy().astype(np.float64) for b in (bn.running_mean, bn.running_var))
            total = self.n + n
            distance = mean - self.mean
            self.squares = self.squares + var * (n - 1) + distance**2 * (self.n * n / total)
            self.mean = self.mean + distance * (n / total)
            self.n = total
        return output

    def write(self) -> None:
        """Make the pooled statistics the module's."""
        bn = self.bn
        if self.n and bn.running_mean is not None and bn.running_var is not None:
            bn.running_mean.copy_(self.mean)
            bn.running_var.copy_(self.squares / (self.n - 1))

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
            modules, and those without running statistics, are left alone.

    After an error the statistics are as they were.
    """
    pools = [
        Pool(module)
        for module in model.modules()
        if isinstance(module, BatchNorm) and module.running_mean is not None and not module.frozen
    ]
    modes = [(module, module.training) for module in model.modules()]
    warned = [(pool.bn, vars(pool.bn).get("warned")) for pool in pools]
    try:
        model.train()
        for pool in pools:
            pool.bn.warned = True
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
            del pool.bn.forward
            pool.bn.momentum = pool.momentum
        for bn, value in warned:
            bn.warned = bool(value)
        for module, training in modes:
            module.training = training
