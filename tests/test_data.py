"""Datasets, splits and the loader."""

import contextlib
import hashlib
import itertools
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim

CLASSIFICATION = [name for name, source in data.DATASETS.items() if source.task == "classification"]
GENERATED = [name for name in data.DATASETS if name != "digits"]


def arrays(dataset):
    return [tensor.numpy() for tensor in dataset[:]]


def values(batches):
    """Batches of bare tensors or of several, or tuples of tensors, as nested lists."""
    return [[t.tolist() for t in batch] if isinstance(batch, (tuple, list)) else batch.tolist() for batch in batches]


def numbered(n):
    """A dataset whose samples tell their number."""
    return data.TensorDataset(mg.arange(n))


def drawn(loader):
    """The numbers of one epoch, batch by batch."""
    return [batch.tolist() for (batch,) in loader]


# -- digits ------------------------------------------------------------------------------------


def test_the_digits_are_those_of_the_repository():
    with np.load(Path(data.__file__).with_name("digits.npz")) as file:
        images, labels = file["images"], file["labels"]
    assert images.shape == (1797, 8, 8) and images.dtype == labels.dtype == np.uint8
    assert images.max() == 16 and images.sum() == 561718
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert labels[:12].tolist() == [*range(10), 0, 1]
    assert images[0].tolist() == [
        [0, 0, 5, 13, 9, 1, 0, 0],
        [0, 0, 13, 15, 10, 15, 5, 0],
        [0, 3, 15, 2, 0, 11, 8, 0],
        [0, 4, 12, 0, 0, 8, 8, 0],
        [0, 5, 8, 0, 0, 9, 8, 0],
        [0, 4, 11, 0, 1, 12, 7, 0],
        [0, 2, 14, 5, 10, 12, 0, 0],
        [0, 0, 6, 13, 10, 0, 0, 0],
    ]
    checksums = [hashlib.sha256(array.tobytes()).hexdigest()[:16] for array in (images, labels)]
    assert checksums == ["8f26b2bd9d135c25", "8ba4f891220f5e4c"]


def test_digits_are_scaled_and_flat():
    x, y = arrays(data.digits())
    with np.load(Path(data.__file__).with_name("digits.npz")) as file:
        np.testing.assert_array_equal(x * 16, file["images"].reshape(1797, 64))
        np.testing.assert_array_equal(y, file["labels"])
    assert x.min() == 0 and x.max() == 1


# -- toy data ----------------------------------------------------------------------------------


def distance(x, y, center=(0, 0)):
    return np.hypot(x - center[0], y - center[1])


def on_moons(x, y, k):
    upper, lower = k == 0, k == 1
    np.testing.assert_allclose(distance(x, y)[upper], 1, rtol=1e-6)
    np.testing.assert_allclose(distance(x, y, (1, 0.5))[lower], 1, rtol=1e-6)
    assert (y[upper] >= 0).all() and (y[lower] <= 0.5).all()


def on_circles(x, y, k):
    np.testing.assert_allclose(distance(x, y), np.array([1, 0.5])[k], rtol=1e-6)


def on_spirals(x, y, k):
    radius = distance(x, y)
    turns = np.arctan2(y, x) / (2 * np.pi) - radius - k / 3
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-5)
    for label in range(3):
        assert radius[k == label].min() < 0.11 and 0.99 < radius[k == label].max() <= 1


def on_blobs(x, y, k):
    centers = np.array([[2, 0], [-1, np.sqrt(3)], [-1, -np.sqrt(3)]])
    np.testing.assert_allclose(np.stack([x, y], 1), centers[k], atol=1e-6)


def on_xor(x, y, k):
    np.testing.assert_array_equal(k, (x > 0) ^ (y > 0))
    on_squares(x, y, 2)


def on_checkerboard(x, y, k):
    np.testing.assert_array_equal(k, np.where(np.floor(x) % 2 == np.floor(y) % 2, 0, 1))
    on_squares(x, y, 4)


def on_squares(x, y, side):
    """Every square has its share of points, spread over all of it but the margin."""
    squares = (np.floor(x) * 10 + np.floor(y)).astype(int)
    _, counts = np.unique(squares, return_counts=True)
    assert len(counts) == side**2 and counts.min() > 0.6 * len(x) / side**2
    for position in (x % 1, y % 1):
        assert 0.1 <= position.min() < 0.11 and 0.89 < position.max() <= 0.9001
        assert abs(position.mean() - 0.5) < 0.03


def on_sine(x, y, _k):
    np.testing.assert_allclose(y, np.sin(x), atol=1e-6)
    gaps = np.diff(np.sort(x))
    np.testing.assert_allclose(gaps, 2 * np.pi / len(x), rtol=1e-3)
    assert x.min() > -np.pi and x.max() < np.pi


@pytest.mark.parametrize("name", GENERATED)
def test_without_noise_the_points_lie_where_the_formula_says(name):
    inputs, targets = arrays(data.load_dataset(name, noise=0.0))
    x, y, k = (*inputs.T, targets) if inputs.shape[1] == 2 else (inputs[:, 0], targets[:, 0], None)
    globals()[f"on_{name}"](x, y, k)


@pytest.mark.parametrize("name", GENERATED)
def test_noise_is_the_standard_deviation_of_what_is_added(name):
    clean, noisy = (arrays(data.load_dataset(name, n=5000, noise=noise)) for noise in (0.0, 0.25))
    moved = 1 if name == "sine" else 0
    change = noisy[moved] - clean[moved]
    assert abs(change.std() - 0.25) < 0.01 and abs(change.mean()) < 0.01
    np.testing.assert_array_equal(noisy[1 - moved], clean[1 - moved])


