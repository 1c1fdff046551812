"""Hooks of modules: how they are kept, and a call with them.

Hooks of gradients need the gradients of all inputs, or outputs, of a call at once: ``gathered`` waits for them.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.errors import InvalidTypeError
from ..engine.hooks import GroupHook, RemovableHandle, add_hook
from ..engine.modes import current
from ..engine.node import Variable, describe, wrap
from ..engine.scope import Scope

Gradients = list[Any]


class Hook:
    """A hook of modules, and how it wants to be called."""

    __slots__ = ("always_call", "function", "with_kwargs")

    def __init__(self, function: Callable[..., Any], with_kwargs: bool, always_call: bool) -> None:
        if not callable(function):
            raise InvalidTypeError(f"a hook is a function, got {describe(function)}.")
        self.function, self.with_kwargs, self.always_call = function, with_kwargs, always_call

    def __call__(self, module: Any, args: Any, kwargs: Any, *output: Any) -> Any:
        """What it returns for a call of a module."""
        return self.function(module, args, *([kwargs] if self.with_kwargs else []), *output)


class Hooks:
    """The hooks of a module, by kind, in the order in which they are called."""

    def __init__(self) -> None:
        self.kinds: dict[str, dict[int, Hook]] = {}

    def add(
        self, kind: str, function: Any, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Add a hook, as the last or the first of its kind."""
        hook = Hook(function, with_kwargs, always_call)
        hooks = self.kinds.setdefault(kind, {})
        handle = add_hook(hooks, hook, prepend)
        return OfKind(self.kinds, kind, hooks, handle.id)


class OfKind(RemovableHandle):
    """The handle of a hook of modules: with the last of its kind the kind goes, so that calls need not look for it."""

    def __init__(self, kinds: dict[str, dict[int, Any]], kind: str, hooks: dict[int, Any], number: int) -> None:
        self.kinds, self.kind, self.hooks, self.id = kinds, kind, hooks, number

    def remove(self) -> None:
        """Take the hook away; if it is gone already, nothing happens."""
        super().remove()
        if not self.hooks and self.kinds.get(self.kind) is self.hooks:
            del self.kinds[self.kind]


EVERYWHERE = Hooks()
"""The hooks of all modules, which are called before a module's own."""


def hooks_of(module: Any, kind: str) -> list[Hook]:
    """The hooks of a kind that a module's call runs."""
    own = module._hooks.kinds.get(kind, {}) if module._hooks else {}
    return [*EVERYWHERE.kinds.get(kind, {}).values(), *own.values()]


def note_place(error: Exception, scope: Scope | None) -> None:
    """Say in a note of an exception which module raised it, unless its message does, or a module below has said so."""
    trace = error.__traceback__.tb_next if error.__traceback__ else None
    code = error.__traceback__.tb_frame.f_code if error.__traceback__ else None
    while trace is not None:
        if trace.tb_frame.f_code is code:
            return
        trace = trace.tb_next
    with contextlib.suppress(Exception):  # what is being raised matters more than a note of it
        if str(scope) not in str(error):
            error.add_note(f"raised in {scope}")


# -- calls ---------------------------------------------------------------------------------------


class HookedCall:
    """A call of a module with hooks, which may replace arguments and output."""

    def __init__(self, module: Any, args: Any, kwargs: Any) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs
        self.output: Any = None
        self.done: list[Hook] = []
        self.walked_back: WalkedBack | None = None

    def before(self) -> None:
        """Call the hooks before ``forward``."""
        for hook in hooks_of(self.module, "forward_pre"):
            self.args, self.kwargs = changed_arguments(hook, self.module, self.args, self.kwargs)
        self.walked_back = WalkedBack.of(self.module)
        if self.walked_back:
            self.args = self.walked_back.enter(self.args)

    def after(self, output: Any) -> None:
        """Call the hooks after it."""
        self.output = output
        for hook in hooks_of(self.module, "forward"):
            self.done.append(hook)
            self.call(hook)
        if self.walked_back:
            self.output = self.walked_back.leave(self.output)

    def call(self, hook: Hook) -> None:
        """Call a hook after ``forward``."""
        changed = hook(self.module, self.args, self.kwargs, self.output)
        self.output = self.output if changed is None else changed

    def failed(self) -> None:
        """Call the hooks that are always called, after an error."""
        for hook in hooks_of(self.module, "forward"):
            if hook.always_call and hook not in self.done:
                try:
                    self.call(hook)
                except Exception as error:  # the first error is the one to raise
                    warnings.warn(
                        "a forward hook with always_call=True raised an error after another error, which is raised: "
                        f"{type(error).__name__}: {error}",
                        stacklevel=3,
                    )


