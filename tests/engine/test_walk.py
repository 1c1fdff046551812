"""The backward walk runs each rule once, after every use of its output."""

import numpy as np

import minigrad as mg
from tests.engine.leaves import leaf, values


def test_each_rule_is_run_once_per_node(counted):
    op, calls = counted
    x = leaf(1.0, 2.0)
    shared = op(x)
    diamond = op(shared) * op(shared) + shared
    (diamond * diamond).sum().backward()
    assert len(calls) == 3
    # f = (x**2 + x)**2
    assert x.grad.tolist() == [2 * 2 * 3, 2 * 6 * 5]


def test_operands_are_waited_for_however_deep_the_other_way_is():
    x = leaf(2.0)
    short = x * 3
    long = x
    for _ in range(50):
        long = long + 0.0
    y = short * long
    y.backward()
    assert x.grad.tolist() == [12.0]


def test_operands_made_in_another_order_than_they_are_used():
    a, b = leaf(2.0), leaf(3.0)
    late = b * b
    early = a * late
    (early + late * a + a).backward()
    assert values(a.grad, b.grad) == [[2 * 9 + 1], [2 * 2 * 2 * 3]]


def test_several_uses_of_one_operand_in_one_operation():
    x = leaf(3.0)
    mg.stack([x, x, x]).sum().backward()
    assert x.grad.tolist() == [3.0]
    (x * x).backward()
    assert x.grad.tolist() == [9.0]


def test_undoing_broadcasting_sums_float16_exactly():
    b = mg.zeros(2, dtype=np.float16, requires_grad=True)
    (mg.ones(5000, 2, dtype=np.float16) + b).sum().backward()
    assert values(b.grad) == [[5000, 5000]] and b.grad.dtype == np.float16
