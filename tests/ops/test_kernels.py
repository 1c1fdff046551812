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
from minigrad.groups.group import Alone
from minigrad.kernels.taking import Taken
from minigrad.kernels.windows import Windows
from minigrad.ops.normalisation.masks import Pooled
from minigrad.ops.taking import axes_taken
from minigrad.ops.windows import windows_over
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
SCANNED = [normal(3000), normal(300, 40), normal(5, 30, 300), moved(normal(20, 30, 40)), normal(0, 3)]
TIED = [
    normal(500), normal(40, 300), moved(normal(20, 30, 40)), np.round(normal(60, 40)), np.zeros((3, 50)),
    *(np.where(normal(30, 40) > 1, np.nan, x) for x in (normal(30, 40), np.round(normal(30, 40)))),
]  # fmt: skip
EDGES = (np.linspace(-1, 1.5, 21), np.linspace(-1, 1.5, 21) ** 3)
RANKS = np.array([2, 0])
SHAPES = [(60, 33), (4000, 16), (32, 8, 100), (17, 5, 9, 11), (1, 3, 50, 50), (600, 900)]


def some(x: Any) -> Any:
    """A mask of a batch (N, C, ...)."""
    return np.random.default_rng(5).random((len(x), 1, *x.shape[2:])) < 0.7


def batch_norms() -> list[tuple[Any, ...]]:
    """Batches of all ranks and sizes, far from 0 as well, with and without weight and bias, in both modes."""
    found = []
    for shape, training, affine in itertools.product(SHAPES, (True, False), (True, False)):
        weight, bias = (normal(shape[1]), normal(1, shape[1])[0]) if affine else (None, None)
        statistics = (None, None) if training else (normal(shape[1]), normal(shape[1]) ** 2)
        batches = normal(*shape), moved(normal(*shape)) + 100
        found += [
            (x, weight, bias, *statistics, 1e-5, training, mask, pooled, 0.1, (), None)
            for x in batches
            for mask in (None, some(x))
            for pooled in (None, *[Pooled(Alone())] * training)
        ]
    return found


