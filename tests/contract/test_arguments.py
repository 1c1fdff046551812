"""Every argument of a public function, constructor or method is explained in its docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

from minigrad import Generator, Tensor
from minigrad.engine.faces import FACES
from minigrad.nn import Module
from minigrad.optim import Optimizer

from .public_names import is_own
from .test_reference import ENTRIES

RECORDS = {"minigrad.autograd.function.FunctionCtx", "minigrad.autograd.graph.Node"}
"""Classes that users are given objects of, and make none."""
ANY = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
BY_NAME = {**FACES["method"], **{name.rpartition(".")[2]: value for name, value in reversed(ENTRIES.items())}}


def written(value: Any) -> str:
    """The docstring, of a class with those of its bases and constructors."""
    if not inspect.isclass(value):
        return inspect.getdoc(value) or ""
    found = [part for base in value.__mro__ if is_own(base) for part in (base, base.__dict__.get("__init__"))]
    return "\n\n".join(part.__doc__ or "" for part in found if part is not None)


def referred(text: str, module: str) -> Iterator[Any]:
    """The functions whose arguments a docstring says to be its own, those of the same module first."""
    for sentence in re.split(r"(?<=[.:])\s+|\n\s*\n", text):
        if re.search(r"\barguments?\b|\bas of\b|\bin place\b", sentence, re.IGNORECASE):
            for name in re.findall(r"``([\w.]+)``", sentence):
                found = ENTRIES.get(f"{module}.{name}", BY_NAME.get(name))
                if found is not None:
                    yield found


def unexplained(name: str, value: Any, seen: tuple[Any, ...] = ()) -> set[str]:
    """The arguments that are not mentioned; what a function is about, its ``input``, need not be."""
    parameters = list(inspect.signature(value).parameters.values())
    names = [p.name for p in parameters if not (p.kind in ANY and p.name.strip("_") in ("", "args", "kwargs"))]
    about = names[:1] if names[:1] in (["input"], ["self"]) else []
    text = written(value)
    missing = {each for each in names if each not in about and not re.search(rf"\b{each}\b", text)}
    for other in referred(text, name.rpartition(".")[0]) if missing else ():
        if other is not value and other not in seen:
            explained = set(inspect.signature(other).parameters) - unexplained(name, other, (*seen, value))
            missing -= explained
    return missing


@pytest.mark.parametrize("module", sorted({name.rpartition(".")[0] for name in ENTRIES}))
def test_every_argument_is_explained(module: str) -> None:
    entries = {name: value for name, value in ENTRIES.items() if name.rpartition(".")[0] == module}
    found = {name: unexplained(name, value) for name, value in entries.items() if name not in RECORDS}
    assert {name: missing for name, missing in found.items() if missing} == {}


@pytest.mark.parametrize("owner", [Generator, Module, Optimizer, Tensor])
def test_every_argument_of_a_method_is_explained(owner: type) -> None:
    methods = {name: getattr(owner, name) for name in dir(owner) if name[0] != "_"}
    methods = {name: value for name, value in methods.items() if callable(value) and is_own(value)}
    assert len(methods) > 5
    found = {name: unexplained(f"minigrad.{name}", value) for name, value in methods.items()}
    assert {name: missing for name, missing in found.items() if missing} == {}
