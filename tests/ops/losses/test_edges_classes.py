"""Class losses: ignored classes, dtypes of targets, fused and composed cross-entropy."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.differences import gradients
from tests.helpers.inputs import cotangent, leaf
from tests.helpers.oracles import REDUCE, cross_entropy_formula
from tests.ops.edges import both_ways, inf, nan

IGNORING = [{}, {"weight": np.array([0.5, 2.0, 1.25])}, {"label_smoothing": 0.2}]


@pytest.mark.parametrize("options", IGNORING)
@both_ways
def test_all_targets_ignored(options, create_graph):
    """Their mean is NaN, as in PyTorch, but no parameter is spoiled by it."""
    x = leaf(np.random.default_rng(0).standard_normal((2, 3)))
    for reduction, expected in [("mean", nan), ("sum", 0), ("none", [0, 0])]:
        y = F.cross_entropy(x, [-100, -100], reduction=reduction, **options)
        np.testing.assert_array_equal(y.detach().numpy(), expected)
        (dx,) = mg.grad(y.sum(), x, create_graph=create_graph)
        np.testing.assert_array_equal(dx.detach().numpy(), 0)


@pytest.mark.parametrize("options", IGNORING[:2])
@both_ways
def test_what_an_ignored_target_would_have_cost_does_not_matter(options, create_graph):
    """Also where its scores exclude the first class."""
    x = np.array([[-inf, 0.0, 1.0], [0.5, 0.0, 1.0]])
    target = np.array([-100, 2])
    found = F.cross_entropy(x, target, **options)
    np.testing.assert_allclose(found, cross_entropy_formula(x[1:], target[1:], **options))
    (dx,) = gradients(lambda x: F.cross_entropy(x, target, **options), [x], create_graph)
    np.testing.assert_array_equal(dx[0], 0)
    assert np.isfinite(dx[1]).all()


@pytest.mark.parametrize("reduction", REDUCE)
def test_the_fused_cross_entropy_is_the_composed_one(reduction):
    """An extra row that is ignored makes it take the other way."""
    x = np.random.default_rng(0).standard_normal((4, 3))
    target, more = np.array([0, 2, 1, 2]), np.array([0, 2, 1, 2, -100])
    fused, composed = leaf(x), leaf(np.concatenate([x, np.ones((1, 3))]))
    y, also_y = (
        F.cross_entropy(fused, target, reduction=reduction),
        F.cross_entropy(composed, more, reduction=reduction),
    )
    assert y.grad_fn.op.name == "cross_entropy" != also_y.grad_fn.op.name
    dy = cotangent(y.shape)
    y.backward(dy)
    also_y.backward(np.append(dy, 0) if reduction == "none" else dy)
    np.testing.assert_allclose(y.sum().item(), also_y.sum().item(), rtol=1e-14)
    np.testing.assert_allclose(fused.grad.numpy(), composed.grad.numpy()[:4], rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", ["int64", ">i8", "uint8", "list", "tensor"])
def test_targets_of_the_kinds_of_class_indices(kind):
    """Also where the row numbers are larger than the targets' dtype can hold."""
    random = np.random.default_rng(0)
    logits, target = random.standard_normal((300, 3)), random.integers(0, 3, 300)
    given = {"list": target.tolist(), "tensor": mg.tensor(target)}.get(kind)
    x = leaf(logits)
    y = F.cross_entropy(x, target.astype(kind) if given is None else given)
    np.testing.assert_allclose(y.item(), cross_entropy_formula(logits, target))
    y.backward()
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(x.grad.numpy(), (p - np.eye(3)[target]) / 300, rtol=0, atol=1e-15)


def test_a_target_changed_in_place_is_noticed():
    x, target = leaf(np.zeros((2, 3))), mg.tensor([0, 2])
    y = F.cross_entropy(x, target)
    target += 0
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()
    (x, given) = leaf(np.zeros((2, 3))), np.array([0, 2])
    y = F.cross_entropy(x, given)
    given[:] = 1
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), (1 / 3 - np.eye(3)[[0, 2]]) / 2)


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", ">i4", "uint16", "uint64", "bool"])
@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_targets_of_other_kinds_are_refused(loss, kind):
    """As in PyTorch; the error is one of its class, too."""
    for error in (TypeError, RuntimeError):
        with pytest.raises(error, match=rf"{loss.__name__}: .* \(int64 or uint8\), got {kind} \(2,\)\. .*target\.long"):
            loss(mg.zeros(2, 3), np.array([1, 0], kind))


@pytest.mark.parametrize("dtype", [np.int64, ">i8"])
def test_negative_classes_are_ignored_or_refused(dtype):
    x = np.random.default_rng(0).standard_normal((2, 200))
    target = np.array([3, -100], dtype)
    expected = np.log(np.exp(x[0]).sum()) - x[0, 3]
    np.testing.assert_allclose(F.cross_entropy(mg.tensor(x), target).numpy(), expected, rtol=1e-12)
    with pytest.raises(ValueError, match="target -56 is no class"):
        F.cross_entropy(mg.tensor(x), np.array([3, -56], dtype))


def test_cross_entropy_of_many_rows_in_half_precision():
    loss = F.cross_entropy(mg.zeros(100_000, 2, dtype=np.float16), mg.zeros(100_000, dtype=np.int64))
    assert loss.dtype == np.float16 and abs(loss.item() - np.log(2)) < 1e-3
