"""Operations are pickled by their names."""

from __future__ import annotations

import copy
import pickle

import pytest

import minigrad as mg
from minigrad.engine.op import Op


@pytest.mark.parametrize("name", sorted(name for name, op in Op.registry.items() if op.__module__ == "minigrad"))
def test_an_operation_is_itself_again(name):
    op = Op.registry[name]
    assert pickle.loads(pickle.dumps(op)) is op
    assert copy.deepcopy(op) is op


@pytest.mark.parametrize("function", [mg.relu, mg.nn.functional.cross_entropy])
def test_what_users_call_is_pickled(function):
    assert pickle.loads(pickle.dumps(function)) is function


def test_a_second_operation_of_a_name_is_refused():
    with pytest.raises(TypeError, match="exp cannot be pickled: another operation of that name"):
        pickle.dumps(Op("exp", lambda x: x * 1, lambda dy, _y, _x: dy))


def test_an_operation_that_is_not_there():
    text = pickle.dumps(mg.relu, protocol=0).replace(b"relu", b"rely")
    with pytest.raises(LookupError, match="there is no operation rely in this process"):
        pickle.loads(text)
