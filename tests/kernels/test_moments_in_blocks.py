"""Large batches in blocks: few values, what is kept, and what is not finite."""

import gc
import math
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.kernels import layouts
from minigrad.kernels import moments as deviations
from minigrad.kernels.moments import InBlocks, InMemory, mean_dominates, sample_values
from minigrad.nn import functional as F
from tests.kernels.batches import batch, standardised


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


def test_values_that_are_not_finite_affect_their_channel_only(small_blocks):
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
def test_values_that_are_not_finite_cause_no_warning(mean, small_blocks):
    x, dy = batch((50, 4)).astype(np.float32), batch((50, 4)).astype(np.float32)
    x[7, 1], x[8, 2], x[:, 3] = np.inf, np.nan, 3e38
    dy[7, 0], dy[8, 0], dy[:, 3], dy[:, 2] = np.inf, -np.inf, 3e38, np.inf
    vectors = np.full((3, 4), 1e38, np.float32)
    with np.errstate(all="raise"):
        d = InBlocks(x, mean)
        y, (_, sums), dx = d.scaled(*vectors[:2]), d.sums(dy), d.gradient(dy, *vectors)
    assert not np.isfinite(y[:, 1:3]).all(0).any()  # warned of by whoever finds them, not by NumPy
    assert not np.isfinite(sums[1:3]).any() and not np.isfinite(dx[:, 2]).any()


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


@pytest.mark.parametrize("shape", [(4, 3), (200, 3), (1, 3), (4, 3, 5), (4, 3, 70)])
def test_a_layout_is_freed_at_once(shape):
    gc.disable()
    try:
        made = layouts.Layout(shape, np.dtype(np.float32))
        reference = weakref.ref(made)
        del made
        assert reference() is None
    finally:
        gc.enable()