@pytest.mark.parametrize("name", GENERATED)
def test_a_seed_decides_the_data_and_nothing_else_does(name):
    before = mg.get_rng_state(), np.random.get_state()[1].tolist()
    first, again, other = (arrays(data.load_dataset(name, seed=seed)) for seed in (5, 5, 6))
    for a, b, c in zip(first, again, other):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)
    assert (mg.get_rng_state(), np.random.get_state()[1].tolist()) == before


@pytest.mark.parametrize("name", data.DATASETS)
def test_a_source_describes_its_data(name):
    source = data.DATASETS[name]
    inputs, targets = arrays(source.load())
    assert inputs.shape == (len(targets), source.inputs) and inputs.dtype == np.float32
    assert source.task in ("classification", "regression") and source.description
    if source.task == "classification":
        assert source.outputs == source.classes and targets.ndim == 1 and targets.dtype == np.int64
        assert set(targets.tolist()) == set(range(source.classes))
    else:
        assert source.classes is None and source.outputs == 1
        assert targets.shape == (len(inputs), 1) and targets.dtype == np.float32


@pytest.mark.parametrize("n", [3, 100, 101, 1000])
@pytest.mark.parametrize("name", [name for name in CLASSIFICATION if name != "digits"])
def test_classes_are_equally_large_and_mixed(name, n):
    _, labels = arrays(data.load_dataset(name, n=n))
    counts = np.bincount(labels)
    assert counts.sum() == n and counts.max() - counts.min() <= 1
    if n >= 100:
        start = np.bincount(labels[: n // 2], minlength=len(counts)) / (n // 2)
        assert np.abs(start - 1 / len(counts)).max() < 0.2 and (np.diff(labels) == 0).any()


@pytest.mark.parametrize("function", [data.spirals, data.blobs])
def test_the_number_of_classes_can_be_chosen(function):
    points, labels = arrays(function(n=50, noise=0.0, classes=5))
    assert np.bincount(labels).tolist() == [10] * 5
    rotated = points[labels == 0] @ np.array(
        [[np.cos(0.4 * np.pi), np.sin(0.4 * np.pi)], [-np.sin(0.4 * np.pi), np.cos(0.4 * np.pi)]]
    )
    np.testing.assert_allclose(np.sort(rotated, 0), np.sort(points[labels == 1], 0), atol=1e-6)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"n": 1}, "n must be an integer of at least 3"),
        ({"n": 10.0}, "n must be an integer"),
        ({"classes": 0}, "classes must be an integer of at least 1"),
        ({"noise": -0.1}, "noise is a standard deviation and must be at least 0, got -0.1"),
        ({"noise": float("nan")}, "must be at least 0"),
    ],
)
def test_toy_data_that_cannot_be_made(arguments, message):
    with pytest.raises(ValueError, match=message):
        data.spirals(**arguments)


@pytest.mark.parametrize(
    "name, hint",
    [
        ("moon", "Did you mean 'moons'"),
        ("MNIST", "Did you mean 'digits'"),
        ("cifar", None),
        ("SPIRAL", "Did you mean 'spirals'"),
        (3, None),
    ],
)
def test_an_unknown_name_is_refused(name, hint):
    with pytest.raises(ValueError, match=f"no dataset {name!r}") as refusal:
        data.load_dataset(name)
    assert ("Did you mean" in str(refusal.value)) == bool(hint) and (hint or "") in str(refusal.value)
    assert all(known in str(refusal.value) for known in data.DATASETS)


# -- splits ------------------------------------------------------------------------------------


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


# -- TensorDataset -----------------------------------------------------------------------------


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


# -- DataLoader: what an epoch is --------------------------------------------------------------


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("n, batch_size", [(0, 3), (1, 1), (6, 3), (7, 3), (7, 1), (7, 7), (7, 100)])
def test_each_sample_comes_once_an_epoch(n, batch_size, shuffle, drop_last):
    for dataset in (numbered(n), [(i,) for i in range(n)]):
        nothing = n == 0 or (drop_last and n < batch_size)
        with pytest.warns(UserWarning, match="does nothing") if nothing else contextlib.nullcontext():
            loader = data.DataLoader(dataset, batch_size, shuffle, drop_last, generator=0)
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


# -- DataLoader: what a batch is ---------------------------------------------------------------


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


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, None])
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


# -- DataLoader: going on ----------------------------------------------------------------------


def loader_with(seed, n=7, batch_size=2, shuffle=True, drop_last=False):
    return data.DataLoader(numbered(n), batch_size, shuffle, drop_last, generator=seed)


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


@pytest.mark.parametrize("name", ["moons", "xor", "sine", "digits"])
def test_a_small_net_learns_it(name):
    mg.manual_seed(0)
    source = data.DATASETS[name]
    train, test = data.train_test_split(source.load())
    model = nn.Sequential(nn.Linear(source.inputs, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, source.outputs))
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    loss = nn.functional.cross_entropy if source.classes else nn.functional.mse_loss
    loader = data.DataLoader(train, 32, shuffle=True, drop_last=True)
    for x, y in itertools.chain.from_iterable(loader for _ in range(8)):
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()
    x, y = test[:]
    with mg.no_grad():
        prediction = model.eval()(x).numpy()
    if source.classes:
        assert (prediction.argmax(1) == y.numpy()).mean() > 0.93
    else:
        assert ((prediction - y.numpy()) ** 2).mean() < 0.05  # of the sine's own 0.5
