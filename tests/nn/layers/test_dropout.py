"""Dropout as a module."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.nn.inputs import X, rng

pytestmark = pytest.mark.usefixtures("seeded")


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_zeroes_a_part_and_scales_the_rest(p):
    x = mg.tensor(rng.standard_normal((200, 500)).astype(np.float32), requires_grad=True)
    y = nn.Dropout(p)(x)
    kept = y.numpy() != 0
    n = kept.size
    assert abs(kept.mean() - (1 - p)) < 5 * math.sqrt(p * (1 - p) / n)
    np.testing.assert_allclose(y.numpy()[kept], x.numpy()[kept] / np.float32(1 - p), rtol=1e-6)
    assert y.dtype == np.float32
    # no row and no column is dropped together
    assert np.abs(kept.mean(0) - (1 - p)).max() < 6 * math.sqrt(p * (1 - p) / 200)
    assert np.abs(kept.mean(1) - (1 - p)).max() < 6 * math.sqrt(p * (1 - p) / 500)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), kept / (1 - p), rtol=1e-6)


@pytest.mark.parametrize(("p", "factor"), [(0, 1.0), (0.0, 1.0), (1, 0.0), (1.0, 0.0)])
def test_dropout_at_its_ends(p, factor):
    x = mg.tensor(X, requires_grad=True)
    y = nn.Dropout(p)(x)
    np.testing.assert_array_equal(y.numpy(), X * factor)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full(X.shape, factor))


def test_dropout_evaluates_to_its_input():
    layer = nn.Dropout(0.5).eval()
    x = mg.tensor(X)
    state = mg.get_rng_state()
    assert layer(x) is x
    assert mg.get_rng_state() == state
    assert nn.functional.dropout(x, 0.5, training=False) is x


def test_dropout_draws_anew_from_the_seed():
    layer, x = nn.Dropout(0.5), mg.ones(1000)
    first, second = layer(x).numpy(), layer(x).numpy()
    assert not np.array_equal(first, second)
    mg.manual_seed(0)
    np.testing.assert_array_equal(layer(x).numpy(), first)
    np.testing.assert_array_equal(layer(x).numpy(), second)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_dropout_refuses_what_is_no_probability(p):
    with pytest.raises(ValueError, match="Dropout: p must be a probability from 0 to 1"):
        nn.Dropout(p)


def test_dropout_says_its_probability():
    assert repr(nn.Dropout()) == "Dropout(p=0.5, inplace=False)"
