"""The examples in docstrings run, and print what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim, training
from minigrad.checks.cases import is_minigrads
from minigrad.engine.op import Op
from minigrad.nn import functional as F

NAMES: dict[str, Any] = {"mg": mg, "np": np, "nn": nn, "optim": optim, "data": data, "training": training, "F": F}
"""What an example may use without importing it."""


def imported(name: str) -> Any:
    """A module; None for one whose optional package is not installed here, which says so."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if "pip install" not in str(error):
            raise
        return None


def examples() -> list[doctest.DocTest]:
    """The docstrings with examples of all modules but those that are commands, of operations and methods of tensors."""
    modules = [module.name for module in pkgutil.walk_packages(mg.__path__, "minigrad.")]
    found = [
        test
        for name in ["minigrad", *modules]
        if not name.endswith("__main__") and (module := imported(name)) is not None
        for test in doctest.DocTestFinder().find(module, name, extraglobs=NAMES)
    ]
    of_operations = [
        test
        for name, op in Op.registry.items()
        if is_minigrads(op)
        for test in doctest.DocTestFinder().find(op, f"Op {name}", module=False, globs=dict(NAMES))
    ]
    of_methods = [
        test
        for name in dir(mg.Tensor)
        if name[0] != "_"
        for test in doctest.DocTestFinder().find(getattr(mg.Tensor, name), name, module=False, globs=dict(NAMES))
    ]
    different = {test.docstring: test for test in [*found, *of_operations, *of_methods] if test.examples}
    return list(different.values())


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_an_example_prints_what_it_says(example: doctest.DocTest, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mg.Op, "registry", dict(mg.Op.registry))
    mg.manual_seed(0)
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    output: list[str] = []
    runner.run(example, out=output.append, clear_globs=False)
    said = "".join(output)
    if "ImportError: " in said and "pip install" in said:
        pytest.skip("needs an optional package")
    assert not runner.failures, said


def test_the_names_users_need_first_have_an_example() -> None:
    shown = {test.name.rpartition(".")[2] for test in examples()}
    assert {"tensor", "zeros", "randn", "save", "load", "moons", "DataLoader", "gradcheck", "grad", "no_grad"} <= shown
