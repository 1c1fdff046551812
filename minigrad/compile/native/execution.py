"""``NativeExecution``: a program as C, built, and called with the arrays it works on."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..program import Program, mapped, tree_leaves, Value
from .building import build, products
from .c_source import FIXED, Source, text
from .errors import CannotBuild
from .fusion import Plan, kept_under
from . import functions as _functions  # noqa: F401
from .lowering import Call, Lowering, Operand, Outside
from .nodes import Node
from .placing import LINE, Room
from .products import Lanes, Products

DATA = object.__basicsize__
"""Where an array object has the address of its elements: NumPy's binary interface puts it behind the object's head."""


def data_of(array: ndarray) -> int:
    """The address of an array's first element."""
    return int(array.__array_interface__["data"][0])


@functools.cache
def data_is_at_hand() -> bool:
    """Whether the address can be read from the array object; the interface takes 1.6 us."""
    array = np.ones(3)
    return ctypes.c_void_p.from_address(id(array) + DATA).value == data_of(array)


class NativeExecution:
    """A program that runs as C.

    Args:
        program: what a step does.

    Raises:
        CannotBuild: if it cannot be C, or there is no compiler.
    """

    def __init__(self, program: Program) -> None:
        self.write(program)
        _, integer = products()
        self.source = text([self.written], integer)
        self.link(build(self.source))

    def write(self, program: Program, prefix: str = "") -> None:
        """Write the C, with a prefix to all names."""
        self.program = program
        lowered = self.lowered = Lowering(program).lower()
        plan = Plan(lowered)
        room = Room(plan)
        self.written = Source(plan, room, Products(Lanes(64, 14)), prefix)
        self.plan, self.room, self.outsides = plan, room, self.written.outsides

    def link(self, library: ctypes.CDLL) -> None:
        """Take the functions from a library that has been built, and give them memory."""
        program, room, written, lowered = self.program, self.room, self.written, self.lowered
        addresses, _ = products()
        self.library = library
        self.memory = np.zeros(room.size + written.extra + 2 * LINE, np.uint8)
        self.arena = -(-data_of(self.memory) // LINE) * LINE
        self.flag = np.zeros(1, np.int64)
        self.table = np.zeros(FIXED + len(self.outsides), np.uintp)
        self.table[:FIXED] = data_of(self.flag), *addresses
        self.slots = {outside: FIXED + i for i, outside in enumerate(self.outsides)}
        self.held: dict[Outside, ndarray] = {}
        self.states: list[ndarray] = []
        for number, (array, _) in enumerate(program.constants):
            self.hold(Outside("constant", number), array)
        self.inputs = [self.entry("input", i, value) for i, (_, value) in enumerate(program.inputs)]
        self.changed_inputs = [
            outside.number for outside, _, _ in lowered.written if outside.source == "input"
        ]
        self.hosts = self.host_calls()
        self.runs = self.stretches(written)
        self.gradients = [None if node is None else self.array(node) for node in lowered.gradients]
        self.results = [self.array(node) for node in lowered.results]

    # -- arrays ----------------------------------------------------------------------------------

    def hold(self, outside: Outside, array: ndarray) -> None:
        """Let the table have an array."""
        self.held[outside] = array
        if outside in self.slots:
            self.table[self.slots[outside]] = data_of(array)

    def entry(self, source: str, number: int, value: Any) -> ndarray:
        """An array of our own for what comes from outside with each call, laid out as it was captured."""
        order = sorted(range(len(value.shape)), key=lambda axis: -abs(value.strides[axis]))
        array = np.zeros([value.shape[axis] for axis in order], value.dtype).transpose(np.argsort(order))
        if any(n > 1 and s != t for n, s, t in zip(value.shape, array.strides, value.strides)) and array.size:
            raise CannotBuild("an argument that is a part of another array, or repeats elements")
        self.hold(Outside(source, number), array)
        return array

    def array(self, node: Node) -> ndarray:
        """An array over the memory of a node."""
        base = kept_under(node)
        offset, strides = node.attribute if node.kind == "view" else (0, node.strides)
        itemsize = node.dtype.itemsize
        place = self.room.place(base)
        if place.outside is not None:
            owner = self.held[place.outside]
            return np.lib.stride_tricks.as_strided(
                owner.reshape(-1)[offset:] if offset else owner, node.shape, [s * itemsize for s in strides]
            )
        start = self.arena - data_of(self.memory) + place.offset + offset * itemsize
        if not node.size:
            return np.empty(node.shape, node.dtype)
        return ndarray(node.shape, node.dtype, self.memory, start, [s * itemsize for s in strides])

    # -- what runs -------------------------------------------------------------------------------

    def host_calls(self) -> list[tuple[Callable[..., Any], ndarray | None, list[ndarray] | None]]:
        """The checks and host calls, and the arrays their results go to."""
        calls: list[tuple[Callable[..., Any], ndarray | None, list[ndarray] | None]] = []
        given: dict[Any, ndarray] = {value: self.inputs[i] for i, (_, value) in enumerate(self.program.inputs)}
        given |= {value: array for array, value in self.program.constants}
        number = 0
        for instruction in self.lowered.hosts:
            made = [v for v in tree_leaves(instruction.results) if isinstance(v, Value)]
            targets = []
            for value in made:
                if instruction.kind == "host":
                    array = self.entry("host", number, value)
                    number += 1
                else:
                    array = np.empty(value.shape, value.dtype)
                targets.append(array)
                given[value] = array
            args, kwargs = mapped(
                lambda leaf: given[leaf] if isinstance(leaf, Value) else leaf,
                (tuple(instruction.args), instruction.kwargs),
            )
            several = targets if isinstance(instruction.results, list) else None
            call = functools.partial(instruction.function, *args, **kwargs)
            calls.append((call, targets[0] if targets and several is None else None, several))
        return calls

    def stretches(self, written: Source) -> list[tuple[Callable[..., Any], tuple[int, ...]]]:
        """C and the calls of Python's in turn."""
        runs: list[tuple[Callable[..., Any], tuple[int, ...]]] = []
        table = data_of(self.table)
        for number in range(len(written.stretches)):
            if written.stretches[number]:
                function = getattr(self.library, f"{written.prefix}stretch_{number}")
                function.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
                runs.append((function, (self.arena, table)))
            if number < len(written.calls):
                runs.append((self.python_call(written.calls[number]), ()))
        return runs

    def python_call(self, node: Node) -> Callable[[], None]:
        """A call of Python's on arrays over the memory of C; what lies in the user's arrays is asked for anew."""
        call: Call = node.attribute
        operands = node.args
        targets = [other for other in self.plan.nodes if other.kind == "result" and other.args[0] is node]

        @np.errstate(all="ignore")
        def run() -> None:
            arrays = [self.array(operand) for operand in operands]
            if call.writes:
                own = self.array(node)
                own[...] = arrays[call.place]
                arrays[call.place] = own
            args, kwargs = mapped(
                lambda leaf: arrays[leaf.number] if isinstance(leaf, Operand) else leaf, (call.args, call.kwargs)
            )
            made = call.function(*args, **kwargs)
            for target in targets:
                self.array(target)[...] = made[target.attribute] if call.several else made

        return run

    # -- for those who call ----------------------------------------------------------------------

    def bind(self, states: Sequence[ndarray]) -> None:
        """The arrays of the program's states, in order."""
        for number, (array, (_, value)) in enumerate(zip(states, self.program.states)):
            if array.strides != value.strides and array.size > 1:
                raise ValueError("a state lies otherwise in memory than when the step was captured")
            self.hold(Outside("state", number), array)

    def __call__(self, inputs: Sequence[ndarray]) -> list[ndarray]:
        """Carry the step out; a new array for each result."""
        for own, array in zip(self.inputs, inputs):
            own[...] = array
        for call, target, several in self.hosts:
            made = call()
            if several is not None:
                for place, array in zip(several, made):
                    place[...] = array
            elif target is not None:
                target[...] = made
        for function, arguments in self.runs:
            if function(*arguments):
                raise IndexError("an index of the step is out of bounds.")
        for number in self.changed_inputs:
            inputs[number][...] = self.inputs[number]
        return [array.copy() for array in self.results]
