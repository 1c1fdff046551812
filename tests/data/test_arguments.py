"""Arguments and items of datasets, splits and loaders: what is accepted, what is refused by name, what is printed."""

import contextlib
import itertools
import math
import warnings
from collections import OrderedDict

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim

TOY = [data.moons, data.circles, data.spirals, data.blobs, data.xor, data.checkerboard, data.sine]
NO_NUMBERS = ["a", None, True, 1j, [0.1], np.ones(2)]
NO_SIZES = [*NO_NUMBERS, 10.0, 0, -3, math.nan]
NO_SEEDS = [*NO_NUMBERS, 1.5, -1, np.random.default_rng(0)]


def dataset(n=12):
    return data.TensorDataset(mg.arange(n), mg.zeros(n, 1))


# -- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("function", TOY)
@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("n", NO_SIZES, "n must be an integer of at least [123], a sample per class, got"),
        ("noise", [*NO_NUMBERS, -0.1, math.nan, math.inf], "noise is a standard deviation and must be at least 0"),
        ("seed", NO_SEEDS, "seed must be an integer of at least 0, got"),
    ],
)
def test_arguments_of_toy_data(function, name, wrong, message):
    for value in wrong:
        with pytest.raises(ValueError, match=message):
            function(**{name: value})


@pytest.mark.parametrize("function", [data.spirals, data.blobs])
@pytest.mark.parametrize("classes", NO_SIZES)
def test_a_number_of_classes(function, classes):
    with pytest.raises(ValueError, match="classes must be an integer of at least 1, got"):
        function(classes=classes)


@pytest.mark.parametrize("name", ["test_size", "seed"])
def test_arguments_of_a_split(name):
    wrong = {"test_size": [*NO_NUMBERS, 0, 1, -0.5, 3, math.nan, math.inf], "seed": NO_SEEDS}[name]
    message = {"test_size": "test_size is the share of .* must be between 0 and 1.*, got", "seed": "seed must be an"}
    for value in wrong:
        with pytest.raises(ValueError, match=message[name]):
            data.train_test_split(dataset(), **{name: value})


LOADER = {
    "batch_size": ([size for size in NO_SIZES if size is not None], "batch_size must be an integer of at least 1, got"),
    "generator": (
        ["a", True, 1j, [1], 1.5, -1, np.random.RandomState(0)],
        "generator must be None, a seed .* or a numpy.random.Generator, got",
    ),
    "shuffle": (["False", 2, 0.5, [True]], "shuffle must be True or False, got"),
    "drop_last": (["no", None, 2, [True]], "drop_last must be True or False, got"),
}


@pytest.mark.parametrize("name", LOADER)
def test_arguments_of_a_loader(name):
    wrong, message = LOADER[name]
    for value in wrong:
        with pytest.raises(ValueError, match=f"DataLoader: {message}"):
            data.DataLoader(dataset(), **{"shuffle": True, name: value})


def test_numbers_may_be_numpys():
    """0.25 is exact in float16; a seed is one whatever its kind."""
    plain = data.moons(n=40, noise=0.25, seed=3)
    for kind in (np.int8, np.uint8, np.int64):
        for real in (np.float16, np.float32, np.float64, np.array, mg.tensor):
            same = data.moons(n=kind(40), noise=real(0.25), seed=kind(3))
            assert all(a.tolist() == b.tolist() for a, b in zip(plain.tensors, same.tensors))
    expected = data.train_test_split(plain, 0.25, 1)[1].tensors[0].tolist()
    assert data.train_test_split(plain, np.float16(0.25), np.int8(1))[1].tensors[0].tolist() == expected
    loader = data.DataLoader(plain, np.uint8(7), shuffle=np.True_, drop_last=1, generator=np.uint8(3))
    assert (loader.batch_size, loader.shuffle, loader.drop_last, len(loader)) == (7, True, True, 5)
    assert data.DataLoader(plain, shuffle=None).shuffle is False  # PyTorch's default


