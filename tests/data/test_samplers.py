"""Samplers: which samples, how often, in which order; and loaders that use them."""

import collections
import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import data
from tests.data.batches import numbered


def test_a_random_sampler_permutes_or_draws():
    for seed in range(20):
        assert sorted(data.RandomSampler(range(7), generator=seed)) == list(range(7))
    more = list(data.RandomSampler(range(3), num_samples=8, generator=0))
    assert sorted(more[:3]) == sorted(more[3:6]) == [0, 1, 2] and len(set(more[6:])) == 2
    drawn = list(data.RandomSampler(range(3), replacement=True, num_samples=3000, generator=0))
    assert max(abs(drawn.count(i) - 1000) for i in range(3)) < 120


def test_a_weighted_sampler_draws_by_weight():
    drawn = collections.Counter(data.WeightedRandomSampler(mg.tensor([1.0, 0, 3]), 8000, generator=0))
    assert set(drawn) == {0, 2} and abs(drawn[2] - 6000) < 160
    once = list(data.WeightedRandomSampler([5, 0, 1, 1], 3, replacement=False, generator=0))
    assert sorted(once) == [0, 2, 3]


def test_some_samples_in_random_order():
    sampler = data.SubsetRandomSampler([4, 9, 2], generator=1)
    orders = [list(sampler) for _ in range(20)]
    assert all(sorted(order) == [2, 4, 9] for order in orders) and len(set(map(tuple, orders))) > 1
    assert len(sampler) == 3


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(("n", "size"), [(0, 2), (1, 2), (4, 2), (5, 2), (5, 7)])
def test_batches_of_numbers(n, size, drop_last):
    sampler = data.BatchSampler(range(n), size, drop_last)
    whole = [list(range(i, min(i + size, n))) for i in range(0, n, size)]
    assert list(sampler) == [batch for batch in whole if len(batch) == size or not drop_last]
    assert len(sampler) == len(list(sampler))


def test_a_loader_follows_its_sampler():
    loader = data.DataLoader(numbered(6), 2, sampler=[5, 0, 3])
    assert [x.tolist() for (x,) in loader] == [[5, 0], [3]] and len(loader) == 2
    loader = data.DataLoader(numbered(6), batch_sampler=[[1], [2, 3, 4]])
    assert [x.tolist() for (x,) in loader] == [[1], [2, 3, 4]] and len(loader) == 2
    assert "sampler=SubsetRandomSampler(2 samples)" in repr(
        data.DataLoader(numbered(6), sampler=data.SubsetRandomSampler([1, 2]))
    )


SAMPLERS = {
    "random": lambda seed: data.RandomSampler(range(7), replacement=True, generator=seed),
    "weighted": lambda seed: data.WeightedRandomSampler(range(1, 8), 9, generator=seed),
    "subset": lambda seed: data.SubsetRandomSampler([1, 3, 5, 6, 2], generator=seed),
    "own": lambda seed: [6, 5, 4, 3, 2, 1, 0],
}


@pytest.mark.parametrize("steps", [0, 2, 3, 6])
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_saved_loader_with_a_sampler_goes_on(name, steps, tmp_path):
    def made(seed):
        return data.DataLoader(numbered(7), 2, sampler=SAMPLERS[name](seed))

    def stream(loader):
        while True:
            yield from (x.tolist() for (x,) in loader)

    first, second = made(0), made(1)
    running = stream(first)
    for _ in range(steps):
        next(running)
    mg.save(first.state_dict(), tmp_path / "loader")
    second.load_state_dict(mg.load(tmp_path / "loader"))
    assert list(itertools.islice(stream(second), 12)) == list(itertools.islice(running, 12))


class Stream(data.IterableDataset):
    def __iter__(self):
        return iter([(float(i), str(i)) for i in range(5)])


def test_a_stream_in_batches():
    batches = list(data.DataLoader(Stream(), 2))
    assert [batch[0].tolist() for batch in batches] == [[0, 1], [2, 3], [4]]
    assert [batch[1] for batch in batches] == [["0", "1"], ["2", "3"], ["4"]]
    assert len(list(data.DataLoader(Stream(), 2, drop_last=True))) == 2
    assert len(list(data.DataLoader(data.ChainDataset([Stream(), Stream()]), 3))) == 4
    with pytest.raises(TypeError, match=r"Stream\(\) has no length"):
        len(data.DataLoader(Stream()))


