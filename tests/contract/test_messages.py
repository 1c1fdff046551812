"""What a mistake with plain Python values says: the cure, not an error from inside."""

from __future__ import annotations

import pytest

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.nn import functional as F

W = nn.Parameter(mg.ones(2))

MISTAKES = {
    "relu of nothing": (lambda: mg.relu(), TypeError, r"relu\(input\): missing a required argument: 'input'\."),
    "exp of nothing": (lambda: mg.exp(), TypeError, r"exp\(input\): missing a required argument: 'input'\."),
    "relu of None": (lambda: mg.relu(None), TypeError, "relu: cannot be applied to None"),
    "where with one operand": (
        lambda: mg.where(mg.ones(2), 1.0),
        TypeError,
        r"where needs both input and other, or neither: mg\.where\(condition, input, other\)",
    ),
    "zeros_like a list": (
        lambda: mg.zeros_like([1.0]),
        TypeError,
        r"expected a tensor, got list: make it one, mg\.tensor",
    ),
    "randn_like a list": (lambda: mg.randn_like([1.0]), TypeError, "expected a tensor, got list"),
    "linear of a number": (lambda: nn.Linear(2, 1)(3), TypeError, r"linear in Linear: .* expected a tensor, got 3"),
    "dropout of a list": (lambda: F.dropout([1.0]), TypeError, "expected a tensor, got list"),
    "cross entropy of lists": (lambda: F.cross_entropy([[0.5, 1.0]], [1]), TypeError, "expected a tensor, got list"),
    "bce of lists": (lambda: F.binary_cross_entropy([0.5], [1.0]), TypeError, "expected a tensor, got list"),
    "split of a list": (lambda: data.train_test_split([1, 2]), TypeError, r"splits a TensorDataset, got list"),
    "lr a word": (lambda: optim.Adam([W], lr="fast"), ValueError, "lr must be a number of at least 0, got 'fast'"),
    "one beta": (lambda: optim.Adam([W], betas=0.9), ValueError, "betas must be two numbers"),
    "eps not a number": (lambda: nn.BatchNorm1d(2, eps=float("nan")), ValueError, "eps must be a number"),
    "momentum a word": (lambda: nn.BatchNorm1d(2, momentum="a"), ValueError, "momentum is the weight of the new batch"),
    "a gradient for nothing": (lambda: mg.ones(2).backward(), RuntimeError, "nothing to differentiate"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_explained(name):
    call, error, message = MISTAKES[name]
    with pytest.raises(error, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)
