"""How modules register what they hold by name, and hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.arguments import a_type
from ..engine.hooks import RemovableHandle
from .hooks import Hooks
from .tree import Branch


def register(module: Any, name: Any, value: Any, kind: type) -> None:
    """Set an attribute that must be found again by its name and its type.

    Raises:
        TypeError: if it is neither of the type nor None, or the name no string.
        KeyError: for a name that is empty, has a dot, or is that of something else.
    """
    place, word = type(module).__name__, kind.__name__.lower()
    if not isinstance(name, str):
        raise TypeError(f"{place}: the name of a {word} must be a string, got {a_type(name)}.")
    if not name or "." in name:
        raise KeyError(f"{place}: {name!r} cannot name a {word}: it is empty, or has dots, which separate a path.")
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"{place}.{name}: expected a {kind.__name__} or None, got {a_type(value)}.")
    before = getattr(module, name, None)
    if before is not None and not isinstance(before, kind):
        raise KeyError(f"{place} has an attribute {name!r} already, {a_type(before)}: choose another name.")
    setattr(module, name, value)


class Hooked(Branch):
    """Registers hooks by PyTorch's names. A deep copy has copies of them, which handles of the original leave alone."""

    _hooks: Hooks | None = None
    """None until the first is registered, so that a call of a module without hooks costs one look."""

    def _own_hooks(self) -> Hooks:
        if self._hooks is None:
            self.__dict__["_hooks"] = Hooks()
        return self._hooks  # type: ignore[return-value]

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before every ``forward``.

        Args:
            hook: a function of the module and the tuple of its positional arguments. It returns None or new arguments,
                a tuple or the only one.
            prepend: call it before this module's other hooks of its kind, not after them.
            with_kwargs: call ``hook(module, args, kwargs)``, which returns None or ``(new_args, new_kwargs)``.

        Returns:
            A handle; ``remove()`` or the end of a ``with`` block takes the hook away.

        Raises:
            TypeError: if ``hook`` is no function.

        >>> double = nn.Identity()
        >>> with double.register_forward_pre_hook(lambda module, args: args[0] * 2):
        ...     double(mg.ones(2))
        tensor([2., 2.])
        """
        return self._own_hooks().add("forward_pre", hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after every ``forward``.

        Args:
            hook: a function of the module, the tuple of its positional arguments and what forward returned. It returns
                None or another output.
            prepend: call it before this module's other hooks of its kind, not after them.
            with_kwargs: call ``hook(module, args, kwargs, output)``.
            always_call: call it also if the call raises an error, with the output so far or None; an error of the hook
                is then a warning.

        Returns:
            A handle; ``remove()`` or the end of a ``with`` block takes the hook away.

        Raises:
            TypeError: if ``hook`` is no function.

        >>> layer, shapes = nn.Linear(2, 3), []
        >>> handle = layer.register_forward_hook(lambda module, args, output: shapes.append(output.shape))
        >>> y = layer(mg.ones(4, 2))
        >>> shapes
        [(4, 3)]
        >>> handle.remove()
        """
        return self._own_hooks().add("forward", hook, prepend, with_kwargs, always_call)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of a call's inputs are computed.

        Args:
            hook: a function of the module and two tuples: the gradients of its positional arguments, and those of its
                output, a tensor or a tuple of tensors; None for what has none. It returns None or a new
                ``grad_input``, which takes the place of the gradients. If no argument requires grad, it is called when
                the gradients of the output are there. An output in a list or a dict has no such hooks.
            prepend: call it before this module's other hooks of its kind, not after them.

        Returns:
            A handle; ``remove()`` or the end of a ``with`` block takes the hook away from calls that follow.

        Raises:
            TypeError: if ``hook`` is no function.

        >>> relu, x = nn.ReLU(), mg.ones(2, requires_grad=True)
        >>> with relu.register_full_backward_hook(lambda module, grad_input, grad_output: grad_input[0] * 10):
        ...     relu(x).sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        return self._own_hooks().add("backward", hook, prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the derivatives of a call are computed.

        Args:
            hook: a function of the module and the tuple of its outputs' gradients. It returns None or a new
                ``grad_output``, from which the derivatives are computed then.
            prepend: call it before this module's other hooks of its kind, not after them.

        Returns:
            A handle; ``remove()`` or the end of a ``with`` block takes the hook away from calls that follow.

        Raises:
            TypeError: if ``hook`` is no function.

        >>> relu, x = nn.ReLU(), mg.ones(2, requires_grad=True)
        >>> with relu.register_full_backward_pre_hook(lambda module, grad_output: grad_output[0] * 10):
        ...     relu(x).sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        return self._own_hooks().add("backward_pre", hook, prepend)
