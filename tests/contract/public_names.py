"""The list of public names with their signatures; ``python -m tests.contract.public_names`` writes it anew."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LIST = Path(__file__).with_suffix(".txt")

MODULES = [
    "minigrad",
    "minigrad.autograd",
    "minigrad.backends",
    "minigrad.autograd.function",
    "minigrad.autograd.functional",
    "minigrad.autograd.graph",
    "minigrad.compile",
    "minigrad.checks",
    "minigrad.cuda",
    "minigrad.data",
    "minigrad.distributed",
    "minigrad.distributed.nn.functional",
    "minigrad.distributions",
    "minigrad.func",
    "minigrad.graph",
    "minigrad.io",
    "minigrad.linalg",
    "minigrad.nn",
    "minigrad.nn.functional",
    "minigrad.nn.init",
    "minigrad.nn.modules.module",
    "minigrad.nn.parallel",
    "minigrad.nn.utils",
    "minigrad.nn.utils.fusion",
    "minigrad.onnx",
    "minigrad.optim",
    "minigrad.optim.swa_utils",
    "minigrad.random",
    "minigrad.special",
    "minigrad.testing",
    "minigrad.training",
    "minigrad.training.plots",
    "minigrad.utils",
]
"""What users import from."""

BESIDES = ["minigrad.compile", "minigrad.print"]
"""Public names that are not in ``__all__``: ``import *`` would hide Python's own."""


def is_own(value: Any) -> bool:
    """Whether the package defines it: what others define looks different in each of their versions."""
    return str(getattr(value, "__module__", "")).partition(".")[0] == "minigrad"


def signature(value: Any) -> str:
    """The signature without annotations; nothing for what is not called or not our own, and for exceptions."""
    if not callable(value) or not is_own(value) or (inspect.isclass(value) and issubclass(value, Exception)):
        return ""
    found = inspect.signature(value)
    parameters = [parameter.replace(annotation=parameter.empty) for parameter in found.parameters.values()]
    return str(found.replace(parameters=parameters, return_annotation=found.empty))


def members(cls: type) -> Iterator[str]:
    """The public attributes of a class, methods with their signatures; not what Python's own bases have."""
    foreign = {name for base in cls.__mro__ if not is_own(base) for name in dir(base)}
    for name in dir(cls):
        if not name.startswith("_") and name not in foreign:
            yield f"{name}{signature(getattr(cls, name))}"


def lines() -> list[str]:
    """A line for each public name, and for each attribute of a class that its listed bases do not have."""
    modules = {name: importlib.import_module(name) for name in MODULES}
    values = {
        f"{name}.{public}": getattr(module, public) for name, module in modules.items() for public in module.__all__
    }
    values |= {name: getattr(modules["minigrad"], name.rpartition(".")[2]) for name in BESIDES}
    classes = {value: set(members(value)) for value in values.values() if inspect.isclass(value) and is_own(value)}
    found = []
    for name, value in sorted(values.items()):
        found.append(name + signature(value))
        if inspect.isclass(value):
            inherited = set().union(*(classes.get(base, set()) for base in value.__mro__[1:]))
            found += [f"{name}.{member}" for member in sorted(classes.get(value, set()) - inherited)]
    return found


if __name__ == "__main__":
    LIST.write_text("\n".join(lines()) + "\n", encoding="utf-8")
