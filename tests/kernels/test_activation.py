"""The kernel of relu."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F


@pytest.mark.parametrize(
    "shape", [(8192,), (8193,), (2, 8192), (24576, 2), (3, 5000), (2, 9000), (128, 2, 64)], ids=str
)
@pytest.mark.parametrize("arrange", [np.ascontiguousarray, np.asfortranarray], ids=["C", "F"])
def test_relu_of_many_elements(shape, arrange):
    x = arrange(np.random.default_rng(0).standard_normal(shape).astype(np.float32))
    leaf = mg.from_numpy(x).requires_grad_()
    y = F.relu(leaf)
    np.testing.assert_array_equal(y.numpy(), np.where(x > 0, x, 0))
    assert y.base is None
    y.backward(mg.full(shape, 3.0))
    np.testing.assert_array_equal(leaf.grad.numpy(), np.where(x > 0, np.float32(3), 0))


def test_relu_takes_numbers_and_arrays():
    assert F.relu(-1.5) == 0 and F.relu(np.array([-1.0, 2.0])).tolist() == [0.0, 2.0]
