"""``DistributedDataParallel``: one model on several ranks, of which each has a part of every batch."""

from __future__ import annotations

import contextlib
import math
import zlib
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
from numpy import ndarray

from ...engine.errors import InvalidTypeError
from ...engine.hooks import AfterBackward, RemovableHandle, Watch
from ...engine.modes import current
from ...engine.node import Variable, array_of, clock, describe
from ...groups.group import DistributedError, Group
from ...kernels.constants import at_least_float32
from ...ops.exchange import checked_group, group_of
from ...tensor.tensor import Tensor
from ..layers.sync_batchnorm import SyncBatchNorm
from ..module import Module
from ..parameter import Buffer, Parameter
from ..tree import changes

UNEVEN = (
    "the ranks' batches have {} samples: the average of their mean losses is not the mean of the whole batch, nor is "
    "the gradient. Let each rank add up its losses, and write loss = model.mean(losses.sum(), len(x)) before backward."
)


class DistributedDataParallel(Module):
    """A model that several ranks train together: at the end of ``backward`` they average their gradients.

    Each rank computes the mean loss of its part of the batch; the average over ranks is then the gradient of the mean
    over the whole batch, if the parts are equal. For unequal ones ``backward`` refuses, on all ranks, unless the loss
    has been made by ``mean``. With ``SyncBatchNorm`` the ranks compute what one process would with the whole batch.

    Args:
        module: the model; all ranks have one with the same names, shapes and dtypes. They begin with the values of
            rank 0.
        device_ids, output_device, dim: accepted; the batch is axis ``dim`` of the first tensor.
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
        self._after = AfterBackward(self._exchange)
        self._attach()

    def _attach(self) -> None:
        """Be told of a backward that reaches a parameter, also one that was set anew."""
        for parameter in self.module.parameters():
            node: Any = parameter.node
            if node is not None:
                node.watch = node.watch or Watch()
                if self._after not in node.watch.hooks.values():
                    RemovableHandle(node.watch.hooks, self._after)
        self._shares.attached = changes.count

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module computes."""
        if self._shares.attached != changes.count:
            self._attach()
        several = self.process_group.size() > 1
        if several and self.training and self.broadcast_buffers and self._exchanges:
            for buffer in self._own_buffers():
                take(buffer, self.process_group)
        output = self.module(*inputs, **kwargs)
        if several and current().recording:
            batch = next((x for x in inside([inputs, kwargs]) if isinstance(x, (Variable, ndarray))), None)
            if batch is not None and len(batch.shape) > self.dim:
                self._shares.expect(batch.shape[self.dim], output)
        return output

    def mean(self, loss_sum: Any, count: Any) -> Any:
        """The loss to call ``backward`` of, for parts of any sizes: its average over ranks is the mean of all.

        Args:
            loss_sum: the sum of the losses of this rank's part.
            count: how many there are, or the sum of their weights.

        Raises:
            ValueError: on all ranks, if there is none on any, or a negative number of them on one.

        >>> model = nn.parallel.DistributedDataParallel(nn.Linear(2, 1))
        >>> loss = model.mean((model(mg.ones(3, 2)) ** 2).sum(), 3)
        """
        group = self.process_group
        counts = group.gather(np.array(array_of(count), np.float64)).tolist()
        total = math.fsum(counts)
        if not all(0 <= each < math.inf for each in counts):
            raise ValueError(
                f"DistributedDataParallel.mean: the ranks have {counts} losses: each count must be at least 0."
            )
        if total == 0:
            raise ValueError(
                "DistributedDataParallel.mean: no rank has a sample: the mean of no losses is not defined."
            )
        loss = loss_sum * (group.size() / total)
        if isinstance(loss, Tensor) and loss.requires_grad:
            loss.register_hook(self._shares.weigh)
        return loss

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

    def _exchange(self) -> None:
        """At the end of a backward."""
        self.process_group._weighed = False
        if self._exchanges and self.process_group.size() > 1:
            self._shares.exchange(checked_group("DistributedDataParallel", self.process_group))

    def _own_buffers(self) -> list[Buffer]:
        """The buffers that ranks may differ in."""
        layers = [layer for layer in self.modules() if not isinstance(layer, SyncBatchNorm)]
        return [buffer for layer in layers for buffer in layer.buffers(recurse=False)]

    def __deepcopy__(self, memo: Any) -> NoReturn:
        raise TypeError("DistributedDataParallel cannot be copied: copy its module, and wrap the copy.")


