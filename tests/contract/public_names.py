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
    "minigrad.checks",
    "minigrad.data",
    "minigrad.graph",
    "minigrad.io",
    "minigrad.nn",
    "minigrad.nn.functional",
    "minigrad.nn.init",
    "minigrad.nn.utils",
    "minigrad.optim",
    "minigrad.optim.swa_utils",
]

WITH_METHODS = {"Tensor", "Module", "Optimizer", "Op"}
"""Classes whose public methods users call, so that they are listed, too."""


def signature(value: Any) -> str:
    """The signature as text without annotations; nothing for what cannot be called."""
    if not callable(value):
        return ""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return "(...)"
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in found.parameters.values()]
    return str(found.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


def lines() -> Iterator[str]:
    """A line for each public name."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in sorted(module.__all__):
            value = getattr(module, name)
            is_class = inspect.isclass(value)
            kind = "class " if is_class else "module " if inspect.ismodule(value) else ""
            own = is_class or callable(value)
            yield f"{module_name}: {kind}{name}{signature(value) if own and not inspect.ismodule(value) else ''}"
            if is_class and name in WITH_METHODS and module_name.count(".") <= 1:
                for method in sorted(n for n in dir(value) if not n.startswith("_")):
                    attribute = inspect.getattr_static(value, method)
                    if isinstance(attribute, (property, type(signature))) or callable(getattr(value, method)):
                        text = "" if isinstance(attribute, property) else signature(getattr(value, method))
                        yield f"{module_name}: {name}.{method}{text}"


if __name__ == "__main__":
    LIST.write_text("\n".join(lines()) + "\n", encoding="utf-8")
