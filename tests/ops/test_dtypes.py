"""Results have the dtype of their operands: nothing drifts to float64."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import ops
from minigrad.engine.op import Op
from tests.helpers.inputs import distinct, leaf
from tests.ops.samples.constants import CONSTANT, PARTS, function_of

INTS = np.array([1, 2, 3])

FLOAT32: dict[str, Callable[[Any], Any]] = {
    "Python float": lambda x: 1.5 * x + 0.5 - x / 3.0,
    "float first": lambda x: 2.0 ** (1.0 - x) + 1.0 / x,
    "NumPy float64": lambda x: x * np.float64(2) + np.float64(1),
    "NumPy float64 first": lambda x: np.float64(2) / x - np.float64(1),
    "NumPy float64 as power": lambda x: x ** np.float64(1.5),
    "list": lambda x: x * [1.0, 2.0, 3.0],
    "int array": lambda x: x * INTS + INTS,
    "int tensor": lambda x: x / mg.tensor(INTS) + mg.tensor(INTS),
    "int tensor as power": lambda x: x ** mg.tensor(INTS),
    "int tensor matmul": lambda x: x @ mg.tensor(INTS),
    "linear of ints": lambda x: F.linear(mg.tensor(INTS), x.reshape(1, 3)),
    "maximum": lambda x: mg.maximum(x, mg.tensor(INTS)) + mg.minimum(x, 2.0),
    "where": lambda x: mg.where(x > 1, x, np.float64(0.5)) + mg.where(x > 1, INTS, x),
    "clamp": lambda x: mg.clamp(x, np.float64(0.2), 0.9) + mg.clamp(x, mg.tensor(INTS)),
    "cat": lambda x: mg.cat([x, mg.tensor(INTS)]),
    "stack": lambda x: mg.stack([INTS, x]),
    "var": lambda x: x.var(correction=np.float64(1)) + x.std(),
    "label smoothing": lambda x: F.cross_entropy(x, INTS[1], label_smoothing=np.float64(0.1)),
    "probabilities as a list": lambda x: F.cross_entropy(x, [0.2, 0.3, 0.5], label_smoothing=np.float64(0.1)),
    "class weight as a list": lambda x: F.cross_entropy(x, 1, weight=[0.2, 0.3, 0.5]),
    "target as a list": lambda x: F.mse_loss(x, [0.2, 0.3, 0.5]) + F.l1_loss(x, INTS),
    "pos_weight": lambda x: F.binary_cross_entropy_with_logits(x, [0.0, 0.5, 1.0], pos_weight=np.float64(2)),
    "softplus": lambda x: F.softplus(x, np.float64(2), np.float64(1)),
    "dropout": lambda x: ops.dropout(x, np.float64(0.5), np.random.default_rng(0)),
    "batch_norm": lambda x: F.batch_norm(x.reshape(3, 1), None, None, training=True, eps=np.float64(1e-3)),
}


@pytest.mark.parametrize("name", FLOAT32)
@pytest.mark.parametrize("create_graph", [False, True])
def test_float32_stays_float32(name, create_graph):
    x = leaf([0.5, 1.25, 2.0], np.float32)
    y = FLOAT32[name](x)
    assert y.dtype == np.float32
    (dx,) = mg.grad(y.sum(), x, create_graph=create_graph)
    assert dx.dtype == np.float32


@pytest.mark.parametrize("name", ["exp", "sqrt", "reciprocal", "sigmoid", "tanh", "log"])
def test_functions_of_integers_are_float32(name):
    y = getattr(mg, name)(mg.tensor([1, 2, 4]))
    exact = getattr(mg, name)(np.array([1.0, 2.0, 4.0]))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.numpy(), exact, rtol=1e-6)


def test_sigmoid_of_unsigned_integers_and_booleans():
    for ints in (np.array([0, 1, 200], np.uint8), np.array([True, False])):
        np.testing.assert_allclose(mg.sigmoid(ints), 1 / (1 + np.exp(-ints.astype(float))), rtol=1e-12)


@pytest.mark.parametrize("name", CONSTANT)
def test_comparisons_and_tests_are_constants(name):
    formula, inputs = CONSTANT[name]
    function = function_of(name)
    y = function(*[mg.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs])
    assert not y.requires_grad
    np.testing.assert_array_equal(y.numpy(), formula(*inputs))
    np.testing.assert_array_equal(function(*inputs), formula(*inputs))


@pytest.mark.parametrize("name", PARTS)
def test_places_and_counts_are_constants(name):
    inputs, expected = PARTS[name]
    op = Op.registry[name]
    for make in (np.asarray, leaf):
        operands = [make(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in inputs[: op.operands]]
        y = op(*operands, *inputs[op.operands :])
        np.testing.assert_array_equal(y.detach().numpy() if isinstance(y, mg.Tensor) else y, expected)


def test_bitwise_operators():
    a, b = np.array([True, True, False]), np.array([True, False, False])
    s, t = mg.tensor(a), mg.tensor(b)
    for found, expected in [(s & t, a & b), (s | t, a | b), (~s, ~a)]:
        np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_indices_of_extremes(name, axis, keepdims):
    (x,) = distinct((3, 4))
    expected = getattr(np, f"arg{name}")(x, axis=axis, keepdims=keepdims)
    found = [getattr(mg, f"arg{name}")(leaf(x), axis, keepdims)]
    if axis is not None:
        found.append(getattr(mg, name)(leaf(x), axis, keepdims).indices)
    for indices in found:
        assert indices.dtype == np.int64
        assert not indices.requires_grad
        np.testing.assert_array_equal(indices.numpy(), expected)


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "amax", "amin", "argmax", "argmin", "logsumexp"])
def test_numpy_names_of_the_arguments(name):
    function, x = getattr(mg, name), leaf(distinct((2, 3))[0])
    by_torch, by_numpy = function(x, dim=1, keepdim=True), function(x, axis=1, keepdims=True)
    assert by_torch.shape == by_numpy.shape == (2, 1)
    np.testing.assert_array_equal(by_torch.detach().numpy(), by_numpy.detach().numpy())


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "squeeze"])
def test_numpy_name_of_the_axis(name):
    function, x = getattr(mg, name), leaf(distinct((3, 1))[0])
    np.testing.assert_array_equal(function(x, dim=1).detach().numpy(), function(x, axis=1).detach().numpy())


def test_a_dtype_that_came_out_of_a_pickle_is_the_same_dtype():
    x = pickle.loads(pickle.dumps(mg.ones(5000, 2, dtype=np.float16)))
    assert x.sum(0).tolist() == [5000, 5000] and x.mean(0).tolist() == [1, 1]
