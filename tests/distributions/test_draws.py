"""Draws, shapes, expansion, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile import capture
from minigrad.distributions import Bernoulli, Categorical, Normal

N = 40_000

BATCHES = {
    "Normal": (lambda: Normal(mg.zeros(2, 1), mg.ones(3)), (2, 3), "Normal(loc: (2, 3), scale: (2, 3))"),
    "Normal of numbers": (lambda: Normal(0.5, 2), (), "Normal(loc: 0.5, scale: 2.0)"),
    "Bernoulli": (lambda: Bernoulli(mg.full((2, 3), 0.5)), (2, 3), "Bernoulli(probs: (2, 3))"),
    "Bernoulli of a number": (lambda: Bernoulli(0.25), (), "Bernoulli(probs: 0.25)"),
    "Bernoulli of logits": (lambda: Bernoulli(logits=mg.zeros(3)), (3,), "Bernoulli(logits: (3,))"),
    "Categorical": (lambda: Categorical(mg.ones(2, 3, 4)), (2, 3), "Categorical(probs: (2, 3, 4))"),
    "Categorical of logits": (lambda: Categorical(logits=mg.zeros(4)), (), "Categorical(logits: (4,))"),
}


@pytest.mark.parametrize("name", BATCHES)
def test_shapes(name):
    make, batch, text = BATCHES[name]
    d = make()
    assert (d.batch_shape, d.event_shape, repr(d)) == (batch, (), text)
    assert type(d.batch_shape) is mg.Size
    for sample_shape in ((), (5,), (5, 2), (0,), mg.Size([5])):
        x = d.sample(sample_shape)
        assert x.shape == (*sample_shape, *batch) and not x.requires_grad
        assert d.log_prob(x).shape == x.shape
    assert d.sample(4).shape == (4, *batch)
    assert d.entropy().shape == d.mean.shape == d.variance.shape == batch
    larger = d.expand((7, *batch))
    assert larger.batch_shape == (7, *batch) and type(larger) is type(d)
    np.testing.assert_allclose(larger.log_prob(mg.ones(())).numpy()[3], d.log_prob(mg.ones(())).numpy(), rtol=1e-6)


def test_draws_are_distributed_as_said():
    mg.manual_seed(0)
    mean, std = np.array([0.0, 10.0]), np.array([1.0, 3.0])
    x = Normal(mg.tensor(mean), mg.tensor(std)).sample((N,)).numpy()
    assert (np.abs(x.mean(0) - mean) < 5 * std / N**0.5).all() and (np.abs(x.std(0) - std) < 5 * std / N**0.5).all()
    p = np.array([0.0, 0.25, 1.0])
    share = Bernoulli(mg.tensor(p)).sample((N,)).numpy().mean(0)
    assert (np.abs(share - p) <= 5 * np.sqrt(p * (1 - p) / N)).all()
    weights = np.array([[1.0, 0.0, 3.0], [2.0, 2.0, 0.0]])
    x = Categorical(mg.tensor(weights)).sample((N // 2, 2)).numpy().reshape(N, 2)
    for row, found in zip(weights, x.T):
        right = row / row.sum()
        assert (np.abs(np.bincount(found, minlength=3) / N - right) <= 5 * np.sqrt(right * (1 - right) / N)).all()


def test_gradients_flow_through_rsample():
    loc, scale = mg.tensor([1.0, 2.0], requires_grad=True), mg.tensor(0.5, requires_grad=True)
    d = Normal(loc, scale)
    x = d.rsample((3,))
    x.sum().backward()
    assert loc.grad.tolist() == [3, 3]
    draws = (x.detach() - loc.detach()) / 0.5
    np.testing.assert_allclose(scale.grad.item(), draws.sum().item(), rtol=1e-5)
    assert d.has_rsample and not d.sample().requires_grad
    for other in (Bernoulli(0.5), Categorical(mg.ones(2))):
        with pytest.raises(NotImplementedError, match=r"has no rsample, no gradient flows .*: use sample\(\)"):
            other.rsample()


def test_a_distribution_serves_many_backward_passes():
    loc, scale = mg.zeros(2, requires_grad=True), mg.tensor(1.0, requires_grad=True)
    d = Normal(loc, scale)
    for _ in range(2):
        d.log_prob(mg.ones(3, 2)).sum().backward()
    assert loc.grad.tolist() == [6, 6] and scale.grad.item() == 0


def test_a_captured_step_draws_anew():
    def step(loc, logits):
        x = Normal(loc, 2.0).rsample((3,))
        classes, coins = Categorical(logits=logits), Bernoulli(logits=logits)
        drawn, tossed = classes.sample((5,)), coins.sample()
        return (
            x.sum() + Normal(loc, 2.0).log_prob(x).sum() + classes.log_prob(drawn).sum() + drawn.sum()
            + coins.log_prob(tossed).sum() + tossed.sum()
        )  # fmt: skip

    inputs = mg.zeros(2), mg.tensor([0.5, -0.5, 0.25, 0.0])
    mg.manual_seed(0)
    program, first = capture(step, *inputs, state=[])
    found = [np.asarray(first), np.asarray(program.run(*inputs)), np.asarray(program.run(*inputs))]
    mg.manual_seed(0)
    np.testing.assert_allclose(found, [step(*inputs).numpy() for _ in range(3)], rtol=1e-6)
    with pytest.raises(ValueError, match="Normal: loc must be real numbers"):
        program.run(mg.full((2,), mg.nan), inputs[1])


REFUSED = {
    "scale": (lambda: Normal(0, 0), "Normal: scale must be above 0, got 0"),
    "scales": (lambda: Normal(0, mg.tensor([1.0, -2.0])), "Normal: scale must be above 0, got -2"),
    "loc": (lambda: Normal(mg.nan, 1), "Normal: loc must be real numbers, got nan"),
    "shapes": (lambda: Normal(mg.zeros(2), mg.ones(3)), r"Normal: loc \(2,\) and scale \(3,\) do not broadcast"),
    "value": (lambda: Normal(0, 1).log_prob(mg.nan), "Normal: the value must be real numbers, got nan"),
    "value's shape": (lambda: Normal(mg.zeros(2), 1).log_prob(mg.ones(3)), r"\(3,\) float32 does not broadcast to the"),
    "probs": (lambda: Bernoulli(1.5), "Bernoulli: probs must be from 0 to 1, got 1.5"),
    "probs nan": (lambda: Bernoulli(mg.nan), "Bernoulli: probs must be from 0 to 1, got nan"),
    "both": (lambda: Bernoulli(0.5, 0.5), "Bernoulli: give either probs or logits"),
    "neither": (lambda: Categorical(), "Categorical: give either probs or logits"),
    "half a coin": (lambda: Bernoulli(0.5).log_prob(0.5), "Bernoulli: the value must be 0 or 1, got 0.5"),
    "weights": (lambda: Categorical(mg.tensor([1.0, -1.0])), "Categorical: probs must be at least 0, got -1"),
    "no weight": (lambda: Categorical(mg.zeros(2)), "Categorical: the sum of probs must be above 0, got 0"),
    "a number": (lambda: Categorical(0.5), r"Categorical: probs must be \(..., classes\), got \(\)"),
    "no classes": (lambda: Categorical(logits=mg.zeros(2, 0)), r"logits must be \(..., classes\), got \(2, 0\)"),
    "class": (lambda: Categorical(mg.ones(2)).log_prob(2), "the value must be a class from 0 to 1, got 2"),
    "half a class": (lambda: Categorical(mg.ones(2)).log_prob(0.5), "must be a class from 0 to 1, got 0.5"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    call, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        call()


def test_arguments_are_not_checked_where_that_is_said():
    assert Normal(0.0, -1.0, validate_args=False).variance.item() == 1
    assert np.isnan(Normal(0.0, 1.0, validate_args=False).log_prob(mg.nan).item())
    assert np.isnan(Normal(0.0, 1.0, validate_args=False).expand((2,)).log_prob(mg.nan).numpy()).all()
    with pytest.raises(ValueError, match="the value must be real numbers"):
        Normal(0.0, 1.0).expand((2,)).log_prob(mg.nan)
