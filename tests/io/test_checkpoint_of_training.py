"""Checkpoints of models, optimisers and loaders: nothing is broadcast or forgotten, no more kept than needed."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.nn import functional as F

OPTIMIZERS = {
    "SGD": lambda parameters: optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda parameters: optim.Adam(parameters, lr=0.01),
    "Adam with weight_decay": lambda parameters: optim.Adam(parameters, lr=0.01, weight_decay=0.1),
}


class Run:
    """A net with all that has a state: BatchNorm, dropout, an optimiser and a shuffling loader."""

    def __init__(self, kind, seed):
        mg.manual_seed(seed)
        self.net = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
        self.optimizer = OPTIMIZERS[kind](self.net.parameters())
        self.loader = data.DataLoader(data.moons(50), batch_size=8, shuffle=True, generator=seed)
        self.steps = (self.step(*batch) for _ in itertools.count() for batch in self.loader)

    def step(self, x, target):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.net(x), target)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def take(self, steps):
        return [next(self.steps) for _ in range(steps)]

    def bits(self):
        return b"".join(value.numpy().tobytes() for value in self.net.state_dict().values())


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("at", [3, 7, 10], ids=["within an epoch", "at its end", "in the next"])
def test_a_run_goes_on_bit_for_bit_from_a_file(kind, at, tmp_path):
    run = Run(kind, 1)
    run.take(at)
    state = {
        "net": run.net.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "loader": run.loader.state_dict(),
        "random": mg.get_rng_state(),
    }
    mg.save(state, tmp_path / "run.ckpt")
    losses, bits = run.take(9), run.bits()

    resumed = Run(kind, 99)
    state = mg.load(tmp_path / "run.ckpt")
    resumed.net.load_state_dict(state["net"])
    resumed.optimizer.load_state_dict(state["optimizer"])
    resumed.loader.load_state_dict(state["loader"])
    mg.set_rng_state(state["random"])
    assert resumed.take(9) == losses and resumed.bits() == bits


def test_of_a_slice_only_its_elements_are_saved(tmp_path):
    x = mg.randn(1_000_000)
    mg.save({"x": x[:10], "y": x[::100_000], "z": x[5:8].numpy()}, tmp_path / "run.ckpt")
    assert (tmp_path / "run.ckpt").stat().st_size < 5000
    back = mg.load(tmp_path / "run.ckpt")
    np.testing.assert_array_equal(back["x"].numpy(), x.numpy()[:10])
    np.testing.assert_array_equal(back["y"].numpy(), x.numpy()[::100_000])
    np.testing.assert_array_equal(back["z"], x.numpy()[5:8])


class Scaled(nn.Module):
    def __init__(self):
        self.scale = nn.Parameter(mg.tensor(0.5))
        self.w = nn.Parameter(mg.ones(3, 2))


@pytest.mark.parametrize(
    ("scale", "w"),
    [((70,), (3, 2)), ((1,), (3, 2)), ((), (1, 2)), ((), ()), ((), (2, 3)), ((), (3, 1))],
)
def test_loading_broadcasts_nothing(scale, w):
    net = Scaled()
    with pytest.raises(RuntimeError, match="size mismatch for"):
        net.load_state_dict({"scale": mg.zeros(*scale), "w": mg.zeros(*w)})
    assert net.scale.item() == 0.5 and (net.w.numpy() == 1).all()


@pytest.mark.parametrize("how", [lambda pair: pickle.loads(pickle.dumps(pair)), copy.deepcopy], ids=["pickle", "copy"])
def test_a_copy_of_a_model_and_its_optimiser_goes_on_like_the_original(how):
    run = Run("Adam", 0)
    x, target = mg.randn(8, 2), mg.tensor([0, 1] * 4)
    run.step(x, target)
    run.net[1].freeze()
    run.net[3].eval()
    other = Run("Adam", 1)
    other.net, other.optimizer = how((run.net, run.optimizer))
    assert other.net[1].frozen and not other.net[3].training and other.bits() == run.bits()
    before = run.bits()
    loss = other.step(x, target)
    assert run.bits() == before
    assert run.step(x, target) == loss and run.bits() == other.bits() != before
