"""``Execution``: a program made ready to run, by one of the back ends; ``Interpreter`` is the plainest."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .program import Program, laid_out


class CompileWarning(UserWarning):
    """What a compiled step says once: NumPy in place of C, many programs, values that are shown in captures only."""


class CannotBuild(RuntimeError):  # noqa: N818
    """A back end cannot build a program on this machine; the message says why, and the cure."""


class Execution:
    """A program that runs on arrays of the user's.

    Args:
        program: what is to be run.

    Attributes:
        source: what it runs, to be read.
        gradients: for each of ``program.settings`` with a value the array that holds it until the next call.
        begun: whether the last call had come to its first instruction after checks and calls of the host, so that
            what it raised may have come when something had changed.
    """

    source: str
    gradients: list[ndarray]
    begun = True

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


class Interpreter(Execution):
    """Carries out one instruction after the other, with a new array for each result."""

    def __init__(self, program: Program) -> None:
        self.program, self.source = program, str(program)
        self.states: Sequence[ndarray] = ()

    def bind(self, states: Sequence[ndarray]) -> None:
        """Read and write these arrays from now on."""
        self.states = states

    def __call__(self, inputs: Sequence[ndarray]) -> list[ndarray]:
        """One step."""
        program, self.begun = self.program, False
        arrays: list[Any] = [None] * len(program.values)
        for (number, value), array in zip(program.inputs, inputs):
            arrays[value.number] = laid_out(f"input {number}", array, value)
        for (_, value), array in zip(program.states, self.states):
            arrays[value.number] = array
        for array, value in program.constants:
            arrays[value.number] = array
        with np.errstate(all="ignore"):
            for instruction in program.instructions:
                self.begun = self.begun or instruction.kind == "call"
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
        kind = execution_class("c")
        try:
            if kind is None:
                raise CannotBuild("there is no back end for C in this package")
            return "c", kind(program)
        except CannotBuild as error:
            if backend == "c":
                raise
            if kind is not None and str(error) not in said:
                said.add(str(error))
                warnings.warn(f"compile: the step runs with NumPy, not as C: {error}", CompileWarning, stacklevel=5)
    return "numpy", (execution_class("numpy") or Interpreter)(program)
