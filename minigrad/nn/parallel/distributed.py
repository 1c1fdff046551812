"""``DistributedDataParallel``: one model on several ranks, of which each has a part of every batch."""

from __future__ import annotations

import contextlib
import math
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from ...engine.errors import InvalidTypeError
from ...engine.hooks import AfterBackward, RemovableHandle, Watch
from ...engine.modes import current, own_calls
from ...engine.node import Node, array_of, describe
from ...engine.walk import in_scope
from ...groups.group import Group
from ...ops.exchange import checked_group, group_of, mean_over_ranks_op
from ..layers.sync_batchnorm import SyncBatchNorm
from ..module import Module
from ..parameter import Buffer
from ..tree import changes
from .batches import Batch, Errand, length_of
from .means import is_mean, is_over
from .shares import Shares, compare, take

ALREADY = (
    "DistributedDataParallel.mean: the loss of rank {} is the mean of several losses, which would be divided by their "
    'number once more: give their sum, as of F.cross_entropy(y, target, reduction="sum").'
)
MEAN, OVER = 1.0, 2.0
"""What a rank says of its loss: that it is a mean, or has been divided by its count."""


class DistributedDataParallel(Module):
    """A model that several ranks train together: at the end of ``backward`` they average their gradients.

    Each rank computes the mean loss of its part of the batch; the average over ranks is then the gradient of the mean
    over the whole batch, if the parts are equal. For unequal ones ``backward`` refuses, on all ranks, unless all of the
    loss that was computed of a batch has been made by ``mean``. With ``SyncBatchNorm`` the ranks compute what one
    process would with the whole batch.

    Where parameters are used past the wrapper, ``model.module(x)``, it does not know how long the batches are: the
    first such ``backward`` warns. Exchanges go on until the wrapper, and all that it has computed, is deleted. What
    ``mg.grad`` and ``mg.func`` return, and gradients of other leaves, are each rank's own.

    Ranks that were seeded alike drop out alike: ``mg.manual_seed(seed + rank)`` once the model is made. Rank 0 saves
    a checkpoint, all load it; the same bits come out for the same number of ranks only.

    Args:
        module: the model; all ranks have one with the same names, shapes and dtypes. They begin with the values of
            rank 0.
        device_ids, output_device: accepted.
        dim: the axis of the batch, in the first tensor that has it and more than one element; of a list of tensors the
            number counts, too.
        broadcast_buffers: before each forward in training give all ranks the buffers of rank 0. Those of
            ``SyncBatchNorm`` are the same anyway.
        init_sync: compare the models, and begin with the values of rank 0.
        process_group: the ranks, the default group unless given; one rank alone if there is none.
        bucket_cap_mb, find_unused_parameters, gradient_as_bucket_view, static_graph: accepted without effect: all
            gradients are exchanged at once, and parameters that no rank has used keep theirs.

    Raises:
        RuntimeError: if the models differ, which each rank says, or if no parameter requires grad.

    >>> def rank(group):
    ...     model = nn.parallel.DistributedDataParallel(nn.Linear(1, 1, bias=False))
    ...     model(mg.tensor([[1.0 + group.rank()]])).mean().backward()
    ...     return model.module.weight.grad.item()
    >>> mg.distributed.ThreadGroup.run(2, rank)
    [1.5, 1.5]
    """

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0,
        broadcast_buffers: bool = True, init_sync: bool = True, process_group: Group | None = None,
        bucket_cap_mb: float | None = None, find_unused_parameters: bool = False,
        gradient_as_bucket_view: bool = False, static_graph: bool = False,
    ) -> None:  # fmt: skip
        if not isinstance(module, Module):
            raise InvalidTypeError(f"DistributedDataParallel: expected a module, got {describe(module)}.")
        if not any(p.requires_grad for p in module.parameters()):
            raise RuntimeError("DistributedDataParallel: the module has no parameter that requires grad: use it as is.")
        self.module = module
        self.dim = dim
        self.broadcast_buffers = broadcast_buffers
        self.process_group = group_of("DistributedDataParallel", process_group)
        self._exchanges = True
        self._shares = Shares(module, self.process_group)
        if init_sync and self.process_group.size() > 1:
            compare(module, self.process_group)
            for tensor in [*module.parameters(), *module.buffers()]:
                take(tensor, self.process_group)
        self._after = AfterBackward(weakly(self._exchange))
        self._handles: list[RemovableHandle] = []
        weakref.finalize(self, remove_all, self._handles).atexit = False
        self._attach()

    def _attach(self) -> None:
        """Be told of a backward that reaches a parameter, also one that was set anew, or is frozen for now."""
        for parameter in self.module.parameters():
            if parameter.node is None and parameter.dtype.kind == "f" and not hasattr(parameter, "node_at_rest"):
                parameter.requires_grad_().requires_grad_(False)
            node: Any = parameter.node or getattr(parameter, "node_at_rest", None)
            if node is not None:
                node.watch = node.watch or Watch()
                if self._after not in node.watch.hooks.values():
                    self._handles.append(RemovableHandle(node.watch.hooks, self._after))
        self._shares.module, self._shares.attached = self.module, changes.count

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module computes."""
        if self._shares.attached != changes.count:
            self._attach()
        several = self.process_group.size() > 1
        if several and self.training and self.broadcast_buffers and self._exchanges:
            for buffer in self._own_buffers():
                take(buffer, self.process_group)
        if not (several and current().recording):
            return self.module(*inputs, **kwargs)
        batch = Batch(self, own_calls().scope, length_of((inputs, kwargs), self.dim))
        self._shares.called(batch.length)
        return in_scope(batch, self.module, *inputs, **kwargs)

    def mean(self, loss_sum: Any, count: Any) -> Any:
        """The loss to call ``backward`` of, for parts of any sizes: its average over ranks is the mean of all.

        Sums and multiples of such losses are right, too. For a root, say, take the average itself, which all ranks
        hold: ``distributed.nn.functional.all_reduce(loss, ReduceOp.AVG).sqrt()``.

        Args:
            loss_sum: the sum of the losses of this rank's part.
            count: how many there are, or the sum of their weights.

        Raises:
            ValueError: on all ranks, if there is none on any, a negative number of them on one, or if the loss of one
                is the mean of several already; or if ranks with different counts have all divided by their own.

        >>> model = nn.parallel.DistributedDataParallel(nn.Linear(2, 1))
        >>> loss = model.mean((model(mg.ones(3, 2)) ** 2).sum(), 3)
        """
        group = checked_group("DistributedDataParallel.mean", self.process_group)
        own = np.asarray(array_of(count))
        if own.size != 1 or own.dtype.kind not in "fiub":
            raise TypeError(f"DistributedDataParallel.mean: count must be a number, got {describe(count)}.")
        gathered = in_scope(Errand(self, "mean"), group.gather, np.array([own.item(), flag(loss_sum, own.item())]))
        counts, flags = gathered.T.tolist()
        total = math.fsum(counts)
        if not all(0 <= each < math.inf for each in counts):
            raise ValueError(
                f"DistributedDataParallel.mean: the ranks have {counts} losses: each count must be at least 0."
            )
        if total == 0:
            raise ValueError(
                "DistributedDataParallel.mean: no rank has a sample: the mean of no losses is not defined."
            )
        if means := are_means(counts, flags):
            raise ValueError(ALREADY.format(" and ".join(map(str, means))))
        return mean_over_ranks_op(loss_sum, group, total)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """A block in which ``backward`` only adds up gradients, on each rank its own: for accumulating them.

        The first ``backward`` behind it averages all that has been added up. Put forward inside the block, too.
        """
        before, self._exchanges = self._exchanges, False
        try:
            yield
        finally:
            self._exchanges = before

    def _exchange(self, roots: Sequence[Node]) -> None:
        """At the end of a backward from these nodes."""
        if self.process_group.size() == 1:
            return
        if self._exchanges:
            group = checked_group("DistributedDataParallel", self.process_group)
            in_scope(Errand(self, "backward"), self._shares.exchange, group, roots)
        else:
            self._shares.note(roots)

    def _own_buffers(self) -> list[Buffer]:
        """The buffers that ranks may differ in."""
        layers = [layer for layer in self.modules() if not isinstance(layer, SyncBatchNorm)]
        return [buffer for layer in layers for buffer in layer.buffers(recurse=False)]

    def __copy__(self) -> NoReturn:
        raise TypeError("DistributedDataParallel cannot be copied: copy its module, and wrap the copy.")

    def __deepcopy__(self, memo: Any) -> NoReturn:
        self.__copy__()


def flag(loss_sum: Any, count: float) -> float:
    """What a rank says of its loss."""
    if count <= 1:
        return 0.0
    return MEAN if is_mean(loss_sum, count) else OVER if is_over(loss_sum, count) else 0.0


def are_means(counts: list[float], flags: list[float]) -> list[int]:
    """The ranks whose losses are means already: divided by their own number, it may be another's by chance on one."""
    over = [rank for rank, count in enumerate(counts) if count > 1]
    if len({counts[rank] for rank in over}) > 1 and all(flags[rank] for rank in over):
        return over
    return [rank for rank in over if flags[rank] == MEAN]


def weakly(method: Any) -> Any:
    """A method as a function that does not keep its object alive, and then does nothing."""
    reference = weakref.WeakMethod(method)

    def call(*args: Any) -> None:
        found = reference()
        if found is not None:
            found(*args)

    return call


def remove_all(handles: list[RemovableHandle]) -> None:
    """Take hooks away."""
    for handle in handles:
        handle.remove()
