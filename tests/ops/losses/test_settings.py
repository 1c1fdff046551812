"""Settings of losses that cannot be meant are refused in one clear line."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

X, T, P = mg.full((4, 2), 0.5), mg.tensor([0, 1, 0, 1]), mg.full((4, 2), 0.25)


class Scaled(nn.MSELoss):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale


@pytest.mark.parametrize("weight", [mg.ones(2, dtype=mg.float64), mg.ones(2, dtype=mg.float16), np.ones(2)])
@pytest.mark.parametrize("loss, target", [
    (F.cross_entropy, T), (F.cross_entropy, P), (F.nll_loss, T),
    (lambda *a, weight: nn.CrossEntropyLoss(weight)(*a), T),
])  # fmt: skip
def test_class_weights_of_another_float_dtype_are_refused(loss, target, weight):
    with pytest.raises(TypeError, match=r"input is float32 but weight is float(64|16): convert one"):
        loss(X, target, weight=weight)


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32])
@pytest.mark.parametrize("loss, names", [
    (F.binary_cross_entropy, ["weight"]), (F.binary_cross_entropy_with_logits, ["weight", "pos_weight"]),
])  # fmt: skip
def test_weights_of_elements_widen_no_loss(loss, names, dtype):
    for name in names:
        found = loss(X.to(dtype), P.to(dtype), **{name: mg.tensor([1.0, 2.0], dtype=mg.float64)})
        assert found.dtype == dtype
        np.testing.assert_allclose(found.item(), loss(X, P, **{name: [1.0, 2.0]}).item(), rtol=np.finfo(dtype).eps)


@pytest.mark.parametrize("value", ["a", None, 1.5, -0.1, np.nan, X])
@pytest.mark.parametrize("target", [T, P])
def test_label_smoothing_is_a_number_from_0_to_1(value, target):
    for act in (lambda: F.cross_entropy(X, target, label_smoothing=value),
                lambda: nn.CrossEntropyLoss(label_smoothing=value)):  # fmt: skip
        with pytest.raises(ValueError, match=r"^label_smoothing must be a number from 0 to 1.*, got .+[.]$"):
            act()


def test_label_smoothing_may_be_a_tensor_without_axes():
    expected = F.cross_entropy(X, T, label_smoothing=0.25)
    assert F.cross_entropy(X, T, label_smoothing=mg.tensor(0.25)).item() == expected.item()


@pytest.mark.parametrize("value", ["a", None, 1.5, True, mg.tensor([1])])
@pytest.mark.parametrize("act", [
    lambda value: F.nll_loss(X, T, ignore_index=value), lambda value: F.cross_entropy(X, T, ignore_index=value),
    lambda value: F.cross_entropy(X, P, ignore_index=value), lambda value: nn.NLLLoss(ignore_index=value),
])  # fmt: skip
def test_the_index_to_ignore_is_an_int(act, value):
    with pytest.raises(TypeError, match=r"(?i)^(nll_?loss|cross_entropy): ignore_index must be an int, got .+[.]$"):
        act(value)


@pytest.mark.parametrize("loss", [F.nll_loss, F.cross_entropy])
@pytest.mark.parametrize("target, kind", [(None, "None"), ("text", "str"), ([None, 1], "list")])
def test_targets_that_are_no_tensors(loss, target, kind):
    with pytest.raises(
        TypeError, match=rf"^{loss.__name__}: expected a tensor, got {kind}: make it one, mg\.tensor\(\.\.\.\)\.$"
    ):
        loss(X, target)


LOSSES = [nn.MSELoss, nn.L1Loss, nn.BCELoss, nn.BCEWithLogitsLoss, nn.CrossEntropyLoss, nn.NLLLoss]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("leaf", [False, True])
@pytest.mark.parametrize("others", [(), (P,), (P, P), (T,)])
def test_losses_called_like_their_functions(loss, leaf, others):
    """At once, but for a constant that may be meant as a weight: then where the loss is used."""
    with pytest.raises((TypeError, ValueError, AttributeError)) as caught:
        loss(X.clone().requires_grad_() if leaf else X, *others).backward()
    assert str(caught.value).endswith(f"To compute a loss call the module: {loss.__name__}()(input, target).")


@pytest.mark.parametrize("loss", LOSSES)
def test_other_mistakes_are_not_taken_for_that(loss):
    for act, error in ((lambda: loss(reduction="most"), ValueError), (lambda: loss().scale, AttributeError)):
        with pytest.raises(error) as caught:
            act()
        assert "call the module" not in str(caught.value)
    assert not hasattr(loss(), "backward")


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))])
def test_losses_of_ones_own_take_what_they_like(duplicate):
    loss = duplicate(Scaled(mg.ones(3)))
    assert loss.scale.tolist() == [1, 1, 1] and loss.reduction == "mean"
