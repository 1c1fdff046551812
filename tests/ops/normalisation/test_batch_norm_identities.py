"""Exact identities of batch normalisation."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.batch_norm import BIAS3, WEIGHT3, batch, train
from tests.helpers.differences import gradients
from tests.helpers.inputs import cotangent, leaf

SHAPES = [(6, 3), (2, 3, 4), (2, 3, 2, 3), (2, 3, 2, 1, 2)]


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
