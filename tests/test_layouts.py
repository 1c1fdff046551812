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
from minigrad import nn, optim
from minigrad.engine.op import Op
from tests.helpers import batch_norm_formula, cotangent, is_float, leaf, leaves
from tests.test_ops import SAMPLES, Sample, result


def read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


def unaligned(x: np.ndarray) -> np.ndarray:
    """One byte beside the places where elements usually begin."""
    buffer = np.zeros(x.nbytes + 1, np.uint8)[1:]
    y = buffer.view(x.dtype).reshape(x.shape)
    y[...] = x
    return y


def backwards(x: np.ndarray) -> np.ndarray:
    """Every stride is negative."""
    flipped = tuple(slice(None, None, -1) for _ in x.shape)
    return np.asarray(x[flipped]).copy()[(..., *flipped)]


def every_third(x: np.ndarray) -> np.ndarray:
    """Two foreign elements, which are NaN, stand behind each of the array's own."""
    y = np.full((*x.shape, 3), np.nan, x.dtype)
    y[..., 0] = x
    return y[..., 0]


def transposed(x: np.ndarray) -> np.ndarray:
    """The first and the last axis have changed places in memory, the others have not."""
    return np.swapaxes(np.swapaxes(x, 0, -1).copy(), 0, -1) if x.ndim else x.copy()


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Fortran order": lambda x: x.copy(order="F"),
    "negative strides": backwards,
    "every third": every_third,
    "unaligned": unaligned,
    "read-only": read_only,
    "transposed": transposed,
}

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
        name for name, op in Op.registry.items() if all(rule.__module__.startswith("minigrad.") for rule in op.rules)
    }
    assert own == set(NAMED_ALIKE)


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


# -- optimisers ----------------------------------------------------------------------------------

OPTIMISERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "Adam": lambda p: optim.Adam(p, lr=0.1, amsgrad=True, weight_decay=0.1),
}


@pytest.mark.parametrize("layout", sorted(LAYOUTS.keys() - {"read-only"}))
@pytest.mark.parametrize("kind", OPTIMISERS)
def test_an_optimiser_does_not_depend_on_the_layout_of_parameters_and_gradients(kind, layout):
    random = np.random.default_rng(0)
    starts = [random.standard_normal(shape) for shape in [(), (5,), (4, 3), (2, 3, 4)]]
    ends = []
    for arrange in (np.copy, LAYOUTS[layout]):
        steps = np.random.default_rng(1)
        parameters = [nn.Parameter(mg.from_numpy(arrange(start))) for start in starts]
        optimizer = OPTIMISERS[kind](parameters)
        for _ in range(3):
            for p in parameters:
                p.grad = mg.from_numpy(LAYOUTS[layout](steps.standard_normal(p.shape)).astype(p.dtype, copy=False))
            optimizer.step()
        ends.append([p.numpy() for p in parameters])
    for found, expected, start in zip(*ends, starts):
        np.testing.assert_allclose(found, expected, rtol=1e-13)
        assert not np.allclose(found, start)


# -- BatchNorm with parameters and statistics that are views ---------------------------------------

VECTOR_LAYOUTS = {
    "every second": lambda v: np.stack([v, np.full_like(v, np.nan)], 1)[:, 0],
    "backwards": lambda v: v[::-1].copy()[::-1],
    "unaligned": unaligned,
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("layout", VECTOR_LAYOUTS)
def test_batch_norm_reads_parameters_and_statistics_of_any_stride(layout, training):
    arrange = VECTOR_LAYOUTS[layout]
    random = np.random.default_rng(0)
    x, dy = random.standard_normal((6, 3)), random.standard_normal((6, 3))
    weight, bias, mean, var = np.array([2.0, -1.0, 3.0]), np.array([1.0, 0, 2]), np.array([0.5, 0, -1]), np.ones(3) * 2
    inputs = leaves([x, weight, bias])
    for tensor, array in zip(inputs[1:], (weight, bias)):
        tensor.data = mg.from_numpy(arrange(array))
    running = [mg.from_numpy(arrange(mean)), mg.from_numpy(arrange(var))]
    y = F.batch_norm(inputs[0], *running, *inputs[1:], training=training)
    statistics = {} if training else {"mean": mean, "var": var}
    np.testing.assert_allclose(y.detach().numpy(), batch_norm_formula(x, weight, bias, **statistics), rtol=1e-12)
    xhat = batch_norm_formula(x, **statistics)
    scale = weight / np.sqrt((x.var(0) if training else var) + 1e-5)
    dx = scale * (dy - (dy.mean(0) + xhat * (dy * xhat).mean(0) if training else 0))
    for found, right in zip(mg.grad(y, inputs, mg.tensor(dy)), (dx, (dy * xhat).sum(0), dy.sum(0))):
        np.testing.assert_allclose(found.numpy(), right, rtol=1e-11, atol=1e-13)
    if training:
        np.testing.assert_allclose(running[0].numpy(), 0.9 * mean + 0.1 * x.mean(0), rtol=1e-13)
        np.testing.assert_allclose(running[1].numpy(), 0.9 * var + 0.1 * x.var(0, ddof=1), rtol=1e-13)


def test_each_channels_gradient_has_the_weight_of_its_channel():
    """Taken from memory one after the other, the weights would be 2 and 9."""
    x, weight = leaf(np.zeros((4, 2))), mg.tensor(np.array([2.0, 9.0, 3.0]))[::2]
    F.batch_norm(x, mg.zeros(2, dtype="float64"), mg.ones(2, dtype="float64"), weight, eps=0.0).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.tile([2.0, 3.0], (4, 1)), rtol=1e-15)
