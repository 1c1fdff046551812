"""Every operation, by a table of samples: values, derivatives of first and higher order, dtypes.

A sample is a function of arrays or tensors, the same as a plain NumPy formula, and inputs for both. The
floats among the inputs are what the function is differentiated by. Whatever is to hold of every operation
is a test over the whole table; an operation without a sample fails ``test_every_operation_has_a_sample``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import ops
from minigrad.engine.application import apply_any, record_any
from minigrad.engine.node import Node
from minigrad.engine.op import Op
from minigrad.ops.indexing import placed
from tests.helpers import (
    REDUCE,
    batch_norm_formula,
    check_derivatives,
    cotangent,
    cross_entropy_formula,
    distinct,
    gradients,
    is_float,
    leaf,
    leaves,
    softmax_formula,
)


class Sample(NamedTuple):
    """One use of an operation."""

    name: str
    function: Callable[..., Any]
    formula: Callable[..., Any]
    inputs: list[Any]


# -- elementwise ---------------------------------------------------------------------------------

UNARY: dict[str, tuple[Callable[..., Any], float, float]] = {
    "neg": (lambda x: -x, -2, 2),
    "abs": (lambda x: np.where(x < 0, -x, x), -2, 2),
    "exp": (np.exp, -2, 2),
    "log": (np.log, 0.2, 3),
    "sqrt": (lambda x: x**0.5, 0.2, 3),
    "square": (lambda x: x * x, -2, 2),
    "reciprocal": (lambda x: 1 / x, 0.3, 3),
    "sin": (np.sin, -3, 3),
    "cos": (np.cos, -3, 3),
    "tanh": (lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)), -2, 2),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), -4, 4),
    "relu": (lambda x: np.where(x > 0, x, 0), -2, 2),
}

BINARY: dict[str, tuple[Callable[..., Any], float, float]] = {
    "add": (lambda a, b: a + b, -2, 2),
    "sub": (lambda a, b: a - b, -2, 2),
    "mul": (lambda a, b: a * b, -2, 2),
    "div": (lambda a, b: a / b, 0.5, 2),
    "pow": (lambda a, b: a**b, 0.5, 2),
    "maximum": (lambda a, b: np.where(a > b, a, b), -2, 2),
    "minimum": (lambda a, b: np.where(a < b, a, b), -2, 2),
}

BROADCASTS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((), (2, 3)),
    ((2, 1, 3), (2, 1)),
    ((1, 1), (1,)),
    ((1, 3), (2, 2, 1)),
]

WITH_NUMBERS: dict[str, Callable[[Any], Any]] = {
    "x + 2": lambda x: x + 2,
    "2 + x": lambda x: 2 + x,
    "x - 0.5": lambda x: x - 0.5,
    "0.5 - x": lambda x: 0.5 - x,
    "x * 3": lambda x: x * 3,
    "3 * x": lambda x: 3 * x,
    "x / 4": lambda x: x / 4,
    "1 / x": lambda x: 1 / x,
    "x ** 2": lambda x: x**2,
    "x ** -1.5": lambda x: x**-1.5,
    "2 ** x": lambda x: 2**x,
    "x * x": lambda x: x * x,
}

CLAMPS: list[tuple[Any, Any]] = [(-0.5, 0.7), (None, 0.7), (-0.5, None), (1, -1)]


def elementwise() -> Iterator[Sample]:
    for name, (formula, low, high) in UNARY.items():
        for shape in [(), (3,), (2, 3)]:
            yield Sample(f"{name} {shape}", getattr(mg, name), formula, distinct(shape, low=low, high=high))
    for (name, (formula, low, high)), (a, b) in itertools.product(BINARY.items(), BROADCASTS):
        yield Sample(f"{name} {a} {b}", getattr(mg, name), formula, distinct(a, b, low=low, high=high))
    for name, function in WITH_NUMBERS.items():
        yield Sample(name, function, function, distinct((2, 3), low=0.5, high=2))
    for low, high in CLAMPS:
        clip = partial(np.clip, a_min=low, a_max=high)
        yield Sample(f"clamp {low} {high}", partial(mg.clamp, min=low, max=high), clip, distinct((3, 4)))
    yield Sample("sign", mg.sign, np.sign, distinct((2, 3)))
    yield Sample("clamp by tensors", mg.clamp, np.clip, distinct((2, 3), (3,), (2, 1)))
    mask = np.array([[True, False, True], [False, False, True]])
    for a, b in [((2, 3), (2, 3)), ((3,), ()), ((2, 1), (4, 1, 3))]:
        yield Sample(f"where {a} {b}", mg.where, lambda c, x, y: c * x + (1 - c) * y, [mask, *distinct(a, b)])
    yield Sample("where number", lambda x: mg.where(mask, x, 1.5), lambda x: mask * x + (~mask) * 1.5, distinct((3,)))


# -- reductions ----------------------------------------------------------------------------------

REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": np.sum,
    "mean": np.mean,
    "prod": np.prod,
    "amax": np.max,
    "amin": np.min,
    "var": lambda x, axis, keepdims: np.var(x, axis=axis, keepdims=keepdims, ddof=1),
    "std": lambda x, axis, keepdims: np.std(x, axis=axis, keepdims=keepdims, ddof=1),
    "logsumexp": lambda x, axis, keepdims: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims)),
}

AXES: list[Any] = [None, 0, -1, (0, 2)]


def largest(x: Any, dim: int, keepdim: bool) -> Any:
    """The values ``max(dim)`` picks."""
    return mg.max(x, dim, keepdim).values


def smallest(x: Any, dim: int, keepdim: bool) -> Any:
    """The values ``min(dim)`` picks."""
    return mg.min(x, dim, keepdim).values


def reductions() -> Iterator[Sample]:
    for (name, formula), axis, keepdims in itertools.product(REDUCTIONS.items(), AXES, [False, True]):
        function = partial(getattr(mg, name), dim=axis, keepdim=keepdims)
        formula = partial(formula, axis=axis, keepdims=keepdims)
        yield Sample(f"{name} {axis} {keepdims}", function, formula, distinct((2, 3, 2)))
    for name, formula in {"max": np.max, "min": np.min}.items():
        yield Sample(f"{name} of all", getattr(mg, name), formula, distinct((2, 3)))
    powers = np.array([-3, 0, 4])
    yield Sample("times_power_of_2", Op.registry["times_power_of_2"], np.ldexp, [*distinct((2, 3)), powers])
    for name in ("sum", "mean", "prod", "amax", "amin", "logsumexp"):
        yield Sample(f"{name} of one", getattr(mg, name), np.array, distinct(()))
    for (name, formula), correction in itertools.product([("var", np.var), ("std", np.std)], [0, 2, 0.5]):
        function = partial(getattr(mg, name), dim=0, correction=correction)
        yield Sample(
            f"{name} correction {correction}", function, partial(formula, axis=0, ddof=correction), distinct((4, 2))
        )
    for (function, formula), axis, keepdims in itertools.product(
        [(largest, np.max), (smallest, np.min)], [0, -1], [False, True]
    ):
        yield Sample(
            f"{function.__name__} {axis} {keepdims}",
            partial(function, dim=axis, keepdim=keepdims),
            partial(formula, axis=axis, keepdims=keepdims),
            distinct((2, 3)),
        )


# -- shapes and indices --------------------------------------------------------------------------

SHAPES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "reshape": (lambda x: mg.reshape(x, 3, -1), lambda x: np.reshape(x, (3, 4))),
    "reshape tuple": (lambda x: mg.reshape(x, (12,)), np.ravel),
    "permute": (lambda x: mg.permute(x, 2, 0, 1), lambda x: np.moveaxis(x, 2, 0)),
    "permute tuple": (lambda x: mg.permute(x, (-1, 1, 0)), lambda x: np.swapaxes(x, 0, 2)),
    "swapaxes": (lambda x: mg.swapaxes(x, 0, -2), lambda x: np.swapaxes(x, 0, 1)),
    "transpose": (lambda x: mg.transpose(x, 1, 2), lambda x: np.swapaxes(x, 1, 2)),
    "expand": (lambda x: mg.expand(x, 5, 2, -1, 2), lambda x: np.stack([x] * 5)),
    "expand axis": (lambda x: mg.expand(x[:, :1], 2, 4, 2), lambda x: np.repeat(x[:, :1], 4, axis=1)),
    "squeeze": (lambda x: mg.squeeze(x[:, :1]), lambda x: x[:, 0]),
    "squeeze one": (lambda x: mg.squeeze(x[:1, :1], 1), lambda x: x[:1, 0]),
    "squeeze several": (lambda x: mg.squeeze(x[:1, :1], (0, 1)), lambda x: x[0, 0]),
    "unsqueeze": (lambda x: mg.unsqueeze(x, -1), lambda x: x[..., None]),
    "flatten": (mg.flatten, np.ravel),
    "flatten some": (lambda x: mg.flatten(x, 1), lambda x: np.reshape(x, (2, 6))),
    "astype": (lambda x: ops.astype(x, x.dtype), np.array),
    "clone": (lambda x: x.clone() if isinstance(x, mg.Tensor) else x.copy(), np.array),
}

INDICES: dict[str, Any] = {
    "int": 1,
    "negative int": -2,
    "ints": (1, 0, -1),
    "slice": slice(1, None),
    "negative step": slice(None, None, -2),
    "slices": (slice(2), slice(None, None, -1)),
    "None": (None, slice(None), None, 1),
    "ellipsis": (..., 0),
    "ellipsis alone": ...,
    "empty slice": slice(2, 1),
    "list": [2, 0],
    "twice the same": [1, 1, 0, 1],
    "nested list": [[0, 2], [1, 1]],
    "tuple in a tuple": ((1, 1, 2),),
    "range": (slice(None), range(3)),
    "array": np.array([[0, 0], [2, 1]]),
    "unsigned array": np.array([0, 2, 2], np.uint8),
    "arrays": (np.array([0, 1, 1, 1]), np.array([3, 2, 2, 0])),
    "arrays apart": (np.array([0, 2]), slice(None), np.array([1, 1])),
    "array after slice": (slice(None), np.array([3, 3, 0])),
    "broadcast arrays": (np.array([[0], [2]]), np.array([1, 3])),
    "number array": np.array(1),
    "mask": np.arange(24).reshape(3, 4, 2) % 3 == 0,
    "mask of rows": np.array([True, False, True]),
    "mask of lists": [False, True, True],
    "mask and int": (np.array([True, False, True]), 1),
    "mask of nothing": np.zeros((3, 4), bool),
    "true": True,
    "NumPy int": np.int64(2),
}

PLACES: dict[str, Any] = {
    "slice": (slice(None, None, 2),),
    "twice the same": (np.array([1, 1, 0]),),
    "mask": (np.array([True, False, True, True, False]),),
}


def take(x: Any, index: Any) -> Any:
    return np.asarray(x[index])


def put(values: Any, index: Any) -> Any:
    return placed(values, (5,), index)


def put_one_by_one(values: Any, index: Any) -> Any:
    y = np.zeros(5, values.dtype)
    for i, value in zip(np.arange(5)[index], values):
        y[i] += value
    return y


def join(*tensors: Any, function: Callable[..., Any], dim: int) -> Any:
    return function(tensors, dim)


def shapes() -> Iterator[Sample]:
    for name, (function, formula) in SHAPES.items():
        yield Sample(name, function, formula, distinct((2, 3, 2)))
    for name, index in INDICES.items():
        function, formula = partial(ops.getitem, index=index), partial(take, index=index)
        yield Sample(f"getitem {name}", function, formula, distinct((3, 4, 2)))
    for name, index in PLACES.items():
        yield Sample(f"put {name}", partial(put, index=index), partial(put_one_by_one, index=index), distinct((3,)))
    for dim in (0, 1, -1):
        pieces = distinct((1, 3), (2, 3), (3, 3)) if dim == 0 else distinct((2, 1), (2, 2))
        joined = partial(join, function=np.concatenate, dim=dim)
        yield Sample(f"cat {dim}", partial(join, function=mg.cat, dim=dim), joined, pieces)
        stacked = partial(join, function=np.stack, dim=dim)
        yield Sample(f"stack {dim}", partial(join, function=mg.stack, dim=dim), stacked, distinct((2, 2), (2, 2)))
    constant = np.arange(6, dtype=np.int8).reshape(2, 3)
    yield Sample("cat one", lambda x: mg.cat([x]), np.array, distinct((2, 3)))
    yield Sample("cat ints", lambda x: mg.cat([constant, x]), lambda x: np.concatenate([constant, x]), distinct((2, 3)))


# -- products ------------------------------------------------------------------------------------

MATRICES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 2)),
    ((1, 3), (3, 1)),
    ((2, 2, 3), (3,)),
    ((3,), (2, 3, 2)),
    ((2, 2, 3), (3, 2)),
    ((2, 3), (2, 3, 1)),
    ((2, 2, 3), (2, 3, 2)),
    ((2, 1, 2, 3), (2, 3, 1)),
    ((1, 2, 3), (2, 3, 1)),
]


def products() -> Iterator[Sample]:
    for a, b in MATRICES:
        yield Sample(f"matmul {a} {b}", mg.matmul, np.matmul, distinct(a, b))
    for shape in [(3,), (4, 3), (2, 2, 3), (2, 1, 2, 3)]:
        yield Sample(f"linear {shape}", F.linear, lambda x, w, b: x @ w.T + b, distinct(shape, (2, 3), (2,)))
        yield Sample(f"linear {shape} no bias", F.linear, lambda x, w: x @ w.T, distinct(shape, (2, 3)))


# -- softmax and losses --------------------------------------------------------------------------

PAIRWISE: dict[str, tuple[Callable[..., Any], Callable[..., Any], float, float]] = {
    "mse_loss": (F.mse_loss, lambda x, t: (x - t) ** 2, -2, 2),
    "l1_loss": (F.l1_loss, lambda x, t: np.where(x > t, x - t, t - x), -2, 2),
    "bce": (
        F.binary_cross_entropy,
        lambda p, t: -(t * np.log(p) + (1 - t) * np.log(1 - p)),
        0.1,
        0.9,
    ),
    "bce_with_logits": (
        F.binary_cross_entropy_with_logits,
        lambda x, t: np.log(1 + np.exp(x)) - t * x,
        -2,
        2,
    ),
}

CLASSES = np.array([2, 0, 1, 2])
SOME_IGNORED = np.array([2, -100, 1, -100])
CLASS_WEIGHT = np.array([0.5, 2.0, 1.25])

CROSS_ENTROPIES: dict[str, tuple[tuple[int, ...], Any, dict[str, Any]]] = {
    "plain": ((4, 3), CLASSES, {}),
    "ignored": ((4, 3), SOME_IGNORED, {}),
    "a class ignored": ((4, 3), CLASSES, {"ignore_index": 2}),
    "smoothed": ((4, 3), CLASSES, {"label_smoothing": 0.1}),
    "smoothed ignored": ((4, 3), SOME_IGNORED, {"label_smoothing": 0.3}),
    "one": ((3,), np.array(1), {}),
    "(N, C, L)": ((2, 3, 2), CLASSES.reshape(2, 2), {}),
    "(N, C, L) ignored": ((2, 3, 2), SOME_IGNORED.reshape(2, 2), {"label_smoothing": 0.2}),
    "(N, C, H, W)": ((1, 3, 2, 2), CLASSES.reshape(1, 2, 2), {}),
}

PROBABILITIES: dict[str, tuple[tuple[int, ...], float]] = {
    "plain": ((2, 3), 0.0),
    "smoothed": ((2, 3), 0.1),
    "one": ((3,), 0.0),
    "(N, C, L)": ((2, 3, 2), 0.2),
}


def reduced(formula: Callable[..., Any], reduction: str) -> Callable[..., Any]:
    """A formula for the loss of each element, and the reduction after it."""
    return lambda *inputs: REDUCE[reduction](formula(*inputs))


def softmaxes() -> Iterator[Sample]:
    for shape, dim in [((4,), 0), ((2, 3), 0), ((2, 3), -1), ((2, 2, 3), 1)]:
        formula = partial(softmax_formula, axis=dim)
        yield Sample(f"softmax {shape} {dim}", partial(mg.softmax, dim=dim), formula, distinct(shape))
        yield Sample(
            f"log_softmax {shape} {dim}",
            partial(mg.log_softmax, dim=dim),
            lambda x, formula=formula: np.log(formula(x)),
            distinct(shape),
        )


def losses() -> Iterator[Sample]:
    for reduction in REDUCE:
        for (name, (function, formula, low, high)), shape in itertools.product(PAIRWISE.items(), [(), (2, 3)]):
            yield Sample(
                f"{name} {shape} {reduction}",
                partial(function, reduction=reduction),
                reduced(formula, reduction),
                distinct(shape, shape, low=low, high=high),
            )
        yield Sample(
            f"bce weight {reduction}",
            partial(F.binary_cross_entropy, reduction=reduction),
            reduced(lambda p, t, w: -w * (t * np.log(p) + (1 - t) * np.log(1 - p)), reduction),
            distinct((2, 3), (2, 3), (3,), low=0.1, high=0.9),
        )
        yield Sample(
            f"bce_with_logits weights {reduction}",
            lambda x, t, w, pw, reduction=reduction: F.binary_cross_entropy_with_logits(x, t, w, reduction, pw),
            reduced(
                lambda x, t, w, pw: w * (pw * t * np.log(1 + np.exp(-x)) + (1 - t) * np.log(1 + np.exp(x))), reduction
            ),
            distinct((2, 3), (2, 3), (2, 3), (3,), low=0.1, high=0.9),
        )


def class_losses() -> Iterator[Sample]:
    """With and without a weight per class, which is differentiable, too."""
    for (name, (shape, target, options)), reduction in itertools.product(CROSS_ENTROPIES.items(), REDUCE):
        options = {"reduction": reduction, **options}
        # of log-probabilities, which the softmax in the formula leaves as they are
        log_p = np.log(softmax_formula(*distinct(shape), axis=1 if len(shape) > 1 else 0))
        cases = [("cross_entropy", F.cross_entropy, distinct(shape)), ("nll_loss", F.nll_loss, [log_p])]
        for (loss, function, inputs), weights in itertools.product(cases, [[], [CLASS_WEIGHT]]):
            if loss == "cross_entropy" or "label_smoothing" not in options:
                yield Sample(
                    f"{loss} {name} {reduction}" + " weight" * len(weights),
                    partial(of_classes, function=function, target=target, **options),
                    partial(of_classes, function=cross_entropy_formula, target=target, **options),
                    inputs + weights,
                )
    for (name, (shape, smoothing)), reduction, weights in itertools.product(
        PROBABILITIES.items(), REDUCE, [[], [CLASS_WEIGHT]]
    ):
        yield Sample(
            f"cross_entropy probabilities {name} {reduction}" + " weight" * len(weights),
            partial(F.cross_entropy, reduction=reduction, label_smoothing=smoothing),
            partial(cross_entropy_formula, reduction=reduction, label_smoothing=smoothing),
            [*distinct(shape), *distinct(shape, low=0.1, high=0.6, seed=3), *weights],
        )


def of_classes(x: Any, weight: Any = None, *, function: Callable[..., Any], target: Any, **options: Any) -> Any:
    return function(x, target, weight, **options)


# -- dropout and batch_norm ----------------------------------------------------------------------

MEAN, VAR = np.array([0.3, -1.0]), np.array([0.5, 2.0])


def dropout(x: Any, p: float) -> Any:
    return ops.dropout(x, p, np.random.default_rng(0))


def dropout_formula(x: Any, p: float) -> Any:
    kept = np.random.default_rng(0).random(x.shape, np.float32) >= p
    return np.where(kept, x / (1 - p) if p < 1 else 0, 0)


def batch_norm(x: Any, weight: Any = None, bias: Any = None, mean: Any = None, var: Any = None) -> Any:
    """With the statistics given, in the precision they must have, else with those of the batch."""
    dtype = np.result_type(x.dtype, np.float32)
    mean, var = (None if s is None else s.astype(dtype) for s in (mean, var))
    return F.batch_norm(x, mean, var, weight, bias, training=mean is None)


BATCHES: list[tuple[int, ...]] = [(4, 2), (2, 2, 3), (2, 2, 1, 2), (1, 2, 2, 1, 2)]


def layers() -> Iterator[Sample]:
    for p in (0.0, 0.3, 1.0):
        yield Sample(f"dropout {p}", partial(dropout, p=p), partial(dropout_formula, p=p), distinct((4, 5)))
    for shape, (mode, statistics) in itertools.product(
        BATCHES, {"train": {}, "eval": {"mean": MEAN, "var": VAR}}.items()
    ):
        function, formula = partial(batch_norm, **statistics), partial(batch_norm_formula, **statistics)
        for what, parameters in [("affine", [(2,), (2,)]), ("no bias", [(2,)]), ("plain", [])]:
            yield Sample(f"batch_norm {shape} {mode} {what}", function, formula, distinct(shape, *parameters))


SAMPLES = [*elementwise(), *reductions(), *shapes(), *products(), *softmaxes(), *losses(), *class_losses(), *layers()]

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)


# -- what holds of every operation ---------------------------------------------------------------


def result(sample: Sample) -> mg.Tensor:
    return sample.function(*leaves(sample.inputs))


def is_minigrads(op: Op) -> bool:
    """Whether an operation belongs to the project, not to a test."""
    return all(vjp.__module__.startswith("minigrad.") for vjp in op.rules)


def test_every_operation_has_a_sample():
    sampled = {result(sample).grad_fn.op.name for sample in SAMPLES}
    assert {name for name, op in Op.registry.items() if is_minigrads(op)} == sampled


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
        for fast, exact in zip(gradients(sample.function, inputs), graphs):
            np.testing.assert_allclose(fast, exact, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def assert_same_record(one, other, args):
    """Two applications to the same operands left the same; what they made themselves, or copied, is equal."""
    assert type(one) is type(other)
    if not isinstance(one, mg.Tensor):
        np.testing.assert_array_equal(one, other)
        return
    np.testing.assert_array_equal(one.array, other.array)
    assert one.dtype == other.dtype and (one.node is None) == (other.node is None)
    for x in args:
        assert (one.memory is getattr(x, "memory", None)) == (other.memory is getattr(x, "memory", None))
    a, b = one.node, other.node
    if a is None:
        return
    lists = {"inputs", "edges", "attributes", "saved"}
    assert (a.output(), b.output()) == (one, other) and a.time < b.time
    for name in set(Node.__slots__) - lists - {"__weakref__", "memories", "output", "time"}:
        assert getattr(a, name) == getattr(b, name), name
    for name in lists:
        first, second = getattr(a, name), getattr(b, name)
        assert len(first) == len(second)
        for x, y in zip(first, second):
            assert x is y or (type(x) is type(y) and np.array_equal(x, y)), name
    made_by_them = {id(one.memory): 0, id(other.memory): 0}
    assert [made_by_them.get(id(m), m) for m in a.memories] == [made_by_them.get(id(m), m) for m in b.memories]


@every_sample
def test_what_is_written_out_for_tensors_does_what_is_done_for_any_operands(sample, monkeypatch):
    compared = []

    def both(usual, for_any, op):
        def function(*args):
            y = usual(*args)
            if op.name != "dropout":  # which would draw again
                assert_same_record(y, for_any(op, args), args)
                compared.append(op.name)
            return y

        return function

    for op in Op.registry.values():
        monkeypatch.setattr(op, "__call__", both(op.__call__, lambda op, args: apply_any(op, args, {}), op))
        monkeypatch.setattr(op, "record", both(op.record, lambda op, args: record_any(op, *args), op))
    for requires_grad in (True, False):
        sample.function(*[mg.tensor(x, requires_grad=requires_grad and x.dtype.kind == "f") for x in sample.inputs])
    assert compared or sample.name.startswith("dropout")


REFUSED = {
    "shapes": (ops.add, mg.ones(2), mg.ones(3)),
    "a product": (Op.registry["linear"], mg.ones(2, 3), mg.ones(4, 5), mg.ones(4)),
    "too many": (ops.maximum, mg.ones(2), mg.ones(2), mg.ones(2)),
    "too few": (ops.where, mg.ones(2)),
    "none": (ops.relu,),
    "an attribute too many": (ops.relu, mg.ones(2), 3),
    "a string": (ops.mul, mg.ones(2), "two"),
    "nothing": (ops.relu, None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_written_out_refuses_what_is_refused_for_any_operands(name):
    op, *args = REFUSED[name]
    errors = []
    for apply in (op, lambda *args: apply_any(op, args, {})):
        with pytest.raises((TypeError, ValueError)) as refused:
            apply(*args)
        errors.append((type(refused.value), str(refused.value)))
    assert errors[0] == errors[1] and errors[0][1].startswith(op.name)


@every_sample
def test_each_gradient_alone(sample):
    """By one input, the others constants: the same as all together."""
    together = gradients(sample.function, sample.inputs)
    floats = [i for i, x in enumerate(sample.inputs) if is_float(x)]
    for i, expected in zip(floats, together):
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
    for dx, also_dx, x, right in zip(found, graphs, filter(is_float, inputs), expected):
        assert (dx.dtype, dx.shape) == (also_dx.dtype, also_dx.shape) == (dtype, x.shape)
        np.testing.assert_allclose(dx, right, rtol=0, atol=TOLERANCE[dtype] * max(1, np.abs(right).max(initial=0)))


ONE_FLOAT_DTYPE = ("batch_norm", "bce (", "bce weight", "linear", "matmul")
MIXABLE = [
    sample
    for sample in SAMPLES
    if sum(map(is_float, sample.inputs)) > 1 and not sample.name.startswith(ONE_FLOAT_DTYPE)
]


@pytest.mark.parametrize("sample", MIXABLE, ids=lambda sample: sample.name)
def test_mixed_precision(sample):
    """Operands of three precisions: each gradient has its own tensor's."""
    dtypes = itertools.cycle([np.float32, np.float64, np.float16])
    inputs = [x.astype(next(dtypes)) if is_float(x) else x for x in sample.inputs]
    for create_graph in (False, True):
        for dx, x in zip(gradients(sample.function, inputs, create_graph), filter(is_float, inputs)):
            assert (dx.dtype, dx.shape) == (x.dtype, x.shape)


