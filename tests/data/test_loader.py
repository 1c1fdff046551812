"""DataLoader: batches, their order and its arguments."""

import contextlib
import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import data
from tests.data.batches import drawn, numbered


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("n, batch_size", [(0, 3), (1, 1), (6, 3), (7, 3), (7, 1), (7, 7), (7, 100)])
def test_each_sample_comes_once_an_epoch(n, batch_size, shuffle, drop_last):
    for dataset in (numbered(n), [(i,) for i in range(n)]):
        nothing = n == 0 or (drop_last and n < batch_size)
        with pytest.warns(UserWarning, match="does nothing") if nothing else contextlib.nullcontext():
            loader = data.DataLoader(dataset, batch_size, shuffle, drop_last=drop_last, generator=0)
        for _ in range(3):
            batches = drawn(loader)
            samples = list(itertools.chain(*batches))
            full, rest = divmod(n, batch_size)
            assert [len(batch) for batch in batches] == [batch_size] * full + [rest] * bool(rest and not drop_last)
            assert len(loader) == len(batches)
            assert len(set(samples)) == len(samples) and set(samples) <= set(range(n))
            assert len(samples) == (full * batch_size if drop_last else n)
            assert shuffle or samples == sorted(samples)


def test_every_sample_is_equally_likely_everywhere():
    n, epochs = 6, 3000
    loader = data.DataLoader(numbered(n), n, shuffle=True, generator=0)
    orders = np.array([drawn(loader)[0] for _ in range(epochs)])
    counts = np.array([np.bincount(place, minlength=n) for place in orders.T])
    chi_square = ((counts - epochs / n) ** 2 / (epochs / n)).sum()
    assert chi_square < 53  # of 25 degrees of freedom: exceeded once in 1000
    assert len({tuple(order) for order in orders}) > 0.95 * 720
    assert (orders[1:] == orders[:-1]).all(1).mean() < 0.01


@pytest.mark.parametrize(
    "source", [lambda: 7, lambda: np.int64(7), lambda: np.random.default_rng(7), lambda: mg.manual_seed(7)]
)
def test_the_order_can_be_repeated(source):
    runs = []
    for _ in range(2):
        loader = data.DataLoader(numbered(50), 8, shuffle=True, generator=source())
        mg.rand(3)
        runs.append([drawn(loader) for _ in range(3)])
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[0][1] != runs[0][2]


@pytest.mark.parametrize("source", [None, np.random.default_rng(0)])
def test_loaders_do_not_disturb_each_other(source):
    def two():
        mg.manual_seed(0)
        return [data.DataLoader(numbered(20), 4, shuffle=True, generator=generator) for generator in (1, 2)]

    alone = [[drawn(loader) for _ in range(2)] for loader in two()]
    first, second = two()
    data.DataLoader(numbered(20), 4, shuffle=True, generator=source)
    together = [[], []]
    for _ in range(2):
        epochs = [[a.tolist(), b.tolist()] for (a,), (b,) in zip(first, second)]
        for i in range(2):
            together[i].append([pair[i] for pair in epochs])
    assert together == alone
    mine, other = (data.DataLoader(numbered(20), 4, shuffle=True, generator=source) for _ in range(2))
    assert drawn(mine) != drawn(other)


def test_the_global_state_is_drawn_from_once_and_only_to_shuffle():
    states = [mg.get_rng_state()]
    for shuffle in (False, True):
        loader = data.DataLoader(numbered(5), 2, shuffle=shuffle)
        states.append(mg.get_rng_state())
        drawn(loader)
        drawn(loader)
        assert mg.get_rng_state() == states[-1]
    assert states[0] == states[1] != states[2]


def test_two_passes_at_once_are_two_epochs():
    loader = data.DataLoader(numbered(10), 1, shuffle=True, generator=0)
    pairs = [(a.item(), b.item()) for (a,), (b,) in zip(loader, loader)]
    first, second = zip(*pairs)
    assert sorted(first) == sorted(second) == list(range(10)) and first != second


def test_an_epoch_left_early_is_followed_by_a_whole_one():
    loader = data.DataLoader(numbered(10), 2, shuffle=True, generator=0)
    for _ in loader:
        break
    assert sorted(itertools.chain(*drawn(loader))) == list(range(10))
