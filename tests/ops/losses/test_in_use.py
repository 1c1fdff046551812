"""Losses in common programs."""

from __future__ import annotations

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F


def test_label_smoothing_is_spread_over_all_classes_the_true_one_included():
    """Of two classes with 0.1 the targets are 0.95 and 0.05, and no logits cost less than the entropy of these."""
    q = np.array([0.95, 0.05])
    target = mg.tensor([0])
    least = F.cross_entropy(mg.tensor(np.log(q)[None]), target, label_smoothing=0.1)
    np.testing.assert_allclose(least.item(), -(q * np.log(q)).sum(), rtol=1e-14)
    for other in ([[5.0, 0.0]], [[20.0, 0.0]], [[0.0, 0.0]]):
        assert F.cross_entropy(mg.tensor(other), target, label_smoothing=0.1).item() > least.item()


def test_soft_targets_are_weights_that_need_not_sum_to_one():
    """The gradient of a row is (sum(t) * softmax(x) - t) / N."""
    random = np.random.default_rng(0)
    x, t = random.standard_normal((5, 4)), random.uniform(0, 3, (5, 4))
    logits = mg.tensor(x, requires_grad=True)
    F.cross_entropy(logits, mg.tensor(t)).backward()
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    np.testing.assert_allclose(logits.grad.numpy(), (t.sum(1, keepdims=True) * p - t) / 5, rtol=0, atol=1e-15)