def changed_arguments(hook: Hook, module: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The arguments of a call as a hook before it leaves them."""
    changed = hook(module, args, kwargs)
    if changed is None:
        return args, kwargs
    if not hook.with_kwargs:
        return as_tuple(changed), kwargs
    if not (isinstance(changed, tuple) and len(changed) == 2):
        raise RuntimeError(
            f"a forward pre-hook with kwargs returns None or (new_args, new_kwargs), got {describe(changed)}."
        )
    return changed[0], changed[1]


class WalkedBack:
    """One call of a module with hooks on its gradients."""

    def __init__(self, module: Any, before: list[Hook], after: list[Hook]) -> None:
        self.module, self.before, self.after = module, before, after
        self.grad_outputs: tuple[Any, ...] | None = None
        self.inputs = 0
        self.has_inputs = False

    @classmethod
    def of(cls, module: Any) -> WalkedBack | None:
        """For a module with such hooks."""
        before, after = hooks_of(module, "backward_pre"), hooks_of(module, "backward")
        return cls(module, before, after) if before or after else None

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, those that require grad seen through."""
        self.inputs = len(args)
        new, self.has_inputs = seen_through(args, self.at_inputs)
        return new

    def leave(self, output: Any) -> Any:
        """The output, a tensor or a tuple of them, seen through."""
        if not isinstance(output, tuple):
            return seen_through((output,), self.at_outputs)[0][0]
        new, _ = seen_through(output, self.at_outputs)
        return type(output)(*new) if hasattr(output, "_fields") else new

    def at_outputs(self, gradients: Gradients) -> Sequence[Any]:
        """The gradients of the outputs are there."""
        shown = tuple(gradients)
        for hook in self.before:
            shown = self.returned("backward pre-hook", "grad_output", hook.function(self.module, shown), shown)
        self.grad_outputs = shown
        if not self.has_inputs:
            nothing = (None,) * self.inputs
            for hook in self.after:
                changed = hook.function(self.module, nothing, shown)
                if changed is not None and any(part is not None for part in as_tuple(changed)):
                    raise RuntimeError(
                        f"a backward hook of {type(self.module).__name__}, no input of which requires grad, returned "
                        "gradients of inputs: return None."
                    )
            self.grad_outputs = None
        return shown

    def at_inputs(self, gradients: Gradients) -> Sequence[Any]:
        """The gradients of the inputs are there; in a second walk it may be that those of the outputs were not."""
        shown = tuple(gradients)
        if self.grad_outputs is not None:
            try:
                for hook in self.after:
                    changed = hook.function(self.module, shown, self.grad_outputs)
                    shown = self.returned("backward hook", "grad_input", changed, shown)
            finally:
                self.grad_outputs = None
        return shown

    def returned(self, kind: str, what: str, changed: Any, before: tuple[Any, ...]) -> tuple[Any, ...]:
        """The gradients as a hook leaves them."""
        if changed is None:
            return before
        new = as_tuple(changed)
        if len(new) != len(before):
            raise RuntimeError(
                f"a {kind} of {type(self.module).__name__} returned {len(new)} {what}, expected {len(before)}: one for "
                "each, None where there is none."
            )
        return new


def as_tuple(value: Any) -> tuple[Any, ...]:
    """What a hook returned, as a tuple."""
    return value if isinstance(value, tuple) else (value,)


# -- gradients of several tensors at once --------------------------------------------------------------


def seen_through(
    values: tuple[Any, ...], function: Callable[[Gradients], Sequence[Any]]
) -> tuple[tuple[Any, ...], bool]:
    """Values with views in place of the tensors that require grad, whose gradients ``function`` sees and replaces.

    ``function`` gets a list, None for every value that has no gradient, and returns one. Also whether it is called.
    """
    places = [i for i, x in enumerate(values) if isinstance(x, Variable) and x.node is not None]
    if not places or not current().recording:
        return values, False
    new: list[Any] = list(values)
    for i in places:
        new[i] = new[i].view(new[i].shape)
    meeting = Meeting(len(values), function)
    for i in places:
        hook_on(new[i], Replaced(meeting, i))
    if len(places) > 1:  # a second view of each is visited before the first views are
        for i in places:
            new[i] = new[i].view(new[i].shape)
        for i in places:
            hook_on(new[i], Arriving(meeting, i))
    return tuple(new), True


def hook_on(tensor: Any, hook: GroupHook) -> None:
    """Have a hook see, and replace, the gradient of a tensor."""
    tensor.node.hooks = {} if tensor.node.hooks is None else tensor.node.hooks
    RemovableHandle(tensor.node.hooks, hook)


class Meeting:
    """Where the gradients of several tensors wait for each other in a walk.

    A walk visits the newest nodes first: when it comes to the first of the older views, it has seen all newer ones.
    """

    def __init__(self, count: int, function: Callable[[Gradients], Sequence[Any]]) -> None:
        self.count, self.function = count, function
        self.walk: Any = None
        self.gradients: Gradients = []
        self.replaced: Sequence[Any] | None = None

    def begin(self, walk: Any) -> None:
        """Forget an earlier walk, which may have ended with an error."""
        if walk is not self.walk:
            self.walk, self.gradients, self.replaced = walk, [None] * self.count, None


class Arriving(GroupHook):
    """Takes the gradient of one tensor to the meeting."""

    group: Any

    def __init__(self, meeting: Meeting, number: int) -> None:
        self.group, self.number = meeting, number

    def arrived(self, gradient: Any, of_walk: Any, visited: Any) -> None:
        """The gradient of this tensor is there."""
        self.group.begin(of_walk)
        self.group.gradients[self.number] = gradient


class Replaced(Arriving):
    """Takes the gradient of one tensor from the meeting."""

    def arrived(self, gradient: Any, of_walk: Any, visited: Any) -> None:
        """The gradients of all these tensors are there."""
        super().arrived(gradient, of_walk, visited)
        if self.group.replaced is None:
            self.group.replaced = self.group.function(self.group.gradients)

    def __call__(self, gradient: Any) -> Any:
        """What takes the place of the gradient of this tensor; zeros for None, which to a walk would be no change."""
        new = self.group.replaced[self.number]
        return wrap(np.zeros(gradient.shape, gradient.dtype)) if new is None else new
