"""Initial values with a structure, between bounds, and from a generator of one's own."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import init

pytestmark = pytest.mark.usefixtures("seeded")


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (0, 3)])
def test_eye(shape):
    weight = nn.Parameter(mg.ones(shape))
    assert init.eye_(weight) is weight
    np.testing.assert_array_equal(weight.numpy(), np.eye(*shape))


@pytest.mark.parametrize(("shape", "groups"), [((4, 4, 3), 1), ((6, 2, 4), 3), ((4, 2, 3, 5), 2), ((2, 3, 2, 2, 3), 1)])
def test_dirac_passes_channels_on(shape, groups):
    weight = init.dirac_(mg.ones(shape), groups).numpy()
    expected = np.zeros(shape)
    own = shape[0] // groups
    for group in range(groups):
        for channel in range(min(own, shape[1])):
            expected[(group * own + channel, channel, *[n // 2 for n in shape[2:]])] = 1
    np.testing.assert_array_equal(weight, expected)


def test_a_convolution_of_dirac_is_the_identity():
    layer = nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False)
    init.dirac_(layer.weight, 2)
    x = mg.randn(2, 4, 5, 5)
    np.testing.assert_array_equal(layer(x).numpy(), x.numpy())


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (4, 2, 3), (6, 2, 2)])
@pytest.mark.parametrize("gain", [1, 2.5])
def test_orthogonal(shape, gain):
    weight = init.orthogonal_(mg.zeros(shape, dtype=mg.float64), gain).numpy().reshape(shape[0], -1)
    short = weight if weight.shape[0] <= weight.shape[1] else weight.T
    np.testing.assert_allclose(short @ short.T, gain**2 * np.eye(len(short)), atol=1e-12)


def test_orthogonal_matrices_have_both_signs_in_all_places():
    drawn = np.array([init.orthogonal_(mg.zeros(2, 2)).numpy() for _ in range(400)])
    assert (np.abs(drawn.mean(0)) < 5 / math.sqrt(800)).all() and np.abs(drawn).min() < 0.05


@pytest.mark.parametrize(("sparsity", "zeros"), [(0, 0), (0.5, 3), (0.3, 2), (1, 5)])
def test_sparse(sparsity, zeros):
    weight = init.sparse_(mg.ones(5, 400), sparsity, std=2).numpy()
    assert ((weight == 0).sum(0) == zeros).all()
    if 0 < zeros < 5:
        assert ((weight == 0).mean(1) > 0.1).all() and weight[weight != 0].std() == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(
    "settings", [(0, 1, -2, 2), (1, 2, 0, 3), (0, 1, 0.1, 0.3), (0, 1, 3, 4), (0, 1, -0.1, 5), (-1, 0.01, 0, 1)]
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.filterwarnings("ignore:.*more than 2 std")
def test_truncated_normal(settings, dtype):
    mean, std, a, b = settings
    values = init.trunc_normal_(mg.zeros(200, 100, dtype=dtype), mean, std, a, b).numpy()
    low, high = np.array([a, b], dtype)
    assert values.min() >= low and values.max() <= high
    grid = np.linspace(a, b, 200001)
    density = np.exp(-(((grid - mean) / std) ** 2 - (((grid - mean) / std) ** 2).min()) / 2)
    expected = (grid * density).sum() / density.sum()
    spread = math.sqrt(((grid - expected) ** 2 * density).sum() / density.sum())
    error = spread * (5 / math.sqrt(values.size) + 0.03) + np.finfo(dtype).eps * abs(expected)
    assert values.astype(float).mean() == pytest.approx(expected, abs=error)


def test_truncated_normal_far_from_its_mean_warns():
    with pytest.warns(UserWarning, match="more than 2 std from"):
        init.trunc_normal_(mg.zeros(2), 10, 1)


DRAWS = [
    init.uniform_, init.normal_, init.trunc_normal_, init.xavier_uniform_, init.xavier_normal_, init.kaiming_uniform_,
    init.kaiming_normal_, init.orthogonal_, lambda t, generator=None: init.sparse_(t, 0.2, generator=generator),
]  # fmt: skip


@pytest.mark.parametrize("function", DRAWS)
def test_a_generator_is_drawn_from_and_the_global_state_left_alone(function):
    before = mg.get_rng_state()
    first = function(mg.zeros(4, 5), generator=mg.Generator().manual_seed(3)).numpy()
    assert mg.get_rng_state() == before
    again = function(mg.zeros(4, 5), generator=mg.Generator().manual_seed(3)).numpy()
    other = function(mg.zeros(4, 5), generator=mg.Generator().manual_seed(4)).numpy()
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    function(mg.zeros(4, 5))
    assert mg.get_rng_state() != before


@pytest.mark.parametrize(
    ("use", "kind", "message"),
    [
        (lambda: init.eye_(mg.zeros(3)), ValueError, r"eye_ is for tensors of 2 axes, got \(3,\)"),
        (lambda: init.dirac_(mg.zeros(3, 3)), ValueError, "dirac_ is for tensors of 3 or 4 or 5 axes"),
        (lambda: init.dirac_(mg.zeros(4, 2, 3), 3), ValueError, "groups 3 must divide the first length"),
        (lambda: init.orthogonal_(mg.zeros(3)), ValueError, "at least 2 axes"),
        (lambda: init.sparse_(mg.zeros(3), 0.5), ValueError, "sparse_ is for tensors of 2 axes"),
        (lambda: init.sparse_(mg.zeros(3, 3), 1.5), ValueError, "sparsity must be a number from 0 to 1, got 1.5"),
        (lambda: init.trunc_normal_(mg.zeros(3), a=1, b=1), ValueError, "needs a < b and std > 0"),
        (lambda: init.trunc_normal_(mg.zeros(3), std=0), ValueError, "needs a < b and std > 0"),
        (lambda: init.uniform_(mg.zeros(3), generator=3), TypeError, "generator must be a mg.Generator"),
        (lambda: init.orthogonal_(mg.zeros(3, 3, dtype=mg.int64)), TypeError, "random numbers are floats"),
    ],
)
def test_bad_arguments_are_refused(use, kind, message):
    with pytest.raises(kind, match=message):
        use()
