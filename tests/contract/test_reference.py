"""Every public name has a docstring with an example."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

import minigrad as mg
from minigrad.checks.cases import is_minigrads
from minigrad.engine.faces import FACES
from minigrad.engine.op import Op
from tests.contract.public_names import MODULES, is_own


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


@pytest.mark.parametrize("module", MODULES)
def test_the_help_of_a_module_opens_with_its_use(module: str) -> None:
    text = inspect.getdoc(importlib.import_module(module)) or ""
    assert text and not text.startswith("Floor") and text.partition("\n\n")[0].endswith((".", ":"))


def test_every_name_has_an_example() -> None:
    assert [name for name, value in ENTRIES.items() if ">>>" not in (inspect.getdoc(value) or "")] == []


def test_every_operation_that_users_call_has_an_example() -> None:
    """Methods, too, which are no public names of a module."""
    operations = {f.name: f for functions in FACES.values() for f in functions.values() if isinstance(f, Op)}
    without = [name for name, op in operations.items() if is_minigrads(op) and ">>>" not in (op.__doc__ or "")]
    assert len(operations) > 100 and without == []


def test_every_method_in_place_has_an_example_of_its_own() -> None:
    methods = [getattr(mg.Tensor, name) for name in dir(mg.Tensor) if name[0] != "_" and name[-1] == "_"]
    assert len(methods) > 100
    assert [f.__name__ for f in methods if f".{f.__name__}(" not in (f.__doc__ or "").partition(">>> ")[2]] == []


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


def test_a_class_without_arguments_is_shown_without_any() -> None:
    class Plain(mg.nn.Module):
        """Without a constructor."""

    assert not inspect.signature(Plain).parameters and not inspect.signature(mg.nn.Softmax2d).parameters


def test_the_source_of_an_operation_is_its_entry() -> None:
    operations = {name: value for name, value in ENTRIES.items() if isinstance(value, Op)}
    assert len(operations) > 90
    assert [name for name, op in operations.items() if f'"{op.name}"' not in op.source.partition(", ")[0]] == []
    assert mg.Tensor.exp.operation is mg.exp  # type: ignore[attr-defined]


def test_the_source_of_a_users_operation_is_where_it_was_defined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Op, "registry", {})
    doubled = Op("doubled", lambda x: 2 * x, lambda dy, _y, _x: 2 * dy)
    assert doubled.source.strip() == 'doubled = Op("doubled", lambda x: 2 * x, lambda dy, _y, _x: 2 * dy)'

    def tripled() -> Op:
        return Op("tripled", lambda x: 3 * x)

    assert tripled().source.strip() == 'return Op("tripled", lambda x: 3 * x)'
    typed: dict[str, Any] = {"mg": mg}
    exec('op = mg.Op("typed", lambda x: 2 * x)', typed)  # as at a prompt: there is no file
    assert typed["op"].source == ""
