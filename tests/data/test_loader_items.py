"""Items, batches and arguments of a loader."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import data
from tests.data.batches import numbered, values


class Squares(data.Dataset):
    """Computed items: a number and its square."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        assert type(index) is int
        return float(index), index**2


class Doubled(data.TensorDataset):
    """Items that are changed when they are asked for."""

    def __getitem__(self, index):
        return tuple(2 * tensor for tensor in super().__getitem__(index))


@pytest.mark.parametrize(
    "dataset, expected, dtypes",
    [
        (Squares(), [[[0, 1], [0, 1]], [[2, 3], [4, 9]], [[4], [16]]], [np.float32, np.int64]),
        ([[0.5, True], [1.5, False]], [[[0.5, 1.5], [True, False]]], [np.float32, np.bool_]),
        ([(np.ones(2), np.uint8(3))] * 2, [[[[1, 1], [1, 1]], [3, 3]]], [np.float64, np.uint8]),
        ([(mg.ones(2), mg.tensor(3))] * 3, [[[[1, 1], [1, 1]], [3, 3]], [[[1, 1]], [3]]], [np.float32, np.int64]),
        ([1.0, 2.0, 3.0], [[1, 2], [3]], [np.float32]),
        (mg.arange(3), [[0, 1], [2]], [np.int64]),
        (np.eye(2), [[[1, 0], [0, 1]]], [np.float64]),
        (Doubled(mg.arange(3)), [[[0, 2]], [[4]]], [np.int64]),
        (
            data.TensorDataset(mg.arange(3), np.eye(3)[:, :1]),
            [[[0, 1], [[1], [0]]], [[2], [[0]]]],
            [np.int64, np.float64],
        ),
    ],
)
def test_items_are_stacked(dataset, expected, dtypes):
    batches = list(data.DataLoader(dataset, 2))
    assert values(batches) == expected
    for batch in batches:
        fields = batch if isinstance(batch, list) else [batch]
        assert [field.dtype for field in fields] == dtypes and all(type(field) is mg.Tensor for field in fields)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("kind", [data.TensorDataset, lambda x: [(row,) for row in x], Doubled])
def test_a_batch_is_a_copy(kind, shuffle):
    x = mg.randn(6, 2)
    ((batch,),) = data.DataLoader(kind(x), 6, shuffle=shuffle)
    before = batch.tolist()
    x += 1
    assert batch.tolist() == before


@pytest.mark.parametrize("kind", [data.TensorDataset, lambda x: [(x[i],) for i in range(4)]])
def test_gradients_flow_through_a_batch(kind):
    x = mg.ones(4, 2, requires_grad=True)
    for i, (batch,) in enumerate(data.DataLoader(kind(x), 3)):
        (batch * (i + 1)).sum().backward()
    assert x.grad.tolist() == [[1, 1]] * 3 + [[2, 2]]


@pytest.mark.parametrize(
    "items, message",
    [
        ([mg.zeros(2), mg.zeros(3)], r"shapes \[\(2,\), \(3,\)\] cannot be stacked.*batch_size=1"),
        ((mg.zeros(4, 2), mg.zeros(4)), r"TensorDataset\(x, y\)"),
        ([(1, 2), (1,)], r"tuples of \[1, 2\] fields"),
    ],
)
def test_items_that_cannot_be_stacked(items, message):
    with pytest.raises(ValueError, match=message):
        list(data.DataLoader(items, 2))


@pytest.mark.parametrize("batch_size", [0, -1, 2.0])
def test_a_batch_size_that_makes_no_sense(batch_size):
    with pytest.raises(ValueError, match="batch_size must be an integer of at least 1, got"):
        data.DataLoader(numbered(3), batch_size)


@pytest.mark.parametrize("generator", [-1, "seed", 1.5, np.random.RandomState(0)])
def test_a_generator_that_is_none(generator):
    with pytest.raises(ValueError, match=r"generator must be None, a seed .* or a numpy.random.Generator"):
        data.DataLoader(numbered(3), shuffle=True, generator=generator)


def test_what_is_no_dataset_is_refused():
    with pytest.raises(TypeError, match=r"__len__ and __getitem__, got generator: .*TensorDataset\(x, y\)"):
        data.DataLoader(i for i in range(3))
