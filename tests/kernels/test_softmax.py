"""The derivative of logsumexp on arrays is the one of its rule, which tensors take."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg

inf, nan = np.inf, np.nan

ROWS = {
    "usual": [[0.5, 1.5, -2.0], [3.0, 3.0, 0.0]],
    "large": [[1e4, 1e4 + 3, 0.0], [-1e30, -1e30, -1e30]],
    "some -inf": [[-inf, 1.5, -2.0], [3.0, -inf, -inf]],
    "only -inf beside others": [[-inf, -inf, -inf], [0.0, 1.0, 2.0]],
    "one +inf": [[inf, 1.5, -inf], [0.0, 1.0, 2.0]],
    "several +inf": [[inf, inf, 0.0], [0.0, 1.0, 2.0]],
    "NaN": [[nan, 1.0, 0.0], [0.0, 1.0, 2.0]],
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.filterwarnings("ignore:overflow")  # 1e30 is infinite in float16
def test_the_derivative_of_logsumexp(name, dtype, dim, keepdim):
    x = mg.tensor(ROWS[name], dtype=dtype, requires_grad=True)
    y = x.logsumexp(dim, keepdim)
    dy = mg.tensor(np.linspace(0.5, 2, y.numel()).reshape(y.shape), dtype=dtype)
    (fast,) = mg.grad(y, x, dy, retain_graph=True)
    (by_rule,) = mg.grad(y, x, dy, create_graph=True)
    assert fast.dtype == by_rule.dtype == dtype
    np.testing.assert_allclose(fast.numpy(), by_rule.detach().numpy(), rtol=4 * np.finfo(dtype).eps)
