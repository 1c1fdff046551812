"""A checkpoint that the first version wrote: the run goes on where that version would have gone on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim

FILE = Path(__file__).parent / "version_1" / "run.ckpt"


@pytest.mark.parametrize("lr", [0.5, np.float32(0.5)])
def test_a_run_of_the_first_version_goes_on(lr):
    state = mg.load(FILE)
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2))
    net.load_state_dict(state["net"])
    adam, sgd = optim.Adam(net.parameters(), lr=lr), optim.SGD(net.parameters(), lr=lr, momentum=0.5)
    adam.load_state_dict(state["adam"])
    sgd.load_state_dict(state["sgd"])
    x, y = mg.tensor(np.arange(20, dtype=np.float32).reshape(10, 2) / 10), mg.arange(10) % 2
    nn.functional.cross_entropy(net(x), y).backward()
    adam.step()
    sgd.step()
    weight = [[0.163925, -0.295464], [-0.619177, -0.653747], [0.413056, 0.553743]]  # the first version's
    np.testing.assert_allclose(net[0].weight.tolist(), weight, atol=2e-6)
    np.testing.assert_allclose(net[1].running_var.tolist(), [0.730943, 0.922613, 0.843013], atol=2e-6)

    loader = data.DataLoader(data.TensorDataset(x, y), batch_size=4, shuffle=True, generator=9)
    loader.load_state_dict(state["loader"])
    ((inputs, _),) = loader
    np.testing.assert_allclose(inputs.tolist(), [[0.6, 0.7], [1.6, 1.7]], rtol=1e-6)
    mg.set_rng_state(state["random"])
    assert mg.rand(2).tolist() == [0.022101938724517822, 0.541461169719696]
    assert state["more"][:2] == [(1, None), {"a": True, 3: 0.1}] and state["more"][2].tolist() == [0, 1, 2]


def test_settings_that_a_state_lacks_stay_as_they_are():
    weight = nn.Parameter([1.0])
    optimizer = optim.AdamW([weight], maximize=True)
    state = optimizer.state_dict()
    for name in ("maximize", "decoupled_weight_decay"):
        del state["param_groups"][0][name]
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["maximize"] and optimizer.param_groups[0]["decoupled_weight_decay"]
