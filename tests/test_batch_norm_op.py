"""Batch normalisation: golden values, exact identities, the promised accuracy, and what it does to its buffers."""

from __future__ import annotations

import itertools
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import ops
from tests.helpers import batch_norm_formula, check_derivatives, cotangent, gradients, leaf, leaves, values


def statistics(channels: int, dtype: Any = np.float64) -> tuple[mg.Tensor, mg.Tensor]:
    """Running statistics as a module starts with."""
    return mg.zeros(channels, dtype=dtype), mg.ones(channels, dtype=dtype)


def close(found: Any, expected: Any) -> None:
    """Golden values are given with six decimals."""
    np.testing.assert_allclose(np.asarray(found.detach()), np.array(expected), rtol=0, atol=1e-6)


# -- golden values -------------------------------------------------------------------------------

X1 = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 8.0], [7.0, 2.0]])
DY1 = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0], [0.0, 3.0]])
WEIGHT1, BIAS1 = np.array([1.0, 2.0]), np.array([0.0, 1.0])
TRAIN1 = {
    "y": [[-1.341639, -0.632992], [-0.447213, 1.0], [0.447213, 4.265984], [1.341639, -0.632992]],
    "dx": [[0.044721, -1.292784], [-0.35777, 0.204124], [0.581377, -0.068044], [-0.268328, 1.156704]],
    "dweight": [-0.447213, -4.08248],
    "dbias": [3, 3],
}
EVAL1 = {
    "y": [[0.47936, 3.454281], [2.077226, 6.522132], [3.675091, 12.657834], [5.272957, 3.454281]],
    "dx": [[0.798933, 0], [0, 1.533925], [1.597866, -1.533925], [0, 4.601776]],
    "dweight": [7.829543, 0.61357],
    "dbias": [3, 3],
}
CALLS1 = [
    (X1, True, TRAIN1, [0.4, 0.4], [1.566667, 1.7]),
    (X1, False, EVAL1, [0.4, 0.4], [1.566667, 1.7]),
    (X1 + 1, True, TRAIN1, [0.86, 0.86], [2.076667, 2.33]),
]


@pytest.mark.parametrize("create_graph", [False, True])
def test_golden_values_of_two_channels(create_graph):
    mean, var = statistics(2)
    for batch, training, golden, running_mean, running_var in CALLS1:
        x, weight, bias = leaves([batch, WEIGHT1, BIAS1])
        y = F.batch_norm(x, mean, var, weight, bias, training)
        found = (y, *mg.grad(y, (x, weight, bias), mg.tensor(DY1), create_graph=create_graph))
        for tensor, expected in zip(found, golden.values(), strict=True):
            close(tensor, expected)
        close(mean, running_mean)
        close(var, running_var)


def test_golden_counter():
    counter = mg.zeros((), dtype=np.int64)
    mean, var = statistics(2)
    for batch, training, expected in [(X1, True, 1), (X1, False, 1), (X1 + 1, True, 2)]:
        ops.batch_norm(mg.tensor(batch), mean, var, training=training, num_batches_tracked=counter)
        assert counter.item() == expected


def test_golden_values_of_sequences():
    mean, var = statistics(2)
    batch = np.arange(12.0).reshape(2, 2, 3)
    batch[1, 1, 2] = 20
    dy = [[[1.0, 0, 0], [0, 2, 0]], [[0, -1, 0], [0, 0, 1]]]
    weight, bias = leaf(np.ones(2)), leaf(np.zeros(2))
    y = F.batch_norm(leaf(batch), mean, var, weight, bias, training=True)
    y.backward(mg.tensor(dy))
    close(
        y,
        [
            [[-1.286534, -0.964901, -0.643267], [-0.958638, -0.78434, -0.610042]],
            [[0.643267, 0.964901, 1.286534], [0.087149, 0.261447, 2.004425]],
        ],
    )
    close(weight.grad, [-2.251435, 0.435745])
    close(bias.grad, [0, 3])
    close(mean, [0.4, 0.85])
    close(var, [2.06, 4.85])


def test_golden_values_of_images():
    mean, var = statistics(1)
    x = leaf([[[[1.0, 2], [3, 4]]], [[[0, 0], [0, 6]]]], np.float64)
    y = F.batch_norm(x, mean, var, training=True, momentum=0.5)
    dy = np.zeros(x.shape)
    dy[0, 0, 0, 0] = 1
    y.backward(mg.tensor(dy))
    close(y, [[[[-0.485071, 0], [0.485071, 0.970141]]], [[[-0.970141, -0.970141], [-0.970141, 1.940283]]]])
    close(x.grad, [[[[0.41017, -0.060634], [-0.046367, -0.0321]]], [[[-0.089167, -0.089167], [-0.089167, -0.003567]]]])
    close(mean, [1.0])
    close(var, [2.928571])


