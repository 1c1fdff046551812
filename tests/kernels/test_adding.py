"""Values added at an index: as ``np.add.at`` in float64 has it, for every kind of index."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.kernels.adding import added_at

SHAPE = (7, 5, 6)
rng = np.random.default_rng(0)
rows, columns = rng.integers(-7, 7, 300), rng.integers(-5, 5, 300)

INDICES = {
    "rows": (rows,),
    "pairs": (rows, columns),
    "elements": (rows, columns, rng.integers(-6, 6, 300)),
    "elements, broadcast": (rows[:, None], columns[:20], np.array(3)),
    "unsigned": (rng.integers(0, 7, 300).astype(np.uint8), columns, np.zeros(300, np.int32)),
    "behind a slice": (slice(1, 6, 2), columns),
    "around a slice": (rows, slice(None, None, -1), rows % 6),
    "an ellipsis": (..., columns, rows % 6),
    "a new axis": (None, rows, None, columns),
    "a mask": (rng.random((7, 5)) < 0.5, rows[:1]),
    "a number": (rows, 2),
    "none": (rows[:0],),
}


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_kind_of_index(name, dtype):
    index = INDICES[name]
    values = rng.uniform(0.5, 1, np.zeros(SHAPE)[index].shape).astype(dtype)
    expected = np.zeros(SHAPE)
    np.add.at(expected, index, values)
    found = added_at(SHAPE, index, values)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32])
@pytest.mark.parametrize("targets", ["two", "equal"])
def test_gradients_of_repeated_elements_add_up_exactly(dtype, targets):
    """300,000 of them, which a float32 that is added to one by one would miss by 1e-3."""
    n = 300_000
    index = np.arange(n) % 2 if targets == "two" else np.zeros(n, int)
    p = mg.ones(2, dtype=dtype, requires_grad=True)
    p[mg.tensor(index)].backward(mg.full((n,), 0.1, dtype=dtype))
    right = np.bincount(index, minlength=2) * float(np.asarray(0.1, dtype))
    np.testing.assert_allclose(p.grad.numpy(), right, rtol=np.finfo(dtype).eps)


@pytest.mark.parametrize("loss", [
    lambda x, t, w: F.nll_loss(x, t, weight=w, reduction="none"),
    lambda x, t, w: F.cross_entropy(x, t, weight=w, reduction="none"),
    lambda x, t, w: F.cross_entropy(x, t, weight=w, reduction="none", label_smoothing=1e-9),
])  # fmt: skip
def test_gradients_of_class_weights_add_up_exactly(loss):
    n = 300_000
    w = mg.ones(2, requires_grad=True)
    x = mg.full((n, 2), -np.log(2), dtype=mg.float32)
    loss(x, mg.tensor(np.arange(n) % 2), w).backward(mg.full((n,), 0.1))
    np.testing.assert_allclose(w.grad.numpy() / (0.05 * n * np.log(2)), 1, rtol=2e-6)


def test_the_gradient_of_class_weights_in_a_weighted_mean():
    """The derivative of ``sum(w[t] l) / sum(w[t])`` by ``w``, in float64."""
    n = 300_000
    target = rng.integers(0, 3, n)
    x = rng.standard_normal((n, 3)).astype(np.float32)
    values = np.array([0.5, 1, 2])
    w = mg.tensor(values, dtype=mg.float32, requires_grad=True)
    F.cross_entropy(mg.tensor(x), target, weight=w).backward()
    x = x.astype(np.float64)
    losses = np.log(np.exp(x).sum(1)) - x[np.arange(n), target]
    total = values[target].sum()
    mean = (values[target] * losses).sum() / total
    right = np.bincount(target, losses - mean) / total
    np.testing.assert_allclose(w.grad.numpy(), right, atol=2e-6 * np.bincount(target, losses).max() / total)
