"""Recomputing BatchNorm's running statistics for weights that were not trained with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..engine.modes import no_grad
from ..nn.layers.batchnorm import BatchNorm
from ..nn.module import Module
from ..nn.snapshot import Snapshot
from ..nn.utils.statistics import Pool

__all__ = ["update_bn"]


def update_bn(loader: Iterable[Any], model: Module) -> None:
    """Recompute the running statistics of every BatchNorm in ``model`` over a loader, exactly.

    Sums are pooled over all batches, so the result is the mean and variance of the whole, however
    the loader sorts or cuts it; PyTorch averages the batches' statistics instead.

    Args:
        loader: batches, or tuples whose first item is the batch.
        model: is run in training mode under ``no_grad``; every module's mode is restored. Frozen
            modules, and those that do not track running statistics, are left alone.

    ``num_batches_tracked`` becomes the number of batches. After an error the statistics are as they were.

    >>> model = nn.BatchNorm1d(2)
    >>> optim.swa_utils.update_bn(data.DataLoader(data.moons(100), batch_size=25), model)
    >>> int(model.num_batches_tracked)
    4
    """
    if not isinstance(model, Module):
        raise TypeError(f"update_bn(loader, model) needs a module as model, got {type(model).__name__}.")
    bns = [
        module
        for module in model.modules()
        if isinstance(module, BatchNorm)
        and module.running_mean is not None
        and module.track_running_stats
        and not module.frozen
    ]
    pools = [Pool(bn) for bn in bns]
    statistics = Snapshot(tensors=[buffer for bn in bns for buffer in bn.buffers()])
    with Snapshot(attributes=bns, modes=model.modules()), no_grad():
        try:
            model.train()
            for pool in pools:
                pool.bn._warned = True
                pool.bn.forward = pool.forward  # type: ignore[method-assign]
            for batch in loader:
                model(batch[0] if isinstance(batch, (list, tuple)) else batch)
            for pool in pools:
                pool.write()
        except BaseException:
            statistics.restore()
            raise