def over(lengths: tuple[int, ...], kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Windows:
    """Windows that fit, with the same settings along all axes."""
    settings = ((number,) * len(lengths) for number in (kernel, stride, padding, padding, dilation))
    return windows_over(lengths, *settings)


IMAGES = [
    over((30, 40), 3, 1, 1), over((30, 40), 3, 2, 1), over((30, 40), 2, 2), over((31, 41), 2, 3, 1, 2),
    over((9, 10), 4, 3), over((5000,), 3, 1, 1), over((300,), 1), over((7, 7), 7), over((300,), 2, 3),
    over((30, 40), 5, 2, 2),
]  # fmt: skip
"""Windows over many elements: with and without padding, overlapping, apart, few of them, one that is the whole."""


def images(windows: Windows, by_count: bool = False) -> Any:
    """So many samples that kernels work in several blocks."""
    lengths = windows.counts if by_count else windows.lengths
    return normal(60_000 // int(np.prod(lengths)) // 4 + 2, 4, *lengths)


TAKEN = [
    Taken((30, 20), (None, np.array([2, 1, 0, 0, 0, 1, 2, 19, 18, 18]))),
    Taken((30, 20), (np.arange(100) % 30, np.arange(20) * 7 % 20)),
    Taken((20,), (np.arange(0),)),
    Taken((20,), (None,)),
]
"""Elements in runs up and down, some of them twice; none."""

CONVOLVED = [(windows, groups) for windows in IMAGES for groups in (1, 2)]


def layer_norms() -> list[tuple[Any, ...]]:
    """Long and short rows, far from 0 as well, with and without weight and bias."""
    found: list[tuple[Any, ...]] = []
    for (shape, rank), affine in itertools.product([((60, 33), 1), ((9, 4000), 1), ((5, 6, 30, 7), 2)], (True, False)):
        weight, bias = (normal(*shape[-rank:]), normal(*shape[-rank:]) + 1) if affine else (None, None)
        found += [(x, weight, bias, rank, 1e-5) for x in (normal(*shape), moved(normal(*shape)) + 100)]
    return [*found, (normal(6, 5), normal(5), None, 1, 1e-3), (normal(6, 5), None, normal(5), 1, 1e-3)]


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
    "pow": [(normal(300) ** 2, normal(300)), (normal(300), 3)],
    **{
        name: [(scale * normal(3, 5000),), (normal(20_000)[::-2],), (moved(normal(20, 30, 40)),), (normal(3, 0),)]
        for name, scale in {
            "erf": 2,
            "erfc": 5,
            "erfinv": 0.3,
            "ndtr": 5,
            "log_ndtr": 9,
            "inverse_mills": 9,
        }.items()
    },
    "argsort": [(x, axis, flag) for x in TIED for axis in range(x.ndim) for flag in (False, True)],
    "topk": [(x, 3, axis, flag) for x in TIED for axis in range(x.ndim) for flag in (False, True)],
    "places_of_ranks": [(x, RANKS, axis, flag) for x in TIED for axis in range(x.ndim) for flag in (False, True)],
    **{name: [(x, axis) for x in TIED for axis in range(x.ndim)] for name in ("mode", "cummax", "cummin")},
    "bin_of": [(TIED[i].ravel(), edges) for i in (0, 3, 5) for edges in EDGES],
    "bin_counts": [(np.arange(300) % 7 % 5, 6)],
    "cumsum": [(x, axis, flag) for x in SCANNED for axis in range(x.ndim) for flag in (False, True)],
    "cumprod": [(np.exp(x / 10), axis) for x in SCANNED for axis in range(x.ndim)]
    + [(np.where(np.arange(40) == 3, 0, normal(30, 40)), 1), (1e-3 * normal(4, 200), 1)],
    "logcumsumexp": [(scale * x, axis) for x in SCANNED for axis in range(x.ndim) for scale in (1, 100)],
    "linear_recurrence": [(x / 2, x, axis, flag) for x in SCANNED for axis in range(x.ndim) for flag in (False, True)],
    "vector_norm": [
        (scale * x, axes, keepdims, p)
        for x, axes, keepdims in REDUCED
        for p, scale in [(2, 1), (2, 1e-30), (2, 1e30), (3, 1)]
    ],
    "getitem": [(normal(50, 60), (slice(None, None, -2), np.arange(300) % 7)), (normal(5), (3,))],
    "gather": [
        (normal(300, 40), np.arange(12_000).reshape(300, 40) * 7 % 40, 1, False),
        (normal(300, 40), np.arange(4000).reshape(100, 40) * 7 % 300, 0, False),
        (moved(normal(20, 30, 40)), np.arange(1800).reshape(20, 9, 10) % 30, 1, False),
        (normal(3000), np.arange(5000) % 3000, 0, False),
    ],
    "diagonal": [(normal(20, 30, 40), offset, 2, 0) for offset in (0, 5, -15, 50)],
    "unfold": [(normal(20, 3000, 2), 1, 7, 3), (moved(normal(20, 30, 40)), 2, 5, 1), (normal(30), 0, 30, 4)],
    "cross_entropy": [
        (normal(n, classes), np.arange(n) * 7 % classes, reduction)
        for (n, classes), reduction in itertools.product([(2, 3), (5000, 10), (64, 1000)], ["mean", "sum", "none"])
    ],
    "batch_norm": batch_norms(),
    "layer_norm": layer_norms(),
    "prod": [
        (scale * normal(*shape) ** 2, axes, keepdims)
        for shape, axes, keepdims in [((300, 40), (1,), False), ((5, 30), (0, 1), True), ((4, 5000), (1,), False)]
        for scale in (1, 1e-3, 1e3)
    ]
    + [(np.where(np.arange(40) == 3, 0, normal(30, 40)), (1,), False), (moved(normal(20, 30, 40)), (2,), False)],
    "convolution": [
        (images(w), normal(6, 4 // groups, *w.kernel), bias, w, groups)
        for w, groups in CONVOLVED
        for bias in (normal(6), None)
    ]
    + [(moved(images(IMAGES[0])), moved(normal(6, 4, 3, 3)), normal(6), IMAGES[0], 1)],
    "conv_transpose": [
        (images(w, True), normal(4, 6 // groups, *w.kernel), bias, w, groups)
        for w, groups in CONVOLVED
        for bias in (normal(6), None)
    ],
    "convolution_weight": [
        (images(w), np.repeat(images(w, True)[:, :2], 3, 1)[: len(images(w))], w, groups)
        for w, groups in CONVOLVED
        if len(images(w)) <= len(images(w, True))
    ],
    "max_pool": [(images(w), w) for w in IMAGES] + [(np.round(images(w)), w) for w in IMAGES],
    "max_pool_indices": [(np.round(images(w)), w) for w in IMAGES],
    "avg_pool": [(images(w), w, *settings) for w in IMAGES for settings in [(True, None), (False, None), (True, 3)]],
    "avg_pool_spread": [(images(w, True), w, False, None) for w in IMAGES],
    "pad": [(normal(50, 60), ((3, 0), (-1, 5)), value) for value in (0, 2.5)]
    + [(moved(normal(20, 30, 4)), ((1, 1),) * 3, 0)],
    "take_axes": [(normal(6, 30, 20), taken) for taken in TAKEN],
    "add_axes": [(axes_taken(normal(6, 30, 20), taken), taken) for taken in TAKEN],
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
    if not op.is_differentiable:
        assert np.asarray(y).dtype == expected.dtype
        np.testing.assert_array_equal(y, expected)
        return
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
