"""Batch normalisation with the statistics of the batches of several ranks."""

from __future__ import annotations

from typing import Any

from ...engine.errors import InvalidTypeError
from ...engine.node import describe
from ...groups.default import default_group
from ...groups.group import Group
from ..module import Module
from .batchnorm import BatchNorm


class SyncBatchNorm(BatchNorm):
    """Batch normalisation of (N, C, ...) whose statistics in training are those of the batches of all ranks.

    With it several ranks, of which each has a part of a batch, compute the same as one that has it all: parts may be of
    any sizes, even empty, and gradients of any order are right. Evaluation exchanges nothing, and neither does a module
    without a group: then it is ``BatchNorm1d``. States of both are the same.

    Args:
        num_features, eps, momentum, affine, track_running_stats, device, dtype, bias: as of ``BatchNorm1d``.
        process_group: the ranks; None for the default group at the time of a call.

    Raises:
        ValueError: on all ranks together if they have one value for each channel; and as ``BatchNorm1d``.

    >>> def rank(group):
    ...     bn = nn.SyncBatchNorm(1)
    ...     return bn(mg.tensor([[10.0 * group.rank()]])).item()
    >>> print(*(f"{y:.4f}" for y in mg.distributed.ThreadGroup.run(2, rank)))
    -1.0000 1.0000
    """

    _ranks, _expected = (2, 3, 4, 5), "at least 2D"

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, process_group: Group | None = None, device: Any = None, dtype: Any = None,
        *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = checked(process_group)

    @property
    def _group(self) -> Group | None:
        """The ranks whose statistics are pooled in a call; none in evaluation, also if that takes the batch's."""
        if not self.training:
            return None
        return default_group() if self.process_group is None else self.process_group

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Group | None = None) -> Any:
        """Replace all BatchNorm layers of a model by such that are synchronised.

        They keep parameters and buffers (the same tensors), mode, settings, hooks, and whether they are frozen.

        Args:
            module: the model, which is changed and returned; if it is a BatchNorm layer itself, a new one is returned.
            process_group: as of the constructor.

        >>> nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3)))[1]
        SyncBatchNorm(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
        """
        if not isinstance(module, Module):
            raise InvalidTypeError(f"convert_sync_batchnorm: expected a module, got {describe(module)}.")
        group = checked(process_group)
        if isinstance(module, BatchNorm):
            return cls._like(module, group)
        named = [
            (name, layer)
            for name, layer in module.named_modules(remove_duplicate=False)
            if isinstance(layer, BatchNorm)
        ]
        converted = {layer: cls._like(layer, group) for _, layer in named}
        for name, layer in named:
            module.set_submodule(name, converted[layer])
        return module

    @classmethod
    def _like(cls, layer: BatchNorm, group: Group | None) -> SyncBatchNorm:
        """A synchronised layer with all that another one has."""
        new = cls.__new__(cls)
        new.__dict__.update(vars(layer))
        new.process_group = group
        return new


def checked(group: Any) -> Group | None:
    """A group, or None for the default group."""
    if group is not None and not isinstance(group, Group):
        raise InvalidTypeError(
            f"SyncBatchNorm: process_group must be a group of minigrad.distributed, or None, got {describe(group)}."
        )
    return group
