"""Batches large and small have the promised accuracy in float32."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.kernels import moments as deviations
from minigrad.kernels.moments import InMemory
from minigrad.nn import functional as F
from tests.kernels.batches import batch, every_shape, standardised


@pytest.mark.parametrize("shape", [(256, 256), (512, 128), (384, 96), (1000, 64), (656, 3, 17)], ids=str)
@pytest.mark.parametrize("mean", [0.0, 1.0, 1e4, 1e7])
def test_accuracy_of_joined_rows_in_float32(shape, mean):
    x = (np.random.default_rng(4).standard_normal(shape) + mean).astype(np.float32)
    y = F.batch_norm(x, None, None, training=True)
    d, zeros = InMemory(x), np.zeros((3, shape[1]), np.float32)
    assert len(d.d) < len(x) and y.base is None and d.gradient(x, *zeros).base is None
    assert abs(y - standardised(x)).max() < 1e-6


def everything(x, dy, mean, var, training):
    leaves = [mg.tensor(v).requires_grad_() for v in (x, np.linspace(1, 2, x.shape[1]), np.linspace(-1, 1, x.shape[1]))]
    y = F.batch_norm(leaves[0], mean, var, leaves[1], leaves[2], training)
    y.backward(mg.tensor(dy))
    return [y.numpy(), mean, var, *(leaf.grad.numpy() for leaf in leaves)]


@every_shape
@pytest.mark.parametrize("training", [True, False])
def test_large_and_small_batches_are_treated_alike(shape, training, small_blocks, monkeypatch):
    x, dy = batch(shape, 5.0), batch(shape)[::-1].copy()

    def statistics():
        return np.arange(1.0, shape[1] + 1), np.arange(2.0, shape[1] + 2)

    large = everything(x, dy, *statistics(), training)
    monkeypatch.setattr(deviations, "LARGE", x.size + 1)
    for found, expected in zip(large, everything(x, dy, *statistics(), training)):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("mean", [0.0, 0.5, 0.99, 1.01, 2.0, 100.0, 1e4, 1e7])
@pytest.mark.parametrize(
    "shape",
    [(600000, 1), (8192, 64), (20000, 64), (64, 16, 24, 24), (600, 8, 300), (8, 3, 150, 150), (1, 2, 600, 500)],
    ids=str,
)
def test_accuracy_of_large_batches_in_float32(shape, mean, shared_by):
    x = (np.random.default_rng(3).standard_normal(shape) + mean).astype(np.float32)
    y = F.batch_norm(x, None, None, training=True)
    assert x.size >= deviations.LARGE and abs(y - standardised(x)).max() < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("mean", [0.0, 1e4, 1e7])
@pytest.mark.parametrize("shape", [(10, 4), (300, 64), (20000, 64), (600, 8, 300)], ids=str)
def test_accuracy_of_evaluation_in_float32(shape, mean, shared_by):
    x = (np.random.default_rng(3).standard_normal(shape) + mean).astype(np.float32)
    running_mean, running_var = np.full(shape[1], mean, np.float32), np.ones(shape[1], np.float32)
    y = F.batch_norm(x, running_mean, running_var, training=False)
    assert abs(y - (x.astype(np.float64) - mean) / np.sqrt(1 + 1e-5)).max() < 1e-6
