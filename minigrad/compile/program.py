"""``Program``: a training step as NumPy calls in order, which can be read and carried out again.

``Memory``       a piece of memory: one value is kept in it, or several that overlap
``Value``        an array of the program: its shape, dtype and strides, and the memory under it
``Instruction``  a NumPy call, or a call of the host, with values in place of arrays
``Application``  an operation that was applied, with its instructions
``Place``        where an array is kept between two steps: a tensor's array, its gradient, an optimiser's vector
``Program``      where values come from, the instructions, where values go

NumPy's own aliasing is kept: a view stays a view, and what was written to is written to. Each memory counts its writes,
so that whoever rearranges a program need not guess.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.node import Variable, array_of, clock, wrap
from .printing import described, written
from .trees import NESTED, leaves_like, mapped, tree_leaves
from .whereabouts import FORWARD


class Memory:
    """A piece of memory, and how many instructions write to it."""

    __slots__ = ("origin", "writes")

    def __init__(self, origin: str) -> None:
        self.origin = origin
        """What it is: "input", "state", "constant", "host" or "made" (by an instruction)."""
        self.writes = 0


class Value:
    """An array of a program, known by its number."""

    __slots__ = ("dtype", "gradient_of", "is_output", "memory", "number", "shape", "strides", "word")

    def __init__(self, number: int, array: ndarray, memory: Memory) -> None:
        self.number = number
        self.shape, self.dtype, self.strides = array.shape, array.dtype, array.strides
        self.memory = memory
        self.word = ""
        """What it is called where it is computed, or nothing."""
        self.is_output = False
        """Whether it is what an operation returns."""
        self.gradient_of: int | None = None
        """The number of the value whose gradient it is."""

    def __repr__(self) -> str:
        return f"v{self.number}"


class Place:
    """Where an array is kept between steps: a path of attributes and keys, which is followed anew each time.

    ``Place("0.weight", weight, "array")`` is ``weight.array``,
    ``Place("exp_avg", piece, "state", "exp_avg", 0)`` is ``piece.state["exp_avg"][0]``.
    """

    def __init__(self, name: str, holder: Any, *path: str | int) -> None:
        self.name, self.holder = name, holder
        *self.path, self.key = path

    def owner(self) -> Any:
        """The last thing on the path, which has the array."""
        return functools.reduce(part, self.path, self.holder)

    def owner_of(self, kind: type) -> Any:
        """The last thing of a class on the path, or None."""
        things = [self.holder]
        for key in self.path:
            things.append(part(things[-1], key))
        return next((thing for thing in reversed(things) if isinstance(thing, kind)), None)

    def get(self) -> Any:
        """What is there now."""
        return part(self.owner(), self.key)

    def array(self) -> Any:
        """The array that is there, also under a tensor; a number of NumPy's is made an array first."""
        now = self.get()
        if isinstance(now, np.generic):
            now = np.asarray(now)
            self.set(now)
        return array_of(now)

    def set(self, value: Any) -> None:
        """Put something there."""
        owner = self.owner()
        if isinstance(owner, (dict, list)):
            owner[self.key] = value  # type: ignore[index]
        else:
            setattr(owner, str(self.key), value)

    def changed(self) -> None:
        """Let backward know that what is there has changed in place."""
        if isinstance(self.holder, Variable):
            self.holder.memory.changed = clock()


KINDS = ("check", "host", "call", "watch")
"""The kinds of instructions, in the order in which they are carried out."""

PLAIN = (int, float, complex, str, bytes, range, np.generic, np.dtype)
"""What is known by its value. Anything else is known by which object it is."""


def same(before: Any, now: Any) -> bool:
    """Whether it is the same object, or the same plain value, or a tuple of these."""
    if before is now or type(before) is not type(now):
        return before is now
    if type(before) is tuple:
        return len(before) == len(now) and all(map(same, before, now))
    return isinstance(before, PLAIN) and bool(before == now)


def part(owner: Any, key: Any) -> Any:
    """An element of a dict or list, an attribute of anything else."""
    return owner[key] if isinstance(owner, (dict, list)) else getattr(owner, key)


