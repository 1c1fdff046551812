"""Binary cross entropy of logits: the fast formula of finite numbers, and what becomes of infinite ones."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.engine.op import Op

inf, nan = np.inf, np.nan
op = Op.registry["bce_with_logits"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (1,), (0,), (300, 7)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_kernel_has_the_definitions_results(dtype, shape, reduction):
    rng = np.random.default_rng(0)
    x, t = (10 * rng.standard_normal(shape)).astype(dtype), rng.uniform(-0.5, 1.5, shape).astype(dtype)
    with np.errstate(invalid="ignore"):
        found, expected = op.kernel(x, t, reduction), op.definition(x, t, reduction)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("x, t, expected", [
    (inf, 1, 0), (inf, 0, inf), (inf, 0.5, inf), (-inf, 0, 0), (-inf, 1, inf), (nan, 1, nan), (1e30, 1, 0),
    (1e30, 0, np.float32(1e30)), (-1e30, 1, np.float32(1e30)), (0, 0, np.log(2)),
])  # fmt: skip
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.filterwarnings("error")
def test_logits_of_any_size(x, t, expected, reduction):
    """Beside others, and without a warning."""
    x, t = mg.tensor([x, 0.0], dtype=mg.float32), mg.tensor([t, 1.0], dtype=mg.float32)
    found = F.binary_cross_entropy_with_logits(x, t, reduction=reduction)
    losses = np.array([expected, np.log(2)])
    right = losses if reduction == "none" else getattr(losses, reduction)()
    np.testing.assert_allclose(found.numpy(), right, rtol=1e-6)
