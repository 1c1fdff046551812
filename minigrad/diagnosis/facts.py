"""What a diagnosis looks at: a model and its graph in training mode, some batches, and an optimiser."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..data.loader import DataLoader
from ..engine.arguments import a_type
from ..engine.errors import InvalidTypeError
from ..engine.modes import no_grad
from ..engine.node import Node
from ..engine.paths import reachable
from ..nn.module import Module
from ..nn.snapshot import Snapshot
from ..tensor.tensor import Tensor

BATCHES = 64
"""Of a loader that are looked at."""


class Facts:
    """A model, and what is known of it: a loader, an optimiser, a pass.

    Args:
        model: the module.
        nodes: those of a pass, each before those it was computed from.
        failure: the error of the pass, if there was one.
        loader: the batches of training.
        batches: its first ones, at most ``BATCHES``.
        complete: whether these are all.
        optimizer: the optimiser that will train the model.
    """

    def __init__(
        self, model: Module, nodes: Sequence[Node] = (), failure: Exception | None = None, loader: Any = None,
        batches: Sequence[Any] = (), complete: bool = False, optimizer: Any = None,
    ) -> None:  # fmt: skip
        self.model, self.nodes, self.failure = model, nodes, failure
        self.loader, self.batches, self.complete = loader, batches, complete
        self.optimizer = optimizer

    @classmethod
    def of_training(
        cls, model: Module, loader: Any, optimizer: Any, forward: Callable[[Module, Any], Any]
    ) -> Facts:  # fmt: skip
        """Those of one pass of a batch in training mode; the model is as it was afterwards."""
        with Snapshot.of(model):
            batches, complete = first_batches(loader)
            failure, nodes = one_pass(model, batches, forward)
        return cls(model, nodes, failure, loader, batches, complete, optimizer)

    @cached_property
    def modules(self) -> dict[str, Module]:
        """All modules by their dotted names, the model itself by its class."""
        return {path or type(self.model).__name__: module for path, module in self.model.named_modules()}

    @cached_property
    def parameters(self) -> dict[str, Tensor]:
        """The parameters by their dotted names."""
        return dict(self.model.named_parameters())

    @cached_property
    def leaves(self) -> dict[int, str]:
        """The names of the parameters that require grad, by the identity of their nodes."""
        return {id(p.node): name for name, p in self.parameters.items() if p.node is not None}

    def applied(self, *operations: str) -> Iterator[Node]:
        """The nodes of the pass that applied an operation of these names, in the order in which they did."""
        return (node for node in reversed(self.nodes) if node.op is not None and node.op.name in operations)

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The parameter groups of the optimiser."""
        return [] if self.optimizer is None else list(self.optimizer.param_groups)


def one_pass(
    model: Module, batches: Sequence[Any], forward: Callable[[Module, Any], Any]
) -> tuple[Exception | None, list[Node]]:
    """Run the first batch of several samples through a model in training mode: the error, or the nodes."""
    batch = next((batch for batch in batches if samples(batch) != 1), None)
    if batch is None:
        return None, []
    model.train()
    try:
        output = forward(model, batch)
    except Exception as error:
        return error, []
    return None, reached(output)


def first_batches(loader: Any) -> tuple[list[Any], bool]:
    """The first batches of a loader, and whether these are all.

    Raises:
        TypeError: for what can be gone through only once, so that the training would miss these batches.
    """
    if loader is None:
        return [], False
    if isinstance(loader, Tensor) or not hasattr(loader, "__iter__") or hasattr(loader, "__next__"):
        raise InvalidTypeError(
            f"diagnose expects a loader that can be gone through again and again, got {a_type(loader)}: "
            "pass a DataLoader or a list of batches."
        )
    if isinstance(loader, DataLoader):  # its copy, so that it stays where it is in its epoch
        loader = copy.deepcopy(loader, {id(loader.dataset): loader.dataset})
    with no_grad():
        found = list(itertools.islice(iter(loader), BATCHES + 1))
    return found[:BATCHES], len(found) <= BATCHES


def inputs(batch: Any) -> Any:
    """What of a batch a model is called with: the first of several, else all."""
    return batch[0] if isinstance(batch, (list, tuple)) and batch else batch


def samples(batch: Any) -> int:
    """How many samples a batch has; 0 if its inputs do not say so."""
    shape = getattr(inputs(batch), "shape", ())
    return shape[0] if shape else 0


def classes(batch: Any) -> np.ndarray | None:
    """The class indices of a batch of inputs and targets; None if the targets are something else."""
    if not isinstance(batch, (list, tuple)) or len(batch) < 2:
        return None
    target = batch[-1].detach().numpy() if isinstance(batch[-1], Tensor) else np.asarray(batch[-1])
    return target if target.ndim == 1 and target.dtype.kind in "iub" else None


def reached(output: Any) -> list[Node]:
    """The nodes under an output, or under those in lists, tuples and dicts, each before those it was computed from."""
    open_ones = [output]
    nodes: list[Node] = []
    while open_ones:
        value = open_ones.pop()
        if isinstance(value, Tensor):
            nodes += [value.node] if value.node is not None else []
        elif isinstance(value, (list, tuple)):
            open_ones += value
        elif isinstance(value, dict):
            open_ones += value.values()
    return sorted(reachable(nodes), key=lambda node: -node.time)
