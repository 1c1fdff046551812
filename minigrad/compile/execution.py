"""``Execution``: a program made ready to run, by one of the back ends; ``Interpreter`` is the plainest."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.lines import level_outside
from .groups import Group
from .program import Program, laid_out


class CompileWarning(UserWarning):
    """What a compiled step says once: NumPy in place of C, many programs, values that are shown in captures only."""


class CannotBuild(RuntimeError):  # noqa: N818
    """A back end cannot build a program on this machine: why, and what helps."""

    def __init__(self, reason: str, cure: str = "") -> None:
        super().__init__(f"{reason}. {cure}" if cure else reason)
        self.reason, self.cure = reason, cure


class Misfit(Exception):  # noqa: N818
    """A check has refused the inputs of a call, before anything has changed."""


class Checked:
    """A check of the inputs that says so if it refuses them: eager's own error has more to say."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        try:
            return self.function(*args)
        except Exception as error:
            raise Misfit(str(error)) from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Checked) and bool(self.function == other.function)

    def __hash__(self) -> int:
        return hash(self.function)

    @property
    def __name__(self) -> str:
        return str(getattr(self.function, "__name__", type(self.function).__name__))


class Execution:
    """A program that runs on arrays of the user's.

    Args:
        program: what is to be run.

    Attributes:
        source: what it runs, to be read.
        gradients: for each of ``program.settings`` with a value the array that holds it until the next call.
    """

    source: str
    gradients: list[ndarray]

    def __init__(self, program: Program) -> None:
        raise NotImplementedError

    def bind(self, states: Sequence[ndarray]) -> None:
        """Take the arrays of ``program.states``: before the first call, and whenever one is another object."""
        raise NotImplementedError

    def __call__(self, inputs: Sequence[ndarray]) -> list[ndarray]:
        """Run on the arrays of ``program.inputs``; a new array for each of ``program.results``.

        The shapes and dtypes of the inputs are those of the capture, the strides may be others.
        """
        raise NotImplementedError

    def drawn(self) -> tuple[list[Group], list[Any]] | None:
        """What is drawn as a box, and what the boxes know as the results; None for a box for each operation."""
        return None


class Interpreter(Execution):
    """Carries out one instruction after the other, with a new array for each result."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.states: Sequence[ndarray] = ()

    @cached_property
    def source(self) -> str:  # type: ignore[override]
        """The instructions as text."""
        return str(self.program)

    def bind(self, states: Sequence[ndarray]) -> None:
        """Read and write these arrays from now on."""
        self.states = states

    def __call__(self, inputs: Sequence[ndarray]) -> list[ndarray]:
        """One step."""
        program = self.program
        arrays: list[Any] = [None] * len(program.values)
        for (number, value), array in zip(program.inputs, inputs):
            arrays[value.number] = laid_out(f"input {number}", array, value)
        for (_, value), array in zip(program.states, self.states):
            arrays[value.number] = array
        for array, value in program.constants:
            arrays[value.number] = array
        with np.errstate(all="ignore"):
            for instruction in program.instructions:
                instruction.run(arrays)
        self.gradients = [
            arrays[value.number] if value.memory.origin == "made" else arrays[value.number].copy()
            for _, value in program.settings if value is not None
        ]  # fmt: skip
        return [arrays[value.number].copy() for value in program.results]


BACKENDS = {"c": ("native", "NativeExecution"), "numpy": ("numpy_execution", "NumPyExecution")}
"""By the name of a back end the module of this room, imported when the first program is built, and the class there."""


def checked_backend(backend: Any) -> str | None:
    """The name of a back end, or None for the fastest there is; anything else is refused."""
    if backend is None or (isinstance(backend, str) and backend in BACKENDS):
        return backend
    names = " or ".join(f'"{name}"' for name in sorted(BACKENDS))
    raise ValueError(f"compile: backend is {names}, or None for C where a compiler is found, got {backend!r}.")


def improved(program: Program) -> Program:
    """The program after the passes."""
    try:
        passes = importlib.import_module(".passes", __package__)
    except ImportError:
        return program
    better: Program = passes.improved(program)
    return better


def execution_class(backend: str) -> type[Execution] | None:
    """The class of a back end, or None if this package is without it."""
    module, name = BACKENDS[backend]
    try:
        found: type[Execution] = getattr(importlib.import_module(f".{module}", __package__), name)
    except ImportError:
        return None
    return found


said: set[str] = set()
"""Reasons why programs are not run as C that have been said."""


def build(program: Program, backend: str | None) -> tuple[str, Execution]:
    """A program made ready to run, and the name of the back end: C if it can be, else NumPy, which is said once.

    Raises:
        CannotBuild: if ``backend`` is ``"c"`` and it cannot be built.
    """
    program = improved(program)
    if backend != "numpy":
        try:
            return "c", as_c(program)
        except CannotBuild as error:
            if backend == "c":
                raise
            say(error)
    return "numpy", (execution_class("numpy") or Interpreter)(program)


def as_c(program: Program) -> Execution:
    """A program as C; an error that nobody foresaw is a reason to do without, too."""
    kind = execution_class("c")
    if kind is None:
        raise CannotBuild("there is no back end for C in this package")
    try:
        return kind(program)
    except CannotBuild:
        raise
    except Exception as error:
        raise CannotBuild(
            f"writing the C has failed ({type(error).__name__}: {error})", "Please report it; the results are right."
        ) from error


def say(error: CannotBuild) -> None:
    """Say once why a program does not run as C."""
    if str(error) not in said:
        said.add(str(error))
        warnings.warn(
            f"compile: the step runs with NumPy, not as C: {error}", CompileWarning, stacklevel=level_outside()
        )
