"""Large batches are normalised block by block, and by several threads: with the results of the small ones' way."""

import gc
import math
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minigrad as mg
from minigrad.kernels import moments as deviations
from minigrad.kernels import threads
from minigrad.kernels.moments import InBlocks, InMemory, mean_dominates, row_sums, sample_values
from minigrad.kernels.tuning import MOST_THREADS, PIECE
from minigrad.nn import functional as F

SHAPES = [
    (2, 1), (3, 5), (33, 7), (1025, 3), (5, 3000), (3, 9000),
    (2, 3, 1), (7, 3, 10), (3, 2, 50, 60), (40, 1, 300), (700, 2, 9),
]  # fmt: skip
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"])
def small_blocks(request, monkeypatch):
    """Everything is large, blocks are small, and each is shared by so many threads."""
    monkeypatch.setattr(deviations, "LARGE", 1)
    monkeypatch.setattr(deviations, "BLOCK_BYTES", 1 << 10)
    monkeypatch.setattr(deviations, "LONG_ROW", 8)
    monkeypatch.setattr(deviations, "SHARED_BYTES", 1)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", str(request.param))
    threads.helpers.cache_clear()
    yield
    threads.helpers.cache_clear()


def per_channel(vector, ndim):
    return vector.reshape(-1, *(1,) * (ndim - 2))


def standardised(x):
    """What batch normalisation makes of a batch, in float64."""
    exact, axes = x.astype(np.float64), (0, *range(2, x.ndim))
    exact -= exact.mean(axes, keepdims=True)
    return exact / np.sqrt((exact**2).mean(axes, keepdims=True) + 1e-5)


def batch(shape, mean=0.0):
    return np.random.default_rng(shape).standard_normal(shape) * 3 + mean


@every_shape
@pytest.mark.parametrize("mean", [0.0, 1e4], ids=["around 0", "far from 0"])
@pytest.mark.parametrize("kind", [InMemory, InBlocks])
def test_deviations_follow_their_formulas(shape, mean, kind, small_blocks):
    assert_follows_formulas(kind, shape, mean)


def assert_follows_formulas(kind, shape, mean):
    """Deviations of this kind, from the batch's own mean or a given one, are what plain NumPy computes."""
    x, dy = batch(shape, mean), batch(shape)[::-1]
    rng = np.random.default_rng(0)
    constant, slope, scale = rng.standard_normal((3, shape[1]))
    axes, n = (0, *range(2, x.ndim)), x.size // shape[1]
    given = rng.standard_normal(shape[1])
    for d, center in ((kind(x), x.mean(axes)), (kind(x, given), given)):
        expected = x - per_channel(center, x.ndim)
        close = {"rtol": 0, "atol": 1e-10 * max(1, abs(expected).max())}
        np.testing.assert_allclose(d.mean, center, rtol=1e-13, atol=1e-13)
        assert d.n == n
        y = d.scaled(scale, constant)
        np.testing.assert_allclose(y, expected * per_channel(scale, x.ndim) + per_channel(constant, x.ndim), **close)
        np.testing.assert_allclose(d.scaled(scale, None), expected * per_channel(scale, x.ndim), **close)
        total, product = d.sums(dy)
        np.testing.assert_allclose(total, dy.sum(axes), rtol=0, atol=1e-10)
        np.testing.assert_allclose(product, (dy * expected).sum(axes), rtol=0, atol=n * close["atol"])
        dx = dy - per_channel(constant, x.ndim) - expected * per_channel(slope, x.ndim)
        np.testing.assert_allclose(d.gradient(dy, constant, slope, scale), dx * per_channel(scale, x.ndim), **close)
    np.testing.assert_allclose(kind(x).var, x.var(axes), rtol=1e-11)


JOINED = {
    (30, 7): (6, 35),
    (300, 7): (60, 35),
    (36, 4, 2): (6, 48),
    (8, 33): (8, 33),
    (31, 7): (31, 7),
    (30, 7, 0): (30, 0),
    (30, 3, 64): (30, 192),
    (30, 1, 16): (10, 48),
    (3, 2, 70): (3, 140),
}
"""The shapes of batches, and how they are worked on where a long row has more than 32 elements."""


