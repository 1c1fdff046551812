"""Where PyTorch has a result, or an error that its users catch, minigrad has the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from tests.ops.edges import nan


def with_element(x: mg.Tensor, value: Any) -> mg.Tensor:
    x[0] = value
    return x


VALUES: dict[str, tuple[Callable[[], mg.Tensor], Any, Any]] = {
    "flip of a number": (lambda: mg.tensor(3.0).flip(0), 3.0, mg.float32),
    "flip of a number from the end": (lambda: mg.tensor(3).flip((-1,)), 3, mg.int64),
    "logsumexp of integers": (lambda: mg.tensor([0, 0, 0]).logsumexp(0), np.log(3), mg.float32),
    "logsumexp of booleans": (lambda: mg.tensor([True, True]).logsumexp(0), 1 + np.log(2), mg.float32),
    "element set to a vector of one": (lambda: with_element(mg.zeros(2), mg.ones(1)), [1, 0], mg.float32),
    "element set to a matrix of one": (lambda: with_element(mg.zeros(2), mg.ones(1, 1)), [1, 0], mg.float32),
    "element set to another dtype": (lambda: with_element(mg.tensor([0, 5]), mg.tensor([1.7])), [1, 5], mg.int64),
    "element set to a list of one": (lambda: with_element(mg.zeros(2), [1.0]), [1, 0], mg.float32),
    "topk beside NaN, two tied": (
        lambda: mg.tensor([nan, 3.0, 1.0, 2.0, 2.0]).topk(3).values,
        [nan, 3, 2],
        mg.float32,
    ),
    "topk beside NaN, two tied in another row": (
        lambda: mg.tensor([[nan, 5.0, 1.0, 0.0], [3.0, 3.0, 3.0, 1.0]]).topk(2).values,
        [[nan, 5], [3, 3]],
        mg.float32,
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_value(name):
    found, expected, dtype = VALUES[name]
    y = found()
    assert y.dtype == dtype
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    assert y.shape == np.shape(expected)


def images(dtype: Any) -> mg.Tensor:
    return mg.ones(1, 1, 4, 4, dtype=dtype)


NOT_IMPLEMENTED: dict[str, Callable[[], Any]] = {
    "batch_norm of integers": lambda: F.batch_norm(mg.ones(2, 3, dtype=mg.long), mg.zeros(3), mg.ones(3)),
    "batch_norm of two dtypes": lambda: F.batch_norm(mg.ones(2, 3), mg.zeros(3).double(), mg.ones(3).double()),
    "max_pool2d of booleans": lambda: F.max_pool2d(images(mg.bool), 2),
    "avg_pool2d of booleans": lambda: F.avg_pool2d(images(mg.bool), 2),
    "adaptive_avg_pool2d of integers": lambda: F.adaptive_avg_pool2d(images(mg.long), 2),
    "conv2d of booleans": lambda: F.conv2d(images(mg.bool), images(mg.bool)),
}


@pytest.mark.parametrize("name", NOT_IMPLEMENTED)
def test_dtypes_that_an_operation_has_not_are_errors_of_both(name):
    with pytest.raises(TypeError) as error:
        NOT_IMPLEMENTED[name]()
    assert isinstance(error.value, RuntimeError)


@pytest.mark.parametrize("mean", [0.0, 1e3, 1e6, -1e7])
@pytest.mark.parametrize(("shape", "dim"), [((100_000,), 0), ((3, 20_001), 1), ((20_001, 3), 0)], ids=str)
def test_variance_and_its_derivative_far_from_zero(mean, shape, dim):
    values = (4 * np.random.default_rng(0).standard_normal(shape) + mean).astype(np.float32)
    x, exact = mg.tensor(values, requires_grad=True), values.astype(np.float64)
    y = x.var(dim)
    y.sum().backward()
    np.testing.assert_allclose(y.detach(), exact.var(dim, ddof=1), rtol=1e-5)
    np.testing.assert_allclose(x.std(dim).detach(), exact.std(dim, ddof=1), rtol=1e-5)
    d = exact - exact.mean(dim, keepdims=True)
    np.testing.assert_allclose(x.grad, 2 * d / (shape[dim] - 1), rtol=1e-5, atol=1e-5 * abs(d).max() / shape[dim])
