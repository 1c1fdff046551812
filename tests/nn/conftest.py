"""Fixtures of the tests of modules."""

import numpy as np
import pytest

import minigrad as mg


@pytest.fixture
def seeded():
    mg.manual_seed(0)


@pytest.fixture
def x():
    return mg.tensor(np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32))
