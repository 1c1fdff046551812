"""``Writer``: what stand-ins and ``host`` write a program with while a step runs."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.modes import own_calls
from .program import Instruction, Memory, Place, Program, Value, leaves, mapped
from .stand_in import Refusal, StandIn


class Writer:
    """Carries out each call on stand-ins and writes it down."""

    def __init__(self) -> None:
        self.program = Program()
        self.stand_ins: list[weakref.ref[StandIn]] = []
        """All of them: when the step is over, nobody may hold any."""
        self.memories: dict[int, Memory] = {}
        """The memory of arrays from outside, by the array that owns it: several may be views of one."""
        self.constants: dict[int, tuple[ndarray, ndarray]] = {}
        """Real arrays the step computes with, by their identity, each with a copy of what it contained."""
        self.values: dict[int, Value] = {}
        """Their values in the program."""
        self.generators: dict[int, tuple[Any, Any]] = {}
        """The generators that were drawn from, with their state before that."""
        self.forgotten: dict[int, bool] = {}
        """Tensors whose gradients were replaced, by their identity: whether they were None until then."""

    # -- from outside --------------------------------------------------------------------------

    def memory_under(self, array: ndarray, origin: str) -> Memory:
        """The memory of an array from outside."""
        while isinstance(array.base, ndarray):
            array = array.base
        return self.memories.setdefault(id(array), Memory(origin))

    def input(self, number: int, array: ndarray) -> StandIn:
        """Stands for an argument of the step."""
        value = self.program.value(array, self.memory_under(array, "input"))
        self.program.inputs.append((number, value))
        return self.stand_in(array, value)

    def state(self, place: Place, array: ndarray) -> StandIn:
        """Stands for the array that is kept in a place between steps."""
        value = self.program.value(array, self.memory_under(array, "state"))
        self.program.states.append((place, value))
        return self.stand_in(array, value)

    def stand_in(self, array: ndarray, value: Value, base: StandIn | None = None) -> StandIn:
        """A new stand-in, which is remembered as long as somebody holds it."""
        stand_in = StandIn(array, value, self, base)
        self.stand_ins.append(weakref.ref(stand_in))
        return stand_in

    def constant(self, array: ndarray) -> Value:
        """The value of a real array, which is read where it is at each replay."""
        if id(array) not in self.values:
            self.values[id(array)] = value = self.program.value(array, self.memory_under(array, "constant"))
            self.program.constants.append((array, value))
            self.constants[id(array)] = array, array.copy()
        return self.values[id(array)]

    # -- instructions --------------------------------------------------------------------------

    def call(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any], target: Any = None) -> Any:
        """Carry out a call of NumPy and write it down; ``target`` is what it writes to."""
        if target is not None and type(target) is not StandIn:
            raise Refusal(
                f"np.{function.__name__} writes to an array that the step has made, or has not been told of: compute a "
                "new one, y = y + x, or name what is to be changed in state=[...]."
            )
        operands, real_args, real_kwargs = stand_ins_in((args, kwargs)), self.real(args), self.real(kwargs)
        args, kwargs = mapped(self.value_of, args), mapped(self.value_of, kwargs)
        result = function(*real_args, **real_kwargs)
        same = [operand for operand in operands if operand.array is result]
        if same and target is None:
            return same[0]
        if target is not None:
            target.value.memory.writes += 1
            self.write(Instruction(function, args, kwargs, None, target.value, own_calls().scope))
            return target if result is not None else None
        results = mapped(lambda array: self.result(array, operands), result)
        named = results.value if type(results) is StandIn else [each.value for each in results]
        self.write(Instruction(function, args, kwargs, named, None, own_calls().scope))
        return results

    def write(self, instruction: Instruction) -> None:
        """Add an instruction to the program."""
        self.program.instructions.append(instruction)

    def result(self, array: Any, operands: Iterable[StandIn]) -> StandIn:
        """Stands for what a call returned: a view of an operand shares its memory."""
        array = np.asarray(array)
        shared = operands if array.base is not None else ()
        base = next((operand for operand in shared if np.may_share_memory(array, operand.array)), None)
        value = self.program.value(array, base.value.memory if base is not None else Memory("made"))
        return self.stand_in(array, value, base)

    def host(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function of the host now and at each replay; see ``minigrad.engine.host``."""
        if stand_ins_in(args):
            raise Refusal(
                f"the host function {function.__name__} is given an array of the step: it may read only inputs."
            )
        self.remember_generators((getattr(function, "__self__", None), *args))
        result = function(*args)
        if result is None:
            self.write(Instruction(function, args, {}, None, None, own_calls().scope, kind="host"))
            return None
        results = mapped(self.drawn, result)
        named = results.value if type(results) is StandIn else [each.value for each in results]
        self.write(Instruction(function, args, {}, named, None, own_calls().scope, kind="host"))
        return results

    def check(self, function: Callable[..., Any], *args: Any) -> None:
        """Let a function look at values now, and at each replay if they are inputs; see ``minigrad.engine.host``."""
        function(*self.real(args))
        inputs = {value for _, value in self.program.inputs if not value.memory.writes}
        if all(x.value in inputs for x in stand_ins_in(args)):
            values = mapped(self.value_of, args)
            self.write(Instruction(function, values, {}, None, None, own_calls().scope, kind="check"))

    def forgets(self, tensors: Iterable[Any]) -> None:
        """Note what gradients are before they are replaced for the first time."""
        for tensor in tensors:
            self.forgotten.setdefault(id(tensor), tensor._grad is None)

    def drawn(self, array: Any) -> StandIn:
        """Stands for an array that comes from the host."""
        if not isinstance(array, (ndarray, np.generic)):
            raise TypeError(f"a host function returns arrays, got {type(array).__name__}.")
        stand_in = self.result(array, ())
        stand_in.value.memory.origin = "host"
        return stand_in

    def remember_generators(self, values: Iterable[Any]) -> None:
        """Keep the state of random generators that are about to be drawn from."""
        for value in values:
            if isinstance(value, np.random.Generator):
                self.generators.setdefault(id(value), (value, value.bit_generator.state))

    # -- between stand-ins, arrays and values ----------------------------------------------------

    def real(self, tree: Any) -> Any:
        """Arguments with arrays in place of stand-ins."""
        return mapped(lambda leaf: leaf.array if type(leaf) is StandIn else leaf, tree)

    def value_of(self, leaf: Any) -> Any:
        """An argument as it is written down: a value for each array."""
        if type(leaf) is StandIn:
            return leaf.value
        return self.constant(leaf) if isinstance(leaf, ndarray) else leaf


def stand_ins_in(tree: Any) -> list[StandIn]:
    """The stand-ins in tuples, lists, dicts and slices."""
    return [leaf for leaf in leaves(tree) if type(leaf) is StandIn]
