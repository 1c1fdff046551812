"""One pass of a model, measured: the shapes that its modules return, and the bytes that it keeps for backward."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.kept import kept_by, memory
from ..engine.modes import enable_grad
from ..engine.node import Node
from ..nn.module import Module
from ..nn.modules.module import register_module_forward_hook
from ..nn.snapshot import Snapshot
from ..tensor.creation import randn, tensor
from ..tensor.tensor import Tensor
from .facts import reached


class Pass:
    """What a call of a model has shown. Afterwards the model and the random state are as they were.

    Args:
        model: the module, which is called in the mode that it is in.
        x: what it is called with: a tensor or an array; a tuple or list of arguments, or a dict of them by name; or a
            shape, for random numbers of it.

    Attributes:
        outputs: by the id of a module, what its first call returned: shapes, as text.
        calls: by the id of a module, how often it was called.
        saved: by the id of a module, the bytes its own operations keep for backward, of which each is counted once.
            None has those outside of modules. What parameters and buffers hold is not counted.
        nodes: the graph, each node before those it was computed from.
    """

    def __init__(self, model: Module, x: Any) -> None:
        self.model = model
        self.outputs: dict[int, str] = {}
        self.calls: Counter[int] = Counter()
        with Snapshot.of(model), enable_grad(), register_module_forward_hook(self.called):
            args, named = arguments(model, x)
            output = model(*args, **named)
        self.nodes = reached(output)
        self.saved = saved(model, self.nodes)

    def called(self, module: Module, _args: Any, output: Any) -> None:
        """A module has been called."""
        self.calls[id(module)] += 1
        self.outputs.setdefault(id(module), shapes(output))


def arguments(model: Module, x: Any) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """What a model is to be called with, by position and by name."""
    if isinstance(x, Mapping):
        return (), {name: as_tensor(value) for name, value in x.items()}
    if is_shape(x):
        floats = (p.dtype for p in model.parameters() if p.dtype.kind == "f")
        return (randn(*map(int, x), dtype=next(floats, None)),), {}
    return tuple(map(as_tensor, x)) if isinstance(x, (tuple, list)) else (as_tensor(x),), {}


def is_shape(x: Any) -> bool:
    """Whether it is a tuple or list of whole numbers."""
    return isinstance(x, (tuple, list)) and len(x) > 0 and all(isinstance(n, Integral) for n in x)


def as_tensor(value: Any) -> Any:
    """An array as a tensor; anything else as it is."""
    return tensor(value) if isinstance(value, (ndarray, np.generic)) else value


def shapes(output: Any) -> str:
    """The shape of a tensor, or of those in tuples, lists and dicts."""
    if isinstance(output, Tensor):
        return str(tuple(output.shape))
    if isinstance(output, Mapping):
        return ", ".join(f"{name}: {shapes(value)}" for name, value in output.items())
    if isinstance(output, (tuple, list)):
        return ", ".join(map(shapes, output))
    return type(output).__name__


# -- what is kept for backward -------------------------------------------------------------------


def saved(model: Module, nodes: Iterable[Node]) -> dict[int | None, int]:
    """The bytes that nodes keep, by the id of the module that applied them; an array belongs to the oldest."""
    counted = {id(memory(leaf.array)) for leaf in (*model.parameters(), *model.buffers())}
    found: defaultdict[int | None, int] = defaultdict(int)
    for node in sorted(nodes, key=lambda node: node.time):
        owner = node.scope.owner() if node.scope else None
        for array in kept_by(node):
            whole = memory(array)
            if id(whole) not in counted:
                counted.add(id(whole))
                found[None if owner is None else id(owner)] += whole.nbytes
    return found
