"""Hooks of all modules, which are called before a module's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine.hooks import RemovableHandle
from ..hooks import EVERYWHERE
from ..module import Module

__all__ = [
    "Module",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before the ``forward`` of every module, as ``Module.register_forward_pre_hook`` does.

    >>> with nn.modules.module.register_module_forward_pre_hook(lambda module, args: print(module)):
    ...     y = nn.Sequential(nn.ReLU())(mg.ones(1))
    Sequential(
      (0): ReLU()
    )
    ReLU()
    """
    return EVERYWHERE.add("forward_pre", hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after every module's ``forward``, as ``Module.register_forward_hook`` does.

    Args:
        hook: the function.
        with_kwargs: it also gets the arguments by name, ``hook(module, args, kwargs, output)``.
        always_call: it is called, too, when ``forward`` has raised.

    >>> with nn.modules.module.register_module_forward_hook(lambda module, args, output: output + 1):
    ...     nn.ReLU()(mg.ones(1))
    tensor([2.])
    """
    return EVERYWHERE.add("forward", hook, False, with_kwargs, always_call)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` in backward for every module that is called from now on.

    >>> x = mg.ones(1, requires_grad=True)
    >>> with nn.modules.module.register_module_full_backward_hook(lambda module, inputs, outputs: inputs[0] * 2):
    ...     nn.ReLU()(x).sum().backward()
    >>> x.grad
    tensor([2.])
    """
    return EVERYWHERE.add("backward", hook)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` in backward before that, for every module that is called from now on.

    >>> x = mg.ones(1, requires_grad=True)
    >>> with nn.modules.module.register_module_full_backward_pre_hook(lambda module, outputs: outputs[0] * 2):
    ...     nn.ReLU()(x).sum().backward()
    >>> x.grad
    tensor([2.])
    """
    return EVERYWHERE.add("backward_pre", hook)
