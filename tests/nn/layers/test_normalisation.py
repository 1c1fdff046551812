"""Normalisations of single samples as modules, each against its formula; modes and running statistics."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.checks.gradcheck import gradcheck

rng = np.random.default_rng(5)
X = rng.standard_normal((3, 4, 2, 5))
SCALE, SHIFT = rng.standard_normal((2, 4))


def standard(x, axes, eps=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def channels(values, rank=4):
    return np.reshape(values, (-1, *(1,) * (rank - 2)))


def with_values(layer, *values):
    layer.double()
    with mg.no_grad():
        for parameter, value in zip(layer.parameters(), values, strict=True):
            parameter.copy_(value)
    return layer


def neighbours(x):
    squares = np.pad(x**2, ((0, 0), (1, 1), (0, 0), (0, 0)))
    return sum(squares[:, i : i + 4] for i in range(3)) / 3


FORMULAS = {
    "layer": (with_values(nn.LayerNorm((2, 5)), X[0, 0], X[1, 0]), lambda x: standard(x, (2, 3)) * X[0, 0] + X[1, 0]),
    "layer without bias": (
        with_values(nn.LayerNorm(5, 0.5, bias=False), X[0, 0, 0]), lambda x: standard(x, 3, 0.5) * X[0, 0, 0],
    ),
    "root mean square": (
        with_values(nn.RMSNorm(5), X[0, 0, 0]),
        lambda x: x / np.sqrt((x**2).mean(-1, keepdims=True) + np.finfo(float).eps) * X[0, 0, 0],
    ),
    "group": (
        with_values(nn.GroupNorm(2, 4), SCALE, SHIFT),
        lambda x: (
            standard(x.reshape(3, 2, 2, 2, 5), (2, 3, 4)).reshape(x.shape) * channels(SCALE) + channels(SHIFT)
        ),
    ),
    "instance": (nn.InstanceNorm2d(4), lambda x: standard(x, (2, 3))),
    "instance, affine": (
        with_values(nn.InstanceNorm2d(4, affine=True), SCALE, SHIFT),
        lambda x: standard(x, (2, 3)) * channels(SCALE) + channels(SHIFT),
    ),
    "instance without bias": (
        with_values(nn.InstanceNorm2d(4, affine=True, bias=False), SCALE),
        lambda x: standard(x, (2, 3)) * channels(SCALE),
    ),
    "batch without bias": (
        with_values(nn.BatchNorm2d(4, bias=False), SCALE), lambda x: standard(x, (0, 2, 3)) * channels(SCALE),
    ),
    "neighbouring channels": (
        nn.LocalResponseNorm(3, 0.5, 0.25, 2.0), lambda x: x / (2 + 0.5 * neighbours(x)) ** 0.25,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_values_and_gradients(name):
    layer, formula = FORMULAS[name]
    np.testing.assert_allclose(layer(mg.tensor(X)).numpy(), formula(X), rtol=1e-10, atol=1e-12)
    assert gradcheck(layer, mg.tensor(X[:2, :, :, :5], requires_grad=True))


@pytest.mark.parametrize("name", [name for name in FORMULAS if not name.startswith("batch")])
def test_without_running_statistics_training_and_evaluation_are_the_same(name):
    layer, x = FORMULAS[name][0], mg.tensor(X)
    with layer.evaluating():
        evaluated = layer(x).numpy()
    np.testing.assert_array_equal(layer(x).numpy(), evaluated)


@pytest.mark.parametrize(("kind", "shape"), [
    (nn.InstanceNorm1d, (4, 6)), (nn.InstanceNorm2d, (4, 2, 3)), (nn.InstanceNorm3d, (4, 2, 1, 3)),
])  # fmt: skip
def test_instance_normalisation_of_one_sample_and_of_another_rank(kind, shape):
    x, layer = rng.standard_normal(shape), kind(4)
    expected = standard(x, tuple(range(1, len(shape))))
    np.testing.assert_allclose(layer(mg.tensor(x)).numpy(), expected, rtol=1e-10)
    np.testing.assert_allclose(layer(mg.tensor(x[None])).numpy(), expected[None], rtol=1e-10)
    rank = len(shape)
    for wrong in (shape[1:], (1, 1, *shape)):
        with pytest.raises(ValueError, match=rf"expected {rank}D or {rank + 1}D input \(got {len(wrong)}D input\)"):
            layer(mg.zeros(wrong))


def test_running_statistics_of_instances():
    layer = nn.InstanceNorm2d(4, momentum=0.25, track_running_stats=True).double()
    x = mg.tensor(X)
    np.testing.assert_allclose(layer(x).numpy(), standard(X, (2, 3)), rtol=1e-10)
    mean, var = X.mean((2, 3)).mean(0) / 4, 0.75 + X.var((2, 3), ddof=1).mean(0) / 4
    np.testing.assert_allclose(layer.running_mean.numpy(), mean)
    np.testing.assert_allclose(layer.running_var.numpy(), var)
    assert layer.num_batches_tracked.item() == 0  # as in PyTorch
    before = layer.state_dict()
    evaluated = layer.eval()(x).numpy()
    np.testing.assert_allclose(evaluated, (X - channels(mean)) / np.sqrt(channels(var) + 1e-5), rtol=1e-10)
    np.testing.assert_allclose(layer(x[0]).numpy(), evaluated[0])
    assert all((before[name] == value).all() for name, value in layer.state_dict().items())
    layer.reset_running_stats()
    assert layer.running_mean.tolist() == [0] * 4 and layer.running_var.tolist() == [1] * 4


def test_half_precision_keeps_statistics_in_float32():
    layer = nn.InstanceNorm1d(4, affine=True, track_running_stats=True).half()
    assert layer(mg.ones(2, 4, 3, dtype=mg.float16)).dtype == np.float16
    assert layer.weight.dtype == np.float16 and layer.running_var.dtype == np.float32


def test_another_number_of_channels():
    for layer in (nn.InstanceNorm1d(3, affine=True), nn.InstanceNorm1d(3, track_running_stats=True)):
        with pytest.raises(ValueError, match=r"instance_norm in InstanceNorm1d: expected 3 channels, got \(2, 4, 5\)"):
            layer(mg.zeros(2, 4, 5))
    with pytest.warns(UserWarning, match="expected 3 channels"):
        assert nn.InstanceNorm1d(3)(mg.zeros(2, 4, 5)).shape == (2, 4, 5)
    with pytest.raises(ValueError, match=r"group_norm in GroupNorm: expected 4 channels on axis 1, got \(2, 6\)"):
        nn.GroupNorm(2, 4, affine=False)(mg.zeros(2, 6))
