"""Log probabilities, moments and entropies: formulas in NumPy, sums over all values, finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.distributions import Bernoulli, Categorical, Normal
from tests.helpers.differences import check_derivatives

LOC, SCALE = np.array([[0.5], [-1.0]]), np.array([0.3, 2.0, 7.0])
P = np.array([0.1, 0.25, 0.5, 0.9])
WEIGHTS = np.array([[1.0, 2.0, 0.5, 5.0], [0.1, 0.2, 0.3, 0.4]])
RATES = WEIGHTS / WEIGHTS.sum(-1, keepdims=True)


def t(array, dtype=None):
    return mg.tensor(np.asarray(array), dtype=dtype)


def test_normal():
    n, x = Normal(t(LOC), t(SCALE)), np.array([0.1, 1.0, -3.0])
    density = np.exp(-0.5 * ((x - LOC) / SCALE) ** 2) / (SCALE * math.sqrt(2 * math.pi))
    np.testing.assert_allclose(n.log_prob(t(x)).numpy(), np.log(density), rtol=1e-12)
    whole = np.broadcast_to(SCALE, (2, 3))
    np.testing.assert_allclose(n.entropy().numpy(), 0.5 * np.log(2 * math.pi * math.e * whole**2), rtol=1e-12)
    np.testing.assert_allclose(n.perplexity().numpy(), np.exp(n.entropy().numpy()), rtol=1e-12)
    for found, right in [(n.mean, LOC), (n.mode, LOC), (n.loc, LOC), (n.stddev, SCALE), (n.variance, SCALE**2)]:
        np.testing.assert_allclose(found.numpy(), np.broadcast_to(right, (2, 3)), rtol=1e-15)


@pytest.mark.parametrize("name", ["probs", "logits"])
def test_bernoulli(name):
    b = Bernoulli(**{name: t(P if name == "probs" else np.log(P / (1 - P)))})
    for value, right in ((1.0, P), (0.0, 1 - P)):
        np.testing.assert_allclose(b.log_prob(value).numpy(), np.log(right), rtol=1e-12)
        np.testing.assert_allclose(b.log_prob(t(np.full(4, int(value)))).numpy(), np.log(right), rtol=1e-12)
    np.testing.assert_allclose(b.entropy().numpy(), -P * np.log(P) - (1 - P) * np.log(1 - P), rtol=1e-12)
    np.testing.assert_allclose(b.probs.numpy(), P, rtol=1e-14)
    np.testing.assert_allclose(b.logits.numpy(), np.log(P / (1 - P)), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(b.variance.numpy(), P * (1 - P), rtol=1e-12)
    np.testing.assert_allclose(b.stddev.numpy(), np.sqrt(P * (1 - P)), rtol=1e-12)
    assert b.mean is b.probs
    np.testing.assert_array_equal(Bernoulli(probs=t(P)).mode.numpy(), [0, 0, np.nan, 1])


def test_bernoulli_keeps_all_digits_of_rare_values():
    b = Bernoulli(logits=t([-80.0, 80.0]))
    np.testing.assert_allclose(b.log_prob(t([0.0, 1.0])).numpy(), -np.exp([-80.0, -80.0]), rtol=1e-12)
    found = Bernoulli(logits=t([-21.0, 21.0])).log_prob(t([1.0, 0.0])).numpy()
    np.testing.assert_allclose(found, [-21 - np.log1p(np.exp(-21.0))] * 2, rtol=1e-15)
    np.testing.assert_allclose(b.entropy().numpy(), 81 * np.exp([-80.0, -80.0]), rtol=1e-12)


@pytest.mark.parametrize("name", ["probs", "logits", "logits of another sum"])
def test_categorical(name):
    given = {"probs": WEIGHTS, "logits": np.log(RATES), "logits of another sum": np.log(WEIGHTS) - 300}[name]
    c = Categorical(**{name.partition(" ")[0]: t(given)})
    np.testing.assert_allclose(c.probs.numpy(), RATES, rtol=1e-12)
    np.testing.assert_allclose(c.logits.numpy(), np.log(RATES), rtol=1e-12)
    np.testing.assert_allclose(c.log_prob(t([3, 0])).numpy(), np.log(RATES[[0, 1], [3, 0]]), rtol=1e-12)
    np.testing.assert_allclose(c.log_prob(2).numpy(), np.log(RATES[:, 2]), rtol=1e-12)
    found = c.log_prob(t([[0], [1], [3]])).numpy()
    np.testing.assert_allclose(found, np.log(RATES[:, [0, 1, 3]].T), rtol=1e-12)
    np.testing.assert_allclose(c.log_prob(t([1.0, 2.0])).numpy(), np.log(RATES[[0, 1], [1, 2]]), rtol=1e-12)
    np.testing.assert_allclose(c.entropy().numpy(), -(RATES * np.log(RATES)).sum(-1), rtol=1e-12)
    assert c.mode.tolist() == [3, 3] and np.isnan(c.mean.numpy()).all() and np.isnan(c.variance.numpy()).all()


# golden values of PyTorch 2.14.1, float64: probabilities of 0 and 1 count as eps and 1 - eps
EDGES = {
    "bernoulli 0": (lambda: Bernoulli(t([0.0])).log_prob(1.0), [-36.04365338911715]),
    "bernoulli 1": (lambda: Bernoulli(t([1.0])).log_prob(0.0), [-36.04365338911715]),
    "categorical 0": (lambda: Categorical(t([0.0, 1.0])).log_prob(0), -36.04365338911715),
    "categorical of impossible classes": (lambda: Categorical(logits=t([-np.inf, 0.0])).entropy(), 0.0),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges(name):
    call, right = EDGES[name]
    np.testing.assert_allclose(call().numpy(), right, rtol=1e-12, atol=1e-15)


DIFFERENTIATED = {
    "normal log_prob": (lambda m, s, x: Normal(m, s).log_prob(x), [LOC, SCALE, np.array([0.1, 1.0, -3.0])]),
    "normal entropy": (lambda m, s: Normal(m, s).entropy() + 0 * m, [LOC, SCALE]),
    "normal moments": (lambda m, s: Normal(m, s).mean * Normal(m, s).variance, [LOC, SCALE]),
    "bernoulli log_prob": (lambda p: Bernoulli(p).log_prob(mg.tensor([1.0, 0.0, 1.0, 0.0])), [P]),
    "bernoulli log_prob of logits": (lambda x: Bernoulli(logits=x).log_prob(mg.tensor([1.0, 0.0, 1.0, 0.0])), [P]),
    "bernoulli entropy": (lambda p: Bernoulli(p).entropy(), [P]),
    "bernoulli entropy of logits": (lambda x: Bernoulli(logits=x).entropy(), [P]),
    "bernoulli variance": (lambda x: Bernoulli(logits=x).variance, [P]),
    "categorical log_prob": (lambda w: Categorical(w).log_prob(mg.tensor([3, 0])), [WEIGHTS]),
    "categorical log_prob of logits": (lambda x: Categorical(logits=x).log_prob(mg.tensor([3, 0])), [WEIGHTS]),
    "categorical entropy": (lambda w: Categorical(w).entropy(), [WEIGHTS]),
    "categorical entropy of logits": (lambda x: Categorical(logits=x).entropy(), [WEIGHTS]),
}


def wrapped(function):
    return lambda *inputs: function(*(x if isinstance(x, mg.Tensor) else mg.tensor(x) for x in inputs))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_derivatives(name, order):
    function, inputs = DIFFERENTIATED[name]
    check_derivatives(wrapped(function), inputs, order)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtypes(dtype):
    made = [
        Normal(t([0.5], dtype), t([2.0], dtype)), Bernoulli(t([0.3], dtype)), Bernoulli(logits=t([0.3], dtype)),
        Categorical(t([0.3, 0.7], dtype)), Categorical(logits=t([0.3, 0.7], dtype)),
    ]  # fmt: skip
    for d in made:
        found = [d.log_prob(1 if isinstance(d, Categorical) else 1.0), d.entropy(), d.mean, d.variance, d.stddev]
        assert {x.dtype for x in found} == {np.dtype(dtype)}, d
        assert d.sample().dtype == (np.int64 if isinstance(d, Categorical) else dtype)
    assert Normal(0, t([1.0], np.float64)).log_prob(0).dtype == np.float64
    assert Normal(0, 1).log_prob(0).dtype == Bernoulli(t(1)).probs.dtype == np.float32
