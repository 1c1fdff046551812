"""Parameters and statistics of BatchNorm in every memory layout."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.inputs import leaf, leaves
from tests.helpers.layouts import unaligned
from tests.helpers.oracles import batch_norm_formula

VECTOR_LAYOUTS = {
    "every second": lambda v: np.stack([v, np.full_like(v, np.nan)], 1)[:, 0],
    "backwards": lambda v: v[::-1].copy()[::-1],
    "unaligned": unaligned,
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("layout", VECTOR_LAYOUTS)
def test_batch_norm_reads_parameters_and_statistics_of_any_stride(layout, training):
    arrange = VECTOR_LAYOUTS[layout]
    random = np.random.default_rng(0)
    x, dy = random.standard_normal((6, 3)), random.standard_normal((6, 3))
    weight, bias, mean, var = np.array([2.0, -1.0, 3.0]), np.array([1.0, 0, 2]), np.array([0.5, 0, -1]), np.ones(3) * 2
    inputs = leaves([x, weight, bias])
    for tensor, array in zip(inputs[1:], (weight, bias)):
        tensor.data = mg.from_numpy(arrange(array))
    running = [mg.from_numpy(arrange(mean)), mg.from_numpy(arrange(var))]
    y = F.batch_norm(inputs[0], *running, *inputs[1:], training=training)
    statistics = {} if training else {"mean": mean, "var": var}
    np.testing.assert_allclose(y.detach().numpy(), batch_norm_formula(x, weight, bias, **statistics), rtol=1e-12)
    xhat = batch_norm_formula(x, **statistics)
    scale = weight / np.sqrt((x.var(0) if training else var) + 1e-5)
    dx = scale * (dy - (dy.mean(0) + xhat * (dy * xhat).mean(0) if training else 0))
    for found, right in zip(mg.grad(y, inputs, mg.tensor(dy)), (dx, (dy * xhat).sum(0), dy.sum(0))):
        np.testing.assert_allclose(found.numpy(), right, rtol=1e-11, atol=1e-13)
    if training:
        np.testing.assert_allclose(running[0].numpy(), 0.9 * mean + 0.1 * x.mean(0), rtol=1e-13)
        np.testing.assert_allclose(running[1].numpy(), 0.9 * var + 0.1 * x.var(0, ddof=1), rtol=1e-13)


def test_each_channels_gradient_has_the_weight_of_its_channel():
    """Taken from memory one after the other, the weights would be 2 and 9."""
    x, weight = leaf(np.zeros((4, 2))), mg.tensor(np.array([2.0, 9.0, 3.0]))[::2]
    F.batch_norm(x, mg.zeros(2, dtype="float64"), mg.ones(2, dtype="float64"), weight, eps=0.0).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.tile([2.0, 3.0], (4, 1)), rtol=1e-15)
