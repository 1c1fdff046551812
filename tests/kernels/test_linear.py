"""The weight's gradient of a linear layer over many rows."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.kernels.linear import weight_gradient


@pytest.mark.parametrize("sizes", [(1, 1), (1, 2), (2, 1), (1, 16), (16, 1), (2, 2)])
def test_many_rows_add_up_exactly(sizes):
    n = 300_000
    layer = nn.Linear(*sizes)
    layer(mg.ones(n, sizes[0])).backward(mg.full((n, sizes[1]), 0.1))
    np.testing.assert_allclose(layer.weight.grad.numpy() / (0.1 * n), 1, rtol=1e-5)


@pytest.mark.parametrize("n", [1, 128, 1024, 1025, 1280, 3000])
@pytest.mark.parametrize("sizes", [(1, 1), (1, 5), (5, 1), (0, 1), (1, 0), (3, 4)])
def test_blocks_of_rows_are_all_rows(n, sizes):
    rng = np.random.default_rng(0)
    dy, x = (rng.standard_normal((n, size)) for size in sizes)
    np.testing.assert_allclose(weight_gradient(dy, x), np.einsum("no,ni->oi", dy, x), rtol=1e-12, atol=1e-12)
    by_column = weight_gradient(np.asfortranarray(dy), x[::-1][::-1])
    np.testing.assert_allclose(by_column, np.einsum("no,ni->oi", dy, x), rtol=1e-12, atol=1e-12)
