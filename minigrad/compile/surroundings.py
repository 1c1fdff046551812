"""Whether what a step reads from outside is what it was: asked before each call, in one pass."""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CellType
from typing import Any

from ..engine import hooks
from ..engine.dtypes import OF_NUMBERS
from ..engine.node import Variable
from ..nn.module import Module
from ..nn.tree import changes
from ..optim.optimizer import Optimizer
from .finding import Finding, contents_of, frozen
from .unrolled import unrolled
from .world import SAID

NO_PART = SAID | {"_hooks"}
"""Attributes of modules that are no part of the key; the functions of hooks are."""


UNLIKE = (ValueError, TypeError, KeyError, RuntimeError)
"""What comparing arrays or tensors that are not the same raises, and asking for names that are gone."""


class Surroundings:
    """The modules, optimisers, tensors and variables that a function reads, as they are now.

    ``key`` says all that a program depends on; ``names`` what each part of it is. ``quick`` and ``unchanged`` say
    whether they are still so: it may be no, and the key of what is there then the same as before.

    Args:
        function: the step.
        given: what it reads and changes besides.
        arguments: those of its arguments that may be, or hold, modules, optimisers and functions.
    """

    def __init__(self, function: Any, given: Sequence[Any], arguments: Sequence[Any]) -> None:
        self.arguments = list(arguments)
        found = Finding(function, [*given, *arguments])
        self.state = found.state
        self.hooks, self.default = hooks.registrations.count, OF_NUMBERS[float]
        self.reads = found.reads
        self.cells = [(read.holder, read.value) for read in found.reads if isinstance(read.holder, CellType)]
        self.items = [(*read[1:],) for read in found.reads if not isinstance(read.holder, CellType)]
        self.modules = self.all_modules()
        tensors: dict[int, tuple[str, Any]] = {}
        self.optimizers: list[Optimizer] = []
        for name, thing in self.state:
            if isinstance(thing, Optimizer):
                self.optimizers.append(thing)
            for full_name, tensor in tensors_of(name, thing):
                tensors.setdefault(id(tensor), (full_name, tensor))
        self.tensors = [(tensor, tensor.array, tensor.node) for _, tensor in tensors.values()]
        self.switched_off = [optimizer._switched_off() for optimizer in self.optimizers]
        for optimizer in self.optimizers:
            self.items.append((vars(optimizer), "_blocks", optimizer._blocks))
            for block in (block for blocks in optimizer._blocks for block in blocks):
                self.items += [(block.state, name, vector) for name, vector in block.state.items()]
        self.set, self.attributes = changes.count, [vars(module) for _, module in self.modules]
        self.boxes: list[Any] = [box for _, box in found.boxes if not isinstance(box, tuple)]
        self.boxes += [box for each in self.attributes for box in each.values() if isinstance(box, (list, dict, deque))]
        self.boxes += [blocks for optimizer in self.optimizers for blocks in optimizer._blocks]
        self.then, self.boxes_then = [each.copy() for each in self.attributes], [box.copy() for box in self.boxes]
        self.kept = found.seen, self.then, self.boxes_then
        parts = list(self.parts(found, list(tensors.values())))
        self.names = [name for name, _ in parts]
        self.key = tuple([part for _, part in parts])
        self.quick = self.quick_check()

    def all_modules(self) -> list[tuple[str, Module]]:
        """Each module of the state, with a name."""
        modules: dict[int, tuple[str, Module]] = {}
        for root, thing in self.state:
            if isinstance(thing, Module):
                for path, module in thing.named_modules():
                    modules.setdefault(id(module), (".".join(filter(None, (root, path))), module))
        return list(modules.values())

    def parts(self, found: Finding, tensors: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
        """The parts of the key, each with a name."""
        for name, module in self.modules:
            kind = f"{name} ({type(module).__name__})" if name else type(module).__name__
            yield f"the module {kind}", id(module)
            for key, value in vars(module).items():
                if key not in NO_PART:
                    yield f"{key} of {kind}", (key, frozen(value))
        for name, tensor in tensors:
            yield f"the tensor {name}", id(tensor)
            yield f"requires_grad of {name}", tensor.node is not None
            yield f"the memory of {name}", (tensor.array.shape, tensor.array.dtype, tensor.array.strides)
            node = tensor.node
            if node is not None and (node.hooks or node.watch):
                watched = node.watch.hooks if node.watch else {}
                yield f"the hooks of {name}", (*map(id, (node.hooks or {}).values()), *map(id, watched.values()))
        for optimizer, off in zip(self.optimizers, self.switched_off):
            kind = type(optimizer).__name__
            groups = [frozenset(each) for each in off]
            yield f"the settings of {kind} that are switched on", (id(optimizer), *groups)
            yield (
                f"the parameters of {kind}",
                tuple(tuple(map(id, group["params"])) for group in optimizer.param_groups),
            )
            yield f"the blocks of {kind}", tuple(tuple(map(id, blocks)) for blocks in optimizer._blocks)
        for name, holder, key, value in found.reads:
            yield name, (id(holder), key, frozen(value))
        for name, box in found.boxes:
            yield name, (id(box), frozen(box))
        hooked = [name for name in found.seen.values() if callable(name) and not isinstance(name, (Module, Optimizer))]
        yield "the default dtype", self.default
        yield "the functions that it calls", tuple(map(id, hooked))

    def has(self, arguments: Sequence[Any]) -> bool:
        """Whether these are the arguments."""
        return len(arguments) == len(self.arguments) and all(map(operator.is_, arguments, self.arguments))

    def quick_check(self) -> Callable[[], bool]:
        """A function that says in one pass whether nothing has changed; if it says no, ``unchanged`` asks again."""
        counts = [
            ("{0}.count == {1}.set", changes, self),
            ("{0}.count == {1}.hooks", hooks.registrations, self),
            ("{0}[{1}] is {2}", OF_NUMBERS, float, self.default),
        ]
        same: list[tuple[Any, ...]] = [("{0} == {1}", self.boxes, self.boxes_then)] if self.boxes else []
        same += [("{0}.array is {1} and {0}.node is {2}", *row) for row in self.tensors]
        same += [("{0}[{1}] is {2}", *row) for row in self.items]
        same += [("{0}.cell_contents is {1}", *row) for row in self.cells]
        settings = [("{0}.param_groups == {1}.known", each, each._checked_settings) for each in self.optimizers]
        nothing_new = unrolled(
            "",
            "return {all} and (({settings}) or {others})",
            all=(" and ", counts + same),
            settings=(" and ", settings),
            others=(", ", [("{0}.same_settings()", self)]),
        )

        def quick() -> bool:
            try:
                return nothing_new() or self.unchanged()
            except UNLIKE:
                return False

        return quick

    def unchanged(self) -> bool:
        """Whether nothing that may matter is another object, or has another value."""
        if hooks.registrations.count != self.hooks or OF_NUMBERS[float] is not self.default:
            return False
        try:
            if self.attributes != self.then or self.boxes != self.boxes_then:
                return False
            self.set = changes.count
            same_tensors = all(tensor.array is array and tensor.node is node for tensor, array, node in self.tensors)
            same_items = all(holder[key] is value for holder, key, value in self.items)
            if not same_tensors or not same_items or any(cell.cell_contents is not value for cell, value in self.cells):
                return False
            return self.same_settings()
        except UNLIKE:
            return False

    def same_settings(self) -> bool:
        """Whether the optimisers' settings, which are other numbers, mean the same arithmetic."""
        same = [optimizer._switched_off() for optimizer in self.optimizers] == self.switched_off
        if not same:
            self.hooks = -1  # asked again, it is not the same either, though the settings are known now
        return same

    def changes(self) -> Iterator[str]:
        """The variables of Python's that are others now: what the step itself has changed."""
        for name, holder, key, value in self.reads:
            now = contents_of(holder) if isinstance(holder, CellType) else (holder.get(key),)
            if now != () and now[0] is not value:
                yield name
        if [len(box) for box in self.boxes] != [len(box) for box in self.boxes_then]:
            yield "a list or dict that it reads"


def tensors_of(name: str, thing: Any) -> Iterator[tuple[str, Any]]:
    """The tensors of one thing of the state, with names."""
    prefix = f"{name}." if name else ""
    if isinstance(thing, Module):
        for named in (thing.named_parameters, thing.named_buffers):
            yield from ((prefix + path, tensor) for path, tensor in named())
    elif isinstance(thing, Optimizer):
        for group in thing.param_groups:
            yield from ((f"{prefix}parameter {i}", tensor) for i, tensor in enumerate(group["params"]))
    elif isinstance(thing, Variable):
        yield name or "tensor", thing


def guards(optimizers: Iterable[Optimizer]) -> list[Callable[..., Any]]:
    """The functions by which optimisers check their settings: ``unchanged`` asks that before."""
    return [check for each in optimizers for check in (each._check_settings, each._refuse_other_branches)]
