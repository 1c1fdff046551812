"""Dropout as a module."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.checks.gradcheck import gradcheck
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


CHANNELS = [(nn.Dropout1d, (400, 5)), (nn.Dropout2d, (2, 400, 3, 2)), (nn.Dropout3d, (400, 2, 3, 2))]


@pytest.mark.parametrize(("kind", "shape"), [*CHANNELS, (nn.Dropout1d, (2, 400, 5)), (nn.Dropout3d, (1, 400, 2, 2, 1))])
def test_channels_are_dropped_together(kind, shape):
    x = mg.ones(shape)
    y = kind(0.25)(x).numpy()
    whole = y.reshape(-1, np.prod(shape[1 + (shape[0] != 400) :]))
    assert (whole == whole[:, :1]).all() and set(whole[:, 0]) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((whole[:, 0] == 0).mean() - 0.25) < 0.12
    assert kind(0.25).eval()(x) is x


@pytest.mark.parametrize("kind", [nn.AlphaDropout, nn.FeatureAlphaDropout])
def test_alpha_dropout_keeps_mean_and_variance(kind):
    x = mg.randn(400, 500)
    y = kind(0.25)(x).numpy()
    assert abs(y.mean()) < 0.02 and abs(y.var() - 1) < 0.04
    least = -1.0507009873554805 * 1.6732632423543772
    scale = 1 / math.sqrt(0.75 * (1 + 0.25 * least**2))
    dropped = np.isclose(y, scale * (1 - 0.25) * least, atol=1e-5)
    assert abs(dropped.mean() - 0.25) < 0.01
    np.testing.assert_allclose(y[~dropped], scale * (x.numpy()[~dropped] - 0.25 * least), rtol=1e-4, atol=1e-5)
    assert kind().eval()(x) is x


@pytest.mark.parametrize(
    "kind", [nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout]
)
def test_dropouts_in_place_leave_their_input(kind):
    x = mg.ones(2, 3, 4) if kind is nn.Dropout1d else mg.ones(2, 3, 4, 4)
    mg.manual_seed(1)
    y = kind(0.5, inplace=True)(x)
    mg.manual_seed(1)
    assert (y == kind(0.5)(x)).all() and (x == 1).all()
    assert gradcheck(kind(0.5), x.double().requires_grad_())
