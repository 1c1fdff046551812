"""How an array lies in memory never changes a result.

NumPy takes another way for each of these layouts, and so may a kernel: what is right for arrays as
NumPy makes them is checked here for all the others, over the table of operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.engine.op import Op
from tests.helpers.inputs import cotangent, is_float, leaf
from tests.helpers.layouts import LAYOUTS
from tests.helpers.oracles import batch_norm_formula
from tests.ops.samples.sample import Sample
from tests.ops.samples.special import WITHOUT_SAMPLES
from tests.ops.samples.table import SAMPLES, result

SAMPLES_OF: dict[str, list[Sample]] = {}
for sample in SAMPLES:
    SAMPLES_OF.setdefault(result(sample).grad_fn.op.name, []).append(sample)


NAMED_ALIKE = {name: samples[:: max(1, len(samples) // 12)] for name, samples in SAMPLES_OF.items()}
"""About a dozen uses of each operation, from all over the table."""


def results(function: Callable[..., Any], inputs: list[Any]) -> list[np.ndarray]:
    """The value, and the gradients by every float input, of a function of tensors over these very arrays."""
    tensors = [mg.from_numpy(x).requires_grad_() if is_float(x) else x for x in inputs]
    y = function(*tensors)
    dy = mg.tensor(cotangent(y.shape))
    return [
        y.detach().numpy(),
        *(dx.numpy() for dx in mg.grad(y, [x for x in tensors if isinstance(x, mg.Tensor)], dy)),
    ]


@pytest.mark.parametrize("name", NAMED_ALIKE)
def test_an_operation_does_not_depend_on_the_layout_of_its_operands(name):
    for sample in NAMED_ALIKE[name]:
        expected = results(sample.function, sample.inputs)
        value = sample.formula(*sample.inputs)
        for layout, arrange in LAYOUTS.items():
            inputs = [arrange(x) if is_float(x) else x for x in sample.inputs]
            found = results(sample.function, inputs)
            np.testing.assert_allclose(found[0], value, rtol=1e-12, atol=1e-14, err_msg=f"{sample.name}, {layout}")
            for dx, right in zip(found[1:], expected[1:]):
                np.testing.assert_allclose(dx, right, rtol=1e-12, atol=1e-13, err_msg=f"{sample.name}, {layout}")
            for x, before in zip(inputs, sample.inputs):
                np.testing.assert_array_equal(x, before)


def test_every_operation_is_among_them():
    own = {
        name
        for name, op in Op.registry.items()
        if op.is_differentiable and all(rule.__module__.startswith("minigrad.") for rule in op.rules)
    }
    assert own - WITHOUT_SAMPLES == set(NAMED_ALIKE)


BROADCAST: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "add": (mg.add, np.add),
    "mul": (mg.mul, np.multiply),
    "exp": (mg.exp, np.exp),
    "sum": (lambda x: mg.sum(x, 0), lambda x: np.sum(x, 0)),
    "var": (lambda x: mg.var(x, 1), lambda x: np.var(x, 1, ddof=1)),
    "matmul": (lambda x: x @ np.arange(12.0).reshape(4, 3), lambda x: x @ np.arange(12.0).reshape(4, 3)),
    "cross_entropy": (
        lambda x: F.cross_entropy(x, np.array([0, 3, 1])),
        lambda x: np.mean(np.log(np.exp(x).sum(1)) - x[range(3), [0, 3, 1]]),
    ),
}


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", BROADCAST)
def test_an_expanded_operand_gets_the_sum_of_its_elements_gradients(name, axis):
    """Its stride is 0: many elements are one number in memory."""
    function, formula = BROADCAST[name]
    small = np.linspace(-1, 1, 4)[None] if axis == 0 else np.linspace(-1, 1, 3)[:, None]
    full = np.broadcast_to(small, (3, 4))
    operands = [full, full.copy()][: 2 if name in ("add", "mul") else 1]
    x = leaf(small)
    expanded = x.expand(3, 4)
    assert 0 in expanded.numpy().strides
    y = function(expanded, *operands[1:])
    np.testing.assert_allclose(y.detach().numpy(), formula(*operands), rtol=1e-13)
    whole = leaf(full.copy())
    (right,) = mg.grad(function(whole, *operands[1:]), whole, cotangent(y.shape))
    (dx,) = mg.grad(y, x, cotangent(y.shape))
    np.testing.assert_allclose(dx.numpy(), right.numpy().sum(axis, keepdims=True), rtol=1e-12, atol=1e-13)


# Larger arrays go through kernels that work in blocks of rows. The formula is that of the whole.
TARGET = np.arange(4096) % 32
MATRIX = np.random.default_rng(3).standard_normal((7, 32))

LARGE: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "relu": (F.relu, lambda x: np.maximum(x, 0)),
    "tanh": (mg.tanh, np.tanh),
    "sum of columns": (lambda x: mg.sum(x, 0), lambda x: np.sum(x, 0)),
    "mean of all": (mg.mean, np.mean),
    "amax of rows": (lambda x: mg.amax(x, 1), lambda x: np.max(x, 1)),
    "var of columns": (lambda x: mg.var(x, 0), lambda x: np.var(x, 0, ddof=1)),
    "softmax": (lambda x: mg.softmax(x, 1), lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True)),
    "linear": (lambda x: F.linear(x, MATRIX), lambda x: x @ MATRIX.T),
    "cross_entropy": (
        lambda x: F.cross_entropy(x, TARGET),
        lambda x: np.mean(np.log(np.exp(x).sum(1)) - x[np.arange(4096), TARGET]),
    ),
    "batch_norm": (lambda x: F.batch_norm(x, None, None, training=True), batch_norm_formula),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_array_does_not_depend_on_its_layout_either(name):
    function, formula = LARGE[name]
    x = np.random.default_rng(2).standard_normal((4096, 32))
    expected, value = results(function, [x]), formula(x)
    for layout, arrange in LAYOUTS.items():
        found = results(function, [arrange(x)])
        np.testing.assert_allclose(found[0], value, rtol=1e-10, atol=1e-12, err_msg=layout)
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-10, atol=1e-12, err_msg=layout)
