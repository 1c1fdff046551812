"""Batch normalisation in float32 against its formula in float64."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.batch_norm import BIAS3, WEIGHT3, batch, statistics, train
from tests.helpers.differences import gradients
from tests.helpers.inputs import cotangent, leaf, leaves
from tests.helpers.oracles import batch_norm_formula

SIZES = [32, 63, 64, 100, 127, *[128] * 6, 129, 255, 1000, 4099, 16384, 65536]


@pytest.mark.parametrize("mean", [0.0, 1.0, 1e2, 1e4, 1e5, 1e6, 1e7])
@pytest.mark.parametrize("channels", [1, 2, 7, 64])
def test_accuracy_in_float32(mean, channels):
    """The output error stays below 1e-6 at every mean; the reference is float64 on the same float32 input."""
    random = np.random.default_rng(int(mean) + channels)
    for n in SIZES:
        if n * channels <= 300_000:
            x = (random.standard_normal((n, channels)) + mean).astype(np.float32)
            y = F.batch_norm(mg.tensor(x), None, None, training=True).numpy()
            assert y.dtype == np.float32
            assert np.abs(y - batch_norm_formula(x)).max() < 1e-6, n


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", [(127, 65), (255, 33), (254, 65), (256, 34)], ids=str)
def test_accuracy_in_float32_of_sorted_values(shape, seed):
    """Sums that grow in one direction only round worst."""
    x = (np.sort(np.random.default_rng(seed).uniform(-1, 1, shape), axis=0) + 1e7).astype(np.float32)
    assert np.abs(train(mg.tensor(x)).numpy() - batch_norm_formula(x)).max() < 1e-6


@pytest.mark.parametrize("mean", [0.0, 1.0, 1e2, 1e4, 1e7])
@pytest.mark.parametrize("shape", [(32, 3, 10), (127, 2, 33), (64, 8, 16, 16), (4, 2, 5, 6, 7)])
def test_accuracy_in_float32_of_sequences_and_images(mean, shape):
    x = (np.random.default_rng(0).standard_normal(shape) + mean).astype(np.float32)
    assert np.abs(train(mg.tensor(x)).numpy() - batch_norm_formula(x)).max() < 1e-6


@pytest.mark.parametrize("mean", [0.0, 1e4, 1e7])
@pytest.mark.parametrize("create_graph", [False, True])
def test_accuracy_of_the_gradients_in_float32(mean, create_graph):
    x = (np.random.default_rng(0).standard_normal((1000, 7)) + mean).astype(np.float32)
    ones, zeros, dy = np.ones(7), np.zeros(7), cotangent(x.shape)
    inputs = [x, ones.astype(np.float32), zeros.astype(np.float32)]
    found = gradients(train, inputs, create_graph, dy.astype(np.float32))
    roundings = [2e-5 if create_graph else 2e-6, 1e-4, 1e-4]
    for dx, expected, rounding in zip(found, gradients(train, [x.astype(np.float64), ones, zeros]), roundings):
        np.testing.assert_allclose(dx, expected, rtol=0, atol=rounding)


def test_what_is_kept_for_backward_is_float32():
    """The variance is added up in float64, but nothing as large as the batch is."""
    y = train(leaf(batch((4, 3)), np.float32), eps=np.float64(1e-5))
    deviations, *per_channel = y.grad_fn.cache
    assert [array.dtype for array in (deviations.d, *per_channel)] == [np.float32] * 3


@pytest.mark.parametrize("mean", [0.1, 123.456, 1e4, 1e7])
def test_a_constant_channel_gives_zero(mean):
    for n in (2, 3, 127, 1000):
        assert np.abs(train(np.full((n, 3), mean, np.float32))).max() < 1e-6


def test_running_statistics_are_those_of_the_batch():
    """Also in float32 and far from 0, where the one-pass formula loses every digit."""
    x = (np.random.default_rng(0).standard_normal((500, 4)) + 1e4).astype(np.float32)
    mean, var = statistics(4, np.float32)
    F.batch_norm(mg.tensor(x), mean, var, training=True, momentum=1.0)
    np.testing.assert_allclose(mean.numpy(), x.mean(axis=0, dtype=np.float64), rtol=1e-7)
    np.testing.assert_allclose(var.numpy(), x.astype(np.float64).var(axis=0, ddof=1), rtol=1e-6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("parameters", [np.float16, np.float32])
@pytest.mark.parametrize("unpickled", [False, True])
def test_float16_is_computed_in_float32(training, parameters, unpickled):
    """300 squared is more than float16 can hold, and a sum of 5000 ones stops at 2048."""
    x = (batch((5000, 3)) * 300).astype(np.float16)
    if unpickled:  # an array from another process: its dtype is equal to NumPy's own, but another object
        x = pickle.loads(pickle.dumps(x))
        assert x.dtype is not np.dtype(np.float16)
    weight, bias = WEIGHT3.astype(parameters), BIAS3.astype(parameters)
    mean, var = mg.full((3,), 250.0), mg.full((3,), 4e5)
    inputs = leaves([x, weight, bias])
    expected = batch_norm_formula(x, weight, bias, *([] if training else [mean.numpy(), var.numpy()]))
    y = F.batch_norm(inputs[0], mean, var, *inputs[1:], training)
    assert y.dtype == np.float16
    assert (mean.dtype, var.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=2e-3, atol=2e-3)
    dx, dweight, dbias = mg.grad(y, inputs, mg.ones_like(y))
    assert (dx.dtype, dweight.dtype, dbias.dtype) == (np.float16, parameters, parameters)
    np.testing.assert_allclose(dbias.numpy(), 5000, rtol=1e-3)


def test_a_view_of_other_strides_is_the_same_batch():
    x = batch((6, 3))
    for other in (np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[::-1][::-1]):
        np.testing.assert_allclose(train(other), train(x), rtol=1e-13)
        for found, expected in zip(gradients(train, [other]), gradients(train, [x])):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
