"""Training and evaluation of batch normalisation: statistics, effects and derivatives."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import ops
from tests.helpers.batch_norm import (
    BIAS1,
    BIAS3,
    DY1,
    EVAL1,
    TRAIN1,
    WEIGHT1,
    WEIGHT3,
    X1,
    batch,
    close,
    statistics,
    train,
)
from tests.helpers.differences import check_derivatives
from tests.helpers.inputs import cotangent, leaf, leaves, values


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
    assert [(e.verb, e.tensor, e.note, e.weight) for e in trained.grad_fn.effects] == [
        ("writes", mean, "", 0.1),
        ("writes", var, "", 0.1),
        ("writes", counter, "+1", None),
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


def test_batch_norm_of_an_array_subclass_is_that_of_the_array():
    x = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
    masked = np.ma.array(x)
    expected = mg.batch_norm(x, training=True)
    np.testing.assert_allclose(mg.batch_norm(masked, training=True), expected, rtol=0, atol=1e-6)


def test_a_batch_without_channels_is_normalised():
    mean, var = np.zeros(0), np.ones(0)
    for training in (True, False):
        assert F.batch_norm(np.zeros((4, 0)), mean, var, training=training).shape == (4, 0)
