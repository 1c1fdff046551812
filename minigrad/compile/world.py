"""``World``: what a step reads and changes, where stand-ins are put before it and real arrays after it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from types import BuiltinFunctionType, EllipsisType, FunctionType, MethodType, NoneType
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.node import Variable, array_of, clock, describe
from ..engine.op import Op
from ..nn.module import Module
from ..nn.parameter import Buffer
from ..nn.snapshot import Snapshot
from ..optim.optimizer import Optimizer
from .program import PLAIN, Place, Result, same
from .stand_in import StandIn
from .trees import mapped, tree_leaves
from .writer import Writer

COPY_OF_SETTINGS = "_call_settings"
"""The attribute in which a module keeps a copy of others, made anew whenever one is set."""
SAID = frozenset((COPY_OF_SETTINGS, "_warned"))
"""Attributes of modules that may change in a step: no arithmetic depends on them."""


ARGUMENTS = (
    ndarray, Variable, *PLAIN, NoneType, EllipsisType, type, Module, Optimizer, np.random.Generator, np.ufunc,
    FunctionType, BuiltinFunctionType, MethodType, partial, Op,
)  # fmt: skip
"""What a step may be called with: what a program is told anew, and what it can know again."""


class Kept:
    """What was in a place before the step: the object, its array, and a copy of that."""

    def __init__(self, place: Place, is_input: bool = False) -> None:
        self.place, self.before, self.is_input = place, place.get(), is_input
        self.array: ndarray | None = place.array()
        self.copy = None if self.array is None else self.array.copy()
        self.stand_in: StandIn | None = None

    def take(self) -> Any:
        """The array that is in the place now; the object from before the step is put there."""
        now = array_of(self.place.get())
        self.place.set(self.before)
        return now

    def restore(self) -> None:
        """Put back the object with the values it had."""
        if self.array is not None and self.array.flags.writeable:
            self.array[...] = self.copy
        self.place.set(self.before)


class World:
    """The places of a step's arrays: those of its tensors, their gradients, and the vectors of its optimisers.

    Args:
        inputs: the arguments of the step.
        state: modules, optimisers and tensors, each with a name, which may be empty.
    """

    def __init__(self, inputs: tuple[Any, ...], state: Iterable[tuple[str, Any]]) -> None:
        self.structure = inputs
        self.inputs = tree_leaves(inputs)
        for number, x in enumerate(self.inputs):
            if not isinstance(x, ARGUMENTS):
                raise TypeError(
                    f"argument {number} is {describe(x)}: a step takes tensors, arrays, numbers, strings, modules, "
                    "optimisers and functions, also in tuples, lists, dicts and dataclasses; give it the parts that it "
                    "needs."
                )
        self.optimizers: list[Optimizer] = []
        self.modules: list[Module] = []
        named: dict[int, tuple[str, Variable]] = {}
        state = list(state)
        self.one_module = sum(isinstance(thing, Module) for _, thing in state) == 1
        for name, thing in state:
            for full_name, tensor in self.tensors_of(name, thing):
                named.setdefault(id(tensor), (full_name, tensor))
        self.tensors = list(named.values())
        self.arguments = {i: x for i, x in enumerate(self.inputs) if isinstance(x, Variable) and id(x) not in named}
        self.memories = [(x, x.memory, x.node) for x in [*self.arguments.values(), *(x for _, x in self.tensors)]]
        self.buffers = [
            (module, name, value) for module in self.modules for name, value in vars(module).items()
            if isinstance(value, Buffer)
        ]  # fmt: skip
        self.attributes = Snapshot(attributes=self.modules)
        self.counters = [Counters(optimizer) for optimizer in self.optimizers]
        self.switches: list[tuple[str, Any, str, bool]] = []
        self.switches += [(type(module).__name__, module, "training", module.training) for module in self.modules]
        self.switches += [(name, tensor, "requires_grad", tensor.node is not None) for name, tensor in self.tensors]
        self.kept: list[Kept] = []
        self.entered = False
        self.needs_a_step = False
        """Whether an optimiser has to take a step before it can be captured."""

    def tensors_of(self, name: str, thing: Any) -> Iterator[tuple[str, Variable]]:
        """The tensors, with names, of one thing of the state; those of the only module without its name."""
        if isinstance(thing, Module):
            self.modules.extend(thing.modules())
            prefix = "" if self.one_module else name
            yield from thing.named_parameters(prefix)
            yield from thing.named_buffers(prefix)
        elif isinstance(thing, Optimizer):
            self.optimizers.append(thing)
            parameters = [parameter for group in thing.param_groups for parameter in group["params"]]
            yield from ((f"parameter {i}", parameter) for i, parameter in enumerate(parameters))
        elif isinstance(thing, Variable):
            yield name or "tensor", thing
        else:
            raise TypeError(f"state: expected modules, optimisers and tensors, got {describe(thing)}.")

    def places(self) -> Iterator[Place]:
        """Where the arrays of the state are kept."""
        for name, tensor in self.tensors:
            yield Place(name, tensor, "array")
            yield Place(f"{name}.grad", tensor, "_grad")
        for optimizer in self.optimizers:
            for group, number, name in optimizer._prepared_state():
                indices = optimizer._blocks[group][number].indices
                yield Place(f"{name} of {indices}", optimizer, "_blocks", group, number, "state", name)

    def twins(self) -> dict[int, Any]:
        """Tensors among the arguments that are there twice, or in the state too: they are one value of the program."""
        found: dict[int, Any] = {}
        known: dict[int, Any] = {id(tensor): tensor for _, tensor in self.tensors}
        for number, x in enumerate(self.inputs):
            if isinstance(x, Variable):
                twin = known.setdefault(id(x), number)
                found.update({} if twin is number else {number: twin})
        return found

    # -- before and after ------------------------------------------------------------------------

    def enter(self, writer: Writer) -> Any:
        """Put stand-ins into all places; return what the step is to be called with."""
        self.entered = True
        for place in self.places():
            kept = Kept(place)
            self.kept.append(kept)
            if kept.array is not None:
                kept.stand_in = writer.state(place, kept.array)
                place.set(kept.stand_in)
        arguments = list(self.inputs)
        writer.program.switches = self.switches
        writer.program.structure = mapped(lambda _: None, self.structure)
        writer.program.settled = {i: x for i, x in enumerate(self.inputs) if not isinstance(x, (ndarray, Variable))}
        writer.program.twins = self.twins()
        for number, x in enumerate(self.inputs):
            if isinstance(x, ndarray):
                arguments[number] = writer.input(number, np.asarray(x))
            elif number in self.arguments and number not in writer.program.twins:
                kept = Kept(Place(f"input {number}", x, "array"), is_input=True)
                self.kept.append(kept)
                kept.stand_in = writer.input(number, x.array)
                kept.place.set(kept.stand_in)
                self.kept.append(Kept(Place(f"the gradient of input {number}", x, "_grad"), is_input=True))
        following = iter(arguments)
        return mapped(lambda _: next(following), self.structure)

    def leave(self, writer: Writer) -> str | None:
        """Put real arrays into all places; what was put there anew is written down. The second time does nothing.

        Returns:
            Why it cannot be captured, or None.
        """
        if not self.entered:
            return None
        self.entered = False
        problems = [problem for counters in self.counters if (problem := counters.join())]
        self.needs_a_step = bool(problems)
        news = [(module, name, buffer, array_of(vars(module).get(name))) for module, name, buffer in self.buffers]
        for module, name, buffer, new in news:  # of all of them before one is changed: they may have changed places
            if vars(module).get(name) is not buffer and isinstance(new, ndarray):  # a Buffer set anew is written to
                buffer.array = new
                vars(module)[name] = buffer
        taken = [(kept, kept.take()) for kept in self.kept]  # all of them, before anything may be refused
        self.note_gradients(taken, writer)
        writer.program.added_to = [kept.place for kept, now in taken if is_added_to(kept, now, writer)]
        replaced = [(kept, now) for kept, now in taken if now is not kept.stand_in]
        if len(replaced) > 1:  # what one is replaced by may be what another one was
            replaced = [(kept, np.copy(now) if is_from_outside(now) else now) for kept, now in replaced]
        for kept, now in replaced:
            leave = self.leave_gradient if kept.place.key == "_grad" else self.leave_array
            problem = leave(kept, now, writer)
            problems += [problem] if problem else []
        for kept in self.kept:
            kept.stand_in = None  # nobody is to hold it any more
        for tensor, memory, _ in self.memories:
            if tensor.memory is not memory:
                tensor.memory = memory
                memory.changed = clock()
        for counters in self.counters:
            counters.forget_unused_state()
        writer.program.read = tensors_with([array for array, _ in writer.program.constants])
        changed = [
            f"{name} is changed by the step, which a program cannot repeat: change it between steps, or keep a tensor "
            "in a Buffer." for name in self.changes()
        ]  # fmt: skip
        return next(iter([*changed, *problems]), None)

    def note_gradients(self, taken: list[tuple[Kept, Any]], writer: Writer) -> None:
        """Which gradients were there when the step began, of those that it does not replace; what it made None."""
        for kept, now in taken:
            if kept.place.key != "_grad" or kept.is_input:
                continue
            forgotten = writer.forgotten.get(id(kept.place.holder))  # whether it was None then, if it was
            if kept.stand_in is not None:
                writer.program.present += [kept.place] * (forgotten is None)
                continue
            writer.program.empty += [kept.place] * (forgotten is not True)
            if forgotten is not None and now is None:
                writer.program.settings.append((kept.place, None))

    def changes(self) -> Iterator[str]:
        """The attributes of modules, settings of optimisers and switches that are others than before the step."""
        names: dict[int, str] = {}
        for module, (_, before) in zip(self.modules, self.attributes.contents):
            of_module = {name: f"{type(module).__name__}.{name}" for name in {**before, **vars(module)}}
            names.update((id(value), of_module[name]) for name, value in before.items())
            yield from (of_module[name] for name in different(before, vars(module)) if name not in SAID)
        for container, before in self.attributes.contents[len(self.modules) :]:
            if different(before, container):
                yield names[id(container)]
        for counters in self.counters:
            yield from counters.changes()
        for name, thing, attribute, before in self.switches:
            if getattr(thing, attribute) is not before:
                yield f"{attribute} of {name}"

    def leave_array(self, kept: Kept, now: Any, writer: Writer) -> str | None:
        """Copy an array that has taken the place of another into that."""
        if kept.stand_in is None or (now.shape, now.dtype) != (kept.stand_in.shape, kept.stand_in.dtype):
            return f"{kept.place.name} has become {describe(now)}: a program cannot change shapes and dtypes."
        outputs = [leaf.value for leaf in tree_leaves(writer.program.outputs) if isinstance(leaf, Result)]
        if any(value.memory is kept.stand_in.value.memory for value in outputs):
            return f"{kept.place.name} is replaced, and returned as it was before: return a copy of it, x.clone()."
        kept.stand_in[...] = now
        return None

    def leave_gradient(self, kept: Kept, now: Any, writer: Writer) -> str | None:
        """Put a real array in place of a gradient."""
        place = kept.place
        place.set(None if now is None else np.array(writer.real(now)))
        if kept.is_input:
            return f"{place.name} is filled: name the tensor in state=[...], or compute it with mg.grad and return it."
        value = None if now is None else writer.value_of(now if isinstance(now, ndarray) else np.asarray(now))
        writer.program.settings.append((place, value))
        return None

    def restore(self, writer: Writer) -> None:
        """Make everything what it was before the step."""
        self.attributes.restore()
        for kept in self.kept:
            kept.restore()
        for tensor, memory, node in self.memories:
            tensor.memory, tensor.node = memory, node
        for counters in self.counters:
            counters.restore()
        for generator, random_state in writer.generators.values():
            generator.bit_generator.state = random_state


def different(before: Any, now: Any) -> list[Any]:
    """The keys of two dicts, or the numbers of two lists, whose values are not the same; what is in one set only."""
    if isinstance(before, set):
        return list(before ^ now)
    before, now = (things if isinstance(things, dict) else dict(enumerate(things)) for things in (before, now))
    return [key for key in {**before, **now} if key not in before or key not in now or not same(before[key], now[key])]


def tensors_with(arrays: list[ndarray]) -> list[tuple[Variable, ndarray]]:
    """The tensors that have one of these arrays, or one of which these are views, and which array that is."""
    arrays = held_elsewhere(arrays) + [array.base for array in arrays if isinstance(array.base, ndarray)]
    numbers = set(map(id, arrays))
    found = [x for x in gc.get_referrers(*arrays) if issubclass(type(x), Variable)] if arrays else []
    return [(tensor, tensor.array) for tensor in found if id(tensor.array) in numbers]


def held_elsewhere(arrays: list[ndarray]) -> list[ndarray]:
    """Those arrays that somebody has besides the program, its writer and the given list: most are made by the step.

    To look for the holders of all would take 10 ms for each 100,000 objects of the process.
    """
    probe = np.empty(0)
    holders = (probe,), (probe,), [probe]  # as many as the others have
    arrays = [*arrays, probe]
    del probe
    counts = [sys.getrefcount(array) for array in arrays]
    return [array for array, count in zip(arrays, counts) if count > counts[-1] and holders]


def is_added_to(kept: Kept, now: Any, writer: Writer) -> bool:
    """Whether it is a gradient that was None, and was filled without having been replaced before."""
    if kept.place.key != "_grad" or kept.stand_in is not None:
        return False
    return not writer.forgotten.get(id(kept.place.holder), now is None)


def is_from_outside(array: Any) -> bool:
    """Whether it stands for an array in a place, or for a view of one."""
    return type(array) is StandIn and array.value.memory.origin in ("state", "input")


class Counters:
    """What an optimiser keeps that is no array: settings, step numbers, which parameters are changed together."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.param_groups = list(optimizer.param_groups)
        self.groups = [(group, dict(group)) for group in optimizer.param_groups]
        self.blocks = [list(blocks) for blocks in optimizer._blocks]
        self.before = [
            (block, {name: dict(value) if type(value) is dict else value for name, value in vars(block).items()})
            for blocks in self.blocks for block in blocks
        ]  # fmt: skip

    def join(self) -> str | None:
        """Change the same parameters together as before the step; why that cannot be captured, or None."""
        if self.optimizer._blocks == self.blocks:
            return None
        self.optimizer._blocks = [list(blocks) for blocks in self.blocks]
        return (
            f"{type(self.optimizer).__name__} has found that some of its parameters get no gradient: take one step "
            "before it is captured."
        )

    def changes(self) -> Iterator[str]:
        """The settings that are others than before the step."""
        kind = type(self.optimizer).__name__
        if different(self.param_groups, self.optimizer.param_groups):
            yield f"the list of parameter groups of {kind}"
        for number, (group, before) in enumerate(self.groups):
            yield from (f"{key} of parameter group {number} of {kind}" for key in different(before, group))

    def forget_unused_state(self) -> None:
        """Forget the state that was made for parameters which then took no step."""
        for block, before in self.before:
            if block.step == before["step"]:
                block.state, block.first_steps = dict(before["state"]), dict(before["first_steps"])

    def restore(self) -> None:
        """Make settings and counters what they were."""
        for group, before in self.groups:
            group.clear()
            group.update(before)
        self.optimizer.param_groups[:] = self.param_groups
        self.optimizer._blocks = self.blocks
        for block, variables in self.before:
            vars(block).update(variables)