# -- no drift to float64 -------------------------------------------------------------------------

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


@pytest.mark.parametrize("name", ["exp", "sqrt", "reciprocal", "sigmoid", "tanh", "mean", "log"])
def test_functions_of_integers_are_float32(name):
    y = getattr(mg, name)(mg.tensor([1, 2, 4]))
    exact = getattr(mg, name)(np.array([1.0, 2.0, 4.0]))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.numpy(), exact, rtol=1e-6)


def test_sigmoid_of_unsigned_integers_and_booleans():
    for ints in (np.array([0, 1, 200], np.uint8), np.array([True, False])):
        np.testing.assert_allclose(mg.sigmoid(ints), 1 / (1 + np.exp(-ints.astype(float))), rtol=1e-12)


FLAT: dict[str, Callable[..., Any]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
}


@pytest.mark.parametrize("name", FLAT)
def test_comparisons_are_constants(name):
    a, b = np.array([[0.0, 1.0, 2.0]]), np.array([[0.0], [2.0]])
    y = getattr(mg, name)(leaf(a), leaf(b))
    assert not y.requires_grad
    np.testing.assert_array_equal(y.numpy(), FLAT[name](a, b))
    np.testing.assert_array_equal(getattr(mg, name)(a, b), FLAT[name](a, b))


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "logical_not"])
def test_tests_of_one_tensor_are_constants(name):
    x = np.array([-1.5, 0.0, 2.0, np.nan, np.inf, -np.inf])
    y = getattr(mg, name)(leaf(x))
    assert not y.requires_grad
    np.testing.assert_array_equal(y.numpy(), getattr(np, name)(x))


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
