"""Training in half precision with batches that grow to 65,520 values, the first count that float16 cannot hold."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

COUNTS = [65_516, 65_517, 65_518, 65_519, 65_520, 65_521]
RIGHT = np.array([0.75, -0.5])


@pytest.mark.parametrize("layers", [lambda: [nn.Linear(2, 1)], lambda: [nn.BatchNorm1d(2), nn.Linear(2, 1)]])
def test_a_net_learns_from_batches_of_every_count(layers):
    """Each step follows one by formula in float64, from the parameters it began with."""
    rng = np.random.default_rng(0)
    net = nn.Sequential(*layers()).half()
    linear, normalises = net[-1], len(net) > 1
    optimizer, losses = optim.SGD(net[-1].parameters(), lr=0.25), []
    for n in COUNTS:
        x = rng.normal(size=(n, 2)).astype(np.float16)
        t = (x @ RIGHT)[:, None].astype(np.float16)
        w, b = (p.numpy().astype(np.float64) for p in linear.parameters())
        optimizer.zero_grad()
        loss = nn.MSELoss()(net(mg.tensor(x)), mg.tensor(t))
        loss.backward()
        optimizer.step()
        z = x.astype(np.float64)
        z = (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5) if normalises else z
        error = z @ w.T + b - t
        assert t.size == n
        np.testing.assert_allclose(loss.item(), (error**2).mean(), rtol=1e-2, atol=1e-6)
        np.testing.assert_allclose(linear.weight.numpy(), w - 0.25 * 2 * error.T @ z / n, atol=2e-3)
        np.testing.assert_allclose(linear.bias.numpy(), b - 0.25 * 2 * error.sum(0) / n, atol=2e-3)
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True) and losses[-1] < 1e-2 * losses[0]
