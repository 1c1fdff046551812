"""Initial values: ranges, distributions and refusals."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import init

pytestmark = pytest.mark.usefixtures("seeded")
SHAPE = (300, 200, 2)
FAN_IN, FAN_OUT = 400, 600


def even(bound):
    return -bound, bound, 0.0, bound / math.sqrt(3)


def normal(std, mean=0.0):
    return -math.inf, math.inf, mean, std


RANDOM = {
    "uniform": (lambda t: init.uniform_(t), (0, 1, 0.5, math.sqrt(1 / 12))),
    "uniform in bounds": (lambda t: init.uniform_(t, -3, 5), (-3, 5, 1, 8 / math.sqrt(12))),
    "normal": (lambda t: init.normal_(t), normal(1)),
    "normal with moments": (lambda t: init.normal_(t, mean=2, std=0.5), normal(0.5, 2)),
    "xavier uniform": (lambda t: init.xavier_uniform_(t), even(math.sqrt(6 / 1000))),
    "xavier uniform with gain": (lambda t: init.xavier_uniform_(t, gain=2), even(2 * math.sqrt(6 / 1000))),
    "xavier normal": (lambda t: init.xavier_normal_(t, gain=3), normal(3 * math.sqrt(2 / 1000))),
    "kaiming uniform": (lambda t: init.kaiming_uniform_(t), even(math.sqrt(2) * math.sqrt(3 / FAN_IN))),
    "kaiming uniform, leaky": (
        lambda t: init.kaiming_uniform_(t, a=math.sqrt(5)),
        even(math.sqrt(2 / 6) * math.sqrt(3 / FAN_IN)),
    ),
    "kaiming normal": (lambda t: init.kaiming_normal_(t, nonlinearity="relu"), normal(math.sqrt(2 / FAN_IN))),
    "kaiming normal, out": (
        lambda t: init.kaiming_normal_(t, mode="fan_out", nonlinearity="tanh"),
        normal(5 / 3 / math.sqrt(FAN_OUT)),
    ),
}


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_initial_values(name, dtype):
    function, (low, high, mean, std) = RANDOM[name]
    parameter = nn.Parameter(mg.zeros(SHAPE, dtype=dtype))
    array = parameter.array
    assert function(parameter) is parameter
    assert parameter.array is array and array.dtype == dtype and parameter.requires_grad and parameter.is_leaf
    values = array.astype(np.float64)
    n = values.size
    assert values.min() >= low - 1e-6 and values.max() <= high + 1e-6
    if math.isfinite(low):
        assert values.min() < low + 0.001 * (high - low) and values.max() > high - 0.001 * (high - low)
    else:
        within = (np.abs(values - mean) < std).mean()
        assert abs(within - math.erf(1 / math.sqrt(2))) < 5 / math.sqrt(n)
    assert abs(values.mean() - mean) < 5 * std / math.sqrt(n)
    assert abs(values.std() / std - 1) < 5 / math.sqrt(2 * n)
    mg.manual_seed(0)
    again = function(nn.Parameter(mg.zeros(SHAPE, dtype=dtype)))
    np.testing.assert_array_equal(again.numpy(), array)


@pytest.mark.parametrize(
    ("function", "bound"),
    [
        (init.xavier_uniform_, math.sqrt(6 / 500)),
        (init.kaiming_uniform_, math.sqrt(6 / 200)),
        (lambda t: init.kaiming_uniform_(t, mode="fan_out"), math.sqrt(6 / 300)),
    ],
)
def test_a_matrix_connects_its_columns_to_its_rows(function, bound):
    values = function(mg.zeros(300, 200)).numpy()
    assert 0.999 * bound < np.abs(values).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize(
    ("function", "value"),
    [(init.zeros_, 0), (init.ones_, 1), (lambda t: init.constant_(t, -2.5), -2.5)],
)
@pytest.mark.parametrize("make", [lambda: nn.Parameter(mg.randn(3, 2)), lambda: nn.Buffer(mg.randn(3, 2))])
def test_constant_initial_values(function, value, make):
    tensor = make()
    kind, trained = type(tensor), tensor.requires_grad
    assert function(tensor) is tensor and type(tensor) is kind and tensor.requires_grad is trained
    assert tensor.tolist() == [[value] * 2] * 3


def test_initialising_is_noticed_by_a_graph():
    weight = nn.Parameter(mg.ones(2, 2))
    loss = (weight * weight).sum()
    init.zeros_(weight)
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


@pytest.mark.parametrize(
    ("name", "param", "gain"),
    [
        ("linear", None, 1),
        ("sigmoid", None, 1),
        ("tanh", None, 5 / 3),
        ("relu", None, math.sqrt(2)),
        ("selu", None, 3 / 4),
        *[(f"conv{way}{axes}d", None, 1) for way in ("", "_transpose") for axes in (1, 2, 3)],
        ("leaky_relu", None, math.sqrt(2 / 1.0001)),
        ("leaky_relu", 0.2, math.sqrt(2 / 1.04)),
        ("leaky_relu", 0, math.sqrt(2)),
    ],
)
def test_gains(name, param, gain):
    assert init.calculate_gain(name, param) == pytest.approx(gain, rel=1e-12)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: init.calculate_gain("swish"), "no gain for 'swish': expected linear, .* or leaky_relu"),
        (lambda: init.kaiming_normal_(mg.zeros(2, 2), mode="fan"), "mode must be 'fan_in' or 'fan_out', got 'fan'"),
        (lambda: init.xavier_uniform_(mg.zeros(2)), r"need a weight of at least 2 axes \(out, in\), got \(2,\)"),
        (lambda: init.kaiming_uniform_(mg.zeros(())), r"at least 2 axes \(out, in\), got \(\)"),
    ],
)
def test_bad_initialisation_is_refused(use, message):
    with pytest.raises(ValueError, match=message):
        use()
