"""Generated data: its geometry, noise and seeds, and that a small net learns it."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim
from tests.data.batches import arrays

GENERATED = [name for name, source in data.DATASETS.items() if source.generated]
CLASSIFICATION = [name for name in GENERATED if data.DATASETS[name].task == "classification"]


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


PLACES = {
    "moons": on_moons,
    "circles": on_circles,
    "spirals": on_spirals,
    "blobs": on_blobs,
    "xor": on_xor,
    "checkerboard": on_checkerboard,
    "sine": on_sine,
}


@pytest.mark.parametrize("name", GENERATED)
def test_without_noise_the_points_lie_where_the_formula_says(name):
    inputs, targets = arrays(data.load_dataset(name, noise=0.0))
    x, y, k = (*inputs.T, targets) if inputs.shape[1] == 2 else (inputs[:, 0], targets[:, 0], None)
    PLACES[name](x, y, k)


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
@pytest.mark.parametrize("name", CLASSIFICATION)
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
