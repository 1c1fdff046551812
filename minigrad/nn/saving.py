"""The methods of modules that save and load their state, and the hooks around these."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from ..engine.arguments import a_type
from ..engine.hooks import RemovableHandle
from .hooks import Hooks
from .state import IncompatibleKeys, load, saved
from .tree import Branch, walk


class Saved(Branch):
    """Saves and loads a tree of modules."""

    _hooks: Hooks | None
    _own_hooks: Callable[[], Hooks]

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> OrderedDict[str, Any]:
        """Copies of all parameters and persistent buffers, by name: training on does not change them.

        Args:
            *args: the three that follow by position, which is deprecated.
            destination: a dict to write into, which is returned; without one, a new one.
            prefix: stands before every name.
            keep_vars: the parameters and buffers themselves, not copies of them.

        Behind those of a module whose class defines ``get_extra_state`` is what that returns, as ``_extra_state``.

        >>> list(nn.Linear(2, 1).state_dict(prefix="head."))
        ['head.weight', 'head.bias']
        """
        if args:
            warnings.warn("state_dict: give destination, prefix and keep_vars by name.", FutureWarning, stacklevel=2)
            if len(args) > 3:
                raise TypeError(f"state_dict takes destination, prefix and keep_vars, got {len(args)} arguments.")
            given: Any = (*args, *(destination, prefix, keep_vars)[len(args) :])
            destination, prefix, keep_vars = given
        if not isinstance(prefix, str):
            raise TypeError(f"state_dict: prefix must be text, got {a_type(prefix)}.")
        path = prefix.removesuffix(".")  # a prefix mostly ends with the dot that names are joined by
        tree: list[tuple[str, Any]] = [(f"{prefix}{name}" if name else path, module) for name, module in walk(self)]
        for name, module in tree:
            for hook in module._hooks_of("state_pre"):
                hook(module, name and f"{name}.", keep_vars)
        found = {
            prefix + name: holder.get_extra_state() if value is None else value if keep_vars else value.detach().clone()
            for name, (value, holder, _) in saved(self).items()
        }
        state: OrderedDict[str, Any] = OrderedDict() if destination is None else destination
        state.update(found)
        for name, module in reversed(tree):
            for hook in module._hooks_of("state_post"):
                if hook(module, state, name and f"{name}.", {"version": 1}) is not None:
                    raise RuntimeError("a hook after state_dict returns None: change the dict in place.")
        return state

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Take over the values of a ``state_dict``, in place: all of them or, after an error, none.

        Args:
            state_dict: tensors or arrays by name.
            strict: refuse missing and unexpected names; else they are returned.
            assign: take over the memory and the dtypes of the tensors, too, instead of copying their values. The
                parameters stay the same objects, so an optimiser goes on with them.

        Returns:
            The names on which the two did not agree, ``missing_keys`` and ``unexpected_keys``.

        Raises:
            RuntimeError: with all names that are missing, unexpected, of another shape, or too large for the dtype.

        >>> a, b = nn.Linear(2, 1), nn.Linear(2, 1)
        >>> a.load_state_dict(b.state_dict())
        <All keys matched successfully>
        """
        return load(self, state_dict, strict, assign)

    def get_extra_state(self) -> Any:
        """What else a ``state_dict`` should have of this module, as ``_extra_state``; subclasses define it.

        >>> class Counted(nn.Module):
        ...     count = 3
        ...     def get_extra_state(self):
        ...         return self.count
        ...     def set_extra_state(self, state):
        ...         self.count = state
        >>> dict(Counted().state_dict())
        {'_extra_state': 3}
        """
        raise RuntimeError(f"{type(self).__name__} has no extra state: define get_extra_state(self) to save one.")

    def set_extra_state(self, state: Any) -> None:
        """Take over the ``state`` that ``get_extra_state`` returned; subclasses define it."""
        raise RuntimeError(f"{type(self).__name__} has no extra state: define set_extra_state(self, state) to load it.")

    def _has_extra(self, verb: str) -> bool:
        """Whether its class defines ``get_extra_state``, or ``set_extra_state``."""
        method = f"{verb}_extra_state"
        return getattr(type(self), method) is not getattr(Saved, method)

    def _worth_without(self, name: str) -> str:
        """Why a loaded state is worth less without an optional name; "" if it is not."""
        return ""

    # -- hooks ---------------------------------------------------------------------------------

    def _hooks_of(self, kind: str) -> list[Callable[..., Any]]:
        """The hooks of a kind around saving and loading."""
        return [hook.function for hook in self._hooks.kinds.get(kind, {}).values()] if self._hooks else []

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict`` of this module or one around it.

        Returns a handle; ``remove()`` or the end of a ``with`` block takes the hook away.
        """
        return self._own_hooks().add("state_pre", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after it; the hook changes the dict in place.

        Returns a handle; ``remove()`` or the end of a ``with`` block takes the hook away.

        >>> layer = nn.Linear(2, 1)
        >>> with layer.register_state_dict_post_hook(lambda module, state, prefix, _: state.update(version=2)):
        ...     list(layer.state_dict())
        ['weight', 'bias', 'version']
        """
        return self._own_hooks().add("state_post", hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a hook before a state is loaded, which may rename or change what is in it.

        Args:
            hook: called with the module, a dict of the whole state to change in place, the prefix of the module's
                names in it, metadata, ``strict``, and lists of missing names, unexpected names and error messages,
                which may be added to.

        Returns:
            A handle; ``remove()`` or the end of a ``with`` block takes the hook away.

        >>> def rename(module, state_dict, prefix, *_):
        ...     state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> with layer.register_load_state_dict_pre_hook(rename):
        ...     layer.load_state_dict({"w": mg.ones(1, 1)})
        <All keys matched successfully>
        """
        return self._own_hooks().add("load_pre", hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after a state was loaded, the inner modules' first.

        The hook may change the two lists of names in place: what it takes away is no error. If it raises one, the
        module is as before. Returns a handle; ``remove()`` or the end of a ``with`` block takes the hook away.
        """
        return self._own_hooks().add("load_post", hook)
