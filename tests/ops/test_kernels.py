"""Kernels and definitions: an operation computes the same with either, and so do its rules and their fast twins.

A captured step runs definitions and rules, an eager one kernels and fast twins: so each sample is compared in both. The
samples are small; where kernels take other ways is tested with larger arrays, in other layouts.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from minigrad.compile import capture
from minigrad.engine.op import Op
from tests.helpers.differences import gradients_or_zero, scalar
from tests.helpers.inputs import cotangent, is_float, leaves, tensors_of
from tests.ops.samples.sample import Sample
from tests.ops.samples.table import SAMPLES, result

TOLERANCE = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}

WITH_KERNELS = {
    name: op
    for name, op in Op.registry.items()
    if (op.kernel is not op.definition or op.on_arrays is not op.by_rules) and not name.startswith("test")
}
"""The operations that have a kernel, or a fast twin of their rules."""


def assert_near(found: Any, expected: Any, dtype: Any) -> None:
    """Equal to rounding, compared with the largest element."""
    assert np.shape(found) == np.shape(expected)
    scale = np.abs(expected, where=np.isfinite(expected), out=np.ones_like(expected)).max(initial=1)
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


# -- the samples --------------------------------------------------------------------------------


def uses_a_kernel(sample: Sample) -> bool:
    """Whether one of the operations of a sample has a kernel."""
    nodes, seen = [result(sample).node], set()
    while nodes:
        node = nodes.pop()
        if node is not None and node not in seen:
            seen.add(node)
            nodes += node.edges
    return any(node.op is not None and node.op.name in WITH_KERNELS for node in seen)


KERNEL_SAMPLES = [sample for sample in SAMPLES if uses_a_kernel(sample)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sample", KERNEL_SAMPLES, ids=lambda sample: sample.name)
def test_samples(sample: Sample, dtype: Any) -> None:
    def step(*inputs: Any) -> list[Any]:
        return [sample.function(*inputs), *gradients_or_zero(scalar(sample.function)(*inputs), tensors_of(inputs))]

    inputs = [x.astype(dtype) if is_float(x) else x for x in sample.inputs]
    _, by_definition = capture(step, *leaves(inputs))
    for found, expected in zip(step(*leaves(inputs)), by_definition, strict=True):
        assert found.dtype == expected.dtype
        assert_near(found.detach().numpy(), expected.numpy(), np.dtype(dtype))


# -- larger arrays ------------------------------------------------------------------------------


def normal(*shape: int) -> Any:
    """Numbers that are the same in each run."""
    return np.random.default_rng(shape).standard_normal(shape)


def moved(x: Any) -> Any:
    """The same elements in another order of the axes in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)


REDUCED = [
    (normal(70_000), (0,), False), (normal(5000, 7), (0,), False), (normal(7, 5000), (1,), True),
    (normal(3, 4000, 5), (1,), False), (normal(3, 4000, 5), (0, 1, 2), False), (normal(40, 50, 60), (0, 2), True),
    (moved(normal(40, 50, 60)), (0, 2), False), (normal(4000, 3)[::-2], (0,), False), (normal(0, 3), (0,), False),
    (np.broadcast_to(normal(1, 30), (2000, 30)), (0,), False),
]  # fmt: skip
ALONG = [(normal(300, 40), 1), (normal(300, 40), 0), (moved(normal(20, 30, 40)), 1), (100 * normal(5000, 3), 1)]
SHAPES = [(60, 33), (4000, 16), (32, 8, 100), (17, 5, 9, 11), (1, 3, 50, 50), (600, 900)]


def batch_norms() -> list[tuple[Any, ...]]:
    """Batches of all ranks and sizes, far from 0 as well, with and without weight and bias, in both modes."""
    found = []
    for shape, training, affine in itertools.product(SHAPES, (True, False), (True, False)):
        weight, bias = (normal(shape[1]), normal(1, shape[1])[0]) if affine else (None, None)
        statistics = (None, None) if training else (normal(shape[1]), normal(shape[1]) ** 2)
        batches = normal(*shape), moved(normal(*shape)) + 100
        found += [(x, weight, bias, *statistics, 1e-5, training, 0.1, (), None) for x in batches]
    return found


