"""A resumed run is the run that was not interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim
from tests.io.files import form


def fresh_run(kind, settings, dtype):
    model = nn.Sequential(
        nn.Linear(4, 16, dtype=dtype), nn.BatchNorm1d(16, dtype=dtype), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(16, 3, dtype=dtype),
    )  # fmt: skip
    return model, kind(model.parameters(), **settings)


def train(model, optimizer, epochs, dtype):
    """Epochs with data, dropout and order from the global random state; the losses."""
    losses, criterion = [], nn.CrossEntropyLoss()
    for _ in range(epochs):
        x = mg.tensor(mg.randn(32, 4).numpy(), dtype=dtype)
        target = mg.tensor((x.numpy().sum(1) > 0).astype(np.int64))
        for rows in mg.randperm(32).numpy().reshape(4, 8):
            optimizer.zero_grad()
            loss = criterion(model(x[rows]), target[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (optim.SGD, {"lr": 0.1}),
        (optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
        (optim.Adam, {"lr": 0.01, "amsgrad": True}),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_resumed_run_is_the_run_that_was_not_interrupted(path, kind, settings, dtype):
    mg.manual_seed(5)
    model, optimizer = fresh_run(kind, settings, dtype)
    train(model, optimizer, 3, dtype)
    saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "random": mg.get_rng_state(), "epoch": 3}
    mg.save(saved, path)
    losses = train(model, optimizer, 3, dtype)
    final = mg.randn(3).numpy()

    mg.manual_seed(99)
    resumed, resumed_optimizer = fresh_run(kind, {**settings, "lr": 7}, dtype)
    train(resumed, resumed_optimizer, 1, dtype)
    state = mg.load(path)
    resumed.load_state_dict(state["model"])
    resumed_optimizer.load_state_dict(state["optimizer"])
    mg.set_rng_state(state["random"])
    assert state["epoch"] == 3
    assert train(resumed, resumed_optimizer, 3, dtype) == losses
    assert form(resumed.state_dict()) == form(model.state_dict())
    assert form(resumed_optimizer.state_dict()) == form(optimizer.state_dict())
    np.testing.assert_array_equal(mg.randn(3).numpy(), final)


def start(seed: int, kind: str) -> dict[str, Any]:
    mg.manual_seed(seed)
    net = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
    optimizers = {
        "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        "Adam": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1),
    }
    loader = data.DataLoader(data.moons(50), batch_size=8, shuffle=True, generator=seed)
    return {"net": net, "optimizer": optimizers[kind](net.parameters()), "loader": loader}


def steps_of(run: dict[str, Any]) -> Iterator[None]:
    """One step after the other, epoch after epoch."""
    while True:
        for x, y in run["loader"]:
            run["optimizer"].zero_grad()
            F.cross_entropy(run["net"](x), y).backward()
            run["optimizer"].step()
            yield


def take(steps: Iterator[None], count: int) -> None:
    for _ in range(count):
        next(steps)


def states(run: dict[str, Any]) -> dict[str, Any]:
    return {**{name: part.state_dict() for name, part in run.items()}, "random": mg.get_rng_state()}


def plain(state: Any) -> Any:
    """A state as Python values, in which every bit of every number counts."""
    if isinstance(state, dict):
        return {key: plain(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [plain(value) for value in state]
    return (str(state.dtype), state.numpy().tobytes()) if isinstance(state, mg.Tensor) else state


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("done", [3, 7, 10], ids=["in an epoch", "at its end", "in the next"])
def test_a_run_with_dropout_and_shuffling_is_resumed_bit_for_bit(kind, done, tmp_path):
    run = start(1, kind)
    steps = steps_of(run)
    take(steps, done)
    mg.save(states(run), tmp_path / "run")
    take(steps, 9)
    expected = plain(states(run))
    resumed, saved = start(99, kind), mg.load(tmp_path / "run")
    for name, part in resumed.items():
        part.load_state_dict(saved[name])
    mg.set_rng_state(saved["random"])
    take(steps_of(resumed), 9)
    assert plain(states(resumed)) == expected
