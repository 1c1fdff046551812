"""Averages of models, and BatchNorm's running statistics for weights that were not trained with them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from ..engine.arguments import real, whole
from ..engine.modes import no_grad
from ..nn.layers.batchnorm import BatchNorm
from ..nn.module import Module
from ..nn.parameter import Buffer
from ..nn.snapshot import Snapshot
from ..nn.utils.statistics import Pool
from ..tensor.creation import tensor
from ..tensor.device import on_cpu
from ..tensor.tensor import Tensor
from .lr_scheduler.cycles import CURVES
from .lr_scheduler.scheduler import Group, LRScheduler, for_each_group, optimizer_of
from .optimizer import Optimizer

__all__ = ["SWALR", "AveragedModel", "get_ema_avg_fn", "get_swa_avg_fn", "update_bn"]

Average = Callable[[Tensor, Tensor, Any], Tensor]
"""``average(averaged, new, n)``: the average of one more value after ``n``."""


def get_swa_avg_fn() -> Average:
    """The average in which every model counts the same: ``averaged + (new - averaged) / (n + 1)``.

    >>> optim.swa_utils.get_swa_avg_fn()(mg.tensor(1.0), mg.tensor(4.0), 2)
    tensor(2.)
    """
    return lambda averaged, new, n: averaged + (new - averaged) / (n + 1)


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The average that forgets: ``decay * averaged + (1 - decay) * new``.

    >>> optim.swa_utils.get_ema_avg_fn(0.9)(mg.tensor(1.0), mg.tensor(2.0), 1)
    tensor(1.1000)
    """
    decay = real(decay, lambda number: 0 <= number <= 1, "get_ema_avg_fn: decay must be a number from 0 to 1")
    return lambda averaged, new, n: decay * averaged + (1 - decay) * new


class AveragedModel(Module):
    """A model whose parameters are the average of another's over its training (P. Izmailov and others, SWA, 2018).

    Args:
        model: is copied.
        device: only the CPU.
        avg_fn: ``avg_fn(averaged, new, n)`` for each parameter; the mean unless given.
        multi_avg_fn: instead, ``multi_avg_fn(averaged, new, n)`` for lists of parameters, which it changes in place.
        use_buffers: average the buffers of floats, too, instead of copying them. Those of integers, such as
            ``num_batches_tracked``, are copied always; PyTorch rounds their averages down.

    After training ``update_bn`` recomputes BatchNorm's statistics for the averaged weights.

    >>> model = nn.Linear(2, 1)
    >>> averaged = optim.swa_utils.AveragedModel(model)
    >>> averaged.update_parameters(model)
    >>> averaged(mg.ones(3, 2)).shape
    (3, 1)
    """

    def __init__(
        self, model: Module, device: Any = None, avg_fn: Average | None = None,
        multi_avg_fn: Callable[[Sequence[Tensor], Sequence[Tensor], Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:  # fmt: skip
        if not isinstance(model, Module):
            raise TypeError(f"AveragedModel averages a module, got {type(model).__name__}.")
        if avg_fn is not None and multi_avg_fn is not None:
            raise TypeError("AveragedModel: avg_fn and multi_avg_fn are two ways to say one thing: give only one.")
        self.module = copy.deepcopy(model)
        self.n_averaged = Buffer(tensor(0))
        self.avg_fn = avg_fn or get_swa_avg_fn()
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model computes."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Count the model's parameters as they are now.

        Raises:
            ValueError: for a model of other parameters or buffers; nothing is changed then.
        """
        averaged, new = tensors_by_name(self.module), tensors_by_name(model)
        if {name: x.shape for name, x in averaged.items()} != {name: x.shape for name, x in new.items()}:
            raise ValueError("AveragedModel: the model has other parameters or buffers than the one that is averaged.")
        learned = {name for name, _ in model.named_parameters()}
        counts = {name for name in new if name in learned or (self.use_buffers and new[name].dtype.kind == "f")}
        with no_grad():
            n = int(self.n_averaged)
            self.average([(averaged[name], new[name]) for name in new if name in counts], n)
            for name in new.keys() - counts:
                averaged[name].copy_(new[name].detach())
            self.n_averaged.fill_(n + 1)

    def average(self, pairs: Sequence[tuple[Tensor, Tensor]], n: int) -> None:
        """Move each first tensor of the pairs by the second, which is the ``n``-th after it."""
        if n and self.multi_avg_fn is not None:
            self.multi_avg_fn([old for old, _ in pairs], [new.detach() for _, new in pairs], n)
            return
        for old, new in pairs:
            old.copy_(self.avg_fn(old.detach(), new.detach(), n) if n else new.detach())


def tensors_by_name(module: Module) -> dict[str, Tensor]:
    """The parameters and buffers of a module."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


class SWALR(LRScheduler):
    """From the rate to another one, which then holds: the rate for averaging models.

    Args:
        optimizer: whose rates are set.
        swa_lr: the rate in the end, or one for each group.
        anneal_epochs: how many epochs the change takes.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        last_epoch: see ``LRScheduler``.

    >>> optimizer = optim.SGD([nn.Parameter(mg.ones(2))], lr=0.1)
    >>> schedule = optim.swa_utils.SWALR(optimizer, swa_lr=0.05, anneal_epochs=1)
    >>> optimizer.step(), schedule.step()
    (None, None)
    >>> optimizer.param_groups[0]['lr']
    0.05
    """

    not_in_pytorch: ClassVar[Sequence[str]] = ("anneal_strategy",)

    def __init__(
        self, optimizer: Optimizer, swa_lr: Any, anneal_epochs: int = 10, anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        optimizer_of(optimizer, "SWALR")
        if anneal_strategy not in CURVES:
            raise ValueError(f"SWALR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}.")
        self.anneal_epochs = whole(anneal_epochs, 0, "SWALR: anneal_epochs must be an integer of at least 0")
        self.anneal_strategy = anneal_strategy
        for group, rate in zip(optimizer.param_groups, for_each_group(swa_lr, optimizer, "SWALR: swa_lr")):
            group["swa_lr"] = rate
        super().__init__(optimizer, last_epoch)

    def part(self, epoch: float) -> float:
        """The part of the way from the first rate to the last, along the curve."""
        if self.anneal_epochs == 0 or epoch >= self.anneal_epochs:
            return 1.0
        return CURVES[self.anneal_strategy](0.0, 1.0, max(epoch, 0) / self.anneal_epochs)

    def rate(self, group: Group, base: float) -> float:
        before, now = self.part(self.last_epoch - 1), self.part(self.last_epoch)
        last: float = group["swa_lr"]
        if before == 1:
            return last
        first = (group["lr"] - before * last) / (1 - before)  # also where the rate was set by hand
        return float(first * (1 - now) + last * now)

    def joins(self, group: Group) -> None:
        group.setdefault("swa_lr", group["lr"])


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Recompute the running statistics of every BatchNorm in ``model`` over a loader, exactly.

    Sums are pooled over all batches, so the result is the mean and variance of the whole, however
    the loader sorts or cuts it; PyTorch averages the batches' statistics instead.

    Args:
        loader: batches, or tuples whose first item is the batch.
        model: is run in training mode under ``no_grad``; every module's mode is restored. Frozen
            modules, and those that do not track running statistics, are left alone.
        device: the CPU.

    ``num_batches_tracked`` becomes the number of batches. After an error the statistics are as they were.

    >>> model = nn.BatchNorm1d(2)
    >>> optim.swa_utils.update_bn(data.DataLoader(data.moons(100), batch_size=25), model)
    >>> int(model.num_batches_tracked)
    4
    """
    on_cpu(device)
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