@pytest.fixture
def rows_are_joined(monkeypatch):
    monkeypatch.setattr(deviations, "LONG_ROW", 64)
    monkeypatch.setattr(deviations, "WORTH_JOINING", 1)
    deviations.layout.cache_clear()
    yield
    deviations.layout.cache_clear()


@pytest.mark.parametrize("mean", [0.0, 1e4], ids=["around 0", "far from 0"])
@pytest.mark.parametrize("shape", [shape for shape in JOINED if 0 not in shape], ids=str)
def test_joined_rows_change_nothing(shape, mean, rows_are_joined):
    assert_follows_formulas(InMemory, shape, mean)


@pytest.mark.parametrize("shape", JOINED, ids=str)
def test_short_rows_are_joined_if_that_makes_long_ones(shape, rows_are_joined):
    assert InMemory(np.ones(shape)).layout.shape == JOINED[shape]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((512, 1, 64), (4, 8192)), ((3, 2, 300), (3, 600)), ((2, 2, 300), (2, 2, 300)), ((2, 2, 255), (2, 510)),
     ((5, 2, 8192), (5, 2, 8192)), ((5, 2, 8191), (5, 16382)), ((1, 3, 20, 20), (1, 3, 400))],
)  # fmt: skip
@pytest.mark.parametrize("mean", [0.0, 1e4], ids=["around 0", "far from 0"])
def test_long_channels_are_rows_where_a_row_for_a_sample_would_not_pay(shape, expected, mean):
    assert_follows_formulas(InMemory, shape, mean)
    assert_follows_formulas(InBlocks, shape, mean)
    assert InMemory(np.ones(shape)).layout.shape == expected
    assert (len(InBlocks(np.ones(shape)).row) == 2) == (len(expected) == 3)


