"""Fixtures of the tests of the engine: operations made by a test, and counted rules."""

import pytest

from minigrad.engine.op import Op


@pytest.fixture
def make_op(monkeypatch):
    """Define operations for one test only."""
    monkeypatch.setattr(Op, "registry", dict(Op.registry))
    return Op


@pytest.fixture
def counted(make_op):
    """``x * 1``, and how often its rule was run."""
    calls = []

    def rule(dy, _y, _x):
        calls.append(dy.shape)
        return dy * 1.0

    return make_op("counted", lambda x: x * 1.0, rule), calls
