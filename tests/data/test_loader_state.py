"""The saved state of a loader."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim
from tests.data.batches import drawn, numbered


def loader_with(seed, n=7, batch_size=2, shuffle=True, drop_last=False):
    return data.DataLoader(numbered(n), batch_size, shuffle, drop_last=drop_last, generator=seed)


def forever(loader):
    while True:
        yield from drawn_one_by_one(loader)


def drawn_one_by_one(loader):
    for (batch,) in loader:
        yield batch.tolist()


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("steps", range(10))
def test_a_saved_loader_goes_on_where_it_was(steps, shuffle, drop_last, tmp_path):
    original = loader_with(1, shuffle=shuffle, drop_last=drop_last)
    stream = forever(original)
    for _ in range(steps):
        next(stream)
    mg.save(original.state_dict(), tmp_path / "loader")
    expected = list(itertools.islice(stream, 12))
    resumed = loader_with(2, shuffle=shuffle, drop_last=drop_last)
    drawn(resumed)
    for _ in range(2):
        state = mg.load(tmp_path / "loader")
        resumed.load_state_dict(state)
        assert resumed.state_dict() == state
        assert list(itertools.islice(forever(resumed), 12)) == expected


def test_the_state_counts_the_batches_of_the_epoch():
    loader = loader_with(0)
    assert loader.state_dict()["batches_given"] == 0
    fresh = loader.state_dict()
    for given, _ in enumerate(loader, 1):
        state = loader.state_dict()
        assert state["batches_given"] == given and state["random_state"] == fresh["random_state"]
    assert loader.state_dict()["batches_given"] == 0
    assert loader.state_dict()["random_state"] != fresh["random_state"]


def test_the_state_is_a_copy():
    loader = loader_with(0)
    state = loader.state_dict()
    state["random_state"]["state"]["state"] = 0
    assert loader.state_dict() != state
    other = loader_with(0)
    assert drawn(loader) == drawn(other)


def test_a_pass_begun_before_loading_does_not_count():
    loader = loader_with(0)
    next(iter(loader))
    state = loader.state_dict()
    for _ in loader:
        loader.load_state_dict(state)
    assert loader.state_dict() == state


@pytest.mark.parametrize("change", [{"n": 8}, {"batch_size": 3}, {"drop_last": True}, {"shuffle": False}])
def test_the_state_of_another_loader_is_refused(change):
    state = loader_with(0).state_dict()
    loader = loader_with(1, **change)
    before = loader.state_dict()
    with pytest.raises(ValueError, match=r"the state is of a loader with .*, this one has .*: make it so"):
        loader.load_state_dict(state)
    assert loader.state_dict() == before


@pytest.mark.parametrize(
    "change",
    [
        {"batches_given": 5},
        {"batches_given": -1},
        {"batches_given": 0.5},
        {"random_state": None},
        {"random_state": {"bit_generator": "PCG64"}},
        {"random_state": {"bit_generator": "MT19937"}},
        {"random_state": {**np.random.PCG64(0).state, "state": {"state": -1, "inc": 1}}},
        {"random_state": 3},
    ],
)
def test_a_damaged_state_is_refused(change):
    loader = loader_with(0)
    before = loader.state_dict()
    with pytest.raises(ValueError, match="DataLoader: "):
        loader.load_state_dict({**before, **change})
    with pytest.raises(ValueError, match="not the state of a loader"):
        loader.load_state_dict({key: before[key] for key in before if key not in change})
    assert loader.state_dict() == before


@pytest.mark.parametrize("stop", [5, 8, 11])
def test_a_resumed_run_is_the_run_that_was_not_interrupted(stop, tmp_path):
    def start(seed):
        mg.manual_seed(seed)
        model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
        loader = data.DataLoader(data.moons(n=64), 8, shuffle=True)
        return {"model": model, "optimizer": optim.Adam(model.parameters(), lr=0.01), "loader": loader}

    def train(run, steps):
        done = 0
        while True:
            for x, y in run["loader"]:
                run["optimizer"].zero_grad()
                nn.functional.cross_entropy(run["model"](x), y).backward()
                run["optimizer"].step()
                done += 1
                if done == steps:
                    return {name: part.state_dict() for name, part in run.items()}

    whole = train(start(0), 20)
    mg.save(train(start(0), stop), tmp_path / "run")
    resumed = start(1)
    for name, state in mg.load(tmp_path / "run").items():
        resumed[name].load_state_dict(state)
    again = train(resumed, 20 - stop)
    assert again["loader"] == whole["loader"]
    for name, tensor in whole["model"].items():
        np.testing.assert_array_equal(again["model"][name].numpy(), tensor.numpy())
