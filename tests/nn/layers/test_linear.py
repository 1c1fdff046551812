"""Linear: values, gradients, initial values and refusals."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.nn.inputs import rng

pytestmark = pytest.mark.usefixtures("seeded")


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
