"""Random tensors and the random state."""

import pickle

import numpy as np
import pytest

import minigrad as mg
from tests.tensor.dtypes import f2, f4, f8, i4, i8


@pytest.mark.parametrize("make", [mg.randn, mg.rand])
def test_random_tensors(make):
    mg.manual_seed(0)
    first = make(2, 3)
    assert (first.shape, first.dtype) == ((2, 3), f4)
    assert make((4,), dtype=f8).dtype == f8
    assert make().shape == ()
    assert make(0, 2).shape == (0, 2)
    mg.manual_seed(0)
    np.testing.assert_array_equal(make([2, 3]).numpy(), first.numpy())
    assert not np.array_equal(make(2, 3).numpy(), first.numpy())
    assert make(2, requires_grad=True).requires_grad
    like = mg.randn_like if make is mg.randn else mg.rand_like
    assert (like(first).shape, like(first).dtype, like(first, dtype=f8).dtype) == ((2, 3), f4, f8)


def test_random_numbers_are_distributed_as_said():
    mg.manual_seed(3)
    normal, even, whole = mg.randn(40_000).numpy(), mg.rand(40_000).numpy(), mg.randint(-2, 3, (40_000,)).numpy()
    # the standard deviation of a mean of n values is that of one value over sqrt(n): five of them
    assert abs(normal.mean()) < 5 / 200
    assert abs(normal.std() - 1) < 5 / 200
    assert 0 <= even.min() < even.max() < 1
    assert abs(even.mean() - 0.5) < 5 * 12**-0.5 / 200
    assert set(whole.tolist()) == {-2, -1, 0, 1, 2}
    assert abs(whole.mean()) < 5 * 2**0.5 / 200


def test_evenly_distributed_numbers_stay_below_1_in_every_dtype():
    mg.manual_seed(0)
    coarse = mg.rand(100_000, dtype=f2)
    assert coarse.dtype == f2
    assert 0.999 < coarse.amax().item() < 1


def test_random_integers_and_permutations():
    assert (mg.randint(0, 5, (3, 2)).shape, mg.randint(0, 5, (3,)).dtype) == ((3, 2), i8)
    assert set(mg.randint(2, (50,)).tolist()) == {0, 1}
    assert mg.randint(0, 5, (3,), dtype=i4).dtype == i4
    assert sorted(mg.randperm(6).tolist()) == [0, 1, 2, 3, 4, 5]


def test_the_random_state_can_be_saved_and_set():
    mg.manual_seed(1)
    mg.randn(3)
    state = pickle.loads(pickle.dumps(mg.get_rng_state()))
    first = mg.randn(3).tolist()
    mg.set_rng_state(state)
    assert mg.randn(3).tolist() == first


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None, True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ValueError, match="a seed must be an integer of at least 0"):
        mg.manual_seed(seed)
