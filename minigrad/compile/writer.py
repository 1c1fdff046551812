"""``Writer``: what stand-ins and ``host`` write a program with while a step runs."""

from __future__ import annotations

import bisect
import contextlib
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.lines import line_outside
from ..engine.modes import own_calls
from ..engine.node import Node, Variable, array_of, clock, describe
from ..optim.optimizer import Optimizer
from .program import Application, Instruction, Memory, Place, Program, Result, Value, values_in
from .stand_in import SAME, Refusal, StandIn
from .trees import mapped, tree_leaves
from .whereabouts import whereabouts


class Writer:
    """Carries out each call on stand-ins and writes it down."""

    def __init__(self, optimizers: Sequence[Optimizer] = ()) -> None:
        self.program = Program()
        self.calls = self.program.calls
        """Where the next instruction belongs: to the program itself, or to the operation that is being applied."""
        self.optimizers = optimizers
        """Those in the state of the step."""
        self.began = clock()
        """When the step began: what is older comes from outside."""
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
        self.applications: dict[str, list[tuple[int, Application]]] = {}
        """By the name of an operation when it was applied."""
        self.operation = ""
        """The operation whose definition or derivative is being run; the outermost, if one applies others."""
        self.forgotten: dict[int, bool] = {}
        """Tensors whose gradients were replaced, by their identity: whether they were None until then."""

    def shows(self) -> None:
        """Note the first line that shows a value: at a replay nothing is shown."""
        self.program.shown = self.program.shown or line_outside()

    def prints(self, values: tuple[Any, ...], named: dict[str, Any], options: dict[str, Any]) -> None:
        """Have values printed after each run; see ``print``."""
        self.program.prints.append((mapped(self.printed, (values, named)), options))

    def printed(self, leaf: Any) -> Any:
        """The result for a tensor or an array that is printed: a copy, as it is now."""
        if type(array_of(leaf)) is not StandIn:
            return leaf
        copied: Any = np.copy(array_of(leaf))
        return Result(copied.value, isinstance(leaf, Variable), type(leaf) is StandIn)

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
        with np.errstate(all="ignore"):  # as at every replay
            result = function(*real_args, **real_kwargs)
        if target is None and any(
            leaf is result for leaf in tree_leaves((real_args, real_kwargs)) if type(leaf) is ndarray
        ):
            return self.same(function, result, operands)
        if target is not None:
            target.value.memory.writes += 1
            self.write(Instruction(function, args, kwargs, None, target.value, own_calls().scope))
            return target if result is not None else None
        results = mapped(lambda array: self.result(array, operands), result)
        if type(results) is StandIn and operands and all(operand.is_number for operand in operands):
            results.is_number = True
        named = results.value if type(results) is StandIn else [each.value for each in results]
        self.write(Instruction(function, args, kwargs, named, None, own_calls().scope))
        return results

    def same(self, function: Callable[..., Any], result: ndarray, operands: list[StandIn]) -> StandIn:
        """The operand that a call has returned; refused if the call may have written to it."""
        same = [operand for operand in operands if operand.array is result]
        if not same or function not in SAME:
            raise Refusal(
                f"np.{function.__name__} has worked in place, where a program cannot see it: compute a new array, or "
                "name what it writes to, out=y."
            )
        return same[0]

    def write(self, instruction: Instruction) -> None:
        """Add an instruction to the program."""
        instruction.line, instruction.phase, word, instruction.returned_by = whereabouts()
        instruction.operation = self.operation
        for value in instruction.makes():
            value.word = word
        self.program.instructions.append(instruction)
        self.calls.append(instruction)

    @contextlib.contextmanager
    def within(self, operation: str) -> Iterator[None]:
        """What is written down belongs to an operation, or to one that applies it."""
        outer, self.operation = self.operation, self.operation or operation
        try:
            yield
        finally:
            self.operation = outer

    def applied(self, op: Any, definition: Callable[..., Any], values: tuple[Any, ...]) -> Any:
        """Run the definition of an operation, whose instructions are kept together as one application."""
        operands = mapped(lambda leaf: self.value_of(array_of(leaf)), values)
        application = Application(op, operands, own_calls().scope)
        outer, self.calls = self.calls, application.calls
        try:
            with self.within(op.name):
                result = definition(*values)
            self.name_output(op.name, result, application.calls)
        finally:
            self.calls = outer
        self.calls.append(application)
        self.applications.setdefault(op.name, []).append((clock(), application))
        application.results = mapped(self.value_of, result)
        return result

    def name_output(self, name: str, result: Any, calls: Sequence[Any]) -> None:
        """Call what an operation has made as whoever applies it does, or by its name."""
        for array in stand_ins_in(result):
            maker = maker_of(array.value, calls) if array.base is None else None
            if maker is not None:
                array.value.word, maker.returned_by = whereabouts().word, name
                array.value.is_output = not (array.value.word or self.operation)

    def derivative(self, node: Node, rules: Callable[..., Any], dy: Any, *arguments: Any) -> Any:
        """The gradients that the rules of an operation give for its operands, noted as such."""
        name = node.op.name if node.op is not None else ""
        with self.within(f"derivative of {name}"):
            gradients = rules(dy, *arguments)
        times = self.applications.get(name, [])
        number = bisect.bisect(times, node.time, key=lambda pair: pair[0]) - 1  # what was recorded right after it
        if number >= 0:
            application = times[number][1]
            note_gradient(dy, application.results)
            for gradient, operand in zip(gradients, application.args):
                if gradient is not dy:
                    note_gradient(gradient, operand)
        return gradients

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
        owner = getattr(function, "__self__", None)
        if isinstance(owner, Optimizer) and all(owner is not known for known in self.optimizers):
            raise Refusal(f"the step uses an optimiser {type(owner).__name__} from outside: name it in state=[...].")
        self.remember_generators((owner, *args))
        result = function(*args)
        if result is None:
            self.write(Instruction(function, args, {}, None, None, own_calls().scope, kind="host"))
            return None
        results = mapped(self.drawn, result)
        named = results.value if type(results) is StandIn else [each.value for each in results]
        self.write(Instruction(function, args, {}, named, None, own_calls().scope, kind="host"))
        return results

    def check(self, function: Callable[..., Any], *args: Any) -> None:
        """Let a function look at values now, and at each replay; see ``minigrad.engine.host``.

        If they follow from inputs alone, the check comes first, with the instructions it needs; else it stays where it
        is, and may refuse after something has changed.
        """
        function(*self.real(args))
        values = mapped(self.value_of, args)
        needed = self.needed_from_inputs(values_in(values))
        for instruction in needed or ():
            instruction.kind = "check"
        kind = "call" if needed is None else "check"
        self.write(Instruction(function, values, {}, None, None, own_calls().scope, kind=kind))

    def watch(self, function: Callable[..., Any], *args: Any) -> None:
        """Let a function warn of values, now and after each replay; see ``minigrad.engine.host``."""
        function(*self.real(args))
        self.write(Instruction(function, mapped(self.value_of, args), {}, None, None, own_calls().scope, kind="watch"))

    def needed_from_inputs(self, values: set[Value]) -> list[Instruction] | None:
        """The instructions that make values from inputs and constants nobody has written to; None if there is more."""
        given = {value for _, value in self.program.inputs} | {value for _, value in self.program.constants}
        makers = {value: each for each in self.program.instructions for value in each.makes()}
        needed, open_values = [], list(values)
        while open_values:
            value = open_values.pop()
            maker = makers.get(value)
            if value.memory.writes or (value not in given and (maker is None or maker.kind == "host")):
                return None
            if maker is not None and maker not in needed:
                needed.append(maker)
                open_values += maker.reads()
        return needed

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

    def refuse_strangers(self, nodes: Iterable[Node]) -> None:
        """Refuse to fill the gradient of a tensor from outside that is not in the state."""
        for node in nodes:
            tensor = node.output()
            if tensor is not None and node.time < self.began and type(tensor.array) is ndarray:
                raise Refusal(f"backward fills the gradient of a leaf {describe(tensor)}: name it in state=[...].")

    # -- between stand-ins, arrays and values ----------------------------------------------------

    def real(self, tree: Any) -> Any:
        """Arguments with arrays in place of stand-ins."""
        return mapped(lambda leaf: leaf.array if type(leaf) is StandIn else leaf, tree)

    def value_of(self, leaf: Any) -> Any:
        """An argument as it is written down: a value for each array."""
        if type(leaf) is StandIn:
            return leaf.value
        return self.constant(leaf) if isinstance(leaf, ndarray) else leaf

    def result_of(self, leaf: Any) -> Result:
        """The result for a tensor or an array that the step returns."""
        is_number = type(leaf) is StandIn and leaf.is_number
        return Result(self.value_of(array_of(leaf)), isinstance(leaf, Variable), is_number)


def note_gradient(gradient: Any, value: Any) -> None:
    """Note that an array is the gradient of a value, unless it is known to be that of another one."""
    is_new = type(gradient) is StandIn and gradient.value.memory.origin == "made"
    if is_new and isinstance(value, Value) and gradient.value.gradient_of is None:
        gradient.value.gradient_of = value.number


def maker_of(value: Value, calls: Sequence[Instruction | Application]) -> Instruction | None:
    """The one of these calls, of the last first, that makes a value; what is written to later was made before."""
    for each in reversed(calls):
        maker = maker_of(value, each.calls) if isinstance(each, Application) else each
        if maker is not None and value in maker.makes():
            return maker
    return None


def stand_ins_in(tree: Any) -> list[StandIn]:
    """The stand-ins in tuples, lists, dicts and slices."""
    return [leaf for leaf in tree_leaves(tree) if type(leaf) is StandIn]
