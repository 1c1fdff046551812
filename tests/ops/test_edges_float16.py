"""Sums and means of float16."""

from __future__ import annotations

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.inputs import leaf


def test_derivatives_in_float16_are_not_lost_in_squares():
    for function, x, slope in [
        (mg.atan, 300.0, 1 / (1 + 300.0**2)),
        (mg.asinh, 300.0, 1 / 300.0),
        (lambda x: mg.atan2(x, 400.0), 300.0, 400 / 500.0**2),
        (lambda x: mg.addcdiv(x * 0, 1000.0, x), 300.0, -1000 / 300.0**2),
        (lambda x: mg.rsqrt(x) * 0.001, 2.0**-14, -0.0005 * 2.0**21),
        (mg.erf, 2.5, 2 / np.sqrt(np.pi) * np.exp(-6.25)),
        (mg.special.log_ndtr, -300.0, 300.0),
    ]:
        y = function(z := leaf(np.array([x], np.float16)))
        (dx,) = mg.grad(y.sum(), z)
        assert dx.dtype == np.float16
        np.testing.assert_allclose(dx.numpy(), slope, rtol=0.003)


def test_sums_in_float16_do_not_stop_growing():
    """Added up in float16, ones stop at 2048, and 300 squared is infinite."""
    x = np.ones((5000, 2), np.float16)
    for array in (x, mg.tensor(x)):
        assert mg.sum(array, 0).tolist() == [5000, 5000]
        assert mg.mean(mg.expand(array[:, :1], 5000, 20)).item() == 1
        np.testing.assert_allclose(np.asarray(mg.softmax(array, 0)), 1 / 5000, rtol=1e-3)
        np.testing.assert_allclose(np.asarray(mg.log_softmax(array, 0)), -np.log(5000), rtol=1e-3)
        np.testing.assert_allclose(np.asarray(mg.logsumexp(array, 0)), 1 + np.log(5000), rtol=1e-3)
    spread_out = np.array([-300, 300] * 2000, np.float16)
    assert mg.std(spread_out, correction=0) == 300
    assert mg.var(spread_out / np.float16(3), correction=0) == 10000
    bias = leaf(np.zeros(2), np.float16)
    F.linear(mg.tensor(x), mg.tensor(np.ones((2, 2), np.float16)), bias).sum().backward()
    assert bias.grad.tolist() == [5000, 5000]


def test_softplus_in_float16_reaches_its_largest_number():
    """Without a warning where ``beta * x`` is beyond it, and rounded once."""
    exact = np.array([-65504, *np.arange(-8, 8, 1 / 16), 65504])
    x = leaf(exact, np.float16)
    y = F.softplus(x, 2)
    (dx,) = mg.grad(y, x, mg.ones_like(y))
    np.testing.assert_array_equal(y.detach().numpy(), (np.logaddexp(0, 2 * exact) / 2).astype(np.float16))
    np.testing.assert_array_equal(dx.numpy(), np.exp(-np.logaddexp(0, -2 * exact)).astype(np.float16))
