"""Losses refuse what cannot be right, and say what to do."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, ops
from minigrad.engine.op import Op
from tests.helpers.oracles import cross_entropy_formula

PAIRWISE = [F.mse_loss, F.l1_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits]


@pytest.mark.parametrize("loss", PAIRWISE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("target", [None, "text", [None, 1.0]])
def test_a_target_that_is_no_tensor_is_refused(loss, target):
    with pytest.raises(TypeError, match=r"expected a tensor, got (None|str|list): make it one, mg\.tensor"):
        loss(mg.ones(2), target)


@pytest.mark.parametrize("target", [[0.5, 1.5], [-0.1, 0.5], [np.nan, 0.5], [0, 2]])
@pytest.mark.parametrize("kind", [np.array, mg.tensor, list])
def test_targets_that_are_no_probabilities_are_refused(target, kind):
    with pytest.raises(
        ValueError, match=r"binary_cross_entropy: the target must be probabilities from 0 to 1, got .* to"
    ):
        F.binary_cross_entropy(mg.full((2,), 0.5), kind(target))


def test_targets_at_the_ends_are_probabilities():
    assert F.binary_cross_entropy(mg.full((2,), 0.5), [0, 1]).item() == pytest.approx(np.log(2))


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss, nn.NLLLoss])
@pytest.mark.parametrize(
    "arguments", [(mg.ones(4, 3), mg.tensor([0, 1, 2, 0])), (mg.ones(3), mg.tensor(1)), (mg.ones(4, 3),)]
)
def test_a_module_called_like_its_function_is_refused(loss, arguments):
    with pytest.raises((ValueError, TypeError), match=rf"{loss.__name__}: .*{loss.__name__}\(\)\(input, target\)"):
        loss(*arguments)


@pytest.mark.parametrize("loss", [nn.MSELoss, nn.L1Loss, nn.BCELoss, nn.BCEWithLogitsLoss])
def test_a_tensor_is_no_reduction(loss):
    with pytest.raises(ValueError, match=r"reduction must be one of .*, got \(2,\) float32"):
        loss(reduction=mg.ones(2))


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss, nn.NLLLoss])
def test_the_index_to_ignore_unless_given(loss):
    """-100, as PyTorch."""
    x = mg.tensor(np.log([[0.25, 0.75], [0.5, 0.5]]))
    assert loss()(x, mg.tensor([1, -100])).item() == pytest.approx(-np.log(0.75))
    with pytest.raises(ValueError, match="is no class"):
        loss()(x, mg.tensor([1, 101]))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_registered_cross_entropy_computes_the_loss(reduction):
    """On arrays alone; users' calls compute it together with what the derivative wants to know."""
    x, target = np.random.default_rng(0).normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
    found = Op.registry["cross_entropy"](x, target, reduction)
    np.testing.assert_allclose(found, cross_entropy_formula(x, target, reduction=reduction))
    np.testing.assert_array_equal(found, ops.cross_entropy(x, target, reduction=reduction))
