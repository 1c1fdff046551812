"""Tensors over one memory, of which one changes in a graph: what the others become.

A recorded change makes a new array, and the graph keeps the old one. So whoever still looks at the old one follows: the
tensor that owns the memory (the root) gets the new array, and each view is taken from it anew, as it was taken first.
A change of a view is a change of its elements in the root. What cannot follow is refused before anything changes.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .. import ops
from ..engine.modes import Switch
from ..engine.node import OUTDATED, Variable, View, describe, real_array_of, wrap
from ..ops.assigning import assigned
from ..ops.indexing import taken


class Change:
    """A recorded change of a tensor, and who has to follow it."""

    def __init__(self, name: str, tensor: Any) -> None:
        """Find those who look at the memory of the tensor; refuse if one could not follow.

        Raises:
            RuntimeError: if something else looks at the memory that cannot follow.
        """
        self.name, self.tensor = name, tensor
        if tensor.memory.shared:
            raise self.refusal()
        self.root: Any = tensor
        self.followers = followers = others_over(tensor)
        if not hasattr(tensor, "origin"):
            return
        own = real_array_of(tensor.array)
        self.followers = followers = [x for x in followers if np.may_share_memory(real_array_of(x.array), own)]
        if all(any(step is tensor.origin for step in steps_to(x)) for x in followers):
            return  # all are views of this one
        self.root = next((x for x in others_over(tensor) if not hasattr(x, "origin")), None)
        if not all(step.recorded for step in steps_to(tensor)):
            raise self.refusal()
        if self.root is None:
            self.root = recreated(tensor)
        self.root._refuse_graph(name, "is a view of a leaf")
        self.followers = [tensor, *(x for x in others_over(tensor) if x is not self.root)]

    def refusal(self) -> RuntimeError:
        """Why the tensor cannot be changed."""
        return RuntimeError(
            f"{self.name}: {describe(self.tensor)} shares its memory with another tensor or array, which would "
            "not follow. Compute a new tensor, x = x + 1, or change a copy, x.clone()."
        )

    def overwrites(self, index: tuple[Any, ...]) -> None:
        """Note that views of elements at an index are older than what is written there now."""
        part = part_of(real_array_of(self.tensor.array), tuple(map(real_array_of, index)))
        for other in self.followers:
            view = other is not self.tensor and hasattr(other, "seen")
            if view and np.shares_memory(real_array_of(other.array), part):
                other.seen = OUTDATED

    def happens(self, new: Any) -> None:
        """The tensor becomes a result, and those who look at its memory follow."""
        if self.followers and new.memory is self.tensor.memory:
            raise self.refusal()
        paths = [steps_to(x, getattr(self.root, "origin", None)) for x in self.followers]
        if self.root is not self.tensor:
            new = with_part(self.root, steps_to(self.tensor), new)
        laid_out_as(self.root.array, new)
        become(self.root, new)
        for x, path in zip(self.followers, paths):
            follow(x, self.root, path)


def others_over(tensor: Any) -> list[Any]:
    """The other tensors over the memory of a tensor."""
    found = [reference() for reference in tensor.memory.sharers or ()]
    return [x for x in found if x is not None and x is not tensor and x.memory is tensor.memory]


def part_of(array: ndarray, index: tuple[Any, ...]) -> ndarray:
    """The elements at an index as a view; where NumPy would copy them, the whole array."""
    part = array[index]
    if not isinstance(part, ndarray):
        inside = (*index, ...)
        part = array[inside]
    return part if np.may_share_memory(part, array) else array


def recreated(view: Any) -> Any:
    """The root of a view, when nobody holds it any more."""
    first = steps_to(view)[0]
    root = wrap(first.array, first.node)
    root.memory = view.memory
    return root


def steps_to(tensor: Any, start: View | None = None) -> list[View]:
    """How a tensor was taken from the root, step by step; or from the view that ``start`` made."""
    steps, step = [], getattr(tensor, "origin", None)
    while step is not None and step is not start:
        steps.append(step)
        step = step.parent
    return steps[::-1]


def laid_out_as(array: Any, new: Any) -> None:
    """Give a result the order of elements in memory that it takes the place of: by it ``reshape`` views or copies."""
    for order in ("C", "F"):
        flag = f"{order}_CONTIGUOUS"
        if array.flags[flag] and not new.array.flags[flag]:
            new.array = new.array.copy(order)


def become(tensor: Any, new: Any, owns: bool = True) -> None:
    """A tensor becomes a result: its array, its record, its memory, which it owns or is a view of."""
    if new.node is not None:
        new.node.output = weakref.ref(tensor)
        new.node.retains = tensor.node is not None and tensor.node.retains
    tensor.array, tensor.node, tensor.memory = new.array, new.node, new.memory
    if hasattr(tensor, "origin"):
        del tensor.origin
    if tensor.memory.sharers is not None:
        tensor.memory.sharers.insert(0 if owns else len(tensor.memory.sharers), weakref.ref(tensor))


def become_view(tensor: Any, view: Any) -> None:
    """A tensor becomes a view of what it was: over the same memory, unless the operation had to copy."""
    become(tensor, view, view.memory is not tensor.memory)
    for name in ("origin", "seen"):
        if hasattr(view, name):
            setattr(tensor, name, getattr(view, name))


def follow(view: Any, root: Any, steps: Sequence[View]) -> None:
    """Take a view of the root anew."""
    outdated, taken_anew = getattr(view, "seen", None) == OUTDATED, root
    for step in steps:
        with Switch("recording", step.recorded):
            taken_anew = step.function(taken_anew, *step.attributes)
    node = view.node
    become(view, taken_anew, False)
    if node is not None and node.op is None:  # a leaf over the memory of another, detached from it
        view.node = node
    if hasattr(taken_anew, "origin"):
        view.origin = taken_anew.origin
    if hasattr(taken_anew, "seen"):
        view.seen = OUTDATED if outdated else taken_anew.seen


def with_part(root: Any, steps: Sequence[View], new: Any) -> Any:
    """The root with other elements where a view looks."""
    *before, step = steps
    parent = root
    for earlier in before:
        parent = earlier.function(parent, *earlier.attributes)
    changed = put_back(parent, step, new)
    return with_part(root, before, changed) if before else changed


def put_back(x: Variable, step: View, new: Any) -> Any:
    """A tensor with other elements where one step of a view looks: the step's derivative puts them in their place."""
    if step.function is taken:
        return assigned(x, new, *step.attributes)
    (back,) = step.function.by_rules(new, None, (True,), None, x, *step.attributes)
    (mask,) = step.function.by_rules(np.ones(new.shape), None, (True,), None, x, *step.attributes)
    return back if mask.all() else ops.where(mask > 0, back, x)