def test_golden_cumulative_average():
    """Weighted with 1 / number of batches, the running estimates are the means of the batches'."""
    mean, var = statistics(1)
    batches = [([1.0, 3.0], 2, 2), ([5.0, 9.0], 4.5, 5), ([2.0, 2.0], 3.666667, 3.333333)]
    for k, (column, expected_mean, expected_var) in enumerate(batches, 1):
        F.batch_norm(mg.tensor(np.reshape(column, (2, 1))), mean, var, training=True, momentum=1 / k)
        close(mean, [expected_mean])
        close(var, [expected_var])


def test_golden_constant_column():
    mean, var = statistics(1)
    x = leaf(np.full((4, 1), 7.0))
    y = F.batch_norm(x, mean, var, training=True)
    y.backward(mg.tensor([[1.0], [0.0], [0.0], [0.0]]))
    close(y, np.zeros((4, 1)))
    close(x.grad, [[237.170825], [-79.056942], [-79.056942], [-79.056942]])
    close(var, [0.9])


# -- exact truths --------------------------------------------------------------------------------

SHAPES = [(6, 3), (2, 3, 4), (2, 3, 2, 3), (2, 3, 2, 1, 2)]


def batch(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape) * 2 + 1


def of_channels(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (0, *range(2, len(shape)))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_of_a_channel_sums_to_zero(shape):
    dx, *_ = gradients(train, [batch(shape), WEIGHT3, BIAS3])
    np.testing.assert_allclose(dx.sum(axis=of_channels(shape)), 0, atol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_output_has_mean_bias_and_deviation_weight(shape):
    y = train(batch(shape), WEIGHT3, BIAS3, eps=1e-14)
    np.testing.assert_allclose(y.mean(axis=of_channels(shape)), BIAS3, atol=1e-14)
    np.testing.assert_allclose(y.std(axis=of_channels(shape)), np.abs(WEIGHT3), rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_scaling_and_shifting_the_input_changes_nothing(shape):
    x = batch(shape)
    np.testing.assert_allclose(
        train(3 * x - 40, WEIGHT3, BIAS3, eps=9e-5), train(x, WEIGHT3, BIAS3), rtol=0, atol=1e-13
    )
    np.testing.assert_allclose(train(-x, -WEIGHT3, BIAS3), train(x, WEIGHT3, BIAS3), rtol=0, atol=1e-13)


def test_the_order_of_the_samples_does_not_matter():
    x = batch((7, 3))
    order = np.random.default_rng(1).permutation(7)
    np.testing.assert_allclose(train(x[order], WEIGHT3, BIAS3), train(x, WEIGHT3, BIAS3)[order], rtol=1e-12)


WEIGHT3, BIAS3 = np.array([0.5, -2.0, 1.5]), np.array([0.0, 1.0, -1.0])


def train(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    return F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)


@pytest.mark.parametrize("affine", [[], [WEIGHT3, BIAS3]])
def test_a_layer_in_front_cannot_learn_its_scale(affine):
    """Rows of W only turn: <W, dW> = 0 for each, so that a step of SGD adds the square of its length."""
    x, weight = batch((16, 4)), leaf(batch((3, 4), seed=1))
    train(F.linear(x, weight), *affine, eps=1e-14).backward(cotangent((16, 3)))
    W, dW = weight.detach().numpy().copy(), weight.grad.numpy()
    np.testing.assert_allclose((W * dW).sum(axis=1), 0, atol=1e-12)
    lr = 0.3
    with mg.no_grad():
        weight -= lr * weight.grad
    np.testing.assert_allclose((weight.detach().numpy() ** 2).sum(), (W**2).sum() + lr**2 * (dW**2).sum(), rtol=1e-12)


def test_a_bias_in_front_has_no_gradient():
    x, weight, bias = batch((16, 4)), leaf(batch((3, 4), seed=1)), leaf(BIAS3)
    train(F.linear(x, weight, bias), WEIGHT3, BIAS3).backward(cotangent((16, 3)))
    np.testing.assert_allclose(bias.grad.numpy(), 0, atol=1e-13)
    assert np.abs(weight.grad.numpy()).max() > 0.1


@pytest.mark.parametrize("shape", SHAPES)
def test_evaluation_is_an_affine_function_of_each_channel(shape):
    """Its gradient is the same wherever it is taken, and no sample depends on another."""
    mean, var = np.array([0.3, -1.0, 2.0]), np.array([0.5, 2.0, 1.0])

    def evaluate(x):
        return F.batch_norm(x, mean, var, WEIGHT3, BIAS3)

    x = batch(shape)
    np.testing.assert_array_equal(gradients(evaluate, [x]), gradients(evaluate, [x + 5]))
    np.testing.assert_array_equal(evaluate(x)[:1], evaluate(x[:1]))


# -- accuracy ------------------------------------------------------------------------------------

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


# -- the mode ------------------------------------------------------------------------------------


@pytest.mark.parametrize("create_graph", [False, True])
def test_evaluated_then_trained_then_backward(create_graph):
    """The gradient is that of what was computed, whatever became of the running statistics since."""
    x, weight, bias = leaves([X1, WEIGHT1, BIAS1])
    mean, var = statistics(2)
    F.batch_norm(x, mean, var, weight, bias, training=True)
    y = F.batch_norm(x, mean, var, weight, bias)
    F.batch_norm(x, mean, var, weight, bias, training=True)
    close(mean, [0.76, 0.76])
    found = mg.grad(y, (x, weight, bias), mg.tensor(DY1), create_graph=create_graph)
    for gradient, expected in zip(found, list(EVAL1.values())[1:]):
        close(gradient, expected)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("training", [True, False])
def test_derivatives_with_running_statistics(order, training):
    mean, var = mg.tensor([0.3, -1.0, 2.0], np.float64), mg.tensor([0.5, 2.0, 1.0], np.float64)

    def norm(x, weight, bias):
        return F.batch_norm(x, mean, var, weight, bias, training)

    check_derivatives(norm, [batch((4, 3)), WEIGHT3, BIAS3], order)


def test_second_derivative_of_a_sum_of_squares():
    """sum(xhat**2) hardly depends on x; an xhat or a deviation taken as constant would make it."""
    x = leaf(batch((8, 2)))
    y = train(x, eps=1e-14)
    (dx,) = mg.grad((y * y).sum(), x, create_graph=True)
    (ddx,) = mg.grad((dx * cotangent(dx.shape)).sum(), x)
    np.testing.assert_allclose(values([dx, ddx]), 0, atol=1e-12)


def test_effects_are_declared():
    mean, var = statistics(2)
    counter = mg.zeros((), dtype=np.int64)
    x = leaf(X1)
    trained = ops.batch_norm(x, mean, var, training=True, num_batches_tracked=counter)
    evaluated = F.batch_norm(x, mean, var)
    assert [(e.verb, e.tensor, e.note) for e in trained.grad_fn.effects] == [
        ("writes", mean, "0.1"),
        ("writes", var, "0.1"),
        ("writes", counter, "+1"),
    ]
    assert [(e.verb, e.tensor) for e in evaluated.grad_fn.effects] == [("reads", mean), ("reads", var)]
    assert train(x).grad_fn.effects == []


def test_without_a_gradient_the_statistics_still_move():
    mean, var = statistics(2)
    with mg.no_grad():
        y = F.batch_norm(leaf(X1), mean, var, training=True)
    assert not y.requires_grad
    close(mean, [0.4, 0.4])


def test_buffers_may_be_arrays():
    mean, var = np.zeros(2), np.ones(2)
    y = F.batch_norm(X1, mean, var, WEIGHT1, BIAS1, training=True)
    assert isinstance(y, np.ndarray)
    np.testing.assert_allclose(y, TRAIN1["y"], atol=1e-6)
    np.testing.assert_allclose([mean, var], [[0.4, 0.4], [1.566667, 1.7]], atol=1e-6)


def test_a_change_of_the_buffers_is_noticed():
    """Something else that was computed from the running mean must not go backward over the new one."""
    (mean, var), x = statistics(2), leaf(X1)
    product = x * mean
    F.batch_norm(x, mean, var, training=True)
    with pytest.raises(RuntimeError, match="changed in place"):
        product.sum().backward()


@pytest.mark.parametrize("momentum", [0.0, 0.3, 1.0, 1.5])
def test_momentum_is_the_weight_of_the_new_batch(momentum):
    mean, var = mg.tensor([5.0, 5.0], np.float64), mg.tensor([3.0, 3.0], np.float64)
    F.batch_norm(mg.tensor(X1), mean, var, training=True, momentum=momentum)
    np.testing.assert_allclose(mean.numpy(), (1 - momentum) * 5 + momentum * X1.mean(axis=0))
    np.testing.assert_allclose(var.numpy(), (1 - momentum) * 3 + momentum * X1.var(axis=0, ddof=1))


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("shape", [(0, 3), (2, 3, 0), (0, 3, 4, 4)])
def test_an_empty_batch(shape, create_graph):
    """It works: nothing comes out, nothing is learned, only the counter moves."""
    (mean, var), counter = statistics(3), mg.zeros((), dtype=np.int64)
    inputs = leaves([np.zeros(shape), WEIGHT3, BIAS3])
    x, weight, bias = inputs
    for training in (True, False):
        y = ops.batch_norm(x, mean, var, weight, bias, training, num_batches_tracked=counter if training else None)
        assert y.shape == shape
        dx, *parameters = mg.grad(y, inputs, mg.zeros_like(y), create_graph=create_graph)
        assert dx.shape == shape
        np.testing.assert_array_equal(values(parameters), 0)
    assert (mean.tolist(), var.tolist(), counter.item()) == ([0, 0, 0], [1, 1, 1], 1)


@pytest.mark.parametrize("shape", [(4, 0), (1, 0), (0, 0)], ids=str)
def test_a_batch_without_channels(shape):
    counter = mg.zeros((), dtype=np.int64)
    mean, var, weight, bias = mg.zeros(0), mg.ones(0), mg.ones(0), mg.zeros(0)
    y = ops.batch_norm(mg.zeros(*shape), mean, var, weight, bias, training=True, num_batches_tracked=counter)
    assert (y.shape, counter.item()) == (shape, 1)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.array, mg.tensor])
def test_settings_may_be_numbers_of_any_kind(kind):
    """0.125 and 0.5 are exact in every precision."""
    found = []
    for number in (float, kind):
        mean, var = statistics(3)
        y = ops.batch_norm(batch((5, 3)), mean, var, training=True, momentum=number(0.125), eps=number(0.5))
        found.append(
            [y, *values((mean, var)), ops.batch_norm(batch((5, 3)), mean.numpy(), var.numpy(), eps=number(0.5))]
        )
    for a, b in zip(*found):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shape", [(300, 7), (5, 3, 100), (2000, 70)], ids=str)
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_the_derivative_of_what_is_not_finite_is_silent_too(shape, bad):
    """NumPy has nothing to say of it, in either direction; the other channels are as they were."""
    x, dy = batch(shape).astype(np.float32), batch(shape)[::-1].astype(np.float32)
    gradients_of = []
    for value in (x.flat[0], bad):
        x.flat[0] = value
        leaf_ = mg.tensor(x).requires_grad_()
        ops.batch_norm(leaf_, training=True).backward(mg.tensor(dy))
        gradients_of.append(leaf_.grad.numpy())
    np.testing.assert_allclose(gradients_of[0][:, 1:], gradients_of[1][:, 1:], rtol=0, atol=1e-5)
    assert not np.isfinite(gradients_of[1][:, 0]).any()


@pytest.mark.parametrize("rows", [4, 4000])
def test_numbers_too_large_to_square(rows):
    """One warning, of batch_norm's own, and the running statistics stay as they are."""
    x = np.float32(1e25) * np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
    mean, var, counter = mg.zeros(3), mg.ones(3), mg.zeros((), dtype=np.int64)
    with pytest.warns(UserWarning, match="3 of 3 channels of this batch contain NaN") as warned:
        y = ops.batch_norm(mg.tensor(x), mean, var, training=True, num_batches_tracked=counter)
    assert len(warned) == 1 and y.shape == x.shape
    assert (mean.tolist(), var.tolist(), counter.item()) == ([0, 0, 0], [1, 1, 1], 1)


# -- what cannot be normalised -------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_bad_value_spoils_its_channel_alone(value, dtype):
    """The output is what the formula gives; the buffers of its channel stay, and one warning says so."""
    x = batch((5, 3)).astype(dtype)
    x[2, 1] = value
    (mean, var), counter = statistics(3, dtype), mg.zeros((), dtype=np.int64)
    with pytest.warns(UserWarning, match="1 of 3 channels") as caught:
        y = ops.batch_norm(leaf(x), mean, var, training=True, num_batches_tracked=counter)
    assert len(caught) == 1
    assert np.isnan(y.detach().numpy()[:, 1]).all()
    good = [0, 2]
    np.testing.assert_allclose(y.detach().numpy()[:, good], batch_norm_formula(x[:, good]), rtol=0, atol=1e-6)
    np.testing.assert_allclose(mean.numpy()[good], 0.1 * x[:, good].mean(axis=0), rtol=1e-5)
    assert (mean.numpy()[1], var.numpy()[1], counter.item()) == (0, 1, 1)


def test_a_bad_value_without_buffers_warns_of_nothing():
    x = batch((5, 3))
    x[2, 1] = np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(train(x)[:, 1]).all()


X3 = np.ones((4, 3), np.float32)
REFUSED: dict[str, tuple[type[Exception], dict[str, Any], list[str]]] = {
    "one value per channel": (
        ValueError,
        {"x": X3[:1]},
        ["Expected more than 1 value per channel when training, got input size (1, 3)", "eval()", "drop_last=True"],
    ),
    "one value in a sequence": (ValueError, {"x": np.ones((1, 3, 1), np.float32)}, ["(1, 3, 1)", "eval()"]),
    "one axis": (ValueError, {"x": X3[0]}, ["at least 2D", "(3,)", "unsqueeze(0)"]),
    "a number": (ValueError, {"x": np.ones((), np.float32)}, ["at least 2D", "()"]),
    "a list": (TypeError, {"x": [[1.0, 2.0, 3.0]]}, ["expected a tensor", "list"]),
    "integers": (TypeError, {"x": np.ones((4, 3), int)}, ["int64", "x.float()"]),
    "float64 batch": (TypeError, {"x": X3.astype(np.float64)}, ["float64", "float32", "module.to(mg.float64)"]),
    "float64 weight": (TypeError, {"weight": np.ones(3)}, ["weight is float64", "float32"]),
    "float16 weight": (TypeError, {"weight": np.ones(3, np.float16)}, ["weight is float16"]),
    "more channels": (ValueError, {"x": np.ones((4, 5), np.float32)}, ["(4, 5)", "5 channels", "running_mean is (3,)"]),
    "channels last": (ValueError, {"x": np.ones((2, 5, 3), np.float32)}, ["(2, 5, 3)", "x.transpose(1, 2)"]),
    "weight of two": (ValueError, {"weight": np.ones(2, np.float32)}, ["3 channels", "weight is (2,)"]),
    "weight of one": (ValueError, {"weight": np.ones(1, np.float32)}, ["weight is (1,)"]),
    "bias of two axes": (ValueError, {"bias": np.ones((1, 3), np.float32)}, ["bias is (1, 3)"]),
    "eps 0": (ValueError, {"eps": 0.0}, ["eps must be positive during training", "0.0"]),
    "negative eps": (ValueError, {"eps": -1e-5}, ["eps must be positive during training"]),
    "mean without variance": (ValueError, {"running_var": None}, ["running_mean and running_var", "both or none"]),
    "variance without mean": (ValueError, {"running_mean": None}, ["running_mean and running_var", "both or none"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_and_unchanged(name):
    error, changes, parts = REFUSED[name]
    mean, var, counter = np.full(3, 0.25, np.float32), np.full(3, 0.5, np.float32), np.array(4)
    arguments = {"x": X3, "running_mean": mean, "running_var": var, "num_batches_tracked": counter, **changes}
    with pytest.raises(error) as raised:
        ops.batch_norm(**arguments, training=True)
    message = str(raised.value)
    assert "\n" not in message
    assert all(part in message for part in parts), message
    assert (mean == 0.25).all() and (var == 0.5).all() and counter == 4


def test_evaluation_refuses():
    with pytest.raises(ValueError, match=r"evaluation needs running_mean and running_var.*training=True"):
        F.batch_norm(X1, None, None)
    with pytest.raises(ValueError, match="running_var has negative values"):
        F.batch_norm(X1, np.zeros(2), np.array([1.0, -1e-3]))
    with pytest.raises(ValueError, match="both or none"):
        F.batch_norm(X1, np.zeros(2), None)


def test_one_sample_can_be_evaluated():
    y = F.batch_norm(X1[:1], np.array([0.4, 0.4]), np.array([1.566667, 1.7]), WEIGHT1, BIAS1)
    np.testing.assert_allclose(y, EVAL1["y"][:1], atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("needs", list(itertools.product([True, False], repeat=3)))
def test_the_fused_rule_computes_what_is_needed_and_no_more(training, needs):
    mean, var = statistics(3)
    operands = leaves([batch((5, 3)), np.array([1.0, 2.0, 3.0]), np.zeros(3)])
    y = F.batch_norm(operands[0], mean, var, *operands[1:], training)
    dy = cotangent((5, 3))
    expected = mg.grad(y, operands, mg.tensor(dy), retain_graph=True)
    found = y.node.op.on_arrays(dy, y.node.cache, needs, *y.node.saved)
    for dx, whole, needed in zip(found, expected, needs):
        if needed:
            np.testing.assert_allclose(dx, whole.numpy(), rtol=0, atol=1e-12)
    # the sums for weight and bias are needed for dx in training, dx itself for nothing else
    assert (found[0] is not None) == needs[0]
    if not (training and needs[0]):
        assert [dx is not None for dx in found] == list(needs)
