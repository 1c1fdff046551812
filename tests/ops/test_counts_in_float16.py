"""float16 holds no count from 65,520 on, and stops counting at 2048: sums and means are right all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

SMALLEST = 2.0**-24
"""The smallest positive float16: the step between small ones."""


def classes(n: int) -> np.ndarray:
    return np.arange(n) % 2


def probabilities(x: Any) -> Any:
    """As many rows of two probabilities as ``x`` has."""
    t = np.stack([classes(len(x)), 1 - classes(len(x))], 1) * 0.5 + 0.25
    return mg.tensor(t, dtype=x.dtype)


def other(x: Any) -> Any:
    """0 or 1 for each element."""
    return mg.tensor(classes(len(x)), dtype=x.dtype)


OF_ELEMENTS = {
    "mean": mg.mean,
    "mean by hand": lambda x: mg.sum(x / 256) / 256,
    "var": mg.var,
    "std": mg.std,
    "amax of ties": lambda x: mg.amax(x - x.detach()),
    "amin of ties": lambda x: mg.amin(x - x.detach()),
    "max of ties": lambda x: mg.max(x - x.detach()),
    "mse_loss": lambda x: F.mse_loss(x, other(x)),
    "mse_loss of the target": lambda x: F.mse_loss(other(x), x),
    "l1_loss": lambda x: F.l1_loss(x, other(x)),
    "binary_cross_entropy": lambda x: F.binary_cross_entropy(x, other(x)),
    "binary_cross_entropy of the target": lambda x: F.binary_cross_entropy(x * 0 + 0.25, x),
    "binary_cross_entropy with weights": lambda x: F.binary_cross_entropy(x, other(x), other(x) + 1),
    "logits": lambda x: F.binary_cross_entropy_with_logits(x, other(x)),
    "logits with pos_weight": lambda x: F.binary_cross_entropy_with_logits(x, other(x), pos_weight=3.0),
}
OF_ROWS = {
    "mean of columns": lambda x: mg.mean(x, 0).sum(),
    "var of columns": lambda x: mg.var(x, 0).sum(),
    "cross_entropy": lambda x: F.cross_entropy(x, classes(len(x))),
    "cross_entropy with weights": lambda x: F.cross_entropy(x, classes(len(x)), weight=[1.0, 2.0]),
    "cross_entropy, smoothed": lambda x: F.cross_entropy(x, classes(len(x)), label_smoothing=0.1),
    "cross_entropy, one ignored": lambda x: F.cross_entropy(x, classes(len(x)), ignore_index=1),
    "cross_entropy of probabilities": lambda x: F.cross_entropy(x, probabilities(x)),
    "nll_loss": lambda x: F.nll_loss(-x, classes(len(x))),
    "nll_loss with weights": lambda x: F.nll_loss(-x, classes(len(x)), weight=[1.0, 2.0]),
    "a bias for every row": lambda x: ((x[:1] + x * 0) / 256).sum() / 256,
}
CASES = [(name, f, ()) for name, f in OF_ELEMENTS.items()] + [(name, f, (2,)) for name, f in OF_ROWS.items()]


@pytest.mark.slow
@pytest.mark.parametrize("create_graph", [False, True], ids=["arrays", "graphs"])
@pytest.mark.parametrize("n", [65_519, 65_520, 100_000])
@pytest.mark.parametrize(("name", "function", "rest"), CASES, ids=[name for name, *_ in CASES])
def test_values_and_gradients_are_those_of_float64(name, function, rest, n, create_graph):
    """Rounded to float16: small gradients to a multiple of its smallest number."""
    values = np.random.default_rng(0).uniform(0.1, 0.9, (n, *rest)).astype(np.float16)
    found, expected = [], []
    for dtype, answers in ((np.float16, found), (np.float64, expected)):
        x = mg.tensor(values, dtype=dtype, requires_grad=True)
        y = function(x)
        (dx,) = mg.grad(y, x, create_graph=create_graph)
        assert y.dtype == dx.dtype == dtype
        answers += [y.detach().numpy(), dx.detach().numpy()]
    np.testing.assert_allclose(found[0], expected[0], rtol=4e-3)
    assert np.abs(expected[1]).max() > SMALLEST
    np.testing.assert_allclose(found[1], expected[1], rtol=4e-3, atol=1.5 * SMALLEST)


def test_a_scaled_loss_keeps_its_digits():
    """The reciprocal of a million has five bits in float16; the gradient is divided instead of multiplied by it."""
    x = mg.ones(1_000_000, dtype=mg.float16, requires_grad=True)
    (x.mean() * 1024.0).backward()
    np.testing.assert_allclose(x.grad.numpy(), 1024 / 1_000_000, rtol=1e-3)


def test_a_net_in_half_precision_learns_from_a_large_batch():
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(512, 4)).astype(np.float16), rng.normal(size=(512, 256)).astype(np.float16)
    net = nn.Linear(4, 256).half()
    nn.MSELoss()(net(mg.tensor(x)), mg.tensor(t)).backward()
    w, b = (p.numpy().astype(np.float64) for p in (net.weight, net.bias))
    error = x.astype(np.float64) @ w.T + b - t
    np.testing.assert_allclose(net.bias.grad.numpy(), 2 * error.sum(0) / error.size, rtol=2e-2, atol=2e-6)
    np.testing.assert_allclose(net.weight.grad.numpy(), 2 * error.T @ x / error.size, rtol=2e-2, atol=5e-6)


def test_sums_that_float16_cannot_hold_on_the_way():
    many = mg.zeros(2, 4096, dtype=mg.float16, requires_grad=True)
    loss = F.cross_entropy(many, np.array([0, 1]), label_smoothing=0.1)
    loss.backward()
    np.testing.assert_allclose(loss.item(), np.log(4096), rtol=1e-3)
    assert np.isfinite(many.grad.numpy()).all()
    rows = mg.full((100_000, 2), -2.0, dtype=mg.float16)
    np.testing.assert_allclose(F.nll_loss(rows, classes(100_000)).item(), 2)
    far = mg.tensor(np.array([400.0, 0.0, 0.0, 0.0], np.float16), requires_grad=True)
    loss = F.mse_loss(far, mg.zeros(4, dtype=mg.float16))
    loss.backward()
    assert loss.item() == 40_000 and far.grad.tolist() == [200, 0, 0, 0]


def test_certain_probabilities_in_half_precision():
    p = mg.tensor(np.array([0.0, 1.0], np.float16), requires_grad=True)
    loss = F.binary_cross_entropy(p, mg.tensor(np.array([0.0, 1.0], np.float16)))
    loss.backward()
    assert loss.item() == 0 and p.grad.tolist() == [0, 0]
