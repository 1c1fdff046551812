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
    "relu6": (nn.ReLU6(), lambda x: np.clip(x, 0, 6)),
    "leaky_relu": (nn.LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    "rrelu": (nn.RReLU(0.25, 0.75).eval(), lambda x: np.where(x > 0, x, x / 2)),
    "elu": (nn.ELU(2.0), lambda x: np.where(x > 0, x, 2 * (np.exp(x) - 1))),
    "celu": (nn.CELU(alpha=2.0), lambda x: np.where(x > 0, x, 2 * (np.exp(x / 2) - 1))),
    "selu": (nn.SELU(), lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(x) - 1))),
    "silu": (nn.SiLU(), lambda x: x / (1 + np.exp(-x))),
    "mish": (nn.Mish(), lambda x: x * np.tanh(np.log(1 + np.exp(x)))),
    "hardtanh": (nn.Hardtanh(-0.5, 0.75), lambda x: np.clip(x, -0.5, 0.75)),
    "hardsigmoid": (nn.Hardsigmoid(), lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "hardswish": (nn.Hardswish(), lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "hardshrink": (nn.Hardshrink(0.25), lambda x: x * (abs(x) > 0.25)),
    "softshrink": (nn.Softshrink(), lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0)),
    "tanhshrink": (nn.Tanhshrink(), lambda x: x - np.tanh(x)),
    "threshold": (nn.Threshold(0.25, -3), lambda x: np.where(x > 0.25, x, -3)),
    "softsign": (nn.Softsign(), lambda x: x / (1 + abs(x))),
    "logsigmoid": (nn.LogSigmoid(), lambda x: -np.log(1 + np.exp(-x))),
    "glu": (nn.GLU(1), lambda x: x[:, :2] / (1 + np.exp(-x[:, 2:]))),
    "softmin": (nn.Softmin(dim=1), lambda x: softmax(-x, 1)),
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


REPRS = [
    (nn.ReLU6(), "ReLU6()"),
    (nn.SELU(inplace=True), "SELU(inplace=True)"),
    (nn.LeakyReLU(), "LeakyReLU(negative_slope=0.01)"),
    (nn.LeakyReLU(0.2, True), "LeakyReLU(negative_slope=0.2, inplace=True)"),
    (nn.PReLU(), "PReLU(num_parameters=1)"),
    (nn.RReLU(), "RReLU(lower=0.125, upper=0.3333333333333333)"),
    (nn.CELU(), "CELU(alpha=1.0)"),
    (nn.Hardtanh(), "Hardtanh(min_val=-1.0, max_val=1.0)"),
    (nn.Softshrink(), "Softshrink(0.5)"),
    (nn.Threshold(0.1, 20), "Threshold(threshold=0.1, value=20)"),
    (nn.GLU(), "GLU(dim=-1)"),
    (nn.Softmin(1), "Softmin(dim=1)"),
    (nn.Softmax2d(), "Softmax2d()"),
]


@pytest.mark.parametrize(("layer", "text"), REPRS, ids=lambda value: value if isinstance(value, str) else "")
def test_what_activations_print(layer, text):
    assert repr(layer) == text


def test_hardtanh_by_its_names_of_long_ago():
    with pytest.warns(FutureWarning, match="_value is deprecated: pass it as m.._val") as caught:
        layer = nn.Hardtanh(min_value=-2, max_value=3)
    assert repr(layer) == "Hardtanh(min_val=-2, max_val=3)" and len(caught) == 2
    assert caught[0].filename == __file__
    with pytest.warns(FutureWarning):
        assert repr(nn.Hardtanh(-1, 1, False, -3)) == "Hardtanh(min_val=-3, max_val=1)"


@pytest.mark.parametrize("kind", [nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.Hardtanh, nn.SiLU])
def test_an_activation_in_place_gives_the_same_and_leaves_its_input(kind):
    x = mg.tensor([-2.0, 8.0])
    assert kind(inplace=True)(x).tolist() == kind()(x).tolist() and x.tolist() == [-2, 8]


def test_slopes_are_learned():
    layer = nn.PReLU(2, init=0.5, dtype="float64")
    x = np.array([[-1.0, -2.0], [3.0, -4.0]])
    y = layer(mg.tensor(x))
    assert y.tolist() == [[-0.5, -1.0], [3.0, -2.0]]
    y.sum().backward()
    assert layer.weight.grad.tolist() == [-1, -6] and list(layer.state_dict()) == ["weight"]
    with pytest.raises(ValueError, match="PReLU: num_parameters must be an integer of at least 1, got 0"):
        nn.PReLU(0)


def test_slopes_are_drawn_in_training():
    layer, x = nn.RReLU(0.25, 0.75), mg.full((1000,), -1.0)
    slopes = -layer(x).numpy()
    assert 0.25 <= slopes.min() < 0.27 and 0.73 < slopes.max() <= 0.75
    assert layer.eval()(x).tolist() == [-0.5] * 1000


def test_softmax_of_the_channels_of_images():
    x = np.arange(24.0).reshape(2, 3, 2, 2) ** 0.5
    np.testing.assert_allclose(nn.Softmax2d()(mg.tensor(x)).numpy(), softmax(x, 1), rtol=1e-12)
    np.testing.assert_allclose(nn.Softmax2d()(mg.tensor(x[0])).numpy(), softmax(x[0], 0), rtol=1e-12)
    with pytest.raises(ValueError, match=r"Softmax2d: expected \(N, C, H, W\).*got \(2, 3\) float32"):
        nn.Softmax2d()(mg.ones(2, 3))