class Shares:
    """The gradients of a model, and the memory in which they are added up."""

    def __init__(self, module: Module, group: Group) -> None:
        self.module, self.group = module, group
        self.memory: dict[np.dtype[Any], ndarray] = {}
        self.forwards = 0
        """How many there have been."""
        self.lengths: dict[int, int] = {}
        """Of the batches that backward has reached since the last exchange, by the number of their forward."""
        self.attached = -1
        """When parameters were last looked for, as ``changes`` counts."""

    def expect(self, length: int, output: Any) -> None:
        """Note the length of a batch when a backward reaches what was computed of it, unless the loss is weighed."""
        self.forwards += 1
        number = self.forwards

        def reached(_gradient: Any) -> None:
            if not self.group._weighed:
                self.lengths[number] = length

        for tensor in inside(output):
            if isinstance(tensor, Tensor) and tensor.requires_grad:
                tensor.register_hook(reached)

    def weigh(self, _gradient: Any) -> None:
        """Note that the loss was made by ``mean``, whatever the lengths."""
        self.group._weighed = True

    def exchange(self, group: Group) -> None:
        """Average the gradients of all ranks, in one exchange for each dtype."""
        parameters = [p for p in self.module.parameters() if p.requires_grad]
        by_dtype: dict[np.dtype[Any], list[Parameter]] = {}
        for parameter in parameters:
            by_dtype.setdefault(at_least_float32(parameter.dtype), []).append(parameter)
        for dtype, some in by_dtype.items():
            self.average(group, dtype, some)
        self.lengths = {}

    def average(self, group: Group, dtype: np.dtype[Any], parameters: list[Parameter]) -> None:
        """Average gradients of one dtype.

        Behind them each rank says which of them it has, and how long its batches were.
        """
        size, rank = group.size(), group.rank()
        ends = np.cumsum([p.array.size for p in parameters]).tolist()
        length = ends[-1] + len(parameters) + size
        if len(self.memory.get(dtype, ())) != length:
            self.memory[dtype] = np.empty(length, dtype)
        flat = self.memory[dtype]
        there, lengths = flat[ends[-1] : -size], flat[-size:]
        flat[ends[-1] :] = 0
        own = " + ".join(map(str, self.lengths.values())) or "weighed"
        lengths[rank] = zlib.crc32(own.encode()) % (1 << 24)  # exact in float32
        for i, (start, end, parameter) in enumerate(zip([0, *ends], ends, parameters)):
            gradient = own_gradient(parameter)
            flat[start:end] = 0 if gradient is None else gradient.reshape(-1)
            there[i] = gradient is not None
        group.sum(flat, flat)
        if (lengths != lengths[0]).any():
            self.lengths = {}
            raise DistributedError(UNEVEN.format(", ".join(group.texts(own))))
        for start, end, parameter, count in zip([0, *ends], ends, parameters, there):
            if count:
                put_gradient(parameter, flat[start:end].reshape(parameter.shape), 1 / size)


def inside(value: Any) -> Iterator[Any]:
    """A value, or all that is in its lists, tuples and dicts, however nested."""
    if isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from inside(item)
    else:
        yield value


def own_gradient(parameter: Parameter) -> ndarray | None:
    """The gradient of this rank, or None."""
    gradient = parameter._grad
    if isinstance(gradient, Variable) and gradient.node is not None:
        raise RuntimeError(
            "DistributedDataParallel averages numbers: after backward(create_graph=True) the average would have no "
            "graph. Take mg.grad(..., create_graph=True), and distributed.copied and total."
        )
    return None if gradient is None else array_of(gradient)


def put_gradient(parameter: Parameter, total: ndarray, factor: float) -> None:
    """Write an average into ``.grad``."""
    gradient = parameter._grad
    if gradient is None:
        parameter._grad = np.multiply(total, factor, dtype=total.dtype).astype(parameter.dtype)
        return
    np.multiply(total, total.dtype.type(factor), out=array_of(gradient), casting="same_kind")
    if isinstance(gradient, Variable):
        gradient.memory.changed = clock()


def take(tensor: Tensor, group: Group) -> None:
    """Overwrite a tensor with that of rank 0."""
    tensor.array[...] = group.broadcast(tensor.array)
    tensor.memory.changed = clock()


def compare(module: Module, group: Group) -> None:
    """Refuse models that differ in names, shapes or dtypes, or in what requires grad; each rank does."""
    named = [*module.named_parameters(), *module.named_buffers()]
    own = [f"{name} {describe(tensor)}{' requires grad' * tensor.requires_grad}" for name, tensor in named]
    of_ranks = [text.split("\n") for text in group.texts("\n".join(own))]
    if all(each == of_ranks[0] for each in of_ranks):
        return
    longest = max(map(len, of_ranks))
    filled = [[*each, *["nothing"] * (longest - len(each))] for each in of_ranks]
    first = next(row for row in zip(*filled) if len(set(row)) > 1)
    said = "; ".join(f"rank {rank}: {text}" for rank, text in enumerate(first))
    raise DistributedError(f"DistributedDataParallel: the ranks have different models: {said}.")