class Instruction:
    """A call: the function, its arguments with values in place of arrays, and the values it results in.

    Args:
        function: NumPy's, or, of a ``host`` call, any.
        args, kwargs: arguments; values may be in tuples, lists and slices.
        results: the value it makes; a list, if it returns several; None, if it only writes to ``target``.
        target: the value it writes to, or None.
        scope: the call of a module that it belongs to, or None.
        kind: "call" of NumPy; "host", a call of what reads and advances Python's world; "check", one of what refuses
            some inputs, or what it needs for that; "watch", one of what warns of some values.
    """

    __slots__ = (
        "args", "function", "is_nested", "kind", "kwargs", "last_uses", "line", "operation", "phase",
        "results", "returned_by", "scope", "target",
    )  # fmt: skip

    def __init__(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any],
        results: Value | list[Value] | None, target: Value | None, scope: Any, kind: str = "call",
    ) -> None:  # fmt: skip
        self.function, self.args, self.kwargs = function, args, kwargs
        self.results, self.target = results, target
        self.scope, self.kind = scope, kind
        self.is_nested = any(type(arg) in NESTED and bool(values_in(arg)) for arg in (*args, *kwargs.values()))
        self.line = ""
        """The line of the step that it comes from."""
        self.operation = ""
        """The operation that it belongs to, or whose derivative."""
        self.phase = FORWARD
        """The part of the step: ``"forward"``, ``"backward"`` or ``"update"``."""
        self.returned_by = ""
        """The function that returns its result at once."""
        self.last_uses: list[int] = []
        """Numbers of values that are not needed after it."""

    def reads(self) -> set[Value]:
        """The values among its arguments."""
        return values_in((self.args, self.kwargs))

    def makes(self) -> set[Value]:
        """The values it results in."""
        return values_in(self.results)

    def run(self, arrays: list[Any]) -> None:
        """Carry it out: ``arrays`` has an array for each value, by its number."""
        args: Any = [arrays[arg.number] if type(arg) is Value else arg for arg in self.args]
        kwargs: Any = {key: arrays[arg.number] if type(arg) is Value else arg for key, arg in self.kwargs.items()}
        if self.is_nested:
            args, kwargs = mapped(lambda leaf: arrays[leaf.number] if type(leaf) is Value else leaf, (args, kwargs))
        result = self.function(*args, **kwargs)
        if isinstance(self.results, Value):
            array = result if type(result) is ndarray else np.asarray(result)
            if array.shape != self.results.shape:
                raise ValueError(
                    f"{self.results} has become {array.shape}, the step was captured with {self.results.shape}."
                )
            arrays[self.results.number] = array
        elif self.results is not None:
            for value, array in zip(self.results, result):
                arrays[value.number] = np.asarray(array)
        for number in self.last_uses:
            arrays[number] = None


class Application:
    """An operation that was applied, with the calls it consists of; for who translates whole operations.

    Args:
        op: the operation.
        args: its operands and attributes; values in place of arrays, also in tuples and lists.
        scope: the call of a module that it belongs to, or None.
    """

    __slots__ = ("args", "calls", "op", "results", "scope")

    def __init__(self, op: Any, args: tuple[Any, ...], scope: Any) -> None:
        self.op, self.args, self.scope = op, args, scope
        self.calls: list[Instruction | Application] = []
        self.results: Any = None


def values_in(tree: Any) -> set[Value]:
    """The values in tuples, lists, dicts and slices."""
    return {leaf for leaf in tree_leaves(tree) if isinstance(leaf, Value)}


class Result:
    """A value that the step returns, as a tensor, as an array, or as a number of Python's."""

    def __init__(self, value: Value, is_tensor: bool, is_number: bool = False) -> None:
        self.value, self.is_tensor, self.is_number = value, is_tensor, is_number

    def of(self, array: ndarray) -> Any:
        """What is returned for an array: a copy, outside any graph."""
        return self.of_own(array.copy())

    def of_own(self, array: ndarray) -> Any:
        """What is returned for an array that nobody else has."""
        if self.is_tensor:
            return wrap(array)
        return array.item() if self.is_number else array

    def __repr__(self) -> str:
        return repr(self.value)


