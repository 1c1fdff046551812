"""Joining any number of tensors."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.op import Op
from tests.helpers.differences import check_derivatives
from tests.helpers.inputs import distinct

JOINS = pytest.mark.parametrize(("join", "numpys"), [(mg.cat, np.concatenate), (mg.stack, np.stack)])


@pytest.mark.slow
@JOINS
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("count", [1, 2, 3, 9, 12])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_joins_of_any_number(join, numpys, order, count, axis):
    arrays = distinct(*[(2, 3)] * count)
    found = join([mg.tensor(a) for a in arrays], axis).numpy()
    np.testing.assert_array_equal(found, numpys(arrays, axis))
    check_derivatives(lambda *xs: join(xs, axis), arrays, order)


@pytest.mark.parametrize("order", [1, 2])
def test_cat_of_different_lengths(order):
    check_derivatives(lambda *xs: mg.cat(xs, 1), distinct((2, 1), (2, 3), (2, 0), (2, 2)), order)


@JOINS
@pytest.mark.parametrize("create_graph", [False, True])
def test_an_operand_that_is_there_twice_and_constants(join, numpys, create_graph):
    x, y = (mg.tensor(v, requires_grad=True) for v in ([1.0, 2.0], [3.0, 4.0]))
    z = join([x, np.ones(2, np.float32), y, x, mg.zeros(2)])
    dy = mg.tensor(np.arange(10.0, dtype=np.float32).reshape(z.shape))
    dx, dy = mg.grad(z, [x, y], dy, create_graph=create_graph)
    assert dx.tolist() == [6, 8] and dy.tolist() == [4, 5]


@pytest.mark.slow
@JOINS
def test_joins_of_twenty_thousand(join, numpys):
    """With a rule for each operand that adds up all lengths before it, this took a quarter of a minute."""
    xs = [mg.tensor([float(i), 1.0], requires_grad=True) for i in range(20_000)]
    (join(xs) ** 2).sum().backward()
    assert all(x.grad.tolist() == [2 * i, 2] for i, x in enumerate(xs))


@pytest.mark.slow
@JOINS
def test_nothing_is_kept_of_a_join(join, numpys):
    registered = len(Op.registry)
    xs = [mg.ones(1, requires_grad=True) for _ in range(400)]
    join(xs[:3]).sum().backward()
    tracemalloc.start()
    for n in range(1, 400):
        join(xs[:n])
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(Op.registry) == registered
    assert kept < 100_000


@JOINS
def test_one_tensor_is_no_list(join, numpys):
    a, b = mg.ones(2), mg.ones(2)
    for call in (lambda: join(a, b), lambda: join(a)):
        with pytest.raises(TypeError, match=rf"{join.__name__}: .*list.*\(2,\) float32.*{join.__name__}\(\[a, b\]\)"):
            call()
