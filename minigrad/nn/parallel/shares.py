"""The gradients of a model that several ranks train: averaged in one exchange, if they are those of equal parts."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ...engine.node import Node, Variable, array_of, clock, describe
from ...groups.group import DistributedError, Group
from ...kernels.constants import at_least_float32
from ...tensor.tensor import Tensor
from ..module import Module
from ..parameter import Parameter
from .batches import UNKNOWN, unweighed

UNEVEN = (
    "the ranks' batches have {} samples: the average of their mean losses is not the mean of the whole batch, nor is "
    "the gradient. Let each rank add up its losses, and write loss = model.mean(losses.sum(), len(x)) before backward; "
    "of that take sums and multiples alone."
)
PAST = (
    "DistributedDataParallel: backward has reached parameters past the wrapper, which has not seen how many samples "
    "the ranks have: if the numbers differ, the average of gradients is wrong. Call the wrapper, model(x), or write "
    "loss = model.mean(losses.sum(), len(x))."
)

MEANS = (
    "DistributedDataParallel: the ranks' batches have one length, but their losses are means of {} values, as of "
    "sequences of other lengths, or where some targets are ignored: the average of gradients is not that of the mean "
    "over all of these. For that write loss = model.mean(losses.sum(), count)."
)


class Shares:
    """The gradients of a model, and the memory in which they are added up."""

    def __init__(self, module: Module, group: Group) -> None:
        self.module, self.group = module, group
        self.memory: dict[np.dtype[Any], ndarray] = {}
        self.lengths: list[str] = []
        """Of the batches since the last exchange whose losses were not weighed."""
        self.means: list[str] = []
        """How many values the means in these losses are of."""
        self.attached = -1
        """When parameters were last looked for, as ``changes`` counts."""
        self.warned: set[str] = set()
        """What has been said already, once for all."""

    def note(self, roots: Sequence[Node]) -> None:
        """Note the lengths of the batches that a backward from these nodes has averaged, until the next exchange."""
        found = unweighed(roots, self.group, self.module)
        self.lengths += found.lengths
        self.means += found.means
        if UNKNOWN in found.lengths:
            self.warn_once(PAST, PAST, 7)

    def warn_once(self, kind: str, words: str, stacklevel: int) -> None:
        """Warn, unless it was of the same."""
        if kind not in self.warned:
            self.warned.add(kind)
            warnings.warn(words, stacklevel=stacklevel)

    def exchange(self, group: Group) -> None:
        """Average the gradients of all ranks, in one exchange for each dtype."""
        parameters = [p for p in self.module.parameters() if p.requires_grad]
        by_dtype: dict[np.dtype[Any], list[Parameter]] = {}
        for parameter in parameters:
            by_dtype.setdefault(at_least_float32(parameter.dtype), []).append(parameter)
        try:
            for dtype, some in by_dtype.items():
                self.average(group, dtype, some)
        finally:
            self.lengths, self.means = [], []

    def average(self, group: Group, dtype: np.dtype[Any], parameters: list[Parameter]) -> None:
        """Average gradients of one dtype.

        Behind them each rank says which of them it has, how long its batches were, and of how many values its means.
        """
        size, rank = group.size(), group.rank()
        ends = np.cumsum([p.array.size for p in parameters]).tolist()
        length = ends[-1] + len(parameters) + 2 * size
        if len(self.memory.get(dtype, ())) != length:
            self.memory[dtype] = np.empty(length, dtype)
        flat = self.memory[dtype]
        there, said = flat[ends[-1] : -2 * size], flat[-2 * size :].reshape(2, size)
        flat[ends[-1] :] = 0
        own, means = " + ".join(self.lengths) or "weighed", " + ".join(self.means) or "no"
        said[:, rank] = [zlib.crc32(text.encode()) % (1 << 24) for text in (own, means)]  # exact in float32
        for i, (start, end, parameter) in enumerate(zip([0, *ends], ends, parameters)):
            gradient = own_gradient(parameter)
            flat[start:end] = 0 if gradient is None else gradient.reshape(-1)
            there[i] = gradient is not None
        group.sum(flat, flat)
        differ = (said != said[:, :1]).any(1)
        if differ[0]:
            raise DistributedError(UNEVEN.format(", ".join(group.texts(own))))
        if differ[1] and MEANS not in self.warned:
            self.warn_once(MEANS, MEANS.format(", ".join(group.texts(means))), 10)
        for start, end, parameter, count in zip([0, *ends], ends, parameters, there):
            if count:
                put_gradient(parameter, flat[start:end].reshape(parameter.shape), 1 / size)


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
    if not isinstance(array_of(gradient), ndarray):  # None, or a number of a parameter without axes
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
