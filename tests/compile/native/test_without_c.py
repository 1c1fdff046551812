"""A step that cannot be C, whatever the reason, runs with NumPy and says so once; nothing of it is lost."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import CannotBuild, CompileWarning, execution
from minigrad.compile.native import compiler
from minigrad.compile.native.execution import NativeExecution


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(execution, "said", set())


def training(dtype=np.float32, backend=None):
    """A compiled step of a small model, and its batch."""
    mg.manual_seed(0)
    model = nn.Linear(3, 2).to(dtype)
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x):
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    return mg.compile(step, backend=backend), mg.ones(4, 3).to(dtype)


def said_by(step, x):
    """The losses of five steps, and what was said meanwhile."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        losses = [step(x).item() for _ in range(5)]
    return losses, [str(warning.message) for warning in caught if warning.category is CompileWarning]


def fail(*_):
    raise KeyError("a table")


def refuse(*_):
    raise CannotBuild("its states have gaps")


FAILURES = {
    "lowering": ("write", fail, r"writing the C has failed \(KeyError: 'a table'\)"),
    "binding": ("bind", refuse, "its states have gaps"),
}


@pytest.mark.parametrize("where", FAILURES)
@pytest.mark.usefixtures("gcc")
def test_a_failure_is_said_once_and_the_step_trains_with_numpy(where, monkeypatch):
    name, failure, message = FAILURES[where]
    monkeypatch.setattr(NativeExecution, name, failure)
    step, x = training()
    losses, (said,) = said_by(step, x)
    assert re.search(message, said) and step.backend == "numpy" and losses[-1] < losses[0]
    assert said_by(*training()) == (losses, [])
    step, x = training(backend="c")
    with pytest.raises(CannotBuild, match=message):
        for _ in range(3):
            step(x)


def test_a_compiler_without_float16_is_named(gcc, script):
    script(f'exec {gcc} -D_Float16=_Float16_is_unknown "$@"')
    _, (said,) = said_by(*training(np.float16))
    assert "has no _Float16, which arrays of float16 need. Use float32" in said
    assert said_by(*training(np.float32))[1] == []


def test_there_is_one_class_of_what_cannot_be_built():
    assert compiler.CannotBuild is CannotBuild
