"""The examples in docstrings run, and print what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F
from minigrad import data, nn, optim

NAMES: dict[str, Any] = {"mg": minigrad, "np": np, "nn": nn, "optim": optim, "data": data, "F": F}
"""What an example may use without importing it."""


def modules() -> Iterator[str]:
    """All modules of the package but those that are commands."""
    for module in pkgutil.walk_packages(minigrad.__path__, "minigrad."):
        if not module.name.endswith("__main__"):
            yield module.name


def examples() -> Iterator[Any]:
    """Every docstring with an example."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in ("minigrad", *modules()):
        for test in finder.find(importlib.import_module(name), name, extraglobs=NAMES):
            if test.examples:
                yield pytest.param(test, id=test.name)


@pytest.mark.parametrize("example", examples())
def test_an_example_prints_what_it_says(example: doctest.DocTest) -> None:
    minigrad.manual_seed(0)
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    output: list[str] = []
    runner.run(example, out=output.append)
    assert not runner.failures, "".join(output)
