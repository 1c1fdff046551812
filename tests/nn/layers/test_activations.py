"""Activation modules and those that change shapes, each against its formula."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.nn.inputs import X, difference_quotient, softmax

pytestmark = pytest.mark.usefixtures("seeded")

ACTIVATIONS = {
    "relu": (nn.ReLU(), lambda x: np.where(x > 0, x, 0)),
    "sigmoid": (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    "tanh": (nn.Tanh(), lambda x: (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1)),
    "softmax": (nn.Softmax(dim=1), lambda x: softmax(x, 1)),
    "softmax of rows": (nn.Softmax(0), lambda x: softmax(x, 0)),
    "log_softmax": (nn.LogSoftmax(dim=-1), lambda x: np.log(softmax(x, -1))),
    "softplus": (nn.Softplus(), lambda x: np.log(1 + np.exp(x))),
    "softplus of 2 up to 1": (nn.Softplus(2, 1.0), lambda x: np.where(2 * x > 1, x, np.log(1 + np.exp(2 * x)) / 2)),
    "identity": (nn.Identity(3, key=4), lambda x: x),
    "flatten": (nn.Flatten(0), lambda x: x.ravel()),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    layer, formula = ACTIVATIONS[name]
    x = mg.tensor(X, requires_grad=True)
    y = layer(x)
    np.testing.assert_allclose(y.numpy(), formula(X), rtol=1e-12)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    y.backward(mg.tensor(dy))
    expected = difference_quotient(lambda values: (formula(values) * dy).sum(), X)
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-7, atol=1e-9)
    assert list(layer.parameters()) == [] and layer.state_dict() == {}
    assert layer(mg.tensor(X.astype(np.float32))).dtype == np.float32


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Flatten(), (2, 60)),
        (nn.Flatten(0), (120,)),
        (nn.Flatten(1, 2), (2, 12, 5)),
        (nn.Flatten(start_dim=-2, end_dim=-1), (2, 3, 20)),
        (nn.Flatten(2, 2), (2, 3, 4, 5)),
    ],
)
def test_flatten(layer, shape):
    x = np.arange(120.0).reshape(2, 3, 4, 5)
    y = layer(mg.tensor(x))
    assert y.shape == shape
    np.testing.assert_array_equal(y.numpy(), x.reshape(shape))


def test_identity_returns_its_input():
    x = mg.ones(2)
    assert nn.Identity()(x) is x
