"""Messages say the type of a wrong value behind its article, and nothing of Python's own errors."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.engine.arguments import a_type


@pytest.mark.parametrize("value, text", [
    (3, "an int"), ([], "a list"), (OrderedDict(), "an OrderedDict"), (None, "None"), (object(), "an object"),
])  # fmt: skip
def test_articles(value, text):
    assert a_type(value) == text


MISTAKES = {
    "parameters by name": (lambda: optim.SGD(OrderedDict(a=mg.ones(1)), lr=0.1), "an OrderedDict of tensors"),
    "an item of Sequential": (lambda: nn.Sequential(3), "item '0' is an int"),
    "an item of cat": (lambda: mg.cat([mg.ones(1), 3]), "item 1 is an int"),
    "a path": (lambda: mg.save({}, 3), "load from an int"),
    "a value to save": (lambda: mg.save({"a": object()}, "never"), "an object"),
    "a method": (lambda: setattr(nn.ReLU(), "forward", OrderedDict(a=nn.ReLU())), "cannot become an OrderedDict"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_messages_with_articles(name):
    act, text = MISTAKES[name]
    with pytest.raises(TypeError, match=text):
        act()
