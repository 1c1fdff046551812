"""A small net, its input and its target."""

import numpy as np
import pytest

import minigrad as mg
from tests.graph.parsed import MLP


@pytest.fixture
def net():
    mg.manual_seed(0)
    return MLP()


@pytest.fixture
def x():
    return mg.tensor(np.random.default_rng(1).normal(size=(16, 4)).astype(np.float32))


@pytest.fixture
def target():
    return mg.tensor(np.arange(16) % 2)
