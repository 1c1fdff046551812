"""What batch normalisation refuses, before it changes a buffer."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import ops
from tests.helpers.batch_norm import BIAS1, EVAL1, WEIGHT1, X1, batch, statistics, train
from tests.helpers.inputs import cotangent, leaf, leaves
from tests.helpers.oracles import batch_norm_formula
from tests.helpers.refusals import check_refused


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_bad_value_affects_its_channel_only(value, dtype):
    """The output is what the formula gives; the buffers of its channel stay, and one warning says so."""
    x = batch((5, 3)).astype(dtype)
    x[2, 1] = value
    (mean, var), counter = statistics(3, dtype), mg.zeros((), dtype=np.int64)
    with pytest.warns(UserWarning, match="1 of 3 channels") as caught:
        y = ops.batch_norm(leaf(x), mean, var, training=True, num_batches_tracked=counter)
    assert len(caught) == 1
    assert np.isnan(y.detach().numpy()[:, 1]).all()
    good = [0, 2]
    np.testing.assert_allclose(y.detach().numpy()[:, good], batch_norm_formula(x[:, good]), rtol=0, atol=1e-6)
    np.testing.assert_allclose(mean.numpy()[good], 0.1 * x[:, good].mean(axis=0), rtol=1e-5)
    assert (mean.numpy()[1], var.numpy()[1], counter.item()) == (0, 1, 1)


def test_a_bad_value_without_buffers_warns_of_nothing():
    x = batch((5, 3))
    x[2, 1] = np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(train(x)[:, 1]).all()


X3 = np.ones((4, 3), np.float32)

REFUSED: dict[str, tuple[type[Exception], dict[str, Any], list[str]]] = {
    "one value per channel": (
        ValueError,
        {"input": X3[:1]},
        ["Expected more than 1 value per channel when training, got input size (1, 3)", "eval()", "drop_last=True"],
    ),
    "one value in a sequence": (ValueError, {"input": np.ones((1, 3, 1), np.float32)}, ["(1, 3, 1)", "eval()"]),
    "one axis": (ValueError, {"input": X3[0]}, ["at least 2D", "(3,)", "unsqueeze(0)"]),
    "a number": (ValueError, {"input": np.ones((), np.float32)}, ["at least 2D", "()"]),
    "a list": (TypeError, {"input": [[1.0, 2.0, 3.0]]}, ["expected a tensor", "list"]),
    "integers": (TypeError, {"input": np.ones((4, 3), int)}, ["int64", "x.float()"]),
    "float64 batch": (TypeError, {"input": X3.astype(np.float64)}, ["float64", "float32", "module.to(mg.float64)"]),
    "float64 weight": (TypeError, {"weight": np.ones(3)}, ["weight is float64", "float32"]),
    "float16 weight": (TypeError, {"weight": np.ones(3, np.float16)}, ["weight is float16"]),
    "more channels": (
        ValueError,
        {"input": np.ones((4, 5), np.float32)},
        ["(4, 5)", "5 channels", "running_mean is (3,)"],
    ),
    "channels last": (ValueError, {"input": np.ones((2, 5, 3), np.float32)}, ["(2, 5, 3)", "x.transpose(1, 2)"]),
    "weight of two": (ValueError, {"weight": np.ones(2, np.float32)}, ["3 channels", "weight is (2,)"]),
    "weight of one": (ValueError, {"weight": np.ones(1, np.float32)}, ["weight is (1,)"]),
    "bias of two axes": (ValueError, {"bias": np.ones((1, 3), np.float32)}, ["bias is (1, 3)"]),
    "eps 0": (ValueError, {"eps": 0.0}, ["eps must be positive during training", "0.0"]),
    "negative eps": (ValueError, {"eps": -1e-5}, ["eps must be positive during training"]),
    "mean without variance": (ValueError, {"running_var": None}, ["running_mean and running_var", "both or none"]),
    "variance without mean": (ValueError, {"running_mean": None}, ["running_mean and running_var", "both or none"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_and_unchanged(name):
    error, changes, parts = REFUSED[name]
    mean, var, counter = np.full(3, 0.25, np.float32), np.full(3, 0.5, np.float32), np.array(4)
    arguments = {"input": X3, "running_mean": mean, "running_var": var, "num_batches_tracked": counter, **changes}
    check_refused(lambda: ops.batch_norm(**arguments, training=True), error, parts)
    assert (mean == 0.25).all() and (var == 0.5).all() and counter == 4


def test_evaluation_refuses():
    with pytest.raises(ValueError, match=r"evaluation needs running_mean and running_var.*training=True"):
        F.batch_norm(X1, None, None)
    with pytest.raises(ValueError, match="running_var has negative values"):
        F.batch_norm(X1, np.zeros(2), np.array([1.0, -1e-3]))
    with pytest.raises(ValueError, match="both or none"):
        F.batch_norm(X1, np.zeros(2), None)


def test_one_sample_can_be_evaluated():
    y = F.batch_norm(X1[:1], np.array([0.4, 0.4]), np.array([1.566667, 1.7]), WEIGHT1, BIAS1)
    np.testing.assert_allclose(y, EVAL1["y"][:1], atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("needs", list(itertools.product([True, False], repeat=3)))
def test_the_fused_rule_computes_what_is_needed_and_no_more(training, needs):
    mean, var = statistics(3)
    operands = leaves([batch((5, 3)), np.array([1.0, 2.0, 3.0]), np.zeros(3)])
    y = F.batch_norm(operands[0], mean, var, *operands[1:], training)
    dy = cotangent((5, 3))
    expected = mg.grad(y, operands, mg.tensor(dy), retain_graph=True)
    found = y.node.op.on_arrays(dy, y.node.cache, needs, *y.node.saved)
    for dx, whole, needed in zip(found, expected, needs):
        if needed:
            np.testing.assert_allclose(dx, whole.numpy(), rtol=0, atol=1e-12)
    # the sums for weight and bias are needed for dx in training, dx itself for nothing else
    assert (found[0] is not None) == needs[0]
    if not (training and needs[0]):
        assert [dx is not None for dx in found] == list(needs)
