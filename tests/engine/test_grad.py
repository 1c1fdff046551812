"""``grad``: gradients by any tensors of a graph, unused ones and those along several paths."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.engine.leaves import leaf, values


def test_grad_of_leaves_and_intermediates_touches_no_grad():
    x = leaf(2.0, 3.0)
    y = x * x
    z = (y * x).sum()
    found = mg.grad(z, [x, y, z])
    assert values(*found) == [[12.0, 27.0], [2.0, 3.0], 1.0]
    assert values(x.grad, y.grad, z.grad) == [None, None, None]


def test_grad_of_a_single_input_is_a_tuple():
    x = leaf(2.0)
    found = mg.grad(x * 3, x)
    assert isinstance(found, tuple)
    assert values(*found) == [[3.0]]


def test_grad_takes_any_iterable_of_inputs():
    net = nn.Linear(2, 1)
    assert [g.shape for g in mg.grad(net(mg.ones(1, 2)), net.parameters())] == [(1, 2), (1,)]


def test_several_outputs_add_up_with_their_gradients():
    x = leaf(2.0, 3.0)
    outputs = [x * x, (x * 5).sum(), x * x]
    (dx,) = mg.grad(outputs, x, [[1.0, 10.0], None, mg.tensor([1.0, 0.0], dtype=np.float64)])
    assert dx.tolist() == [4 + 5 + 4, 60 + 5]
    with pytest.raises(RuntimeError, match="got 2 gradients for 1 outputs"):
        mg.grad(x.sum(), x, [None, None])


@pytest.mark.parametrize("one", [mg.tensor([2.0, 3.0], dtype=np.float64), np.array([2.0, 3.0])])
def test_a_single_grad_output_needs_no_list(one):
    x = leaf(2.0, 3.0)
    assert values(*mg.grad(x * x, x, one)) == [[8.0, 18.0]]


def test_one_output_twice_counts_twice():
    x = leaf(2.0)
    y = x * x
    assert values(*mg.grad([y, y], [x, y])) == [[8.0], [2.0]]


def test_unused_inputs_are_none_if_allowed():
    x, unused = leaf(2.0), leaf(1.0)
    assert values(*mg.grad(x * x, [unused, x], allow_unused=True)) == [None, [4.0]]


def test_an_intermediate_above_another_input():
    x = leaf(2.0)
    y = x * x
    z = y * x
    dx, dy = mg.grad(z, [x, y])
    assert values(dx, dy) == [[12.0], [2.0]]


def test_only_the_path_to_the_inputs_is_walked(counted):
    op, calls = counted
    x, other = leaf(1.0, 2.0), leaf(3.0, 4.0)
    aside = op(other)
    y = x * aside
    assert values(*mg.grad(y.sum(), x)) == [[3.0, 4.0]]
    assert calls == []
    # what was not walked was not freed
    aside.sum().backward()
    assert other.grad.tolist() == [1.0, 1.0]


def test_nothing_behind_the_inputs_is_walked(counted):
    op, calls = counted
    x = leaf(1.0, 2.0)
    hidden = op(x * x)
    (dh,) = mg.grad((hidden * hidden).sum(), hidden)
    assert calls == []
    hidden.backward(dh)
    assert len(calls) == 1
    assert x.grad.tolist() == [4.0, 32.0]


def test_a_fused_rule_is_not_run_behind_the_inputs():
    bn = nn.BatchNorm1d(2)
    x = mg.randn(4, 2, requires_grad=True)
    y = bn(x)
    (dy,) = mg.grad((y * y).sum(), y)
    y.backward(dy)
    assert x.grad.shape == (4, 2)


def test_rules_of_operands_without_gradient_are_not_run(make_op):
    ran = []

    def rule(name):
        return lambda dy, _y, _a, _b: ran.append(name) or dy

    op = make_op("pair", lambda a, b: a + b, rule("a"), rule("b"))
    x, y, constant = leaf(1.0), leaf(2.0), mg.tensor([3.0], dtype=np.float64)
    op(x, constant).backward()
    op(constant, x).backward()
    mg.grad(op(x, y), y)
    assert ran == ["a", "b", "b"]


@pytest.mark.parametrize("frozen", ["weight", "bias", "both", "input"])
def test_fused_rules_serve_any_subset_of_operands(frozen):
    mg.manual_seed(1)
    bn = nn.BatchNorm1d(3).double()
    x = mg.randn(5, 3, dtype=np.float64, requires_grad=True)
    cotangent = mg.randn(5, 3, dtype=np.float64)
    leaves = {"input": x, "weight": bn.weight, "bias": bn.bias}
    full = dict(zip(leaves, mg.grad(bn(x), leaves.values(), cotangent)))
    for name, t in leaves.items():
        t.requires_grad_(not (frozen in (name, "both") and name != "input") and name != frozen)
    bn(x).backward(cotangent)
    for name, t in leaves.items():
        assert (t.grad is None) == (not t.requires_grad)
        if t.grad is not None:
            np.testing.assert_array_equal(t.grad.numpy(), full[name].numpy())
