"""Settings of functionals beyond their formulas: defaults, deprecated names, guesses, dtypes, and what is drawn."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.compile import capture
from tests.helpers.inputs import distinct, leaf
from tests.ops.edges import both_ways

X, T = (mg.tensor(array) for array in distinct((3, 4), (3, 4), low=0.1, high=0.9))
SIGNS = mg.tensor(np.where(np.arange(12).reshape(3, 4) % 3 == 0, 1, -1))

# -- the reduction by its old names --------------------------------------------------------------------------

LOSSES = {
    "l1_loss": lambda **named: F.l1_loss(X, T, **named),
    "mse_loss": lambda **named: F.mse_loss(X, T, **named),
    "smooth_l1_loss": lambda **named: F.smooth_l1_loss(X, T, **named),
    "binary_cross_entropy": lambda **named: F.binary_cross_entropy(X, T, **named),
    "binary_cross_entropy_with_logits": lambda **named: F.binary_cross_entropy_with_logits(X, T, **named),
    "kl_div": lambda **named: F.kl_div(X, T, **named),
    "poisson_nll_loss": lambda **named: F.poisson_nll_loss(X, T, **named),
    "hinge_embedding_loss": lambda **named: F.hinge_embedding_loss(X, SIGNS, **named),
    "soft_margin_loss": lambda **named: F.soft_margin_loss(X, SIGNS, **named),
    "margin_ranking_loss": lambda **named: F.margin_ranking_loss(X, T, SIGNS, **named),
    "cosine_embedding_loss": lambda **named: F.cosine_embedding_loss(X, T, SIGNS[:, 0], **named),
    "triplet_margin_loss": lambda **named: F.triplet_margin_loss(X, T, T * 2, **named),
    "multi_margin_loss": lambda **named: F.multi_margin_loss(X, [0, 3, 1], **named),
    "multilabel_margin_loss": lambda **named: F.multilabel_margin_loss(X, [[0, 3, -1, 1]] * 3, **named),
    "multilabel_soft_margin_loss": lambda **named: F.multilabel_soft_margin_loss(X, T, **named),
    "cross_entropy": lambda **named: F.cross_entropy(X, [0, 3, 1], **named),
    "nll_loss": lambda **named: F.nll_loss(X, [0, 3, 1], **named),
}

MEANT = {
    (True, None): "mean", (False, None): "sum", (None, True): "mean", (None, False): "none", (True, True): "mean",
    (True, False): "none", (False, True): "sum", (False, False): "none",
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_old_names_of_the_reduction_mean_what_they_mean_in_pytorch(name):
    """They win over ``reduction``, with a warning that names what to write instead."""
    for (size_average, reduce), meant in MEANT.items():
        for reduction in ("mean", "sum"):
            with pytest.warns(UserWarning, match=rf"^{name}: .* deprecated: pass reduction='{meant}'\.$"):
                y = LOSSES[name](size_average=size_average, reduce=reduce, reduction=reduction)
            np.testing.assert_array_equal(y.numpy(), LOSSES[name](reduction=meant).numpy())


def test_old_names_of_the_reduction_hold_their_positions():
    with pytest.warns(UserWarning, match="reduction='sum'"):
        assert F.mse_loss(X, T, False).item() == F.mse_loss(X, T, reduction="sum").item()
    with pytest.warns(UserWarning, match="reduction='none'"):
        assert F.cross_entropy(X, [0, 3, 1], None, None, -100, False).shape == (3,)
    assert F.cross_entropy(X, [0, 3, 1], None, None, 3, None, "none").tolist()[1] == 0


# -- softmax ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "dim"), [((), 0), ((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((2, 3, 4, 2), 1)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_without_a_dim_it_is_guessed_as_in_pytorch(name, shape, dim):
    x, function = mg.tensor(distinct(shape)[0]), getattr(F, name)
    with pytest.warns(UserWarning, match=rf"^{name}: dim is not given, .* pass dim={dim}\.$"):
        y = function(x)
    np.testing.assert_array_equal(y.numpy(), function(x, dim).numpy())


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax, F.softmin, mg.softmax, mg.log_softmax,
                                      mg.special.softmax, mg.special.log_softmax])  # fmt: skip
def test_softmax_converts_to_a_dtype_first(function):
    x = mg.tensor([1, 2, 3])
    assert function(x, 0, dtype=mg.float64).dtype == np.float64
    np.testing.assert_array_equal(function(x, 0, mg.float32).numpy(), function(x.float(), dim=0).numpy())
    half = mg.tensor([1.0, 2.0], dtype=mg.float16, requires_grad=True)
    y = function(half, 0, mg.float32)
    (dx,) = mg.grad(y[0], half)
    assert (y.dtype, dx.dtype) == (np.float32, np.float16)


# -- attributes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.leaky_relu(x, np.float64(0.25)),
        lambda x: F.elu(x, alpha=np.float64(2)),
        lambda x: mg.celu(x, np.float64(2)),
        lambda x: F.hardtanh(x, np.float64(-1), np.float64(1)),
        lambda x: mg.hardshrink(x, np.float64(1)),
        lambda x: F.softshrink(x, np.int64(1)),
        lambda x: F.threshold(x, np.float64(0.5), np.float64(2)),
        lambda x: F.rrelu(x, np.float64(0.1), np.float64(0.2), training=True),
        lambda x: F.smooth_l1_loss(x, x * 2, beta=np.float64(2), reduction="none"),
        lambda x: F.huber_loss(x, x * 2, delta=np.float64(2), weight=np.ones(3), reduction="none"),
        lambda x: F.gaussian_nll_loss(x, x * 2, np.float64(2), eps=np.float64(1), reduction="none"),
        lambda x: F.poisson_nll_loss(x, x * 2, True, True, reduction="none"),
        lambda x: F.margin_ranking_loss(x, x * 2, SIGNS[0, :3], np.float64(2), reduction="none"),
        lambda x: F.multi_margin_loss(x, 1, margin=np.float64(2), reduction="none"),
        lambda x: F.layer_norm(x, 3, eps=np.float64(1)),
        lambda x: F.rms_norm(x, 3, eps=np.float64(1)),
        lambda x: F.group_norm(x.reshape(1, 3), 1, eps=np.float64(1)),
        lambda x: F.local_response_norm(x.reshape(1, 3, 1), 2, *map(np.float64, (1, 2, 3))),
        lambda x: F.normalize(x, np.float64(3), 0, np.float64(1e-3)),
        lambda x: mg.pairwise_distance(x, -x, np.float64(3), np.float64(1e-3)),
        lambda x: F.gumbel_softmax(x, np.float64(2)),
        lambda x: F.alpha_dropout(x, np.float64(0.5), training=True),
    ],
)
@both_ways
def test_numpys_numbers_as_settings_widen_nothing(function, create_graph):
    for dtype in (np.float16, np.float32):
        x = leaf([0.5, -1.25, 2.0], dtype)
        y = function(x)
        assert y.dtype == dtype
        (dx,) = mg.grad(y.sum(), x, create_graph=create_graph)
        assert dx.dtype == dtype


def test_settings_that_are_left_out_reach_the_derivative():
    x = leaf([-2.0, 3.0])
    for y, slope in ((F.leaky_relu(x), 0.01), (F.leaky_relu(input=x), 0.01), (F.leaky_relu(x, 0.5), 0.5),
                     (F.leaky_relu(x, negative_slope=2), 2)):  # fmt: skip
        assert mg.grad(y.sum(), x)[0].tolist() == [slope, 1]


# -- what is drawn ---------------------------------------------------------------------------------------------


def seeded(function, *args, **named):
    mg.manual_seed(3)
    return function(*args, **named)


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (F.dropout1d, (200, 50, 4)),
        (F.dropout2d, (200, 50, 2, 2)),
        (F.dropout3d, (200, 50, 1, 2, 2)),
        (F.feature_alpha_dropout, (200, 50)),
        (F.feature_alpha_dropout, (200, 50, 3)),
    ],
)
def test_channels_are_dropped_as_a_whole(function, shape):
    y = seeded(function, mg.ones(*shape), 0.25, True).numpy().reshape(*shape[:2], -1)
    assert (y == y[:, :, :1]).all()
    least, most = np.unique(y)
    assert abs((y[:, :, 0] == least).mean() - 0.25) < 0.02
    if function is not F.feature_alpha_dropout:
        assert (least, most) == (0, np.float32(1 / 0.75))


def test_one_sample_is_dropped_by_its_channels():
    y = seeded(F.dropout1d, mg.ones(1000, 3))
    assert y.shape == (1000, 3) and {tuple(row) for row in y.tolist()} == {(0, 0, 0), (2, 2, 2)}
    y = seeded(F.dropout3d, mg.ones(1000, 1, 2, 1))
    assert y.shape == (1000, 1, 2, 1) and set(y.reshape(1000, 2).sum(1).tolist()) == {0, 4}


def test_dropout_of_other_than_images_warns():
    with pytest.warns(UserWarning, match=r"^dropout2d: expected \(N, C, H, W\), got \(2, 3, 4\) float32.*dropout1d"):
        y = seeded(F.dropout2d, mg.ones(2, 3, 4))
    np.testing.assert_array_equal(y.numpy(), seeded(F.dropout1d, mg.ones(2, 3, 4)).numpy())
    with pytest.warns(UserWarning, match=r"^dropout3d: expected \(N, C, D, H, W\)"):
        F.dropout3d(mg.ones(2, 3))


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(p):
    x = mg.tensor(np.random.default_rng(0).standard_normal(400_000))
    y = seeded(F.alpha_dropout, x, p, training=True).numpy()
    assert abs(y.mean()) < 0.01 and abs(y.std() - 1) < 0.01
    assert abs(np.unique(y, return_counts=True)[1].max() / y.size - p) < 0.01


def test_everything_dropped_is_zero():
    for function in (F.dropout, F.dropout1d, F.alpha_dropout, F.feature_alpha_dropout):
        x = leaf(np.ones((2, 3)))
        y = function(x, 1.0, training=True)
        (dx,) = mg.grad(y.sum(), x)
        assert not y.numpy().any() and not dx.numpy().any()


@pytest.mark.parametrize("function", [F.dropout, F.dropout1d, F.alpha_dropout, F.feature_alpha_dropout])
def test_evaluation_passes_its_input_on(function):
    x, state = mg.ones(2, 3), mg.get_rng_state()
    assert function(x, training=False) is x and mg.get_rng_state() == state


def test_random_slopes_are_uniform_between_their_bounds():
    y = seeded(F.rrelu, mg.full((100_000,), -1.0), 0.25, 0.75, training=True).numpy()
    assert -0.75 <= y.min() < -0.749 and -0.251 < y.max() <= -0.25
    assert abs(y.mean() + 0.5) < 0.002 and abs(y.var() - 1 / 48) < 0.001
    x = leaf([-1.0, 2.0, 0.0, np.nan])
    (dx,) = mg.grad(seeded(F.rrelu, x, 0.25, 0.75, training=True).sum(), x)
    assert dx[1] == 1 and (dx[[0, 2, 3]].numpy() >= 0.25).all() and (dx[[0, 2, 3]].numpy() <= 0.75).all()


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_gumbel_softmax_samples_categories(dim):
    """With the probabilities that the logits are of; the gradient is that of the soft sample."""
    p = np.array([0.1, 0.2, 0.7])
    logits = np.log(np.broadcast_to(p, (40_000, 3)))
    x = leaf(logits if dim else logits.T)
    hard = seeded(F.gumbel_softmax, x, hard=True, dim=dim)
    np.testing.assert_allclose(hard.detach().numpy().mean(0 if dim else 1), p, atol=0.01)
    assert set(hard.detach().numpy().round(12).ravel()) == {0, 1}
    dy = mg.tensor(np.random.default_rng(0).standard_normal(x.shape))
    (dx,) = mg.grad(hard, x, dy)
    (expected,) = mg.grad(seeded(F.gumbel_softmax, x, dim=dim), x, dy)
    np.testing.assert_allclose(dx.numpy(), expected.numpy(), rtol=1e-12)


def test_gumbel_softmax_without_effect_of_eps():
    with pytest.warns(UserWarning, match="eps is deprecated"):
        y = seeded(F.gumbel_softmax, X, eps=0.1)
    np.testing.assert_array_equal(y.numpy(), seeded(F.gumbel_softmax, X).numpy())
    assert F.gumbel_softmax(mg.tensor(3.0), hard=True).item() == 1


DRAWS = {
    "dropout1d": lambda x: F.dropout1d(x),
    "alpha_dropout": lambda x: F.alpha_dropout(x, training=True),
    "rrelu": lambda x: F.rrelu(-x, training=True),
    "gumbel_softmax": lambda x: F.gumbel_softmax(x, hard=True),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_captured_step_draws_anew(name):
    """What an eager step would have drawn."""
    x = mg.ones(40, 50)
    program, first = seeded(capture, DRAWS[name], x)
    replayed = [first.numpy(), *(program.run(x).numpy() for _ in range(2))]
    mg.manual_seed(3)
    for found, expected in zip(replayed, [DRAWS[name](x).numpy() for _ in range(3)], strict=True):
        np.testing.assert_array_equal(found, expected)
    assert not any(np.array_equal(a, b) for a, b in itertools.combinations(replayed, 2))


def test_the_distance_of_order_0_counts_and_has_gradient_0():
    x = leaf([[1.0, 2.0, 3.0], [1.0, 0.0, 0.0]])
    y = F.pairwise_distance(x, mg.tensor([[1.0, 0.0, 0.0]]), p=0, eps=0)
    assert y.tolist() == [2, 0] and y.dtype == x.dtype and not mg.grad(y.sum(), x)[0].numpy().any()


def test_gelu_of_the_largest_numbers():
    x = leaf([-3e38, 3e38], np.float32)
    y = F.gelu(x)
    assert y.tolist() == [0, np.float32(3e38)] and mg.grad(y.sum(), x)[0].tolist() == [0, 1]
    assert math.isfinite(F.normalize(mg.tensor([[3e18, 4e18]])).sum().item())
