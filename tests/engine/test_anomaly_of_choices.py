"""Anomaly mode explains the NaN of a branch that was not taken."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

NOT_CHOSEN = {
    "the branch itself": lambda w: mg.where(np.array([False]), w / 0.0, w),
    "through another function": lambda w: mg.where(np.array([False]), mg.sqrt(w / 0.0), w),
    "of an overflow": lambda w: mg.where(w <= 0, mg.exp(w * 1000) * 1, 1 + w),
    "in a module": lambda w: nn.Sequential(nn.Identity())(mg.where(np.array([False]), mg.log(w - 1), w)),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", NOT_CHOSEN)
def test_a_nan_of_the_branch_not_taken_is_explained(name):
    w = mg.tensor([1.0], requires_grad=True)
    with mg.detect_anomaly(check_nan=False):
        loss = NOT_CHOSEN[name](w).sum()
    with mg.detect_anomaly(), pytest.raises(RuntimeError) as caught:
        loss.backward()
    text = str(caught.value)
    assert "its derivative returned NaN for a gradient without NaN. Its operand 0 (1,) float32" in text
    assert ". The gradient is 0 there" in text
    assert f"not chosen by where, called at {__file__}:" in text
    assert text.endswith("choose the operand before the function, mg.log(mg.where(mask, x, 1)), not its result.")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_cure_it_names_is_one():
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    mask = w.detach() > 1
    with mg.detect_anomaly():
        mg.where(mask, mg.log(mg.where(mask, w - 1, 1)), w).sum().backward()
    assert w.grad.tolist() == [1, 1]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "function",
    [
        lambda w: mg.log(w - 1) * 0.0,  # zeros, but of no choice
        lambda w: mg.where(np.array([True]), w, 0.0) + mg.log(w - 1) * 0.0,  # a choice beside it
        lambda w: mg.where(np.array([True]), mg.sqrt((w - 1) * np.inf), 0.0),  # a choice that took it
    ],
)
def test_other_nans_are_not_attributed_to_a_choice(function):
    w = mg.tensor([1.0], requires_grad=True)
    loss = function(w).sum()
    with mg.detect_anomaly(), pytest.raises(RuntimeError, match=r"for a gradient without NaN\.") as caught:
        loss.backward()
    assert "not chosen" not in str(caught.value)
