"""Layers, losses and initial values, each against its formula in plain NumPy."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import init

rng = np.random.default_rng(7)
X = rng.standard_normal((5, 4))


@pytest.fixture(autouse=True)
def _seed():
    mg.manual_seed(0)


def difference_quotient(loss, x, step=1e-5):
    """The gradient of ``loss(x)`` by central differences."""
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        gradient[i] = (loss(up) - loss(down)) / (2 * step)
    return gradient


# -- Linear ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4,), (5, 4), (2, 5, 4), (2, 1, 3, 4), (0, 4), (2, 0, 4)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_linear_is_a_matrix_product_over_the_last_axis(shape, bias, dtype):
    layer = nn.Linear(4, 3, bias=bias, dtype=dtype)
    assert layer.weight.shape == (3, 4) and layer.weight.dtype == dtype
    assert (layer.bias is None) is not bias
    assert list(layer.state_dict()) == ["weight", "bias"][: 1 + bias]
    x = mg.tensor(rng.standard_normal(shape).astype(dtype), requires_grad=True)
    dy = rng.standard_normal((*shape[:-1], 3)).astype(dtype)
    y = layer(x)
    y.backward(mg.tensor(dy))
    w, flat, rows = layer.weight.numpy(), x.numpy().reshape(-1, 4), dy.reshape(-1, 3)
    expected = np.einsum("...i,oi->...o", x.numpy(), w) + (layer.bias.numpy() if bias else 0)
    close = {"rtol": 1e-5, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-12}
    assert y.shape == (*shape[:-1], 3) and y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), expected, **close)
    np.testing.assert_allclose(x.grad.numpy(), dy @ w, **close)
    np.testing.assert_allclose(layer.weight.grad.numpy(), rows.T @ flat, **close)
    if bias:
        np.testing.assert_allclose(layer.bias.grad.numpy(), rows.sum(0), **close)


@pytest.mark.parametrize("fan_in", [1, 16, 400])
def test_linear_starts_evenly_distributed_in_its_bound(fan_in):
    layer = nn.Linear(fan_in, 100_000 // fan_in)
    bound = 1 / math.sqrt(fan_in)
    for values in (layer.weight.numpy().ravel(), nn.Linear(fan_in, 20_000).bias.numpy()):
        assert np.abs(values).max() <= bound * (1 + 1e-6)
        assert np.abs(values).max() > 0.99 * bound
        # an even distribution has these moments; the tolerances are five standard errors
        assert abs(values.mean()) < 5 * bound / math.sqrt(3 * values.size)
        assert abs((values**2).mean() - bound**2 / 3) < 5 * bound**2 * math.sqrt(4 / 45 / values.size)
        counts = np.histogram(values, 10, (-bound, bound))[0]
        assert (np.abs(counts - values.size / 10) < 5 * math.sqrt(values.size / 10)).all()


def test_linear_draws_from_the_seed():
    draws = []
    for seed in (3, 3, 4):
        mg.manual_seed(seed)
        draws.append(nn.Linear(5, 5).weight.numpy().copy())
    assert np.array_equal(draws[0], draws[1]) and not np.array_equal(draws[0], draws[2])
    layer = nn.Linear(5, 5)
    array = layer.weight.array
    mg.manual_seed(3)
    layer.reset_parameters()
    assert layer.weight.array is array and np.array_equal(array, draws[0]) and layer.weight.requires_grad


def test_linear_takes_sizes_of_numpys():
    layer = nn.Linear(np.prod((2, 3)), np.int32(2))
    assert repr(layer) == "Linear(in_features=6, out_features=2, bias=True)"


@pytest.mark.parametrize("sizes", [(0, 1), (1, 0), (-1, 1), (1.0, 1), ("2", 1), (1, None)])
def test_linear_refuses_bad_sizes(sizes):
    with pytest.raises(ValueError, match=r"Linear: (in|out)_features must be an integer of at least 1"):
        nn.Linear(*sizes)


@pytest.mark.parametrize("shape", [(), (3,), (4, 3), (4, 1)])
def test_linear_refuses_another_last_length(shape):
    with pytest.raises(ValueError, match=r"linear in Linear: .* expected input \(\.\.\., 4\)"):
        nn.Linear(4, 2)(mg.zeros(shape))


@pytest.mark.parametrize("layer", [nn.Linear(2, 1), nn.BatchNorm1d(2), nn.Softmax(1), nn.Flatten(), nn.MSELoss()])
def test_a_list_is_no_tensor(layer):
    rows = [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(TypeError, match="expected a tensor, got list: make it one"):
        layer(*[rows, rows] if isinstance(layer, nn.MSELoss) else [rows])


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(2, 2, slope=1),
        lambda: nn.Dropout(rate=0.5),
        lambda: nn.BatchNorm1d(2, decay=0.9),
        lambda: nn.MSELoss(size=1),
        lambda: nn.Flatten(dim=1),
        lambda: nn.Softmax(dims=1),
        lambda: nn.Softmax(),
    ],
)
def test_an_unknown_keyword_is_a_type_error(make):
    with pytest.raises(TypeError, match="argument"):
        make()


# -- activations, shapes -----------------------------------------------------------------------


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


ACTIVATIONS = {
    "relu": (nn.ReLU(), lambda x: np.where(x > 0, x, 0)),
    "sigmoid": (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    "tanh": (nn.Tanh(), lambda x: (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1)),
    "softmax": (nn.Softmax(dim=1), lambda x: softmax(x, 1)),
    "softmax of rows": (nn.Softmax(0), lambda x: softmax(x, 0)),
    "log_softmax": (nn.LogSoftmax(dim=-1), lambda x: np.log(softmax(x, -1))),
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


# -- Dropout -----------------------------------------------------------------------------------


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
    assert repr(nn.Dropout()) == "Dropout(p=0.5)"


# -- losses ------------------------------------------------------------------------------------

REDUCE = {"mean": np.mean, "sum": np.sum, "none": lambda losses: losses}
TARGET = rng.standard_normal((5, 4))
LABELS = rng.integers(0, 2, (5, 4)).astype(float)
CLASSES = np.array([0, 3, 1, 1, 2])
CLASS_WEIGHT = np.array([1.0, 0.5, 2.0, 3.0])
ROW_WEIGHT = rng.random((5, 4)) + 0.5
P = 1 / (1 + np.exp(-X))


def log_softmax(x):
    return x - x.max(1, keepdims=True) - np.log(np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True))


def bce(p, t):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_class(log_p, weight, reduction, ignored=None):
    """The weighted negative log likelihood, row by row."""
    rows = [(-weight[t] * log_p[i, t], weight[t]) if t != ignored else (0.0, 0.0) for i, t in enumerate(CLASSES)]
    losses, weights = np.array(rows).T
    return losses.sum() / weights.sum() if reduction == "mean" else REDUCE[reduction](losses)


def smoothed(x, weight, reduction, smoothing):
    """Cross entropy with a part of each target spread evenly over the classes."""
    log_p = log_softmax(x)
    spread = -(log_p * weight).sum(1)
    counted = weight[CLASSES]
    spread = spread.sum() / counted.sum() if reduction == "mean" else REDUCE[reduction](spread)
    return (1 - smoothing) * by_class(log_p, weight, reduction) + smoothing / 4 * spread


ONES = np.ones(4)
LOSSES = {
    "mse": (nn.MSELoss, {}, X, TARGET, lambda x, r: REDUCE[r]((x - TARGET) ** 2)),
    "l1": (nn.L1Loss, {}, X, TARGET, lambda x, r: REDUCE[r](np.abs(x - TARGET))),
    "bce": (nn.BCELoss, {}, P, LABELS, lambda x, r: REDUCE[r](bce(x, LABELS))),
    "weighted bce": (
        nn.BCELoss, {"weight": ROW_WEIGHT}, P, LABELS, lambda x, r: REDUCE[r](bce(x, LABELS) * ROW_WEIGHT),
    ),
    "bce of logits": (nn.BCEWithLogitsLoss, {}, X, LABELS, lambda x, r: REDUCE[r](bce(sigmoid(x), LABELS))),
    "weighted bce of logits": (
        nn.BCEWithLogitsLoss, {"weight": ROW_WEIGHT, "pos_weight": CLASS_WEIGHT}, X, LABELS,
        lambda x, r: REDUCE[r](
            -ROW_WEIGHT * (CLASS_WEIGHT * LABELS * np.log(sigmoid(x)) + (1 - LABELS) * np.log(1 - sigmoid(x)))
        ),
    ),
    "nll": (nn.NLLLoss, {}, log_softmax(X), CLASSES, lambda x, r: by_class(x, ONES, r)),
    "weighted nll": (
        nn.NLLLoss, {"weight": CLASS_WEIGHT, "ignore_index": 1}, log_softmax(X), CLASSES,
        lambda x, r: by_class(x, CLASS_WEIGHT, r, ignored=1),
    ),
    "cross entropy": (nn.CrossEntropyLoss, {}, X, CLASSES, lambda x, r: by_class(log_softmax(x), ONES, r)),
    "weighted cross entropy": (
        nn.CrossEntropyLoss, {"weight": CLASS_WEIGHT, "ignore_index": 3}, X, CLASSES,
        lambda x, r: by_class(log_softmax(x), CLASS_WEIGHT, r, ignored=3),
    ),
    "smoothed cross entropy": (
        nn.CrossEntropyLoss, {"weight": CLASS_WEIGHT, "label_smoothing": 0.3}, X, CLASSES,
        lambda x, r: smoothed(x, CLASS_WEIGHT, r, 0.3),
    ),
    "cross entropy of probabilities": (
        nn.CrossEntropyLoss, {}, X, softmax(TARGET, 1),
        lambda x, r: REDUCE[r](-(softmax(TARGET, 1) * log_softmax(x)).sum(1)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("reduction", REDUCE)
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, reduction):
    kind, settings, x, target, formula = LOSSES[name]
    criterion = kind(reduction=reduction, **settings)
    assert list(criterion.parameters()) == []
    assert set(criterion.state_dict()) == set(settings) & {"weight", "pos_weight"}
    input = mg.tensor(x, requires_grad=True)
    loss = criterion(input, mg.tensor(target))
    np.testing.assert_allclose(loss.numpy(), formula(x, reduction), rtol=1e-12, atol=1e-14)
    dy = np.random.default_rng(2).standard_normal(loss.shape)
    loss.backward(mg.tensor(dy))
    expected = difference_quotient(lambda values: np.sum(formula(values, reduction) * dy), x)
    np.testing.assert_allclose(input.grad.numpy(), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", dict.fromkeys(case[0] for case in LOSSES.values()))
def test_losses_refuse_an_unknown_reduction(kind):
    with pytest.raises(ValueError, match=r"reduction must be one of 'mean', 'sum', 'none', got 'average'"):
        kind(reduction="average")


def test_a_loss_keeps_its_weights_as_a_buffer():
    criterion = nn.CrossEntropyLoss(weight=mg.tensor([1.0, 2.0]))
    assert type(criterion.weight) is nn.Buffer
    assert criterion.half().weight.dtype == np.float16


# -- initial values ----------------------------------------------------------------------------

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
