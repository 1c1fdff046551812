"""A prediction does not depend on the rest of its batch."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.helpers.batchnorm_module import KINDS, batch, formula, rng, with_statistics


def test_one_value_per_channel_can_be_predicted():
    bn = with_statistics()
    x = batch((1, 3))
    expected = formula(
        x.numpy(), bn.running_mean.numpy(), bn.running_var.numpy(), 1e-5, bn.weight.numpy(), bn.bias.numpy()
    )
    np.testing.assert_allclose(bn(x).numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_a_prediction_does_not_depend_on_its_batch(name):
    kind, shape = KINDS[name]
    bn = with_statistics(kind)
    x = batch((32, *shape[1:]))
    together = bn(x).numpy()
    for i in range(len(together)):
        np.testing.assert_array_equal(bn(x[i : i + 1]).numpy(), together[i : i + 1])


def test_a_nets_prediction_does_not_depend_on_its_batch():
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 50), nn.BatchNorm1d(50), nn.ReLU(), nn.Linear(50, 3))
    model(batch((64, 20)))
    model.eval()
    x = batch((64, 20))
    together = model(x).numpy()
    alone = np.concatenate([model(x[i : i + 1]).numpy() for i in range(64)])
    # not bit for bit: BLAS adds the products of one row and of many in different orders
    scale = np.abs(together).max()
    assert np.abs(alone - together).max() < 8 * np.finfo(np.float32).eps * scale
    others = mg.tensor(np.concatenate([x.numpy()[:1], 1e3 * rng.standard_normal((63, 20)).astype(np.float32)]))
    assert np.abs(model(others).numpy()[0] - together[0]).max() < 8 * np.finfo(np.float32).eps * scale