@pytest.mark.parametrize("name", [["moons"], {}, None, 3])
def test_a_name_that_is_no_text(name):
    with pytest.raises(ValueError, match="there is no dataset"):
        data.load_dataset(name)


# -- datasets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("several", [tuple, list])
@pytest.mark.parametrize("make", [mg.ones, np.ones])
def test_a_tuple_of_tensors_is_no_tensor(several, make):
    fields = several([make((3, 2)), make((3, 2))])
    for arguments in ((fields,), (fields, mg.ones(2))):
        with pytest.raises(TypeError, match=r"got a (tuple|list) of tensors .* TensorDataset\(\*tensors\)"):
            data.TensorDataset(*arguments)
    assert len(data.TensorDataset(*fields)) == 3  # the cure


def test_lists_of_numbers_are_a_tensor():
    x, y = data.TensorDataset([[1.0, 2.0], [3.0, 4.0]], (0, 1)).tensors
    assert (x.tolist(), x.dtype) == ([[1, 2], [3, 4]], np.float32) and (y.tolist(), y.dtype) == ([0, 1], np.int64)


@pytest.mark.parametrize("value", ["text", None, {"x": 1}, object()])
def test_what_no_tensor_can_be_made_of(value):
    with pytest.raises(TypeError, match="TensorDataset: no tensor can be made of"):
        data.TensorDataset(mg.ones(1), value)


@pytest.mark.parametrize("value", [3, None, {"x": mg.ones(3)}, OrderedDict(x=mg.ones(3)), data.TensorDataset])
def test_what_is_no_data_set(value):
    with pytest.raises(TypeError, match="DataLoader needs a dataset with __len__ and __getitem__, got"):
        data.DataLoader(value)


# -- items -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mapping", [dict, OrderedDict])
def test_items_that_are_dicts_become_a_dict_of_batches(mapping):
    items = [mapping(x=mg.ones(2), y=i, name=str(i)) for i in range(3)]
    first, second = data.DataLoader(items, 2)
    assert first["x"].shape == (2, 2) and first["y"].tolist() == [0, 1] and first["name"] == ["0", "1"]
    assert second["y"].tolist() == [2]
    del items[1]["y"]
    with pytest.raises(
        RuntimeError, match="item 1 has no 'y', but item 0 has: give all items of a batch the same keys"
    ):
        list(data.DataLoader(items, 2))


