"""PyTorch's names that minigrad does not have answer with one sentence, and none of them is there."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import minigrad as mg
from minigrad.engine.absent import REASONS

MODULES = [
    "minigrad", "minigrad.autograd", "minigrad.autograd.graph", "minigrad.distributed", "minigrad.func",
    "minigrad.linalg", "minigrad.nn", "minigrad.nn.functional", "minigrad.nn.utils", "minigrad.nn.utils.rnn",
    "minigrad.optim", "minigrad.special", "minigrad.utils",
]  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("name", sorted(REASONS))
def test_a_sentence_for_each_name(module, name):
    space = importlib.import_module(module)
    assert name not in getattr(space, "__all__", ())
    with pytest.raises(AttributeError, match=rf"^{module}\.{name} is not part of minigrad: [^.]*[^.].*\.$"):
        getattr(space, name)
    assert not hasattr(space, name)


@pytest.mark.parametrize(
    ("module", "name", "text"),
    [
        ("minigrad.nn", "Linaer", "module 'minigrad.nn' has no attribute 'Linaer': did you mean Linear?"),
        ("minigrad.optim", "adam", "module 'minigrad.optim' has no attribute 'adam': did you mean Adam?"),
        (
            "minigrad",
            "DataLoader",
            "module 'minigrad' has no attribute 'DataLoader': did you mean minigrad.data.DataLoader?",
        ),
        ("minigrad", "fuse", "module 'minigrad' has no attribute 'fuse': did you mean minigrad.nn.utils.fuse?"),
        ("minigrad.nn", "zeros", "module 'minigrad.nn' has no attribute 'zeros': did you mean minigrad.zeros?"),
        ("minigrad", "qqqq", "module 'minigrad' has no attribute 'qqqq'"),
    ],
)
def test_near_names(module, name, text):
    with pytest.raises(AttributeError) as caught:
        getattr(importlib.import_module(module), name)
    assert str(caught.value) == text and caught.value.name == name


def test_rooms_are_still_found_when_they_are_imported():
    names = {info.name for info in pkgutil.iter_modules(mg.__path__)}
    assert not names & set(REASONS)
    with pytest.raises(ImportError):
        from minigrad.nn import LSTM  # noqa: F401
