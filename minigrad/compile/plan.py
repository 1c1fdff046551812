"""``Plan``: a program of a compiled step with all that a call needs: what it is for, and where its results go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.lines import named_line
from ..engine.node import Borrowed, array_of, clock
from ..tensor.tensor import Tensor
from .execution import CannotBuild, Execution, build, say
from .program import Program
from .results import Maker, maker_of, printer_of
from .unrolled import unrolled

AGAIN = 100
"""The call at which a step is captured once more, to see whether it is still the same program."""
CAPTURES = 2
"""How many captures must agree before the first replay."""


class Plan:
    """A program, how often it was captured and called, and what it needs to run.

    Args:
        program: the first capture.
        key, names: what it depends on, and what each part of that is.
        inputs: the arguments of the call.
        kept: the objects whose identities are in the key.
    """

    def __init__(
        self, program: Program, key: tuple[Any, ...], names: Sequence[str], inputs: Sequence[Any], kept: Any
    ) -> None:
        self.program, self.key, self.names, self.kept = program, key, names, kept
        self.captures = self.calls = 1
        self.reason = ""
        """Why the step was captured again, if it was."""
        self.is_due = True
        """Whether the next call is to be captured."""
        self.surroundings: Any = None
        """Those in which it was bound."""
        self.execution: Execution | None = None
        self.backend = ""
        self.recording: Any = None
        self.arrays = arrays_of(self.simple_arguments(inputs))
        """The arrays of a call's arguments; None if they are not of the kinds it was captured with."""
        states = program.states
        self.holders = [place.holder for place, value in states if place.key == "array" and value.memory.writes]
        self.gradient_places = [place for place, _ in states if place.key == "_grad"]
        trains = bool(program.settings or program.added_to)
        self.empty = [place.holder for place in program.empty if trains]
        self.present = [place.holder for place in program.present if trains]
        self.present += [place.holder for place in self.gradient_places]
        self.has_gradients = bool(self.gradient_places or self.empty or self.present)
        """Whether it depends on which gradients there are before the step."""
        self.gradients_fit = unrolled(
            "",
            "return {empty} and {present}",
            empty=(" and ", [("{0}._grad is None", tensor) for tensor in self.empty]),
            present=(" and ", [("{0}._grad is not None", tensor) for tensor in self.present]),
        )
        """Whether the gradients that the step reads, or adds to, are there, or are not, as when it was captured."""
        self.filled = [place.holder for place, value in program.settings if value is not None]
        self.cleared = [place.holder for place, value in program.settings if value is None]
        self.gradients: list[ndarray] | None = None
        self.returned: Maker = maker_of(program)
        self.print_all = printer_of(program)

    def simple_arguments(self, inputs: Sequence[Any]) -> list[tuple[type, Any, Any]] | None:
        """Class, shape and dtype of each argument; None if one is no array, or a tensor that requires grad."""
        if self.program.twins:
            return None
        if not all(type(x) is ndarray or (type(x) is Tensor and x.node is None) for x in inputs):
            return None
        arrays = map(array_of, inputs)
        return [(type(x), array.shape, array.dtype) for x, array in zip(inputs, arrays)]

    def captured_again(self) -> None:
        """Another capture was the same program."""
        self.captures += 1
        self.calls += 1
        self.is_due = self.captures < CAPTURES

    def fits(self) -> bool:
        """Whether the gradients that it reads, or adds to, are those that are bound."""
        return self.gradients_fit() and (not self.gradient_places or self.holds_gradients())

    def build(self, backend: str | None) -> None:
        """Make the program ready to run."""
        self.asked = backend
        self.backend, self.execution = build(self.program, backend)

    def bind(self, surroundings: Any) -> None:
        """Take the arrays that are in all places now."""
        assert self.execution is not None
        for place in self.gradient_places:
            make_own(place.holder)
        arrays = [place.array() for place, _ in self.program.states]
        try:
            self.execution.bind(arrays)
        except CannotBuild as error:
            if self.asked == "c":
                raise
            say(error)
            self.backend, self.execution = build(self.program, "numpy")
            self.execution.bind(arrays)
        self.gradients = None  # what is to be told of changes may be others
        self.bound_gradients = [place.array() for place in self.gradient_places]
        self.surroundings = surroundings

    def holds_gradients(self) -> bool:
        """Whether the gradients that the step reads are in the arrays that are bound."""
        return all(place.array() is array for place, array in zip(self.gradient_places, self.bound_gradients))

    def run(self, arrays: Sequence[ndarray]) -> Any:
        """One step; returns what the step returns."""
        execution = self.execution
        assert execution is not None
        results = execution(arrays)
        self.calls += 1
        if self.calls == AGAIN - 1:
            self.is_due = True
        if execution.gradients is not self.gradients:
            self.borrow(execution.gradients)
        self.settle(clock())
        if self.print_all is not None:
            self.print_all(results)
        return self.returned(results)

    def borrow(self, gradients: list[ndarray]) -> None:
        """Have the tensors' gradients in memory of the program: who asks for one gets a copy."""
        self.gradients = gradients
        given: list[tuple[Any, ...]] = [
            ("{0}._grad = {1}", tensor, array.view(Borrowed)) for tensor, array in zip(self.filled, gradients)
        ]
        given += [("{0}._grad = None", tensor) for tensor in self.cleared]
        changed = [("{0}.changed = now", holder.memory) for holder in self.holders]
        self.settle = unrolled("now", "{changed}; {given}", changed=("; ", changed), given=("; ", given))

    def __repr__(self) -> str:
        inputs = ", ".join(f"{value.shape} {value.dtype}" for _, value in self.program.inputs) or "no arrays"
        how = f"{self.backend}, " if self.backend else ""
        why = f"; captured because {self.reason}" * bool(self.reason)
        return f"({inputs}): {len(self.program.instructions)} instructions, {how}called {times(self.calls)}{why}"


def arrays_of(arguments: list[tuple[type, Any, Any]] | None) -> Callable[[Sequence[Any]], list[ndarray] | None]:
    """The function that gives the arrays of arguments, if these are of known classes, shapes and dtypes, else None."""
    if arguments is None:
        return lambda args: None
    checks, found = [], []
    for number, (kind, shape, dtype) in enumerate(arguments):
        x, array = f"args[{number}]", f"a{number}"
        given = x if kind is ndarray else f"{x}.array"
        right = f"type({x}) is {{0}}" + f" and {x}.node is None" * (kind is not ndarray)
        right += f" and ({array} := {given}).shape == {{1}} and ((d := {array}.dtype) is {{2}} or d == {{2}})"
        checks.append((right, kind, shape, dtype))
        found.append(array)
    body = f"return [{', '.join(found)}] if len(args) == {len(found)} and {{checks}} else None"
    return unrolled("args", body, checks=(" and ", checks))


def times(count: int) -> str:
    """``once``, ``2 times``."""
    return "once" if count == 1 else f"{count} times"


def make_own(tensor: Any) -> None:
    """Give a tensor a gradient of its own in place of one in memory of a program."""
    if type(tensor._grad) is Borrowed:
        tensor._grad = np.array(tensor._grad)


def written_inputs(program: Program) -> str | None:
    """Why a step that writes to its inputs is refused, or None."""
    for number, value in program.inputs:
        if value.memory.origin == "input" and value.memory.writes:
            line = next(
                (each.line for each in program.instructions if each.target and each.target.memory is value.memory), ""
            )
            name = program.input_names.get(number, f"argument {number}")
            return (
                f"{named_line(line)}: the argument {name} is changed in place, and another call gives another one: "
                "compute a new tensor, or name what is to be changed in state=[...]."
            )
    return None
