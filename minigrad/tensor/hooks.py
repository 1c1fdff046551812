"""The hooks of a tensor, and gradients that it keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..engine.hooks import RemovableHandle, Watch
from ..engine.node import Variable, describe

if TYPE_CHECKING:
    from .tensor import Tensor


class HookMethods(Variable):
    """The methods of a tensor that register hooks."""

    __slots__ = ()

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call ``hook`` with the gradient of this tensor in backward; what it returns replaces it.

        Several are called in the order of registration. ``remove()`` of what is returned removes the hook, and so does
        the end of a block, ``with x.register_hook(...):``. Hooks of a leaf stay while it does not require grad.
        """
        if self.node is None:
            raise RuntimeError("a tensor that does not require grad gets no gradient to hook.")
        self.node.hooks = {} if self.node.hooks is None else self.node.hooks
        return RemovableHandle(self.node.hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call ``hook`` with this leaf when a backward has added to its ``.grad``.

        It may use ``.grad`` up, say step an optimiser of this parameter alone and set it to None.

        Raises:
            RuntimeError: for a tensor that does not require grad or was computed.

        >>> x = mg.ones(2, requires_grad=True)
        >>> handle = x.register_post_accumulate_grad_hook(lambda leaf: leaf.grad.mul_(10))
        >>> (x * 3).sum().backward()
        >>> x.grad
        tensor([30., 30.])
        """
        node = self.node
        if node is None:
            raise RuntimeError("a tensor that does not require grad gets no gradient to hook.")
        if node.op is not None:
            raise RuntimeError(f"{describe(self)} was computed: only leaves accumulate gradients. Use register_hook.")
        if not callable(hook):
            raise TypeError(f"a hook is a function, got {hook!r}.")

        output: Any = node.output  # a weak reference: the node holds this function

        def accumulated(_grad_inputs: Any, _grad_outputs: Any) -> None:
            hook(output())

        node.watch = node.watch or Watch()
        return RemovableHandle(node.watch.hooks, accumulated)

    def retain_grad(self) -> None:
        """Fill ``.grad`` of this intermediate result, too, in backward."""
        if self.node is None:
            raise RuntimeError("a tensor that does not require grad has no gradient to retain.")
        self.node.retains = True
