"""Hooks: functions that look at the gradients of a walk back, and the handles that take them away."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from typing import Any

numbers = itertools.count(1).__next__
"""The keys of hooks, in the order of registration."""


class Registrations:
    """How often a hook of any object was registered or removed: what was derived from hooks holds until it changes."""

    count = 0


registrations = Registrations()


class RemovableHandle:
    """What registering a hook returns; as a context manager it removes the hook at the end of the block.

    >>> x = mg.ones(2, requires_grad=True)
    >>> with x.register_hook(lambda gradient: gradient * 10):
    ...     x.sum().backward()
    >>> x.sum().backward()
    >>> x.grad
    tensor([11., 11.])
    """

    def __init__(self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        if not callable(hook):
            raise TypeError(f"a hook is a function, got {hook!r}.")
        self.hooks, self.id = hooks, numbers()
        hooks[self.id] = hook
        registrations.count += 1

    def remove(self) -> None:
        """Take the hook away; if it is gone already, nothing happens."""
        self.hooks.pop(self.id, None)
        registrations.count += 1

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def add_hook(hooks: dict[int, Any], hook: Callable[..., Any], first: bool) -> RemovableHandle:
    """Add a hook to others of its kind, as the last or the first."""
    handle = RemovableHandle(hooks, hook)
    if first:
        others = {number: other for number, other in hooks.items() if number != handle.id}
        for number in others:
            del hooks[number]
        hooks.update(others)
    return handle


class Handles:
    """The handles of hooks that belong together."""

    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self.handles = handles

    def remove(self) -> None:
        """Take all of them away."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> Handles:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class Watch:
    """What is rarely wanted of a node: the line that applied it, hooks on its operands' gradients, users' notes."""

    __slots__ = ("careful", "hooks", "line", "metadata")

    def __init__(self, line: str | None = None, careful: bool = False) -> None:
        self.line = line
        """Under ``detect_anomaly`` the line of the user's code that applied it."""
        self.careful = careful
        """Whether every walk back looks for NaN and infinities here."""
        self.metadata: dict[Any, Any] = {}
        self.hooks: dict[int, Callable[[tuple[Any, ...], tuple[Any, ...]], Any]] = {}
        """Called with the gradients of the operands and of the output; a leaf's, when ``.grad`` has been added to."""


class AfterBackward:
    """A function that is called once after a backward that has reached one or more of several leaves.

    It is registered as a hook of each of them, and called when all ``.grad`` are there and all other hooks are done,
    with the nodes that backward began at.
    """

    def __init__(self, function: Callable[[Sequence[Any]], None]) -> None:
        self.function = function

    def __call__(self, grad_inputs: Any, grad_outputs: Any) -> None:
        """Nothing yet: other leaves may follow."""


class PreHook:
    """A hook of a node, as one of the tensor that it made: it is called after all of those."""

    def __init__(self, function: Callable[[tuple[Any, ...]], Any]) -> None:
        if not callable(function):
            raise TypeError(f"a hook is a function, got {function!r}.")
        self.function = function

    def __call__(self, gradient: Any) -> Any:
        """The gradient that replaces this one, or None."""
        replaced = self.function((gradient,))
        return replaced[0] if isinstance(replaced, (tuple, list)) else replaced


class GroupHook:
    """The hook of one of several tensors, which is called when the gradients of all, or of the first, are there."""

    def __init__(self, group: Group, number: int) -> None:
        self.group, self.number = group, number

    def __call__(self, gradient: Any) -> None:
        """Nothing: the walk calls ``arrived``, which is told of which walk the gradient is."""

    def arrived(self, gradient: Any, of_walk: Any, visited: Callable[[], Collection[Any]]) -> None:
        """Pass on the gradient of this tensor, in the walk with the roots ``of_walk``, which visits ``visited()``."""
        self.group.arrived(self.number, gradient, of_walk, visited)


class Group:
    """Several tensors with one hook."""

    def __init__(self, nodes: Sequence[Any], function: Callable[[Any], Any], first_only: bool) -> None:
        self.nodes, self.function, self.first_only = nodes, function, first_only
        self.walks: dict[int, tuple[Any, list[Any], list[bool]]] = {}
        """By the id of a walk's roots: the roots, the gradients so far, and which are still to come."""

    def arrived(self, number: int, gradient: Any, of_walk: Any, visited: Callable[[], Collection[Any]]) -> None:
        """Note a gradient; call the function if it was the last, or the first."""
        if id(of_walk) not in self.walks:
            nodes = visited()
            self.walks[id(of_walk)] = (of_walk, [None] * len(self.nodes), [node in nodes for node in self.nodes])
            if self.first_only:
                self.function(gradient)
        _, gradients, awaited = self.walks[id(of_walk)]
        gradients[number], awaited[number] = gradient, False
        if not any(awaited):
            del self.walks[id(of_walk)]
            if not self.first_only:
                self.function(gradients)
