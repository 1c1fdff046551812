"""``NativeExecution``: a program as C, built, and called with the arrays it works on."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ...engine.host import Numbers
from ..execution import CannotBuild, Execution, Misfit
from ..groups import Group
from ..program import Instruction, Program, Value
from ..trees import mapped, tree_leaves
from ..unrolled import unrolled
from . import compiler, positions, windows  # noqa: F401 - the latter for their entries in LOWERED
from .blas import products
from .c_source import FIXED, MISSING, Source, text
from .elements import TYPES
from .functions import LOWERED
from .fusion import Plan, kept_under
from .groups import groups_of, keys
from .lowering import Call, Lowered, Lowering, Operand
from .memory_versions import Outside
from .nodes import Node, is_dense
from .placing import LINE, Room
from .products import LANES, Products

FLAGS = ("-fwrapv", "-fopenmp-simd")
"""Integers wrap around as NumPy's do; loops that are marked are computed in vectors."""

HALF = TYPES["float16"]
"""Which some compilers do not have, or not for every processor."""

WIDE = "-mprefer-vector-width=512"
"""Where a processor has vectors of 64 bytes, they are used."""

LARGE = 1 << 16
"""Bytes of an input that is read where it is; asking where that is takes as long as copying 16 KB."""


def data_of(array: ndarray) -> int:
    """The address of an array's first element."""
    return int(array.__array_interface__["data"][0])


class OutOfBounds(Misfit, IndexError):  # noqa: N818
    """An index from outside is none: eager's own error says of what."""


class HostCall(NamedTuple):
    """A check or a call of the host: the function, and the arrays its results go to."""

    function: Callable[[], Any]
    target: ndarray | None
    several: list[ndarray] | None
    pack: Callable[..., None] | None
    """Puts numbers of Python's into the memory of all results at once."""