@pytest.mark.parametrize("length", [0, 1, *(k * PIECE + rest for k in (1, 3) for rest in (-1, 0, 1))])
def test_sums_of_rows(length):
    a, b = np.random.default_rng(length).standard_normal((2, 3, 4, length))
    np.testing.assert_allclose(row_sums(a, b), (a * b).sum(-1), rtol=0, atol=1e-10)
    np.testing.assert_allclose(row_sums(a[:, 1:3]), a[:, 1:3].sum(-1), rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", [(1, 1, 1 << 22), (1400, 1, 300), (1, 4, 5000)], ids=str)
def test_sums_of_many_long_channels_are_accurate(shape):
    values = np.linspace(0, 1, math.prod(shape), dtype=np.float32).reshape(shape)
    exact = values.astype(np.float64).sum((0, 2))
    np.testing.assert_allclose(InMemory(values).layout.sum(values), exact, rtol=2e-7)


@pytest.mark.parametrize("shape", [(256, 256), (512, 128), (384, 96), (1000, 64), (656, 3, 17)], ids=str)
@pytest.mark.parametrize("mean", [0.0, 1.0, 1e4, 1e7])
def test_accuracy_of_joined_rows_in_float32(shape, mean):
    x = (np.random.default_rng(4).standard_normal(shape) + mean).astype(np.float32)
    y = F.batch_norm(x, None, None, training=True)
    d, zeros = InMemory(x), np.zeros((3, shape[1]), np.float32)
    assert len(d.d) < len(x) and y.base is None and d.gradient(x, *zeros).base is None
    assert abs(y - standardised(x)).max() < 1e-6


def everything(x, dy, mean, var, training):
    leaves = [mg.tensor(v).requires_grad_() for v in (x, np.linspace(1, 2, x.shape[1]), np.linspace(-1, 1, x.shape[1]))]
    y = F.batch_norm(leaves[0], mean, var, leaves[1], leaves[2], training)
    y.backward(mg.tensor(dy))
    return [y.numpy(), mean, var, *(leaf.grad.numpy() for leaf in leaves)]


@every_shape
@pytest.mark.parametrize("training", [True, False])
def test_large_and_small_batches_are_treated_alike(shape, training, small_blocks, monkeypatch):
    x, dy = batch(shape, 5.0), batch(shape)[::-1].copy()

    def statistics():
        return np.arange(1.0, shape[1] + 1), np.arange(2.0, shape[1] + 2)

    large = everything(x, dy, *statistics(), training)
    monkeypatch.setattr(deviations, "LARGE", x.size + 1)
    for found, expected in zip(large, everything(x, dy, *statistics(), training)):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"])
def shared_by(request, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", str(request.param))
    threads.helpers.cache_clear()
    yield request.param
    threads.helpers.cache_clear()


@pytest.mark.parametrize("mean", [0.0, 0.5, 0.99, 1.01, 2.0, 100.0, 1e4, 1e7])
@pytest.mark.parametrize(
    "shape",
    [(600000, 1), (8192, 64), (20000, 64), (64, 16, 24, 24), (600, 8, 300), (8, 3, 150, 150), (1, 2, 600, 500)],
    ids=str,
)
def test_accuracy_of_large_batches_in_float32(shape, mean, shared_by):
    x = (np.random.default_rng(3).standard_normal(shape) + mean).astype(np.float32)
    y = F.batch_norm(x, None, None, training=True)
    assert x.size >= deviations.LARGE and abs(y - standardised(x)).max() < 1e-6


@pytest.mark.parametrize("mean", [0.0, 1e4, 1e7])
@pytest.mark.parametrize("shape", [(10, 4), (300, 64), (20000, 64), (600, 8, 300)], ids=str)
def test_accuracy_of_evaluation_in_float32(shape, mean, shared_by):
    x = (np.random.default_rng(3).standard_normal(shape) + mean).astype(np.float32)
    running_mean, running_var = np.full(shape[1], mean, np.float32), np.ones(shape[1], np.float32)
    y = F.batch_norm(x, running_mean, running_var, training=False)
    assert abs(y - (x.astype(np.float64) - mean) / np.sqrt(1 + 1e-5)).max() < 1e-6


@pytest.mark.parametrize("shape", [(20000, 64), (600, 8, 300), (70, 2, 100, 100), (2, 3, 400, 400)], ids=str)
def test_blocks_are_all_of_a_batch_and_not_too_large(shape):
    x = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    blocks = InBlocks(x).blocks(x)
    assert max(block.nbytes for block in blocks) <= deviations.BLOCK_BYTES
    assert np.array_equal(np.concatenate([block.ravel() for block in blocks]), x.ravel())


@pytest.mark.parametrize(
    "shape",
    [(512, 256, 1), (1000, 256, 1), (40000, 7, 1), (31, 5000, 1), (2, 70000, 1), (700, 128, 2), (2, 3, 90000),
     (64, 64, 576)],
    ids=str,
)  # fmt: skip
def test_few_values_are_some_of_each_channel_from_all_over_the_batch(shape):
    samples, channels, length = shape
    # each value says where it is
    few, place = np.divmod(sample_values(np.arange(math.prod(shape)).reshape(shape)), length)
    sample, channel = np.divmod(few, channels)
    assert (channel == np.arange(channels)[:, None]).all()
    taken, least = sample.shape[0] * sample.shape[2], min(deviations.FEW_VALUES, samples * length)
    assert least <= taken < 3 * least
    assert sample.min() == 0 and sample.max() >= 0.9 * (samples - 1)
    assert abs(place.mean() - (length - 1) / 2) <= max(0.5, 0.1 * length)


PASSES = {
    "around 0": (lambda x, few: x, 1),
    "far from 0": (lambda x, few: x + 1e4, 1),
    "a few are far from 0": (lambda x, few: x + 1e4 * few, 2),
    "all but a few are far from 0": (lambda x, few: x + 1e4 * ~few, 2),
    "sorted": (lambda x, few: np.sort(x, 0), 1),
    "sorted, far from 0": (lambda x, few: np.sort(x, 0) - 1e4, 1),
}
"""Batches whose few values tell the truth or mislead, and how many passes their mean and variance take."""


@pytest.mark.parametrize("kind", PASSES)
def test_few_values_spare_a_pass_and_may_mislead(kind, shared_by, monkeypatch):
    made, passes = PASSES[kind]
    few = (np.arange(8192) % 256 == 0)[:, None]
    x = made(np.random.default_rng(0).standard_normal((8192, 64)), few).astype(np.float32)
    taken, take_moments = [], InBlocks.take_moments
    monkeypatch.setattr(InBlocks, "take_moments", lambda *args: (taken.append(args), take_moments(*args)))
    y = F.batch_norm(x, None, None, training=True)
    assert len(taken) == passes
    expected = standardised(x)
    assert (abs(y - expected) < 1e-6 * np.maximum(1, abs(expected) / 4)).all()


def test_large_batches_are_kept_as_they_are_unless_their_mean_is_far_from_0():
    x = np.random.default_rng(0).standard_normal((8192, 64))
    assert InBlocks(x).d is x
    far = x + 9
    d = InBlocks(far)
    np.testing.assert_allclose(d.d + d.mean - d.offset, far, rtol=1e-14)
    assert abs(d.d.mean()) < 1 and InBlocks(far, d.mean).d is far


@pytest.mark.parametrize(
    ("mean", "var", "far"),
    [([1.0, -2.0], [1.01, 4.01], False), ([1.0, -2.0], [1.01, 3.99], True), ([0.0, 0.0], [0.0, 1.0], False),
     ([0.0, 0.0], [np.inf, 1.0], True), ([0.0, 0.0], [np.nan, 1.0], True), ([0.0, np.nan], [1.0, 1.0], True)],
)  # fmt: skip
def test_a_mean_is_far_if_that_of_one_channel_is(mean, var, far):
    assert mean_dominates(np.array(mean), np.array(var)) == far


@pytest.mark.parametrize("shape", [(300000, 2), (32, 20000)], ids=str)
def test_squares_too_large_for_their_dtype_are_not_needed(shape, shared_by):
    """The variance of values far from 0 exists where their squares do not."""
    x = (np.random.default_rng(0).standard_normal(shape) * 1e15 + 1e20).astype(np.float32)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(deviations.deviations(x).var, exact.var(0), rtol=1e-6)
    exact = (exact - exact.mean(0)) / exact.std(0)
    np.testing.assert_allclose(F.batch_norm(x, None, None, training=True), exact, rtol=0, atol=1e-6)


@pytest.mark.parametrize("value", [7.1, 1e8, 2e37])
def test_large_constant_channels(value, shared_by):
    x = np.random.default_rng(0).standard_normal((16384, 64)).astype(np.float32)
    x[:, 3] = value
    mean, var = np.zeros(64, np.float32), np.ones(64, np.float32)
    y = F.batch_norm(x, mean, var, training=True, momentum=1.0)
    assert abs(y[:, 3]).max() * np.sqrt(1e-5) <= 1e-6 * value
    assert abs(mean[3] / value - 1) < 1e-6 and 0 <= float(var[3]) <= (1e-6 * value) ** 2


def test_what_is_not_finite_spoils_its_channel_only(small_blocks):
    """The warning is batch_norm's own; NumPy has nothing to add, in either direction."""
    x = batch((50, 4)).astype(np.float32)
    x[7, 1], x[8, 2] = np.inf, np.nan
    leaf = mg.tensor(x).requires_grad_()
    with pytest.warns(UserWarning, match="2 of 4 channels of this batch contain NaN") as warned:
        y = F.batch_norm(leaf, np.zeros(4, np.float32), np.ones(4, np.float32), training=True)
    y.backward(mg.ones(50, 4))
    assert len(warned) == 1
    expected = F.batch_norm(x[:, [0, 3]], None, None, training=True)
    np.testing.assert_allclose(y.numpy()[:, [0, 3]], expected, rtol=0, atol=1e-6)
    assert np.isfinite(leaf.grad.numpy()[:, [0, 3]]).all()


@pytest.mark.parametrize("mean", [None, np.ones(4, np.float32)], ids=["own mean", "given mean"])
def test_numpy_says_nothing_of_what_is_not_finite(mean, small_blocks):
    x, dy = batch((50, 4)).astype(np.float32), batch((50, 4)).astype(np.float32)
    x[7, 1], x[8, 2], x[:, 3] = np.inf, np.nan, 3e38
    dy[7, 0], dy[8, 0], dy[:, 3], dy[:, 2] = np.inf, -np.inf, 3e38, np.inf
    vectors = np.full((3, 4), 1e38, np.float32)
    with np.errstate(all="raise"):
        d = InBlocks(x, mean)
        d.scaled(*vectors[:2])
        d.sums(dy)
        d.gradient(dy, *vectors)


@pytest.mark.parametrize("shape", [(6, 3), (8192, 64)], ids=str)
def test_a_callers_array_may_be_used_again(shape):
    """A plain array is copied: unlike a tensor it cannot say that it was changed."""
    array = np.random.default_rng(0).standard_normal(shape)
    weight, bias = mg.ones(shape[1], dtype=float).requires_grad_(), mg.zeros(shape[1], dtype=float).requires_grad_()
    y = F.batch_norm(array, None, None, weight, bias, training=True)
    dy = np.random.default_rng(1).standard_normal(shape)
    expected = (dy * (array - array.mean(0)) / np.sqrt(array.var(0) + 1e-5)).sum(0)
    array[...] = 0
    y.backward(mg.tensor(dy))
    np.testing.assert_allclose(weight.grad.numpy(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 8), (4, 3, 100)], ids=str)
@pytest.mark.parametrize("kind", [InMemory, InBlocks])
def test_deviations_go_with_the_last_reference(shape, kind):
    gc.disable()
    try:
        d = kind(batch(shape))
        d.sums(d.scaled(np.ones(3), None))
        gone = weakref.ref(d)
        del d
        assert gone() is None
    finally:
        gc.enable()


# -- threads -----------------------------------------------------------------------------------


def test_results_come_in_the_order_of_the_blocks(shared_by):
    blocks = [(i, i + 1) for i in range(100)]
    assert threads.for_each(lambda a, b: a * b, blocks, shared=True) == [a * b for a, b in blocks]


def test_work_is_shared_only_if_asked(shared_by):
    barrier = threading.Barrier(shared_by, timeout=60)

    def name():
        barrier.wait()  # nobody can do two of them
        return threading.current_thread().name

    assert len(set(threads.for_each(name, [()] * shared_by, shared=True))) == shared_by
    alone = threads.for_each(lambda: threading.current_thread().name, [()] * 10, shared=False)
    assert set(alone) == {threading.current_thread().name}


def test_without_further_threads_the_caller_does_all(monkeypatch):
    """As at the end of a program, when no thread can be started any more."""
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    monkeypatch.setattr(threads, "helpers", lambda: pool)
    assert threads.for_each(lambda i: i * i, [(i,) for i in range(5)], shared=True) == [0, 1, 4, 9, 16]


def test_the_error_of_a_block_is_raised(shared_by):
    def fail(i):
        if i == 5:
            raise ValueError("block 5")

    with pytest.raises(ValueError, match="block 5"):
        threads.for_each(fail, [(i,) for i in range(10)], shared=True)


@pytest.mark.parametrize(
    ("environment", "count"),
    [({"OPENBLAS_NUM_THREADS": "1"}, 0), ({"OMP_NUM_THREADS": "1"}, 0), ({"OMP_NUM_THREADS": "2"}, 1),
     ({"OPENBLAS_NUM_THREADS": "64"}, MOST_THREADS - 1), ({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "3"}, 0)],
)  # fmt: skip
def test_there_are_as_many_threads_as_the_blas_was_told_to_use(environment, count, monkeypatch):
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    threads.helpers.cache_clear()
    helpers = threads.helpers()
    threads.helpers.cache_clear()
    assert (helpers._max_workers if helpers else 0) == count


@pytest.mark.parametrize("shape", [(4, 3), (200, 3), (1, 3), (4, 3, 5), (4, 3, 70)])
def test_a_layout_is_freed_at_once(shape):
    gc.disable()
    try:
        made = deviations.new_layout(shape, np.dtype(np.float32))
        reference = weakref.ref(made)
        del made
        assert reference() is None
    finally:
        gc.enable()
