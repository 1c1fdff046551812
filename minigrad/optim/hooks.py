"""Functions that an optimiser calls around a step, and around saving and loading its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.hooks import RemovableHandle, add_hook

Registered = dict[str, dict[int, Callable[..., Any]]]
"""The hooks by when they are called."""


class Hooks:
    """Registers hooks by PyTorch's names, and calls them."""

    _hooks: Registered

    def _register(self, when: str, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Add a hook, as the last or the first of its kind."""
        if "_hooks" not in vars(self):
            self._hooks = {}
        return add_hook(self._hooks.setdefault(when, {}), hook, prepend)

    def _registered(self, when: str) -> list[Callable[..., Any]]:
        """The hooks of a kind; there are few optimisers with any."""
        return list(self._hooks.get(when, {}).values()) if "_hooks" in vars(self) else []

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; it may return others, ``(args, kwargs)``."""
        return self._register("step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return self._register("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before the state is saved, with ``prepend`` before other hooks."""
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` with the saved state; it may return another. ``prepend``: first."""
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before a state is loaded; it may return another. ``prepend``: first."""
        return self._register("load_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after a state was loaded, with ``prepend`` before other hooks."""
        return self._register("load_post", hook, prepend)

    def _before_step(self, closure: Any) -> Any:
        """Call the hooks before a step; the closure that they leave."""
        for hook in self._registered("step_pre"):
            changed = hook(self, (closure,), {})
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError("a hook before a step returns None or new arguments of step, (args, kwargs).")
            args, kwargs = changed
            closure = kwargs.get("closure", args[0] if args else None)
        return closure

    def _after_step(self, closure: Any) -> None:
        """Call the hooks after a step."""
        for hook in self._registered("step_post"):
            hook(self, (closure,), {})

    def _before_saving(self) -> None:
        for hook in self._registered("state_dict_pre"):
            hook(self)

    def _after_saving(self, state: dict[str, Any]) -> dict[str, Any]:
        """The state that the hooks after saving leave."""
        return self._passed_through("state_dict_post", state)

    def _before_loading(self, state: dict[str, Any]) -> dict[str, Any]:
        """The state that the hooks before loading leave."""
        return self._passed_through("load_pre", state)

    def _passed_through(self, when: str, state: dict[str, Any]) -> dict[str, Any]:
        """A state after the hooks of a kind, each of which may return another."""
        for hook in self._registered(when):
            changed = hook(self, state)
            state = state if changed is None else changed
        return state

    def _after_loading(self) -> None:
        for hook in self._registered("load_post"):
            hook(self)
