"""Golden values of BatchNorm in training and evaluation mode."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.helpers.batchnorm_module import (
    KINDS,
    assert_buffers,
    axes_of,
    batch,
    buffers_of,
    formula,
    trained,
    with_statistics,
)

PRECISION = {np.float64: {"rtol": 0, "atol": 6e-7}, np.float32: {"rtol": 2e-6, "atol": 3e-6}}
both_precisions = pytest.mark.parametrize("dtype", PRECISION, ids=["double", "single"])


def backward(bn, x, dy, dtype):
    """Output, input gradient and parameter gradients of one call."""
    bn.zero_grad()
    x = mg.tensor(np.array(x, dtype), requires_grad=True)
    y = bn(x)
    y.backward(mg.tensor(np.array(dy, dtype)))
    return [y.numpy(), x.grad.numpy(), *(p.grad.numpy() for p in bn.parameters())]


def assert_golden(found, expected, dtype):
    assert len(found) == len(expected)
    for value, golden in zip(found, expected):
        np.testing.assert_allclose(value, golden, **PRECISION[dtype])


@both_precisions
def test_golden_vectors(dtype):
    bn = nn.BatchNorm1d(2, dtype=dtype)
    bn.weight.data.copy_([1.0, 2.0])
    bn.bias.data.copy_([0.0, 1.0])
    x, dy = np.array([[1, 2], [3, 4], [5, 8], [7, 2]]), [[1, 0], [0, 1], [2, -1], [0, 3]]
    train = [
        [[-1.341639, -0.632992], [-0.447213, 1.0], [0.447213, 4.265984], [1.341639, -0.632992]],
        [[0.044721, -1.292784], [-0.35777, 0.204124], [0.581377, -0.068044], [-0.268328, 1.156704]],
        [-0.447213, -4.08248],
        [3, 3],
    ]
    evaluation = [
        [[0.47936, 3.454281], [2.077226, 6.522132], [3.675091, 12.657834], [5.272957, 3.454281]],
        [[0.798933, 0], [0, 1.533925], [1.597866, -1.533925], [0, 4.601776]],
        [7.829543, 0.61357],
        [3, 3],
    ]
    first, second = [[0.4, 0.4], [1.566667, 1.7], 1], [[0.86, 0.86], [2.076667, 2.33], 2]
    assert_golden(backward(bn, x, dy, dtype), train, dtype)
    assert_golden(buffers_of(bn).values(), first, dtype)
    bn.eval()
    before = buffers_of(bn)
    assert_golden(backward(bn, x, dy, dtype), evaluation, dtype)
    assert_buffers(bn, before)
    bn.train()
    assert_golden(backward(bn, x + 1, dy, dtype), train, dtype)
    assert_golden(buffers_of(bn).values(), second, dtype)


@both_precisions
def test_golden_sequences(dtype):
    bn = nn.BatchNorm1d(2, dtype=dtype)
    x = np.arange(12.0).reshape(2, 2, 3)
    x[1, 1, 2] = 20
    y, _, dweight, dbias = backward(bn, x, [[[1, 0, 0], [0, 2, 0]], [[0, -1, 0], [0, 0, 1]]], dtype)
    expected = [
        [
            [[-1.286534, -0.964901, -0.643267], [-0.958638, -0.78434, -0.610042]],
            [[0.643267, 0.964901, 1.286534], [0.087149, 0.261447, 2.004425]],
        ],
        [-2.251435, 0.435745],
        [0, 3],
    ]
    assert_golden([y, dweight, dbias], expected, dtype)
    assert_golden(buffers_of(bn).values(), [[0.4, 0.85], [2.06, 4.85], 1], dtype)


@both_precisions
def test_golden_images(dtype):
    bn = nn.BatchNorm2d(1, affine=False, momentum=0.5, dtype=dtype)
    dy = np.zeros((2, 1, 2, 2))
    dy[0, 0, 0, 0] = 1
    expected = [
        [[[[-0.485071, 0], [0.485071, 0.970141]]], [[[-0.970141, -0.970141], [-0.970141, 1.940283]]]],
        [[[[0.41017, -0.060634], [-0.046367, -0.0321]]], [[[-0.089167, -0.089167], [-0.089167, -0.003567]]]],
    ]
    assert_golden(backward(bn, [[[[1, 2], [3, 4]]], [[[0, 0], [0, 6]]]], dy, dtype), expected, dtype)
    assert_golden(buffers_of(bn).values(), [[1.0], [2.928571], 1], dtype)


@both_precisions
def test_golden_cumulative_average(dtype):
    bn = nn.BatchNorm1d(1, momentum=None, dtype=dtype)
    steps = [([1, 3], 2, 2), ([5, 9], 4.5, 5), ([2, 2], 3.666667, 3.333333)]
    for count, (values, mean, var) in enumerate(steps, 1):
        bn(mg.tensor(np.array(values, dtype).reshape(2, 1)))
        assert_golden(buffers_of(bn).values(), [[mean], [var], count], dtype)


@both_precisions
def test_golden_constant_column(dtype):
    bn = nn.BatchNorm1d(1, dtype=dtype)
    y, dx, _, _ = backward(bn, np.full((4, 1), 7), [[1], [0], [0], [0]], dtype)
    assert_golden([y, dx], [np.zeros((4, 1)), [[237.170825], [-79.056942], [-79.056942], [-79.056942]]], dtype)
    assert_golden([bn.running_var.numpy()], [[0.9]], dtype)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("affine", [True, False])
def test_both_modes_are_the_formula(name, affine):
    kind, shape = KINDS[name]
    bn = with_statistics(kind, affine=affine, dtype=np.float64)
    learned = {"weight": bn.weight.numpy(), "bias": bn.bias.numpy()} if affine else {}
    x = batch(shape, np.float64)
    mean, var = bn.running_mean.numpy().copy(), bn.running_var.numpy().copy()
    np.testing.assert_allclose(bn(x).numpy(), formula(x.numpy(), mean, var, **learned), rtol=1e-12, atol=1e-12)
    bn.train()
    for count in (1, 2, 3):
        x = batch(shape, np.float64)
        values = x.numpy()
        np.testing.assert_allclose(bn(x).numpy(), trained(values, **learned), rtol=1e-12, atol=1e-12)
        mean = 0.9 * mean + 0.1 * values.mean(axes_of(values))
        var = 0.9 * var + 0.1 * values.var(axes_of(values), ddof=1)
        np.testing.assert_allclose(bn.running_mean.numpy(), mean, rtol=1e-12)
        np.testing.assert_allclose(bn.running_var.numpy(), var, rtol=1e-12)
        assert bn.num_batches_tracked.item() == count
