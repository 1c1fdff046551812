"""Dropout with probability 0, 1 and between."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from tests.helpers.inputs import leaf
from tests.ops.edges import both_ways


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
@both_ways
def test_dropout_drops_and_scales(p, create_graph):
    """An element is 0 or x / (1 - p), its gradient is the same factor, and about p of them are 0."""
    x = leaf(np.full(20_000, 3.0))
    y = ops.dropout(x, p, np.random.default_rng(5))
    factor = y.detach().numpy() / 3
    assert set(np.unique(factor).round(12)) <= {0.0, np.round(1 / (1 - p), 12) if p < 1 else 0.0}
    assert abs((factor == 0).mean() - p) < 0.02
    (dx,) = mg.grad(y.sum(), x, create_graph=create_graph)
    np.testing.assert_allclose(dx.detach().numpy(), factor)
