"""Layers, groups, channels of a sample: exact far from 0 and at any size, in half precision, and running estimates."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.compile import capture
from tests.helpers.inputs import leaf
from tests.ops.edges import both_ways

RNG = np.random.default_rng(0)
NORMS = {
    "layer_norm": lambda x: F.layer_norm(x, (x.shape[-1],)),
    "group_norm": lambda x: F.group_norm(x, 1),
    "instance_norm": lambda x: F.instance_norm(x.reshape(1, *x.shape)).reshape(*x.shape),
}


def exact(x, dy, eps=1e-5):
    """Rows in float64: the output, and the gradient of the input."""
    x = x.astype(np.float64)
    d = x - x.mean(1, keepdims=True)
    d -= d.mean(1, keepdims=True)
    inverse = 1 / np.sqrt((d * d).mean(1, keepdims=True) + eps)
    xhat = d * inverse
    return xhat, (dy - dy.mean(1, keepdims=True) - xhat * (dy * xhat).mean(1, keepdims=True)) * inverse


@pytest.mark.parametrize("offset", [0, 1e3, 1e7])
@pytest.mark.parametrize("name", NORMS)
@both_ways
def test_rows_far_from_0_lose_no_digits(name, offset, create_graph):
    x = (RNG.standard_normal((20, 300)) * 3 + offset).astype(np.float32)
    dy = RNG.standard_normal((20, 300))
    y, dx = exact(x, dy)
    t = leaf(x)
    found = NORMS[name](t)
    (gradient,) = mg.grad(found, t, mg.tensor(dy, dtype=mg.float32), create_graph=create_graph)
    np.testing.assert_allclose(found.detach().numpy(), y, rtol=0, atol=2e-6)
    np.testing.assert_allclose(gradient.detach().numpy(), dx, rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", NORMS)
def test_rows_whose_squares_are_too_large_are_normalised(name):
    x = np.array([[1e30, -1e30, 3e30, 1e30], [1.0, 2.0, 3.0, 5.0]], np.float32)
    t, dy = leaf(x), RNG.standard_normal((2, 4))
    y = NORMS[name](t)
    (dx,) = mg.grad(y, t, mg.tensor(dy, dtype=mg.float32))
    right, slope = exact(x, dy)
    np.testing.assert_allclose(y.detach().numpy(), right, rtol=1e-5)
    np.testing.assert_allclose(dx.numpy(), slope, rtol=1e-4, atol=1e-35)


@pytest.mark.parametrize("shape, rank", [((3000, 40), 1), ((300, 5000), 1), ((7, 30, 50), 2)])
def test_gradients_of_weight_and_bias_add_up_exactly(shape, rank):
    x, dy = RNG.standard_normal(shape).astype(np.float32), RNG.standard_normal(shape).astype(np.float32) + 1
    weight, bias = (leaf(np.ones(shape[-rank:]), np.float32) for _ in range(2))
    y = F.layer_norm(mg.tensor(x), shape[-rank:], weight, bias)
    dw, db = mg.grad(y, [weight, bias], mg.tensor(dy))
    xhat, _ = exact(x.reshape(*shape[:1], -1) if rank == len(shape) - 1 else x, dy.reshape(shape[0], -1))
    xhat = xhat.reshape(shape)
    axes = tuple(range(len(shape) - rank))
    np.testing.assert_allclose(db.numpy(), dy.astype(np.float64).sum(axes), rtol=1e-5)
    np.testing.assert_allclose(dw.numpy(), (dy * xhat).sum(axes), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("parameters", [np.float16, np.float32])
def test_float16_is_computed_in_float32(parameters):
    """Sums of squares of 300 would be infinite, and the mean of many values off."""
    x = (RNG.standard_normal((4, 3000)) * 300 + 1000).astype(np.float16)
    weight, bias = (RNG.standard_normal(3000).astype(parameters) for _ in range(2))
    right = exact(x, x)[0] * weight + bias
    y = F.layer_norm(mg.tensor(x), 3000, mg.tensor(weight), mg.tensor(bias))
    assert y.dtype == np.float16
    np.testing.assert_allclose(y.numpy(), right, rtol=2e-3, atol=2e-3)
    y = F.rms_norm(mg.tensor(x), 3000, mg.tensor(weight))
    wide = x.astype(np.float64)
    np.testing.assert_allclose(y.numpy(), wide / np.sqrt((wide**2).mean(1, keepdims=True)) * weight, rtol=2e-3)


@pytest.mark.parametrize("dtype, eps", [(np.float16, 2.0**-23), (np.float32, 2.0**-23), (np.float64, 2.0**-52)])
def test_rms_norm_adds_by_default_the_precision_it_computes_in(dtype, eps):
    x = np.array([[2.0**-12, 2.0**-11]], dtype)
    right = x.astype(np.float64) / np.sqrt((x.astype(np.float64) ** 2).mean() + eps)
    np.testing.assert_allclose(F.rms_norm(mg.tensor(x), 2).numpy(), right, rtol=4 * np.finfo(dtype).eps)


def test_the_output_of_layer_norm_may_be_changed_in_place():
    x = leaf(RNG.standard_normal((3, 4)))
    expected = mg.grad((F.layer_norm(x, 4) ** 2).sum(), x)[0]
    y = F.layer_norm(x, 4)
    loss = (y**2).sum()
    other = F.layer_norm(x, 4)
    with mg.no_grad():
        other *= 2
    np.testing.assert_array_equal(mg.grad(loss, x)[0].numpy(), expected.numpy())
    np.testing.assert_allclose(mg.grad(other, x, y.detach())[0].numpy(), expected.numpy() / 2, rtol=1e-12, atol=1e-12)


# -- running estimates of instance_norm ------------------------------------------------------------------------

BATCH = np.array([[[1.0, 3.0], [0.0, 4.0]], [[5.0, 5.0], [2.0, -2.0]]])


def test_running_estimates_move_towards_the_means_over_the_samples():
    """Golden values of PyTorch 2.14.1."""
    mean, var = mg.zeros(2, dtype=mg.float64), mg.ones(2, dtype=mg.float64)
    F.instance_norm(mg.tensor(BATCH), mean, var, momentum=0.5)
    assert (mean.tolist(), var.tolist()) == ([1.75, 0.5], [1.0, 4.5])
    y = F.instance_norm(mg.tensor(BATCH), mean, var, use_input_stats=False)
    assert mean.tolist() == [1.75, 0.5]
    right = (BATCH - [[1.75], [0.5]]) / np.sqrt(np.array([[1.0], [4.5]]) + 1e-5)
    np.testing.assert_allclose(y.numpy(), right, rtol=1e-12)


def test_running_estimates_may_be_arrays_and_are_float32_for_float16():
    mean, var = np.zeros(2, np.float32), np.ones(2, np.float32)
    F.instance_norm(BATCH.astype(np.float16), mean, var, momentum=1.0)
    assert (mean.tolist(), var.tolist()) == ([3.5, 1.0], [1.0, 8.0])


def test_a_changed_estimate_is_noticed_by_a_graph_that_needs_it():
    mean, var = mg.zeros(2, dtype=mg.float64), mg.ones(2, dtype=mg.float64)
    x = leaf(np.ones(2))
    loss = (x * mean).sum()
    F.instance_norm(mg.tensor(BATCH), mean, var)
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_a_captured_step_moves_the_estimates():
    mean, var = mg.zeros(2, dtype=mg.float64), mg.ones(2, dtype=mg.float64)
    program, _ = capture(lambda x: F.instance_norm(x, mean, var, momentum=0.5), mg.tensor(BATCH), state=[mean, var])
    y = program.run(mg.tensor(BATCH[::-1] * 2))
    other = mg.zeros(2, dtype=mg.float64), mg.ones(2, dtype=mg.float64)
    F.instance_norm(mg.tensor(BATCH), *other, momentum=0.5)
    expected = F.instance_norm(mg.tensor(BATCH[::-1] * 2), *other, momentum=0.5)
    np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-12)
    for found, right in zip((mean, var), other, strict=True):
        np.testing.assert_allclose(found.numpy(), right.numpy(), rtol=1e-12)