class Rows(data.Dataset):
    """Items from a list."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


@pytest.mark.parametrize(
    ("items", "kind", "message"),
    [
        ([1, 2, 3, "four"], TypeError, "DataLoader: item 3: no tensor can be made of <U4 values"),
        (
            [(1, 2), (3, 4), (5, None), (7, 8)],
            TypeError,
            "DataLoader: field 1 of item 2: no tensor can be made of None",
        ),
        ([(1, {"m": {1}})] * 2, TypeError, "DataLoader: 'm' of field 1 of item 0: no tensor can be made of set"),
        ([1, 2, [[1], [1, 2]], 4], ValueError, r"tuples of \[0, 2\] fields \(0: no tuple\): make them equal"),
        ([([1],), ([1, 2],)], RuntimeError, r"DataLoader: field 0 of items of a batch are tuples of \[1, 2\] fields"),
        ([(1, 2), mg.ones(2)], ValueError, r"tuples of \[0, 2\] fields"),
        ([1, 2, 3, {"x": 4}], TypeError, "DataLoader: item 3: no tensor can be made of dict"),
        ([{"x": 4}, 1], ValueError, "DataLoader: item 1 has no 'x', but item 0 has"),
    ],
)
def test_errors_name_the_item(items, kind, message):
    with pytest.raises(kind, match=message):
        list(data.DataLoader(Rows(items), 2))


def test_errors_name_items_of_shuffled_data_by_their_place_in_it():
    for seed in range(5):
        with pytest.raises(TypeError, match="DataLoader: item 5: no tensor"):
            list(data.DataLoader(Rows([0, 1, 2, 3, 4, None]), 2, shuffle=True, generator=seed))


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (dataset(), list),
        ([(1, 2.0)] * 3, list),
        ([[1, 2.0]] * 3, list),
        ([(1,)] * 3, list),
        ([1.0] * 3, mg.Tensor),
        (mg.ones(3, 2), mg.Tensor),
    ],
)
def test_a_batch_of_several_fields_is_a_list(source, kind):
    for batch in data.DataLoader(source, 2):
        assert type(batch) is kind


def test_a_last_batch_of_one_is_refused_by_batchnorm_and_left_out_by_drop_last():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    rows = data.TensorDataset(mg.randn(9, 2), mg.arange(9))
    seen = []
    with pytest.raises(ValueError, match=r"input size \(1, 3\) .*drop_last=True"):
        for x, _ in data.DataLoader(rows, 4):
            seen.append(net[1].running_mean.tolist())
            net(x)
    assert len(seen) == 3 and net[1].running_mean.tolist() == seen[-1]
    assert [len(x) for x, _ in data.DataLoader(rows, 4, drop_last=True)] == [4, 4]


def test_data_of_the_other_byte_order_trains_as_that_of_this_machine():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(8, 3)).astype(np.float32), random.integers(0, 2, 8)
    results = []
    for swap in (False, True):
        fields = [array.astype(array.dtype.newbyteorder()) if swap else array for array in (x, y)]
        mg.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        optimizer = optim.Adam(net.parameters(), lr=0.01)
        for inputs, labels in data.DataLoader(data.TensorDataset(*fields), 4):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs), labels).backward()
            optimizer.step()
        results.append([p.tolist() for p in net.parameters()])
    assert results[0] == results[1]


# -- nothing to go through ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "batch_size", "drop_last", "message"),
    [
        (10, 32, True, "10 samples has no batch of 32.*drop_last=False or a batch_size of at most 10"),
        (0, 3, True, "0 samples has no batch of 3.*add samples"),
        (0, 3, False, "0 samples has no batch of 3.*add samples"),
        (3, 3, True, None),
        (1, 3, False, None),
    ],
)
@pytest.mark.parametrize("rows", [dataset, list], ids=["tensors", "list"])
def test_a_loader_without_batches_says_so_once(n, batch_size, drop_last, message, rows):
    source = rows(n) if rows is dataset else list(range(n))
    with pytest.warns(UserWarning, match=message) if message else contextlib.nullcontext() as caught:
        loader = data.DataLoader(source, batch_size, drop_last=drop_last)
        batches = [list(loader) for _ in range(2)]
    assert [len(one) for one in batches] == [0 if message else 1] * 2
    if caught:
        (warning,) = caught
        assert warning.filename == __file__


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sampler": []}, "no batch of 1, .*give another sampler, for this one chooses none"),
        ({"sampler": data.SubsetRandomSampler([])}, "give another sampler"),
        ({"batch_sampler": []}, "give another batch_sampler, for this one chooses none"),
        ({"batch_sampler": data.BatchSampler(range(2), 3, True)}, "give another batch_sampler"),
    ],
)
def test_a_sampler_that_chooses_nothing_is_pointed_out(given, message):
    with pytest.warns(UserWarning, match=message) as caught:
        assert list(data.DataLoader(dataset(), **given)) == []
    assert len(caught) == 1


def test_a_stream_without_items_is_pointed_out_after_each_loop():
    class Nothing(data.IterableDataset):
        def __iter__(self):
            return iter(())

    loader = data.DataLoader(Nothing(), 2)
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"Nothing\(\) gave no batch, so the loop did nothing") as caught:
            assert list(loader) == []
        assert caught[0].filename == __file__


def test_a_data_set_may_be_empty_and_grow():
    memory = []
    with pytest.warns(UserWarning, match="does nothing"):
        loader = data.DataLoader(memory, 2)
    memory += [1.0, 2.0, 3.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [batch.tolist() for batch in loader] == [[1, 2], [3]]
    with pytest.raises(ValueError, match=r"0 samples at test_size=0\.2 leave a part empty"):
        data.train_test_split(dataset(0))


# -- printing ----------------------------------------------------------------------------------


class Stream(data.IterableDataset):
    def __iter__(self):
        return iter([1, 2])


class Endless(data.Sampler):
    def __iter__(self):
        return itertools.repeat(0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (dataset(), "TensorDataset(12 samples: (12,) int64, (12, 1) float32)"),
        (data.digits(), "TensorDataset(1797 samples: (1797, 64) float32, (1797,) int64)"),
        (Rows([1, 2]), "Rows(2 samples)"),
        (
            data.DataLoader(dataset(), 5, shuffle=True, drop_last=True, generator=0),
            "DataLoader(TensorDataset(12 samples: (12,) int64, (12, 1) float32), batch_size=5, shuffle=True, "
            "drop_last=True: 2 batches)",
        ),
        (
            data.DataLoader(list(range(100)), 8),
            "DataLoader(list(100 items), batch_size=8, shuffle=False, drop_last=False: 13 batches)",
        ),
        (
            data.DataLoader(mg.ones(4, 2), 2),
            "DataLoader(Tensor((4, 2) float32), batch_size=2, shuffle=False, drop_last=False: 2 batches)",
        ),
        (
            data.DataLoader(Rows([1]), 2),
            "DataLoader(Rows(1 samples), batch_size=2, shuffle=False, drop_last=False: 1 batches)",
        ),
        (
            data.DataLoader(
                Rows([1, 2, 3]), batch_sampler=data.BatchSampler(data.SequentialSampler([1, 2, 3]), 2, True)
            ),
            "DataLoader(Rows(3 samples), batch_sampler=BatchSampler(SequentialSampler(3 samples), batch_size=2, "
            "drop_last=True): 1 batches)",
        ),
        (
            data.DataLoader(Rows([1, 2]), batch_size=None, sampler=[1, 0]),
            "DataLoader(Rows(2 samples), batch_size=None, shuffle=False, sampler=[1, 0], drop_last=False: 2 items)",
        ),
        (
            data.DataLoader(Rows([1, 2]), sampler=Endless()),
            "DataLoader(Rows(2 samples), batch_size=1, shuffle=False, sampler=Endless(), drop_last=False: batches of a "
            "stream)",
        ),
        (
            data.DataLoader(Stream(), batch_size=2),
            "DataLoader(Stream(), batch_size=2, shuffle=False, drop_last=False: batches of a stream)",
        ),
        (data.ConcatDataset([Rows([1]), [2, 3]]), "ConcatDataset(3 samples: Rows(1 samples), list(2 items))"),
        (data.ChainDataset([Stream(), iter([1])]), "ChainDataset(Stream(), list_iterator())"),
        (data.StackDataset([1, 2], Rows([1, 2])), "StackDataset(2 samples: list(2 items), Rows(2 samples))"),
        (data.StackDataset(a=[1], b="x"), "StackDataset(1 samples: a=list(1 items), b=str(1 items))"),
        (data.SequentialSampler([1, 2]), "SequentialSampler(2 samples)"),
        (data.RandomSampler([1, 2], replacement=True, num_samples=5), "RandomSampler(5 samples)"),
        (data.SubsetRandomSampler([4]), "SubsetRandomSampler(1 samples)"),
        (data.WeightedRandomSampler([1, 2], 3), "WeightedRandomSampler(3 samples)"),
        (data.BatchSampler(range(5), 2, False), "BatchSampler(range(5 items), batch_size=2, drop_last=False)"),
        (Endless(), "Endless()"),
    ],
)
def test_what_data_prints(value, text):
    assert repr(value) == text