class NativeExecution(Execution):
    """A program that runs as C.

    Args:
        program: what a step does.

    Raises:
        CannotBuild: if it cannot be C, or there is no compiler.
    """

    def __init__(self, program: Program) -> None:
        found = compiler.search()
        self.write(program, found.lanes)
        blas = products()
        self.source = text([self.written], blas.integer if blas else "int64_t")
        try:
            library = compiler.build(self.source, flags(found), found)
        except CannotBuild as error:
            if HALF in self.source and HALF in error.reason:
                raise CannotBuild(
                    f"{found.name} {found.version} has no {HALF}, which arrays of float16 need",
                    "Use float32, or set MINIGRAD_CC to a newer compiler.",
                ) from None
            raise
        self.link(library)

    def write(self, program: Program, lanes: int = 4, prefix: str = "") -> None:
        """Write the C, for vectors of so many float32 numbers, with a prefix to all names."""
        self.program = program
        self.lowered: Lowered = Lowering(program, LOWERED).lower()
        self.plan = Plan(self.lowered)
        self.room = Room(self.plan)
        own = Products(LANES[lanes], has_blas=products() is not None)
        self.written = Source(self.plan, self.room, own, prefix)

    # -- memory ----------------------------------------------------------------------------------

    def link(self, library: Any) -> None:
        """Take the functions from a library that has been built, and give them memory."""
        program, room, blas = self.program, self.room, products()
        self.library = library
        self.memory = np.empty(room.size + self.written.extra + 2 * LINE, np.uint8)
        self.arena = -(-data_of(self.memory) // LINE) * LINE
        self.outside = np.zeros(1, np.int64)
        outsides = self.written.outsides
        self.table = np.zeros(FIXED + len(outsides), np.uintp)
        self.table[0] = data_of(self.outside)
        if blas is not None:
            self.table[1:FIXED] = blas.sgemm, blas.dgemm
        self.slots = {outside: FIXED + i for i, outside in enumerate(outsides)}
        self.held: dict[Outside, ndarray] = {}
        self.looks: list[Callable[[], None]] = []
        """What Python's calls do when states are bound: their arrays are others then."""
        for number, (array, _) in enumerate(program.constants):
            self.hold(Outside("constant", number), array)
        self.inputs = [self.entry("input", i, value) for i, (_, value) in enumerate(program.inputs)]
        self.changed_inputs = [out.number for out, _, _ in self.lowered.written if out.source == "input"]
        self.direct = self.read_where_they_are()
        self.table_at = data_of(self.table)
        self.gradients = [self.array(node) for node in self.lowered.gradients if node is not None]
        self.results = [self.array(node) for node in self.lowered.results]
        self.run = self.one_after_the_other()

    def hold(self, outside: Outside, array: ndarray) -> None:
        """Let the table have an array."""
        self.held[outside] = array
        if outside in self.slots:
            self.table[self.slots[outside]] = data_of(array)

    def entry(self, source: str, number: int, value: Value) -> ndarray:
        """An array of our own for what comes from outside with each call, laid out as it was captured."""
        order = sorted(range(len(value.shape)), key=lambda axis: -abs(value.strides[axis]))
        sizes = [value.shape[axis] for axis in order]
        array: ndarray = np.empty(sizes, value.dtype).transpose(np.argsort(order))
        if any(n > 1 and s != t for n, s, t in zip(value.shape, array.strides, value.strides)) and array.size:
            raise CannotBuild("an argument is a part of another array, or repeats elements")
        self.hold(Outside(source, number), array)
        return array

    def read_where_they_are(self) -> list[tuple[int, int, tuple[int, ...]]]:
        """Large inputs that only C reads: the number of each, its place in the table, and its strides."""
        seen = {value for each in self.lowered.hosts for value in each.reads()}
        called = {kept_under(arg) for call in self.written.calls for arg in call.args}
        called |= {kept_under(node) for node in self.lowered.results}
        found = []
        for number, (_, value) in enumerate(self.program.inputs):
            outside = Outside("input", number)
            load = next((node for node in self.plan.nodes if node.kind == "load" and node.attribute == outside), None)
            size = self.inputs[number].nbytes
            plain = value not in seen and load not in called and number not in self.changed_inputs
            if outside in self.slots and size >= LARGE and plain:
                found.append((number, self.slots[outside], self.inputs[number].strides))
        return found

    def array(self, node: Node) -> ndarray:
        """An array over the memory of a node."""
        base, itemsize = kept_under(node), node.dtype.itemsize
        offset, strides = node.attribute if node.kind == "view" else (0, node.strides)
        steps = [stride * itemsize for stride in strides]
        if not node.size:
            return np.empty(node.shape, node.dtype)
        place = self.room.place(base)
        if place.outside is None:
            start = self.arena - data_of(self.memory) + place.offset + offset * itemsize
            return ndarray(node.shape, node.dtype, self.memory, start, steps)
        owner = self.held[place.outside]
        if not offset and owner.shape == node.shape:
            return owner
        flat = np.lib.stride_tricks.as_strided(owner, (1,), (itemsize,))
        if offset:
            if not is_dense(owner.shape, [s // itemsize for s in owner.strides]):
                raise CannotBuild("a call of Python's reads a part of an array that has gaps")
            flat = np.lib.stride_tricks.as_strided(owner, (owner.size,), (itemsize,))[offset:]
        return np.lib.stride_tricks.as_strided(flat, node.shape, steps)

    # -- what runs -------------------------------------------------------------------------------

    def host_calls(self) -> Iterator[HostCall]:
        """The checks and host calls, with arrays for their results."""
        given: dict[Any, ndarray] = {value: self.inputs[i] for i, (_, value) in enumerate(self.program.inputs)}
        given |= {value: array for array, value in self.program.constants}
        number = 0
        for instruction in self.lowered.hosts:
            made = [v for v in tree_leaves(instruction.results) if isinstance(v, Value)]
            targets = self.together(made) if isinstance(instruction.function, Numbers) else None
            for place, value in enumerate(made):
                if instruction.kind != "host":
                    given[value] = np.empty(value.shape, value.dtype)
                elif targets is not None:
                    given[value] = targets[place]
                    self.hold(Outside("host", number), given[value])
                    number += 1
                else:
                    given[value] = self.entry("host", number, value)
                    number += 1
            yield self.host_call(instruction, given, targets)

    def together(self, made: list[Value]) -> list[ndarray] | None:
        """Arrays for numbers of one dtype, one after the other in memory."""
        if any(value.shape or value.dtype not in (np.float32, np.float64) for value in made):
            return None
        memory = np.empty(len(made), made[0].dtype)
        return [memory[i : i + 1].reshape(()) for i in range(len(made))]

    def host_call(self, instruction: Instruction, given: dict[Any, ndarray], targets: Any) -> HostCall:
        """One of them."""
        args, kwargs = mapped(
            lambda leaf: given[leaf] if isinstance(leaf, Value) else leaf, (tuple(instruction.args), instruction.kwargs)
        )
        function, pack = instruction.function, None
        made = [given[v] for v in tree_leaves(instruction.results) if isinstance(v, Value)]
        if targets is not None:
            function, memory = function.function, targets[0].base  # type: ignore[attr-defined]
            form = struct.Struct(f"{len(targets)}{'f' if memory.dtype == np.float32 else 'd'}")
            pack = functools.partial(form.pack_into, memory.view(np.uint8), 0)
        call = functools.partial(function, *args, **kwargs) if args or kwargs else function
        if isinstance(instruction.results, list):
            return HostCall(call, None, made, pack)
        return HostCall(call, made[0] if made else None, None, None)

    def stretches(self) -> list[tuple[Callable[..., Any], tuple[int, ...]]]:
        """C and the calls of Python's in turn."""
        runs: list[tuple[Callable[..., Any], tuple[int, ...]]] = []
        written = self.written
        for number in range(len(written.stretches)):
            if written.stretches[number]:
                runs.append((self.entry_point(f"stretch_{number}"), (self.arena, self.table_at)))
            if number < len(written.calls):
                runs.append((self.python_call(written.calls[number]), ()))
        return runs

    def entry_point(self, name: str) -> Callable[..., Any]:
        """A function of the library."""
        function: Callable[..., Any] = getattr(self.library, self.written.prefix + name)
        function.argtypes = (compiler.ctypes.c_void_p, compiler.ctypes.c_void_p)  # type: ignore[attr-defined]
        return function

    def python_call(self, node: Node) -> Callable[[], None]:
        """A call of Python's on arrays over the memory that C uses."""
        call: Call = node.attribute
        results = [other for other in self.plan.nodes if other.kind == "result" and other.args[0] is node]
        known: dict[str, Any] = {}

        def look() -> None:
            known["arrays"] = [self.array(operand) for operand in node.args]
            known["own"] = self.array(node) if call.writes else None
            known["results"] = [(self.array(result), result.attribute) for result in results]

        self.looks.append(look)

        @np.errstate(all="ignore")
        def run() -> None:
            arrays = known["arrays"]
            if call.place is not None:
                known["own"][...] = arrays[call.place]
                arrays = [*arrays]
                arrays[call.place] = known["own"]
            args, kwargs = mapped(
                lambda leaf: arrays[leaf.number] if isinstance(leaf, Operand) else leaf, (call.args, call.kwargs)
            )
            made = call.function(*args, **kwargs)
            for array, number in known["results"]:
                array[...] = made[number] if call.several else made

        return run

    def drawn(self) -> tuple[list[Group], list[Any]]:
        """A box for each loop nest, each product and each call of Python's."""
        return list(groups_of(self.plan)), [keys(kept_under(node))[0] for node in self.lowered.results]

    # -- for those who call ----------------------------------------------------------------------

    def bind(self, states: Sequence[ndarray]) -> None:
        """The arrays of the program's states, in order."""
        for number, (array, (place, value)) in enumerate(zip(states, self.program.states)):
            if array.size > 1 and any(
                size > 1 and a != b for size, a, b in zip(value.shape, array.strides, value.strides)
            ):
                raise ValueError(
                    f"{place.name} lies otherwise in memory than when the step was captured: capture it again."
                )
            self.hold(Outside("state", number), array)
        for look in self.looks:
            look()

    def __call__(self, inputs: Sequence[ndarray]) -> list[ndarray]:
        """Carry the step out; a new array for each result."""
        results: list[ndarray] = self.run(inputs)
        return results

    def one_after_the_other(self) -> Callable[[Sequence[ndarray]], list[ndarray]]:
        """The function that carries the step out."""
        at = self.arena, self.table_at
        steps: list[tuple[Any, ...]] = [("{0}(inputs)", self.take)] if self.direct else self.copied_inputs()
        if self.lowered.guards or self.lowered.indices.guards:
            steps.append(("{0}({1}, {2}) and {3}(inputs)", self.entry_point("guards"), *at, self.refuse))
        for each in self.host_calls():
            if each.pack is not None:
                steps.append(("{0}(*{1}())", each.pack, each.function))
            elif each.target is not None:
                steps.append(("{0}[...] = {1}()", each.target, each.function))
            else:
                steps.append(("{0}({1}())", functools.partial(put, each.several or ()), each.function))
        for function, arguments in self.stretches():
            noted = "(noted := {0}({1}, {2})) and {3}(noted)", function, *at, self.tell
            steps.append(noted if arguments else ("{0}()", function))
        steps += [(f"inputs[{number}][...] = {{0}}", self.inputs[number]) for number in self.changed_inputs]
        results = [("{0}.copy()", array) for array in self.results]
        return unrolled("inputs", "{steps}; return [{results}]", steps=("; ", steps), results=(", ", results))

    def copied_inputs(self) -> list[tuple[Any, ...]]:
        """What copies the inputs to where C reads them."""
        return [(f"{{0}}[...] = inputs[{number}]", own) for number, own in enumerate(self.inputs)]

    def refuse(self, inputs: Sequence[ndarray]) -> None:
        """Have Python make the checks one of which has failed in C."""
        given = {value: array for (_, value), array in zip(self.program.inputs, inputs)}
        for instruction, node in self.lowered.guards:
            array, *others = instruction.args
            instruction.function(given[array] if array in given else self.array(node), *others)
        raise OutOfBounds("an index is out of bounds.")

    def tell(self, noted: int) -> None:
        """Refuse an index that C has met, or warn of values."""
        if noted != MISSING:
            raise IndexError("an index that the step computes is out of bounds.")
        for instruction, node in self.lowered.watched:
            instruction.function(self.array(node), *instruction.args[1:])

    def take(self, inputs: Sequence[ndarray]) -> None:
        """Copy small inputs, and let large ones be read where they are."""
        where = {}
        for number, slot, strides in self.direct:
            array = inputs[number]
            if array.strides == strides and array.flags.aligned:
                self.table[slot] = data_of(array)
                where[number] = array
            else:
                self.table[slot] = data_of(self.inputs[number])
        self.reading = where  # as long as C may read them
        for number, (own, array) in enumerate(zip(self.inputs, inputs)):
            if number not in where:
                own[...] = array


def put(places: Sequence[ndarray], made: Any) -> None:
    """Put the results of a call where C reads them; a check has none."""
    for place, array in zip(places, made or ()):
        place[...] = array


def flags(found: compiler.Compiler) -> tuple[str, ...]:
    """The flags for a compiler, besides those of every build."""
    return (*FLAGS, WIDE) if found.lanes >= 16 else FLAGS
