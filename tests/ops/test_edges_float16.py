"""Sums and means of float16."""

from __future__ import annotations

import numpy as np
import pytest

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


CURVES = {
    "elu": (F.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    "silu": (F.silu, lambda x: x / (1 + np.exp(-x))),
    "mish": (F.mish, lambda x: x * np.tanh(np.logaddexp(0, x))),
    "logsigmoid": (F.logsigmoid, lambda x: -np.logaddexp(0, -x)),
    "softsign": (F.softsign, lambda x: x / (1 + abs(x))),
    "tanhshrink": (F.tanhshrink, lambda x: x - np.tanh(x)),
    "hardswish": (F.hardswish, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "hardsigmoid": (F.hardsigmoid, lambda x: np.clip(x / 6 + 0.5, 0, 1)),
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("wrap", [np.asarray, mg.tensor], ids=["arrays", "tensors"])
def test_activations_are_rounded_once(name, wrap):
    """As if computed with more digits, but for one in 100 in the last place; up to the largest numbers."""
    function, formula = CURVES[name]
    x = np.array([-65504, -300, *np.arange(-8, 8, 1 / 64), 300, 65504], np.float16)
    with np.errstate(over="ignore"):
        right = formula(x.astype(np.float64)).astype(np.float16)
    y = np.asarray(function(wrap(x)))
    assert y.dtype == np.float16
    np.testing.assert_allclose(y, right, rtol=2.0**-10, atol=1e-7)
    assert (y == right).mean() > 0.99


LOSSES = {
    "l1_loss": (lambda x: F.l1_loss(x, 0 * x, weight=np.ones(x.shape)), 300),
    "huber_loss": (lambda x: F.huber_loss(x, 0 * x), 299.5),
    "gaussian_nll_loss": (lambda x: F.gaussian_nll_loss(x, 0 * x, np.full(x.shape, 300, np.float16)), 152.85),
    "poisson_nll_loss": (lambda x: F.poisson_nll_loss(x, 0 * x, log_input=False), 300),
    "margin_ranking_loss": (lambda x: F.margin_ranking_loss(0 * x, x, np.ones(x.shape, int)), 300),
    "triplet_margin_loss": (lambda x: F.triplet_margin_loss(x, 0 * x, x), 301 * 10),
    "cosine_embedding_loss": (lambda x: F.cosine_embedding_loss(x, -x, np.ones(1000, int)), 2),
    "multi_margin_loss": (lambda x: F.multi_margin_loss(x, np.zeros(1000, int)), 0.99),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_many_large_numbers(name):
    """Their squares and their sum are infinite in float16."""
    function, right = LOSSES[name]
    x = leaf(np.full((1000, 100), 300), np.float16)
    y = function(x)
    assert y.dtype == np.float16
    np.testing.assert_allclose(y.item(), right, rtol=4e-3)
