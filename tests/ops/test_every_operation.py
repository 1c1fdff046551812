"""What holds of every operation, over the table of samples: values, derivatives, dtypes, broadcasting.

A sample is a function of arrays or tensors, the same as a plain NumPy formula, and inputs for both. The
floats among the inputs are what the function is differentiated by. An operation without a sample fails
``test_every_operation_has_a_sample``.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.op import Op, is_own
from tests.helpers.differences import check_derivatives, gradients
from tests.helpers.inputs import cotangent, is_float, leaf, leaves
from tests.ops.samples.constants import CONSTANT, PARTS
from tests.ops.samples.sample import Sample
from tests.ops.samples.special import WITHOUT_SAMPLES
from tests.ops.samples.table import SAMPLES, every_sample, result


def is_minigrads(op: Op) -> bool:
    """Whether an operation belongs to the project, not to a test."""
    return is_own(op.definition) and all(rule.__module__.startswith("minigrad.") for rule in op.rules)


def test_every_operation_has_a_sample():
    sampled = {result(sample).grad_fn.op.name for sample in SAMPLES}
    own = {name: op for name, op in Op.registry.items() if is_minigrads(op)}
    assert {name for name, op in own.items() if op.is_differentiable} - WITHOUT_SAMPLES == sampled
    assert {name for name, op in own.items() if not op.is_differentiable} == {*CONSTANT, *PARTS}


def test_samples_have_names_of_their_own():
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)


@every_sample
def test_value(sample):
    expected = sample.formula(*sample.inputs)
    y = result(sample).numpy()
    assert (y.shape, y.dtype) == (np.shape(expected), np.float64)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)
    plain = sample.function(*sample.inputs)
    assert isinstance(plain, (np.ndarray, np.float64)), "arrays give arrays"
    np.testing.assert_array_equal(plain, y)


@every_sample
def test_gradient(sample):
    check_derivatives(sample.function, sample.inputs)


@pytest.mark.slow
@every_sample
def test_second_order(sample):
    check_derivatives(sample.function, sample.inputs, order=2)


THIRD_ORDER = [
    "exp (3,)",
    "log (3,)",
    "tanh (3,)",
    "sigmoid (3,)",
    "reciprocal (3,)",
    "sqrt (3,)",
    "sin (3,)",
    "mul (3,) (3,)",
    "div (3,) (3,)",
    "pow (3,) (3,)",
    "x ** -1.5",
    "matmul (2, 3) (3,)",
    "tan (3,)",
    "asin (3,)",
    "sinc (3,)",
    "erf (3,)",
    "log_ndtr (3,)",
    "logit (3,)",
    "atan2 (3,) (3,)",
    "hypot (3,) (3,)",
    "logaddexp (3,) (3,)",
    "xlogy (3,) (3,)",
    "var correction 0",
    "std correction 0",
    "prod -1 False",
    "logsumexp -1 False",
    "softmax (2, 3) -1",
    "log_softmax (2, 3) -1",
    "bce_with_logits (2, 3) mean",
    "cross_entropy plain mean",
    "batch_norm (4, 2) train affine",
    "batch_norm (4, 2) eval affine",
    "conv1d (2, 5) (3, 2, 2) stride=2",
    "conv_transpose1d (2, 2, 3) (2, 3, 2) ",
]


@pytest.mark.parametrize("name", THIRD_ORDER)
def test_third_order(name):
    (sample,) = [sample for sample in SAMPLES if sample.name == name]
    check_derivatives(sample.function, sample.inputs, order=3)


TOLERANCE = {np.float16: 0.02, np.float32: 2e-5, np.float64: 1e-12}


def converted(sample: Sample, dtype: Any) -> list[Any]:
    return [x.astype(dtype) if is_float(x) else x for x in sample.inputs]


@every_sample
def test_the_gradient_as_arrays_is_the_gradient_as_a_graph(sample):
    """The rules run with arrays, or their fused twin, and the rules run with tensors."""
    for dtype in (np.float32, np.float64):
        inputs = converted(sample, dtype)
        graphs = gradients(sample.function, inputs, create_graph=True)
        for fast, exact in zip(gradients(sample.function, inputs), graphs, strict=True):
            np.testing.assert_allclose(fast, exact, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@every_sample
def test_each_gradient_alone(sample):
    """By one input, the others constants: the same as all together."""
    together = gradients(sample.function, sample.inputs)
    floats = [i for i, x in enumerate(sample.inputs) if is_float(x)]
    for i, expected in zip(floats, together, strict=True):
        inputs = [mg.tensor(x) if is_float(x) else x for x in sample.inputs]
        inputs[i] = leaf(sample.inputs[i])
        y = sample.function(*inputs)
        y.backward(cotangent(y.shape))
        np.testing.assert_array_equal(inputs[i].grad.numpy(), expected)
        assert all(x.grad is None for k, x in enumerate(inputs) if k != i and isinstance(x, mg.Tensor))


@every_sample
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_precision(sample, dtype):
    """Results and gradients have the dtype of their tensor, its shape, and are right as far as it goes."""
    inputs = converted(sample, dtype)
    exact = [x.astype(np.float64) if is_float(x) else x for x in inputs]
    y = sample.function(*leaves(inputs))
    assert y.dtype == dtype
    np.testing.assert_allclose(y.detach().numpy(), sample.formula(*exact), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    expected = gradients(sample.function, exact)
    found = gradients(sample.function, inputs, dy=cotangent(y.shape).astype(dtype))
    graphs = gradients(sample.function, inputs, create_graph=True, dy=cotangent(y.shape).astype(dtype))
    for dx, also_dx, x, right in zip(found, graphs, filter(is_float, inputs), expected, strict=True):
        assert (dx.dtype, dx.shape) == (also_dx.dtype, also_dx.shape) == (dtype, x.shape)
        np.testing.assert_allclose(dx, right, rtol=0, atol=TOLERANCE[dtype] * max(1, np.abs(right).max(initial=0)))


ONE_FLOAT_DTYPE = re.compile(
    r"(batch|layer|group|instance|rms)_norm|conv|meshgrid|bce \(|bce weight|linear|matmul|prelu|scatter"
    r"|(cross_entropy|nll_loss|multi_margin_loss) .*weight|index_(add|copy|put)"
    r"|einsum|tensordot|(mm|bmm|mv|v?dot)$|inner \(\d|cross|vecdot (?!\(\))|multi_dot|chain_matmul"
    r"|add(mm|mv|bmm)|baddbmm|bilinear|cdist"
)

MIXABLE = [
    sample for sample in SAMPLES if sum(map(is_float, sample.inputs)) > 1 and not ONE_FLOAT_DTYPE.match(sample.name)
]


@pytest.mark.parametrize("sample", MIXABLE, ids=lambda sample: sample.name)
def test_mixed_precision(sample):
    """Operands of three precisions: each gradient has its own tensor's."""
    dtypes = itertools.cycle([np.float32, np.float64, np.float16])
    inputs = [x.astype(next(dtypes)) if is_float(x) else x for x in sample.inputs]
    for create_graph in (False, True):
        for dx, x in zip(gradients(sample.function, inputs, create_graph), filter(is_float, inputs), strict=True):
            assert (dx.dtype, dx.shape) == (x.dtype, x.shape)


@pytest.mark.slow
def test_joining_is_registered_before_it_is_used():
    code = "import minigrad; from minigrad.engine.op import Op; assert {'cat', 'stack'} <= set(Op.registry)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
