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
        self.calls = 0
        """A check sum of the lengths of all batches since the last exchange; 0 if there were none."""
        self.looked = self.uneven = False
        """Whether a graph has been walked over yet, and whether batches of the ranks have ever had other lengths."""
        self.lengths: list[str] = []
        """Of the batches since the last exchange whose losses were not weighed, as far as graphs were walked over."""
        self.means: list[str] = []
        """How many values the means in these losses are of."""
        self.attached = -1
        """When parameters were last looked for, as ``changes`` counts."""
        self.warned: set[str] = set()
        """What has been said already, once for all."""

    def called(self, length: str) -> None:
        """Note a call of the model with a batch of this length."""
        self.calls = zlib.crc32(f"{length};".encode(), self.calls) or 1

    def note(self, roots: Sequence[Node]) -> None:
        """Note the lengths of the batches that a backward from these nodes has averaged, until the next exchange."""
        self.looked = True
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

    def exchange(self, group: Group, roots: Sequence[Node]) -> None:
        """Average the gradients of all ranks after a backward from these nodes, in one exchange for each dtype.

        The graph is walked over in the first backward, if there were no calls, and from when batches of the ranks had
        other lengths. Before that the average is right however losses are weighed.
        """
        walked = self.uneven or not self.looked or not self.calls
        if walked:
            self.note(roots)
        parameters = [p for p in self.module.parameters() if p.requires_grad]
        by_dtype: dict[np.dtype[Any], list[Parameter]] = {}
        for parameter in parameters:
            by_dtype.setdefault(at_least_float32(parameter.dtype), []).append(parameter)
        try:
            for dtype, some in by_dtype.items():
                self.average(group, dtype, some, () if walked else roots)
        finally:
            self.calls, self.lengths, self.means = 0, [], []

    def average(
        self, group: Group, dtype: np.dtype[Any], parameters: list[Parameter], unseen: Sequence[Node]
    ) -> None:  # fmt: skip
        """Average gradients of one dtype.

        Behind them each rank says which of them it has, how long its batches were, and of how many values its means.

        Args:
            unseen: roots of a graph that has not been walked over, or none.
        """
        size, rank = group.size(), group.rank()
        ends = np.cumsum([p.array.size for p in parameters]).tolist()
        length = ends[-1] + len(parameters) + 3 * size
        if len(self.memory.get(dtype, ())) != length:
            self.memory[dtype] = np.empty(length, dtype)
        flat = self.memory[dtype]
        there, said = flat[ends[-1] : -3 * size], flat[-3 * size :].reshape(3, size)
        flat[ends[-1] :] = 0
        means = " + ".join(self.means) or "no"
        sums = self.calls, zlib.crc32(self.own_lengths().encode()), zlib.crc32(means.encode())
        said[:, rank] = [each % (1 << 24) for each in sums]  # exact in float32
        for i, (start, end, parameter) in enumerate(zip([0, *ends], ends, parameters)):
            gradient = own_gradient(parameter)
            flat[start:end] = 0 if gradient is None else gradient.reshape(-1)
            there[i] = gradient is not None
        group.sum(flat, flat)
        differ = (said != said[:, :1]).any(1)
        if differ[0] and not self.uneven:
            self.uneven = True
            self.note(unseen)
            self.refuse_other_lengths(group)
        elif differ[1]:
            self.refuse_other_lengths(group)
        if differ[2] and MEANS not in self.warned:
            self.warn_once(MEANS, MEANS.format(", ".join(group.texts(means))), 10)
        for start, end, parameter, count in zip([0, *ends], ends, parameters, there):
            if count:
                put_gradient(parameter, flat[start:end].reshape(parameter.shape), 1 / size)

    def refuse_other_lengths(self, group: Group) -> None:
        """Refuse losses that were not weighed, if the ranks' batches had other lengths."""
        lengths = group.texts(self.own_lengths())
        if len(set(lengths)) > 1:
            raise DistributedError(UNEVEN.format(", ".join(lengths)))

    def own_lengths(self) -> str:
        """The lengths of this rank's batches whose losses were not weighed, in words."""
        return " + ".join(self.lengths) or "weighed"


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
