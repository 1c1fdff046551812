"""Golden values of batch normalisation."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import ops
from tests.helpers.batch_norm import BIAS1, DY1, EVAL1, TRAIN1, WEIGHT1, X1, close, statistics
from tests.helpers.inputs import leaf, leaves

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
