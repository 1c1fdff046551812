"""What minigrad gives at ties, kinks and edges: the rows of the table, one by one."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from tests.contract.conventions_table import MATHEMATICS, PYTORCH

ROWS = [row for table in (PYTORCH, MATHEMATICS) for rows in table.values() for row in rows]


def same(found, expected, dtype):
    """The same shape and values in a dtype: NaN where expected, infinities with their sign."""
    assert found.dtype == dtype
    with np.errstate(all="ignore"):
        expected = np.asarray(expected, np.float64).astype(dtype)
    np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype is np.float32 else 1e-12, atol=0)


@pytest.mark.parametrize("create_graph", [False, True], ids=["arrays", "graphs"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_value_and_gradients(row, dtype, create_graph):
    """In both dtypes, with the fast rules on arrays and with those that make graphs."""
    inputs = [mg.tensor(np.array(x, dtype), requires_grad=True) for x in row.inputs]
    with np.errstate(all="ignore"):  # NumPy warns where the table looks
        y = row.function(*inputs)
        gradients = mg.grad(y.sum(), inputs, create_graph=create_graph)
    same(y.detach().numpy(), row.value, dtype)
    assert len(gradients) == len(row.gradients)
    for dx, expected in zip(gradients, row.gradients):
        same(dx.detach().numpy(), expected, dtype)


def test_no_row_is_there_twice():
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_a_large_batch_has_the_limit_of_a_small_one():
    """Of a variance that goes to 0, in evaluation with eps 0; large batches are normalised in another way."""
    x = np.ones((1 << 20, 1), np.float32)
    x[:2, 0] = 0, 2
    with np.errstate(all="ignore"):
        y = F.batch_norm(mg.tensor(x), mg.ones(1), mg.zeros(1), mg.ones(1), mg.full((1,), 3.0), eps=0).numpy()
    assert y[:2, 0].tolist() == [-np.inf, np.inf] and (y[2:] == 3).all()


def test_a_single_infinity_in_logsumexp_warns_of_nothing():
    x = mg.tensor([np.inf, 0.0], requires_grad=True)
    mg.logsumexp(x).backward()
    assert x.grad.tolist() == [1, 0]
