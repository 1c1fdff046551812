"""``NumPyExecution``: a program that runs as the NumPy source that ``print(step.source)`` shows."""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .execution import Execution
from .into_memory import with_targets
from .numpy_source import Source
from .program import Program, laid_out


class NumPyExecution(Execution):
    """Runs the source of a program.

    Args:
        program: after the passes.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        written = self.written = Source(with_targets(program))
        self.source = written.text
        self.file = f"<compiled step {id(self):x}>"
        linecache.cache[self.file] = (len(self.source), None, self.source.splitlines(keepends=True), self.file)
        self.names: dict[str, Any] = {"np": np, **written.given}
        self.code = compile(self.source, self.file, "exec")
        self.inputs = [(f"input {number}", value) for number, value in program.inputs]
        self.bound = False

    def bind(self, states: Sequence[ndarray]) -> None:
        """Read and write these arrays from now on."""
        for (_, value), array in zip(self.program.states, states):
            self.names[self.written.names[value]] = array
        exec(self.written.views if self.bound else self.code, self.names)
        self.bound, self.step = True, self.names["step"]
        self.gradients = [self.names[name] for name in self.written.gradients]

    def __call__(self, inputs: Sequence[ndarray]) -> list[ndarray]:
        """One step."""
        arrays = [
            array if array.strides == value.strides else laid_out(name, array, value)
            for (name, value), array in zip(self.inputs, inputs)
        ]
        with np.errstate(all="ignore"):
            return list(self.step(*arrays))