LARGE: dict[str, list[tuple[Any, ...]]] = {
    "linear": [
        (normal(300, 70), normal(50, 70), normal(50)),
        (normal(300, 70), normal(50, 70), None),
        (normal(4, 30, 70), normal(50, 70), normal(50)),
        (moved(normal(300, 70)), normal(70, 50).T, normal(50)),
        (normal(5000, 3), normal(1, 3), normal(1)),
    ],
    "relu": [(normal(shape, 3),) for shape in (5, 4096, 50_000)] + [(normal(1024, 64),), (moved(normal(20, 30, 40)),)],
    "sigmoid": [(30 * normal(40_000),), (moved(normal(20, 30, 40)),), (normal(3, 0),)],
    "sum": REDUCED,
    "mean": REDUCED,
    "var": [(*arguments, correction) for arguments in REDUCED for correction in (0, 1)],
    "std": [(*arguments, correction) for arguments in REDUCED for correction in (0, 1)],
    "softmax": ALONG,
    "log_softmax": ALONG,
    "logsumexp": [(x, axes, keepdims) for x, axes, keepdims in REDUCED],
    "getitem": [(normal(50, 60), (slice(None, None, -2), np.arange(300) % 7)), (normal(5), (3,))],
    "cross_entropy": [
        (normal(n, classes), np.arange(n) * 7 % classes, reduction)
        for (n, classes), reduction in itertools.product([(2, 3), (5000, 10), (64, 1000)], ["mean", "sum", "none"])
    ],
    "batch_norm": batch_norms(),
    "prod": [
        (scale * normal(*shape) ** 2, axes, keepdims)
        for shape, axes, keepdims in [((300, 40), (1,), False), ((5, 30), (0, 1), True), ((4, 5000), (1,), False)]
        for scale in (1, 1e-3, 1e3)
    ]
    + [(np.where(np.arange(40) == 3, 0, normal(30, 40)), (1,), False), (moved(normal(20, 30, 40)), (2,), False)],
    "cdist": [
        (x1 + shift, x2 + shift, p)
        for x1, x2 in [
            (normal(60, 33), normal(50, 33)),
            (normal(60, 33), normal(60, 33)),
            (normal(3, 1, 40, 20), normal(2, 30, 20)),
            (moved(normal(30, 40, 8)), normal(40, 8)),
            (normal(300, 8).round(1), normal(8, 300).T.round(1)),
            (np.repeat(normal(4, 9), 30, 0), normal(200, 9) / 50),
            (normal(600, 3, 2), normal(600, 4, 2)),
        ]
        for p, shift in [(2, 0), (2, 100), (1, 0), (3, 0)]
    ],
    "bce_with_logits": [
        (scale * normal(300, 40), np.abs(np.sin(normal(300, 40))), reduction)
        for scale, reduction in itertools.product((1, 100), ("mean", "sum", "none"))
    ],
}
"""For each operation with a kernel some arguments."""


def test_every_kernel_is_tested() -> None:
    assert set(LARGE) == {name for name, op in WITH_KERNELS.items() if op.definition.__module__ != __name__}


def all_in(dtype: Any, values: Any) -> Any:
    """Arguments with their floats in one dtype."""
    return tuple(x.astype(dtype) if is_float(x) and x.dtype != dtype else x for x in values)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "number"), [(name, i) for name, arguments in LARGE.items() for i in range(len(arguments))]
)
@pytest.mark.filterwarnings("ignore:.*(invalid value|divide by zero|overflow)")
def test_larger_arrays(name: str, number: int, dtype: Any) -> None:
    op, arguments = Op.registry[name], all_in(dtype, LARGE[name][number])
    y, cache = op.compute(*arguments)
    expected = np.asarray(op.definition(*arguments))
    assert np.asarray(y).dtype == expected.dtype == dtype
    assert_near(np.asarray(y), expected, np.dtype(dtype))
    operands = arguments[: op.operands]
    needs = [is_float(x) for x in operands]
    dy = cotangent(expected.shape).astype(dtype)
    given = list(arguments)
    if name == "batch_norm" and arguments[6]:  # the batch's statistics are recorded
        given[3:5] = cache[0].mean, cache[0].var
    fast = op.on_arrays(dy, cache, needs, np.asarray(y), *given)
    exact = op.by_rules(dy, None, needs, expected, *given)
    for dx, right, need in zip(fast, exact, needs):
        if need:
            assert_near(np.asarray(dx), np.asarray(right), np.dtype(dtype))  # the engine converts and reshapes them
