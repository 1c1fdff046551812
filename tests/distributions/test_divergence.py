"""Kullback-Leibler divergences: sums over all values, an integral, finite differences."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.distributions import Bernoulli, Categorical, Distribution, Normal, kl_divergence, register_kl
from tests.helpers.differences import check_derivatives

P, Q = np.array([0.1, 0.5, 0.9]), np.array([0.3, 0.2, 0.7])
A, B = np.array([[0.2, 0.3, 0.5], [0.1, 0.6, 0.3]]), np.array([0.4, 0.4, 0.2])


def t(array):
    return array if isinstance(array, mg.Tensor) else mg.tensor(np.asarray(array, np.float64))


def test_normals_against_the_integral():
    x = np.linspace(-40, 40, 200_001)
    p, q = Normal(t(0.5), t(1.5)), Normal(t(-1.0), t(2.5))
    log_p, log_q = p.log_prob(t(x)).numpy(), q.log_prob(t(x)).numpy()
    integral = np.trapezoid(np.exp(log_p) * (log_p - log_q), x)
    np.testing.assert_allclose(kl_divergence(p, q).item(), integral, rtol=1e-10)
    assert kl_divergence(p, p).item() == 0


def logit(p):
    return np.log(p / (1 - p))


@pytest.mark.parametrize("kind", ["probs", "logits"])
def test_coins_and_classes_against_the_sum(kind):
    of = {"probs": lambda p: p, "logits": logit}[kind]
    found = kl_divergence(Bernoulli(**{kind: t(of(P))}), Bernoulli(**{kind: t(of(Q))}))
    np.testing.assert_allclose(found.numpy(), P * np.log(P / Q) + (1 - P) * np.log((1 - P) / (1 - Q)), rtol=1e-12)
    of = {"probs": lambda p: p, "logits": np.log}[kind]
    found = kl_divergence(Categorical(**{kind: t(of(A))}), Categorical(**{kind: t(of(B))}))
    np.testing.assert_allclose(found.numpy(), (A * np.log(A / B)).sum(-1), rtol=1e-12)


def test_the_impossible():
    def coins(p, q):
        return kl_divergence(Bernoulli(t(p)), Bernoulli(t(q))).item()

    np.testing.assert_allclose([coins(0.0, 0.5), coins(1.0, 0.5)], [np.log(2)] * 2, rtol=1e-12)
    assert coins(0.5, 0.0) == coins(0.5, 1.0) == np.inf and coins(0.0, 0.0) == coins(1.0, 1.0) == 0
    found = kl_divergence(Categorical(t([[0.5, 0.5, 0], [0, 1, 0]])), Categorical(t([0.0, 1.0, 0.0])))
    assert found.tolist() == [np.inf, 0] or (found[0] == np.inf and abs(found[1].item()) < 1e-15)


DIFFERENTIATED = {
    "normals": (lambda a, b, c, d: kl_divergence(Normal(a, b), Normal(c, d)), [P, Q, A, B + 1]),
    "coins": (lambda p, q: kl_divergence(Bernoulli(p), Bernoulli(q)), [P, Q]),
    "coins of logits": (lambda p, q: kl_divergence(Bernoulli(logits=p), Bernoulli(logits=q)), [P, Q]),
    "classes": (lambda p, q: kl_divergence(Categorical(p), Categorical(q)), [A, B]),
    "classes of logits": (lambda p, q: kl_divergence(Categorical(logits=p), Categorical(logits=q)), [A, B]),
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_derivatives(name, order):
    function, inputs = DIFFERENTIATED[name]
    check_derivatives(lambda *values: function(*map(t, values)), inputs, order)


def test_other_pairs_are_refused_until_they_are_registered():
    with pytest.raises(NotImplementedError, match="kl_divergence has no formula for Normal and Bernoulli: give one"):
        kl_divergence(Normal(0, 1), Bernoulli(0.5))

    class Certain(Distribution):
        pass

    class Sure(Certain):
        pass

    @register_kl(Certain, Certain)
    def zero(p, q):
        return mg.zeros(())

    assert kl_divergence(Sure(()), Certain(())).item() == 0


def test_the_kind_of_a_subclass_is_known():
    class Own(Normal):
        pass

    assert kl_divergence(Own(0.0, 1.0), Normal(1.0, 1.0)).item() == 0.5
