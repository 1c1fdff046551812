"""A model as it is now, to be put back: the one place that knows what running it may change."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable
from typing import Any

from ..tensor.random import get_rng_state, set_rng_state
from ..tensor.tensor import Tensor
from .tree import Branch, changes, named_leaves, walk

SLOTS = ("array", "memory", "node", "_grad")
"""What may be replaced in a tensor."""


CONTAINERS = (list, dict, set, deque)
"""Attributes that forward may fill without being set."""


class Snapshot:
    """The named parts of a model as they are now: ``restore`` puts them back, as often as it is called.

    In a ``with`` statement it does so at the end of the block.

    Args:
        attributes: modules, all of whose attributes are kept, and what is in those that are lists, dicts, sets or
            deques. What is inside those, or inside other objects, is not.
        tensors: tensors, whose values and gradients are kept, where they are in memory, and their nodes.
        modes: modules, of which nothing but the mode is kept.
        random: keep the global random state.
    """

    def __init__(
        self, attributes: Iterable[Branch] = (), tensors: Iterable[Tensor] = (), modes: Iterable[Any] = (),
        random: bool = False,
    ) -> None:  # fmt: skip
        kept: list[Any] = [vars(module) for module in attributes]
        kept += [value for module in kept for value in module.values() if isinstance(value, CONTAINERS)]
        self.contents = [(container, copy.copy(container)) for container in kept]
        found = list(tensors)
        found += [tensor.grad for tensor in found if tensor.grad is not None]
        self.slots = [(tensor, name, getattr(tensor, name)) for tensor in found for name in SLOTS]
        self.values = [(tensor.array, tensor.array.copy(), tensor.memory, tensor.memory.changed) for tensor in found]
        self.modes = [(module, module.training) for module in modes]
        self.random = get_rng_state() if random else None

    @classmethod
    def of(cls, model: Branch) -> Snapshot:
        """All that a forward pass may change: attributes, parameters, buffers, gradients and the random state."""
        modules = [module for _, module in walk(model)]
        return cls(modules, [leaf for _, leaf in named_leaves(model, Tensor)], random=True)

    def restore(self) -> None:
        """Put everything back."""
        changes.count += 1
        for container, before in self.contents:
            container.clear()
            put_back = container.extend if isinstance(container, (list, deque)) else container.update
            put_back(before)
        for tensor, name, value in self.slots:
            setattr(tensor, name, value)
        written = [entry for entry in self.values if entry[2].changed != entry[3]]
        for array, values, memory, time in written:
            array[...] = values
            memory.changed = time
        for module, training in self.modes:
            module.training = training
        if self.random is not None:
            set_rng_state(self.random)

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *exception: object) -> None:
        self.restore()
