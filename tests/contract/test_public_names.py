"""What users can import and call is what the list says: a change of it is seen where it is made."""

from __future__ import annotations

import importlib

import pytest

from .public_names import LIST, MODULES, lines


def test_names_and_signatures_are_those_of_the_list() -> None:
    written = LIST.read_text(encoding="utf-8").splitlines()
    assert list(lines()) == written, "if this is meant: python -m tests.contract.public_names"


@pytest.mark.parametrize("name", MODULES)
def test_every_listed_name_is_there_and_private_names_are_not_listed(name: str) -> None:
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, public) for public in module.__all__)
    assert not [public for public in module.__all__ if public.startswith("_") and public != "__version__"]
