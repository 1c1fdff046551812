"""What users import and call is what the list says: a change of it is seen where it is made."""

from __future__ import annotations

import importlib

import pytest

from .public_names import LIST, MODULES, lines


def test_names_and_signatures_are_those_of_the_list() -> None:
    written = LIST.read_text(encoding="utf-8").splitlines()
    assert lines() == written, "if this is meant: python -m tests.contract.public_names"


@pytest.mark.parametrize("name", MODULES)
def test_the_names_a_module_lists_are_there_once_and_not_private(name: str) -> None:
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, public) for public in module.__all__)
    assert not [public for public in module.__all__ if public.startswith("_") and public != "__version__"]


def test_rooms_that_users_do_not_need_are_not_listed() -> None:
    listed = {line.partition("(")[0] for line in LIST.read_text(encoding="utf-8").splitlines()}
    assert {"minigrad.nn", "minigrad.optim", "minigrad.data", "minigrad.autograd", "minigrad.nn.functional"} <= listed
    inside = [
        "checks",
        "engine",
        "graph",
        "io",
        "kernels",
        "ops",
        "tensor.tensor",
        "nn.layers",
        "nn.module",
        "optim.rules",
    ]
    assert not {f"minigrad.{room}" for room in inside} & listed
