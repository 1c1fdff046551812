"""Datasets made of datasets."""

import pytest

import minigrad as mg
from minigrad import data


def dataset(n, start=0):
    return data.TensorDataset(mg.arange(start, start + n), mg.zeros(n, 1))


def firsts(parts):
    return [int(parts[i][0]) for i in range(len(parts))]


def test_a_part_of_a_dataset():
    part = data.Subset(dataset(6), [4, 1, 1])
    assert firsts(part) == [4, 1, 1] and part[-1][0].item() == 1
    assert repr(part) == "Subset(3 samples of TensorDataset(6 samples: (6,) int64, (6, 1) float32))"
    assert firsts(part[1:]) == [1, 1]
    assert part[[0, 2]][0].tolist() == [4, 1]
    with pytest.raises(IndexError):
        part[3]


def test_datasets_one_after_the_other():
    joined = dataset(3) + dataset(0) + dataset(2, start=10)
    assert firsts(joined) == [0, 1, 2, 10, 11] and joined[-1][0].item() == 11
    assert joined.cumulative_sizes == [3, 5] and len(joined.datasets) == 2
    for index in (5, -6):
        with pytest.raises(IndexError, match=f"sample {index} is out of range for 5 samples"):
            joined[index]
    with pytest.raises(ValueError, match="at least one dataset"):
        data.ConcatDataset([])
    with pytest.raises(TypeError, match="use ChainDataset"):
        data.ConcatDataset([data.ChainDataset([])])
    assert [len(x) for x, _ in data.DataLoader(joined, 2)] == [2, 2, 1]


def test_datasets_side_by_side():
    both = data.StackDataset(x=[1, 2], y=["a", "b"])
    assert both[1] == {"x": 2, "y": "b"} and len(both) == 2
    with pytest.raises(ValueError, match=r"one length, got \[1, 2\]"):
        data.StackDataset([1], [1, 2])
    with pytest.raises(ValueError, match="at least one"):
        data.StackDataset()


@pytest.mark.parametrize(
    ("lengths", "sizes"),
    [([3, 7], [3, 7]), ([0.3, 0.7], [3, 7]), ([0.33, 0.33, 0.34], [4, 3, 3]), ([10], [10]), ([1.0], [10]),
     ([0, 10], [0, 10]), ([0.05, 0.95], [1, 9])],
)  # fmt: skip
def test_a_dataset_is_cut_at_random(lengths, sizes):
    parts = data.random_split(dataset(10), lengths, generator=0)
    assert list(map(len, parts)) == sizes
    assert sorted(sample for part in parts for sample in firsts(part)) == list(range(10))
    again = data.random_split(dataset(10), lengths, generator=0)
    assert [part.indices for part in parts] == [part.indices for part in again]


def test_the_global_random_state_decides_a_split():
    mg.manual_seed(3)
    first = data.random_split(range(20), [0.5, 0.5])[0].indices
    mg.manual_seed(3)
    assert data.random_split(range(20), [0.5, 0.5])[0].indices == first != sorted(first)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [([3, 8], "add up to 11, the dataset has 10 samples"), ([0.5, 0.6], "lengths must be integers, or shares"),
     ([-1, 11], "a length must be at least 0")],
)  # fmt: skip
def test_lengths_that_do_not_add_up(lengths, message):
    with pytest.raises(ValueError, match=message):
        data.random_split(dataset(10), lengths)
