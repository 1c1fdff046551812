"""Every public name has a docstring with an example; ``without_example.txt`` only shrinks."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import minigrad as mg
from minigrad.checks.cases import is_minigrads
from minigrad.engine.faces import FACES
from minigrad.engine.op import Op
from tests.contract.public_names import MODULES, is_own

LIST = Path(__file__).with_name("without_example.txt")
MOST = 28
"""Names that may be in the list: the number goes down with it."""


def entries() -> Iterator[tuple[str, Any]]:
    """The public functions and classes, each under the first of its names; no exceptions."""
    seen: set[int] = set()
    for module in MODULES:
        for name in importlib.import_module(module).__all__:
            value = getattr(importlib.import_module(module), name)
            exception = inspect.isclass(value) and issubclass(value, BaseException)
            if callable(value) and is_own(value) and not exception and id(value) not in seen:
                seen.add(id(value))
                yield f"{module}.{name}", value


ENTRIES = dict(entries())


def test_every_name_has_a_docstring() -> None:
    assert [name for name, value in ENTRIES.items() if not (inspect.getdoc(value) or "").strip()] == []


def test_all_but_the_names_listed_have_an_example() -> None:
    missing = {name for name, value in ENTRIES.items() if ">>>" not in (inspect.getdoc(value) or "")}
    listed = LIST.read_text(encoding="utf-8").split()
    assert listed == sorted(missing), "write an example, and take the name out of the list"
    assert len(listed) <= MOST


def test_every_operation_that_users_call_has_an_example() -> None:
    """Methods, too, which are no public names of a module."""
    operations = {f.name: f for functions in FACES.values() for f in functions.values() if isinstance(f, Op)}
    without = [name for name, op in operations.items() if is_minigrads(op) and ">>>" not in (op.__doc__ or "")]
    assert len(operations) > 100 and without == []


@pytest.mark.parametrize(
    "word",
    [
        "Args:",
        "Raises:",
        "running_mean",
        "eval()",
        "momentum",
        "(N, C)",
        "dx = ",
        "sqrt(var + eps)",
        "freeze()",
        ">>> bn",
    ],
)
def test_the_help_of_batch_norm_teaches_it(word: str) -> None:
    assert word in (inspect.getdoc(mg.nn.BatchNorm1d) or "")
