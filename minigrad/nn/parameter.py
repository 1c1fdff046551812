"""The typed leaves of a module tree: what is trained, and what is only kept."""

from __future__ import annotations

from typing import Any

from ..engine.node import Variable, describe, wrap
from ..tensor.conversion import array_from
from ..tensor.tensor import Tensor


def adopt(leaf: Tensor, data: Any) -> None:
    """Take over the array of a tensor, or a copy of other data and of what cannot be written to."""
    source = data if isinstance(data, Variable) and data.array.flags.writeable else wrap(array_from(data))
    leaf.array, leaf.memory = source.array, source.memory
    leaf.memory.shared = source is data
    leaf.node = None
    leaf._grad = None


class Parameter(Tensor):
    """A tensor that is trained: found by ``module.parameters()``, and requires grad.

    Args:
        data: a tensor (its memory is shared) or what ``mg.tensor`` accepts.
        requires_grad: False for a frozen parameter.

    >>> nn.Parameter(mg.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        adopt(self, data)
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A tensor that belongs to a module and is saved with it, but never trained.

    BatchNorm's running statistics are buffers. A buffer cannot require grad.

    Args:
        data: a tensor (its memory is shared) or what ``mg.tensor`` accepts.
        persistent: False keeps it out of ``state_dict``; it is converted with the module all the same.

    >>> net = nn.Module()
    >>> net.seen, net.cache = nn.Buffer(mg.zeros(1)), nn.Buffer(mg.zeros(2), persistent=False)
    >>> list(net.state_dict()), [name for name, _ in net.named_buffers()]
    (['seen'], ['seen', 'cache'])
    """

    __slots__ = ("persistent",)
    persistent: bool

    def __init__(self, data: Any, *, persistent: bool = True) -> None:
        adopt(self, data)
        self.persistent = bool(persistent)

    def _over(self, array: Any, memory: Any) -> Tensor:
        copied = super()._over(array, memory)
        if isinstance(copied, Buffer):
            copied.persistent = self.persistent
        return copied

    def __reduce_ex__(self, protocol: Any) -> Any:
        made, kind, state = super().__reduce_ex__(protocol)
        return made, kind, state if self.persistent else (*state, False)

    def __setstate__(self, values: Any) -> None:
        self.persistent = len(values) == 4
        super().__setstate__(values[:4])

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Refused: what should be trained is a ``Parameter``."""
        if requires_grad:
            raise RuntimeError("a Buffer cannot require grad: make it a Parameter to train it.")
        return self

    def _refuse_graph(self, name: str, what: str = "") -> None:
        """Refused: a buffer that held a graph would grow with every step."""
        raise RuntimeError(
            f"{name}: a Buffer {describe(self)} cannot take a value that requires grad: "
            "detach it, value.detach(), or write under no_grad()."
        )
