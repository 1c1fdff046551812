"""Messages say the type of a wrong value behind its article, and nothing of Python's own errors."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.engine.arguments import a_type


def optimizer():
    return optim.SGD([mg.ones(1, requires_grad=True)], lr=0.1)


def loader():
    return data.DataLoader(data.TensorDataset(mg.ones(3)), 2)


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


@pytest.mark.parametrize("make, what", [(optimizer, "SGD: .* an optimiser"), (loader, "DataLoader: .* a loader")])
@pytest.mark.parametrize("state, given", [
    (3, "an int"), (None, "None"), ([], "a list"), ({}, "a dict with nothing in it"),
    ({"state": 3, "param_groups": [3], "random_state": 1}, "a dict with state, param_groups, random_state"),
])  # fmt: skip
def test_what_is_no_saved_state(make, what, state, given):
    with pytest.raises(
        ValueError, match=rf"^{what}: expected .*state_dict\(\) returned, a dict with .*, got {given}\.$"
    ):
        make().load_state_dict(state)