class Program:
    """The instructions of a step, and where its values come from and go to.

    ``print(program)`` lists them, ``program.run(*inputs)`` carries them out; see ``capture``.

    >>> from minigrad.compile import capture
    >>> program, _ = capture(lambda x: mg.relu(2 * x + 1), mg.tensor([1.0, -2.0]))
    >>> program.run(mg.tensor([3.0, -3.0]))
    tensor([7., 0.])
    >>> [instruction.function.__name__ for instruction in program.instructions]
    ['multiply', 'add', 'maximum']
    """

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.inputs: list[tuple[int, Value]] = []
        """The step's arguments that are arrays or tensors; what is in tuples, lists and dicts is counted one by one."""
        self.input_names: dict[int, str] = {}
        """Names of these arguments, by their numbers."""
        self.structure: Any = ()
        """The step's arguments with None in place of what is in tuples, lists and dicts."""
        self.settled: dict[int, Any] = {}
        """Arguments that are no arrays, by their numbers: they must be the same at each replay."""
        self.twins: dict[int, Any] = {}
        """Arguments that are the same tensor as an earlier one, whose number this is, or as one of the state."""
        self.states: list[tuple[Place, Value]] = []
        """What is read, and may be written to, in the user's own arrays."""
        self.constants: list[tuple[ndarray, Value]] = []
        """Arrays of the step's that are no input and no state, held by reference."""
        self.every_state: list[tuple[Place, Value]] = []
        self.every_constant: list[tuple[ndarray, Value]] = []
        """The same, also what no instruction reads: an operation may have been given it."""
        self.read: list[tuple[Variable, ndarray]] = []
        """The tensors whose arrays these are: if one gets another array, the program would not read it."""
        self.instructions: list[Instruction] = []
        self.calls: list[Instruction | Application] = []
        """The same as they were written down, those of an operation together."""
        self.switches: list[tuple[str, Any, str, bool]] = []
        """What must be as it was: a name, an object, its attribute ``training`` or ``requires_grad``, and its value."""
        self.added_to: list[Place] = []
        """Gradients that were None, and that the step adds to: they must be None."""
        self.empty: list[Place] = []
        """Gradients that were None when the step began, and that it does not replace first."""
        self.present: list[Place] = []
        """Likewise those that were not None."""
        self.settings: list[tuple[Place, Any]] = []
        """What is put somewhere at the end: a value, or None (gradients)."""
        self.outputs: Any = None
        """What the step returns, with a ``Result`` in place of each tensor and array."""
        self.shown: str | None = None
        """The first line of the step that shows a value, which is not repeated."""
        self.prints: list[tuple[Any, Any]] = []
        """What is printed after each run: values by position and by name, and the options of Python's ``print``."""

    def value(self, array: ndarray, memory: Memory) -> Value:
        """A new value, for an array like this one."""
        self.values.append(Value(len(self.values), array, memory))
        return self.values[-1]

    @property
    def results(self) -> list[Value]:
        """The values that are returned or printed, each once, in their order."""
        leaves = tree_leaves((self.outputs, self.prints))
        return list(dict.fromkeys(leaf.value for leaf in leaves if isinstance(leaf, Result)))

    def finish(self) -> None:
        """Order the instructions, note after which of them each value is not needed any more, forget what none needs.

        Checks of what follows from inputs alone, and calls of the host, which reads what is the host's, come first:
        what they refuse they refuse before an array has changed. What is refused later, a value the step computes from
        its state or an index that is out of bounds, may come when some arrays have.
        """
        order = {kind: i for i, kind in enumerate(KINDS)}
        self.instructions.sort(key=lambda instruction: order[instruction.kind])
        kept: set[Value] = {value for _, value in self.settings if value is not None}
        kept.update(self.results)
        for instruction in reversed(self.instructions):
            uses = (instruction.reads() | instruction.makes()) - kept
            instruction.last_uses = sorted(value.number for value in uses)
            kept |= uses
        self.every_state, self.every_constant = self.states, self.constants
        self.states = [(place, value) for place, value in self.states if value in kept]
        self.constants = [(array, value) for array, value in self.constants if value in kept]

    def run(self, *inputs: Any) -> Any:
        """Carry the step out once more, with NumPy: state is changed as the step changes it.

        Args:
            *inputs: what the step is called with: arrays or tensors of the shapes and dtypes it was captured with.

        Returns:
            What the step returns; tensors are detached, and share no memory with anything.
        """
        arguments = self.checked(inputs)
        self._check_state()
        arrays: list[Any] = [None] * len(self.values)
        for number, value in self.inputs:
            arrays[value.number] = laid_out(f"input {number}", array_of(arguments[number]), value)
        for place, value in self.states:
            arrays[value.number] = array = expected(place.name, place.array(), value)
            if array.strides != value.strides:
                raise ValueError(
                    f"{place.name} lies otherwise in memory than when the step was captured: capture it again."
                )
        for array, value in self.constants:
            arrays[value.number] = array
        with np.errstate(all="ignore"):
            for instruction in self.instructions:
                instruction.run(arrays)
        for place, value in self.states:
            if value.memory.writes:
                place.changed()
        for place, value in self.settings:
            own = value is None or value.memory.origin == "made"
            place.set(None if value is None else arrays[value.number] if own else arrays[value.number].copy())
        return self.returned(arrays)

    def checked(self, inputs: Sequence[Any]) -> list[Any]:
        """The arguments one by one; refused where those that are no arrays differ from the captured ones."""
        if len(inputs) != len(self.structure):
            raise TypeError(f"the step was captured with {len(self.structure)} arguments, got {len(inputs)}.")
        if mapped(lambda _: None, inputs) != self.structure:
            raise TypeError("an argument has not the items of the list, tuple or dict the step was captured with.")
        arguments = leaves_like(self.structure, inputs)
        for number, twin in self.twins.items():
            if arguments[number] is not (arguments[twin] if isinstance(twin, int) else twin):
                other = f"argument {twin}" if isinstance(twin, int) else "a tensor of state=[...]"
                raise ValueError(
                    f"argument {number} was the same tensor as {other} when the step was captured, and is not: capture "
                    "it again with the arguments it is to take."
                )
        for number, captured in self.settled.items():
            now = arguments[number]
            if not same(captured, now):
                raise ValueError(f"argument {number} was {captured!r} and is {now!r}: capture the step again.")
        return arguments

    def _check_state(self) -> None:
        """Refuse modules in another mode, tensors that require grad otherwise, gradients the step would add to."""
        for name, thing, attribute, before in self.switches:
            if getattr(thing, attribute) is not before:
                raise ValueError(
                    f"{attribute} of {name} was {before} when the step was captured, and is {not before}: capture it "
                    "again."
                )
        for tensor, array in self.read:
            if tensor.array is not array:
                raise ValueError(
                    f"a tensor {described(array)} that the step reads has got other memory since it was captured: "
                    "capture it again, with the tensor or its module in state=[...]."
                )
        for place in self.added_to:
            if place.get() is not None:
                raise ValueError(
                    f"{place.name} was None when the step was captured, and the step adds to it: call zero_grad() "
                    "first, in the step or before it, or capture it again."
                )

    def returned(self, arrays: Any) -> Any:
        """What the step returns, from the arrays of its values by their numbers."""
        return mapped(
            lambda leaf: leaf.of(arrays[leaf.value.number]) if isinstance(leaf, Result) else leaf, self.outputs
        )

    def __str__(self) -> str:
        """A line for each value from outside, each instruction, and each value that goes out."""
        return "\n".join(written(self))


def expected(name: str, array: Any, value: Value) -> ndarray:
    """An array, refused if it has not the shape and dtype of the captured one."""
    if not isinstance(array, ndarray) or (array.shape, array.dtype) != (value.shape, value.dtype):
        raise ValueError(
            f"{name} is {described(array)}, the step was captured with {described(value)}: capture it again."
        )
    return array


def laid_out(name: str, given: Any, value: Value) -> ndarray:
    """An array in the captured strides, without which a view in the step might become a copy."""
    array: ndarray = np.asarray(expected(name, given, value))
    if array.strides == value.strides:
        return array
    order = sorted(range(array.ndim), key=lambda axis: -value.strides[axis])
    copy = np.empty([array.shape[axis] for axis in order], array.dtype).transpose(np.argsort(order))
    copy[...] = array
    return copy
