"""TensorDataset: what it takes, refuses and returns."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import data
from tests.data.batches import values


def test_items_of_a_tensor_dataset_are_rows():
    x, y = mg.randn(4, 3), np.arange(4.0)
    dataset = data.TensorDataset(x, y)
    assert len(dataset) == 4
    row, target = dataset[2]
    assert row.tolist() == x.tolist()[2] and target.item() == 2.0 and target.dtype == np.float64
    assert values([dataset[1:3]]) == [[x.tolist()[1:3], [1.0, 2.0]]]
    with pytest.raises(IndexError):
        dataset[4]


@pytest.mark.parametrize("shapes", [[], [(3, 2), (4,)], [()], [(3,), ()]])
def test_tensors_must_have_one_length(shapes):
    with pytest.raises(ValueError, match=r"tensors of one length.*got shapes.*len\(x\) == len\(y\)"):
        data.TensorDataset(*(mg.zeros(shape) for shape in shapes))


def test_a_dataset_without_length_is_incomplete():
    class Incomplete(data.Dataset):
        def __getitem__(self, index):
            return index

    with pytest.raises(TypeError, match="__len__"):
        Incomplete()
