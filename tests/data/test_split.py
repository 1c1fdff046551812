"""Splits into training, validation and test data."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import data
from tests.data.batches import arrays, values


@pytest.mark.parametrize("test_size", [0.1, 0.2, 0.5, 0.77])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_split_keeps_the_share_of_every_class(test_size, seed):
    labels = np.repeat([7, 1, 3, 4], [400, 10, 51, 3])
    whole = data.TensorDataset(np.arange(len(labels)), labels)
    (train, train_labels), (test, test_labels) = map(arrays, data.train_test_split(whole, test_size, seed))
    for label in np.unique(labels):
        assert abs((test_labels == label).sum() - test_size * (labels == label).sum()) <= 0.5
    assert sorted([*train, *test]) == list(range(len(labels)))
    for part, part_labels in ((train, train_labels), (test, test_labels)):
        np.testing.assert_array_equal(part_labels, labels[part])
        assert (np.diff(part) > 0).all()


@pytest.mark.parametrize("targets", [mg.zeros(100, 1), mg.zeros(100), mg.arange(100).reshape(100, 1)])
def test_a_split_of_other_targets(targets):
    train, test = data.train_test_split(data.TensorDataset(mg.arange(100), targets), 0.3)
    assert len(train) == 70 and len(test) == 30
    assert sorted(train[:][0].tolist() + test[:][0].tolist()) == list(range(100))
    assert abs(np.mean(test[:][0].tolist()) - 49.5) < 15


def test_a_seed_decides_the_split():
    first, again, other = (data.train_test_split(data.moons(), seed=seed)[1][:][0].tolist() for seed in (3, 3, 4))
    assert first == again != other


def test_a_split_is_a_copy():
    whole = data.moons()
    train, _ = data.train_test_split(whole)
    before = values([train[:]])
    whole.tensors[0].fill_(0)
    assert values([train[:]]) == before


@pytest.mark.parametrize("test_size", [0, 1, float("nan"), 20, -0.2])
def test_a_test_size_that_is_no_share(test_size):
    with pytest.raises(ValueError, match=f"must be between 0 and 1, got {test_size}"):
        data.train_test_split(data.moons(), test_size)


@pytest.mark.parametrize(
    "samples, test_size", [(np.zeros(3), 0.1), (np.zeros(3), 0.9), (np.zeros(0), 0.5), (np.arange(9), 0.2)]
)
def test_a_split_needs_samples_for_both_parts(samples, test_size):
    with pytest.raises(ValueError, match=f"{len(samples)} samples at test_size={test_size} leave a part empty"):
        data.train_test_split(data.TensorDataset(samples), test_size)
