"""PyTorch's names are there, with PyTorch's arguments in PyTorch's order.

``vocabulary.txt`` has a line for each, measured on PyTorch 2.14.1: ``mg`` stands for ``torch``, ``functional``,
``linalg``, ``special``, ``nn``, ``optim`` and ``data`` for ``torch.nn.functional``, ``torch.linalg``,
``torch.special``, ``torch.nn``, ``torch.optim``, ``torch.utils.data``. ``f(a) or (b)`` are two ways to call one
function.
"""

from __future__ import annotations

import functools
import inspect
import keyword
import re
from pathlib import Path
from typing import Any

import pytest

import minigrad as mg
from minigrad import nn

LINES = Path(__file__).with_name("vocabulary.txt").read_text(encoding="utf-8").splitlines()

ROOTS = {
    "Tensor": mg.Tensor,
    "data": mg.data,
    "functional": nn.functional,
    "linalg": mg.linalg,
    "mg": mg,
    "nn": nn,
    "optim": mg.optim,
    "special": mg.special,
}

Parameter = inspect.Parameter


def found(name: str) -> Any:
    """What a dotted name stands for."""
    root, *rest = name.split(".")
    return functools.reduce(getattr, rest, ROOTS[root])


def forms(line: str) -> list[list[str]]:
    """For each way to call a function the names of its arguments, ``*`` in front of those given by name alone."""
    ways = re.findall(r"\(((?:[^()]|\([^()]*\))*)\)", line)
    return [
        re.findall(r"(?:^|, |\bor )(\*|[a-zA-Z_]\w*)(?=[,=]| or |$)", re.sub(r"\([^()]*\)", "", way)) for way in ways
    ]


def names_of(callable_: Any) -> dict[str, Any]:
    """The parameters of a function or method without the tensor itself."""
    return dict(inspect.signature(callable_).parameters)


@pytest.mark.parametrize("line", LINES)
def test_a_name_is_there_with_its_arguments(line: str) -> None:
    value = found(line.partition("(")[0])
    ways = forms(line)
    if not ways or not callable(value):
        return
    parameters = names_of(value)
    kinds = {parameter.kind for parameter in parameters.values()}
    wanted = {name for way in ways for name in way if not keyword.iskeyword(name)} - {"*"}
    if Parameter.VAR_KEYWORD not in kinds:
        assert wanted <= set(parameters), f"lacks {sorted(wanted - set(parameters))}"
    if Parameter.VAR_POSITIONAL not in kinds:
        way = ways[0]
        by_position = way[: way.index("*")] if "*" in way else way
        positional = [name for name, own in parameters.items() if own.kind is not Parameter.KEYWORD_ONLY]
        in_ours = [name for name in positional if name in by_position]
        assert in_ours == [name for name in by_position if name in positional], "in another order"


def test_the_list_has_the_names_of_first_programs() -> None:
    assert {line.partition("(")[0] for line in LINES} >= {
        "mg.cat", "Tensor.norm", "functional.conv2d", "mg.func.grad", "nn.Conv2d", "nn.Module.state_dict",
        "optim.AdamW",
    }  # fmt: skip
    assert len(LINES) > 1000
