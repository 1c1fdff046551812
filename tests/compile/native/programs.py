"""Many programs as one C file, so that tests of them wait for the compiler once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from minigrad.compile.native import compiler
from minigrad.compile.native.blas import products
from minigrad.compile.native.c_source import text
from minigrad.compile.native.execution import NativeExecution, flags
from minigrad.compile.program import Program, Result
from minigrad.compile.trees import tree_leaves
from minigrad.engine.node import array_of


def built(programs: Sequence[Program], *more: str, lanes: int | None = None) -> list[NativeExecution]:
    """Programs as C, with further flags of the compiler; skipped where there is none."""
    found = compiler.found()
    if found is None:
        pytest.skip("there is no C compiler here")
    executions = []
    for number, program in enumerate(programs):
        execution = NativeExecution.__new__(NativeExecution)
        execution.write(program, lanes or found.lanes, f"p{number}_")
        executions.append(execution)
    blas = products()
    source = text([execution.written for execution in executions], blas.integer if blas else "int64_t")
    library = compiler.build(source, (*flags(found), *more), found)
    for execution, program in zip(executions, programs):
        execution.link(library)
        execution.bind([place.array() for place, _ in program.states])
    return executions


def run(execution: NativeExecution, *inputs: Any) -> list[np.ndarray]:
    """One run on the arguments of a step; what it returns, one by one."""
    program = execution.program
    arguments = program.checked(inputs)
    arrays = execution([np.asarray(array_of(arguments[number])) for number, _ in program.inputs])
    found = dict(zip(program.results, arrays))
    return [found[leaf.value] for leaf in tree_leaves(program.outputs) if isinstance(leaf, Result)]