def test_single_items_without_batches():
    items = list(data.DataLoader([(np.ones(2), "a"), (np.zeros(2), "b")], batch_size=None))
    assert [type(item[0]) for item in items] == [mg.Tensor] * 2 and items[1][1] == "b"
    assert list(data.DataLoader([1, 2], batch_size=None, collate_fn=lambda item: item * 10)) == [10, 20]


def test_a_function_of_ones_own_makes_the_batch():
    words = ["a", "bcd", "ef"]
    loader = data.DataLoader(words, 2, collate_fn=lambda items: mg.tensor([len(item) for item in items]))
    assert [batch.tolist() for batch in loader] == [[1, 3], [2]]


Point = collections.namedtuple("Point", "x label")


def test_named_tuples_text_and_lists():
    batch = data.default_collate([Point(mg.ones(2), "a"), Point(mg.zeros(2), "b")])
    assert type(batch) is Point and batch.x.tolist() == [[1, 1], [0, 0]] and batch.label == ["a", "b"]
    first, second = data.default_collate([[1, 2.0], [3, 4.0]])
    assert first.tolist() == [1, 3] and (first.dtype, second.dtype) == (mg.int64, mg.float32)
    assert data.default_collate([{"a": {"b": 1}}, {"a": {"b": 2}}])["a"]["b"].tolist() == [1, 2]
    assert data.default_convert([np.ones(1), {"n": np.int64(3)}, None])[2] is None


@pytest.mark.parametrize(
    "asked", [{"num_workers": 4}, {"pin_memory": True}, {"prefetch_factor": 2}, {"worker_init_fn": print}]
)
def test_other_processes_are_pointed_out_and_not_used(asked):
    with pytest.warns(UserWarning, match=f"{next(iter(asked))}: accepted, but the work is done in this process"):
        loader = data.DataLoader(numbered(3), 2, **asked)
    assert [x.tolist() for (x,) in loader] == [[0, 1], [2]]


def test_of_all_that_is_asked_of_other_processes_there_is_one_warning():
    with pytest.warns(UserWarning) as caught:
        data.DataLoader(numbered(3), 2, num_workers=2, pin_memory=True, timeout=3, multiprocessing_context="spawn",
                        prefetch_factor=2, persistent_workers=True, pin_memory_device="", in_order=False)  # fmt: skip
    (warning,) = caught
    assert "num_workers, pin_memory, prefetch_factor, persistent_workers, multiprocessing_context" in str(
        warning.message
    )


REFUSED = {
    "sampler and shuffle": ({"sampler": [0], "shuffle": True}, ValueError, "sampler and shuffle=True both say"),
    "batch_sampler and more": (
        {"batch_sampler": [[0]], "batch_size": 2, "drop_last": True}, ValueError,
        "batch_sampler says what batch_size, drop_last would: leave it away",
    ),
    "no batch to drop": ({"batch_size": None, "drop_last": True}, ValueError, "there is no last batch to drop"),
    "no function": ({"collate_fn": 3}, TypeError, "collate_fn must be a function of a list of items, got an int"),
    "stream": ({"dataset": Stream(), "shuffle": True}, ValueError, "comes in its own order"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_contradictions_are_refused(name):
    arguments, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        data.DataLoader(**{"dataset": numbered(3), **arguments})


WEIGHTS = [[], [-1, 2], [0, 0], [[1, 2]], "ab", [np.nan], [np.inf, 1], None]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_weights_that_make_no_sense(weights):
    with pytest.raises(ValueError, match="weights must be a vector of finite numbers of at least 0"):
        data.WeightedRandomSampler(weights, 2)


def test_more_than_there_are_cannot_be_drawn():
    with pytest.raises(ValueError, match="3 of 2 samples with a weight above 0 cannot be drawn without replacement"):
        data.WeightedRandomSampler([1, 0, 1], 3, replacement=False)
