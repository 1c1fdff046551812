"""Draws from distributions: those of NumPy's generator of the same seed, distributed as said, in every dtype."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minigrad as mg
from tests.tensor.dtypes import b1, f2, f4, f8, i4, i8, u1

N = 40_000


def numpys(seed=0):
    return np.random.Generator(np.random.PCG64(seed))


def drawn(name, *args, dtype=f8, size=N):
    mg.manual_seed(0)
    x = mg.zeros(size, dtype=dtype)
    assert getattr(x, name)(*args) is x and x.dtype == dtype
    return x.numpy()


SAME = {
    "uniform_": ((-2, 3), lambda g: g.uniform(-2, 3, N)),
    "normal_": ((1, 2), lambda g: g.normal(1, 2, N)),
    "exponential_": ((4,), lambda g: g.standard_exponential(N) / 4),
    "log_normal_": ((0.5, 0.25), lambda g: np.exp(g.normal(0.5, 0.25, N))),
    "cauchy_": ((1, 2), lambda g: 1 + 2 * g.standard_cauchy(N)),
    "random_": ((3, 9), lambda g: g.integers(3, 9, N)),
    "bernoulli_": ((0.3,), lambda g: g.random(N) < 0.3),
}


@pytest.mark.parametrize("name", SAME)
def test_a_seed_gives_the_numbers_of_numpys_generator(name):
    args, formula = SAME[name]
    np.testing.assert_allclose(drawn(name, *args), formula(numpys()), rtol=1e-14)


def test_a_method_and_nn_init_draw_the_same():
    for name in ("uniform_", "normal_"):
        mg.manual_seed(0)
        np.testing.assert_array_equal(
            getattr(mg.nn.init, name)(mg.zeros(N), -1, 2).numpy(), drawn(name, -1, 2, dtype=f4)
        )


DISTRIBUTED = {
    "uniform_": ((), lambda x: x, 0.5, 12**-0.5),
    "uniform_ of bounds": ((-1, 3), lambda x: x, 1, 4 * 12**-0.5),
    "normal_": ((), lambda x: x, 0, 1),
    "normal_ squares": ((0, 3), lambda x: x**2, 9, 9 * 2**0.5),
    "exponential_": ((), lambda x: x, 1, 1),
    "exponential_ rate": ((0.5,), lambda x: x, 2, 2),
    "log_normal_": ((), np.log, 1, 2),
    "cauchy_": ((), lambda x: np.abs(x) < 1, 0.5, 0.5),
    "cauchy_ around": ((3, 2), lambda x: x < 3, 0.5, 0.5),
    "geometric_": ((0.25,), lambda x: x, 4, 12**0.5),
    "geometric_ first": ((0.25,), lambda x: x == 1, 0.25, (0.25 * 0.75) ** 0.5),
    "bernoulli_": ((), lambda x: x, 0.5, 0.5),
    "random_": ((10,), lambda x: x, 4.5, (99 / 12) ** 0.5),
}


@pytest.mark.parametrize("dtype", [f4, f8])
@pytest.mark.parametrize("name", DISTRIBUTED)
def test_draws_are_distributed_as_said(name, dtype):
    args, of, mean, std = DISTRIBUTED[name]
    values = of(drawn(name.partition(" ")[0], *args, dtype=dtype).astype(f8))
    # a mean of n values deviates by std / sqrt(n): five of them
    assert abs(values.mean() - mean) < 5 * std / N**0.5


BOUNDS = {
    "uniform_": ((2, 3), f4, 2, np.nextafter(np.float32(3), np.float32(2))),
    "uniform_ float16": ((0, 1), f2, 0, np.nextafter(np.float16(1), np.float16(0))),
    "uniform_ of one number": ((3, 3), f4, 3, 3),
    "random_": ((), f4, 0, 2**24),
    "random_ float16": ((), f2, 0, 2**11),
    "random_ int8": ((), np.int8, 0, 127),
    "random_ bool": ((), b1, False, True),
    "random_ int32": ((), i4, 0, 2**31 - 1),
    "random_ int64": ((), i8, 0, 2**63 - 1),
    "random_ uint64": ((), np.uint64, 0, 2**64 - 1),
    "random_ to": ((5,), u1, 0, 4),
    "random_ from": ((-5, 3), i4, -5, 2),
    "geometric_": ((0.5,), i8, 1, 60),
    "geometric_ rare": ((1e-30,), f8, 1, 1e33),
    "bernoulli_ int": ((0.5,), i8, 0, 1),
    "bernoulli_ never": ((0,), f4, 0, 0),
    "bernoulli_ always": ((1.0,), b1, True, True),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_draws_stay_within_bounds_and_nearly_reach_them(name):
    args, dtype, low, high = BOUNDS[name]
    values = drawn(name.partition(" ")[0], *args, dtype=dtype)
    assert low <= values.min() and values.max() <= high
    if not name.startswith("geometric_"):
        near = (int(high) - int(low)) / 1000 if np.dtype(dtype).kind != "f" else (float(high) - float(low)) / 1000
        assert float(values.min()) - float(low) <= near and float(high) - float(values.max()) <= near


def test_draws_that_are_too_large_for_float16_are_infinite():
    assert np.isinf(drawn("cauchy_", 0, 1e6, dtype=f2)).any()


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_draws_have_the_shape_of_the_tensor(shape):
    for name in ("uniform_", "normal_", "exponential_", "log_normal_", "cauchy_", "random_", "bernoulli_"):
        assert getattr(mg.zeros(shape), name)().shape == shape
    assert mg.zeros(shape).geometric_(p=0.5).shape == shape


def test_draws_go_through_views():
    x = mg.zeros(4, 3)
    x[1:3].T.normal_()
    assert (x.numpy() != 0).tolist() == [[False] * 3, [True] * 3, [True] * 3, [False] * 3]


def test_arguments_by_name():
    x = mg.zeros(3)
    assert x.uniform_(to=0).tolist() == [0, 0, 0] == x.normal_(mean=0, std=0).tolist()
    x.exponential_(lambd=2), x.log_normal_(mean=0, std=1), x.cauchy_(median=0, sigma=1), x.bernoulli_(p=1)
    assert x.tolist() == [1, 1, 1]


def test_normal_of_tensors():
    mg.manual_seed(0)
    mean, std = mg.tensor([[0.0], [100.0]]), mg.tensor([1.0, 0.0, 10.0])
    x = mg.normal(mean, std)
    draws = numpys().standard_normal((2, 3))
    np.testing.assert_allclose(x.numpy(), mean.numpy() + std.numpy() * draws, rtol=1e-6)
    assert x.dtype == f4 and mg.normal(mean.double(), std).dtype == f8
    assert mg.normal(1.0, std.half()).dtype == f2 and mg.normal(mean).shape == (2, 1)
    assert mg.normal(0, 1, (2, 3), dtype=f8, requires_grad=True).requires_grad
    assert mg.normal(mean=5.0, std=0.0, size=(2,)).tolist() == [5, 5]
    assert not mg.normal(mg.ones(2, requires_grad=True), 1.0).requires_grad


def test_bernoulli_of_probabilities():
    p = mg.tensor([0.0, 0.25, 1.0], requires_grad=True)
    mg.manual_seed(0)
    x = mg.bernoulli(p.expand(N, 3))
    assert (x.shape, x.dtype, x.requires_grad) == ((N, 3), f4, False)
    assert set(x[:, 1].tolist()) == {0, 1} and x[:, 0].sum() == 0 and x[:, 2].sum() == N
    assert abs(x[:, 1].mean().item() - 0.25) < 5 * (0.25 * 0.75 / N) ** 0.5
    assert mg.tensor([5, 6]).bernoulli(1).tolist() == [1, 1] == mg.bernoulli(mg.tensor([5, 6]), p=1.0).tolist()
    assert mg.zeros(2, 2).bernoulli_(mg.tensor([0.0, 1.0])).tolist() == [[0, 1], [0, 1]]
    assert mg.bernoulli(mg.tensor([0.5], dtype=f8)).dtype == f8


@pytest.mark.parametrize("replacement", [True, False])
def test_multinomial_draws_in_proportion_to_the_weights(replacement):
    weights = np.array([[1.0, 0.0, 2.0, 5.0], [4.0, 4.0, 0.0, 0.0]], f4)
    mg.manual_seed(0)
    rows = mg.tensor(np.repeat(weights, N // 2, 0))
    x = mg.multinomial(rows, 1 if not replacement else 3, replacement).numpy()
    assert x.dtype == i8
    for row, found in zip(weights, np.split(x, 2)):
        share = np.bincount(found.ravel(), minlength=4) / found.size
        right = row / row.sum()
        assert (np.abs(share - right) <= 5 * np.sqrt(right * (1 - right) / found.size)).all()


def test_multinomial_without_replacement_draws_one_after_another():
    weights = np.array([1.0, 2.0, 5.0, 0.0])
    mg.manual_seed(0)
    x = mg.multinomial(mg.tensor(weights).expand(N, 4), 2).numpy()
    assert (x[:, 0] != x[:, 1]).all()
    for first in range(3):
        rest = np.where(np.arange(4) == first, 0, weights)
        for second in range(3):
            right = weights[first] / 8 * rest[second] / rest.sum()
            assert abs((x == (first, second)).all(1).mean() - right) < 5 * math.sqrt(right * (1 - right) / N) + 1e-12
    assert sorted(mg.tensor(weights).multinomial(3).tolist()) == [0, 1, 2]


class Least(np.random.Generator):
    """Draws the least number there is."""

    def random(self, size=None):
        return np.zeros(size)


def test_multinomial_never_draws_a_class_of_weight_0():
    weights = mg.tensor([0.0, 0.0, 1.0, 2.0])
    assert mg.multinomial(weights, 3, True, generator=Least(np.random.PCG64(0))).tolist() == [2, 2, 2]
    assert mg.multinomial(weights.expand(4, 4), 3, True, generator=Least(np.random.PCG64(0))).tolist() == [[2] * 3] * 4
    tiny = mg.tensor([5e-324, 0.0], dtype=f8)  # times a number below 1 it is rounded to itself
    assert mg.multinomial(tiny, 100, replacement=True).sum() == 0


def test_many_rows_are_drawn_as_few():
    weights = mg.tensor(numpys(1).random((7, 5)))
    mg.manual_seed(0)
    x = mg.multinomial(weights, 3, replacement=True)
    draws = numpys().random((7, 3))
    ends = np.cumsum(weights.numpy(), -1)
    assert x.tolist() == [np.searchsorted(e, d * e[-1], side="right").tolist() for e, d in zip(ends, draws)]
    assert (mg.multinomial(weights, 20, replacement=True).numpy() < 5).all()


def test_shapes_of_multinomial():
    for shape, count in [((5,), 3), ((2, 5), 3), ((0, 5), 2)]:
        for replacement in (False, True):
            found = mg.multinomial(mg.ones(*shape), count, replacement)
            assert (found.shape, found.dtype) == ((*shape[:-1], count), i8)
    assert mg.multinomial(input=mg.ones(2), num_samples=4, replacement=True).shape == (4,)
    assert mg.multinomial(mg.tensor([1e-30, 0.0], dtype=f4), 1000, True).sum() == 0


X = mg.zeros(3)
LEAF = mg.zeros(3, requires_grad=True)

REFUSED = {
    "uniform_": (lambda: X.uniform_(2, 1), ValueError, "from must not be above to, got 2 and 1"),
    "uniform_ inf": (lambda: X.uniform_(-math.inf, 1), ValueError, "from must be a number, and finite"),
    "uniform_ text": (lambda: X.uniform_("a"), ValueError, "uniform_: from must be a number, got 'a'"),
    "normal_": (lambda: X.normal_(0, -1), ValueError, "std must be a number of at least 0, got -1"),
    "exponential_": (lambda: X.exponential_(0), ValueError, "lambd must be a number above 0, got 0"),
    "log_normal_": (lambda: X.log_normal_(0, 0), ValueError, "std must be a number above 0"),
    "cauchy_": (lambda: X.cauchy_(0, -1), ValueError, "sigma must be a number above 0"),
    "geometric_": (lambda: X.geometric_(1), ValueError, "p must be a probability between 0 and 1, got 1"),
    "random_": (lambda: X.random_(5, 5), ValueError, "to must be above from, got 5 and 5"),
    "random_ 0": (lambda: X.random_(0), ValueError, "to must be above from, got 0 and 0"),
    "random_ dtype": (lambda: X.byte().random_(300), ValueError, "uint8 does not hold all from 0 to 299"),
    "random_ half": (lambda: X.half().random_(10**6), ValueError, "float16 does not hold all from 0 to 999999"),
    "random_ bool": (lambda: X.bool().random_(3), ValueError, "bool does not hold all from 0 to 2"),
    "ints": (lambda: X.long().normal_(), TypeError, r"random numbers are floats, got \(3,\) int64"),
    "bools": (lambda: X.bool().geometric_(0.5), TypeError, r"random numbers are floats, got \(3,\) bool"),
    "bernoulli_": (lambda: X.bernoulli_(1.5), ValueError, "p must be a probability from 0 to 1, got 1.5"),
    "bernoulli_ shape": (lambda: X.bernoulli_(mg.ones(2)), ValueError, r"p \(2,\) float32 does not broadcast to"),
    "bernoulli_ ints": (lambda: X.bernoulli_(mg.ones(3).long()), TypeError, "probabilities are floats"),
    "bernoulli": (lambda: mg.bernoulli(X + 2), ValueError, "probabilities are from 0 to 1, got 2.0"),
    "bernoulli nan": (lambda: mg.bernoulli(X * mg.nan), ValueError, "probabilities are from 0 to 1, got nan"),
    "bernoulli of ints": (lambda: mg.bernoulli(X.long()), TypeError, "probabilities are floats"),
    "bernoulli of a list": (lambda: mg.bernoulli([0.5]), TypeError, "expected a tensor"),
    "normal": (lambda: mg.normal(0, -1, (2,)), ValueError, "std must be a number of at least 0"),
    "normal stds": (lambda: mg.normal(X, X - 1), ValueError, "every std must be at least 0, got -1"),
    "normal of numbers": (lambda: mg.normal(0, 1), TypeError, "two numbers and a size, or at least one tensor"),
    "normal with size": (lambda: mg.normal(X, X, (3,)), TypeError, "two numbers and a size, or at least one tensor"),
    "normal of ints": (lambda: mg.normal(X.long(), 1.0), TypeError, "random numbers are floats"),
    "normal shapes": (lambda: mg.normal(X, mg.ones(2)), ValueError, "do not broadcast"),
    "multinomial": (lambda: mg.multinomial(X - 1, 1), ValueError, "weights must be finite and at least 0"),
    "multinomial inf": (lambda: mg.multinomial(X + mg.inf, 1), ValueError, "weights must be finite"),
    "multinomial 0": (lambda: mg.multinomial(X, 1), ValueError, "a row has no weight above 0"),
    "multinomial too many": (lambda: mg.multinomial(mg.tensor([1.0, 0.0]), 2), ValueError, "2 to draw, but a row"),
    "multinomial no": (lambda: mg.multinomial(X + 1, 0), ValueError, "num_samples must be at least 1"),
    "multinomial part": (lambda: mg.multinomial(X + 1, 1.5), TypeError, "num_samples must be of integers"),
    "multinomial shape": (lambda: mg.multinomial(mg.ones(2, 2, 2), 1), ValueError, r"\(classes,\) or \(rows, "),
    "multinomial of ints": (lambda: mg.multinomial(X.long() + 1, 1), TypeError, "weights are floats"),
    "a leaf": (lambda: LEAF.uniform_(), RuntimeError, r"requires grad, and draws are not recorded"),
    "a computed one": (lambda: (LEAF * 2).bernoulli_(), RuntimeError, r"requires grad, and draws are not recorded"),
    "a view": (lambda: mg.zeros(1).expand(3).normal_(), ValueError, r"read-only .*: draw into x\.clone\(\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_draws_nothing(name):
    call, kind, words = REFUSED[name]
    state = mg.get_rng_state()
    with pytest.raises(kind, match=words) as raised:
        call()
    assert "\n" not in str(raised.value)
    assert mg.get_rng_state() == state and X.tolist() == LEAF.tolist() == [0, 0, 0]


def test_leaves_are_drawn_without_recording():
    with mg.no_grad():
        assert LEAF.clone().requires_grad_().normal_().requires_grad
