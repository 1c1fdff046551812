"""Operations that users define: mistakes are refused, and what they need not know of holds."""

import numpy as np
import pytest

import minigrad as mg

W = np.array([1.0, 2.0])


@pytest.mark.parametrize("definition", [lambda x, *, k=2.0: x * k, lambda x, **k: x])
def test_parameters_that_would_be_dropped_are_refused(definition):
    with pytest.raises(TypeError, match=r"test_kinds: the parameters of a definition are operands and then attributes"):
        mg.Op("test_kinds", definition, lambda dy, _y, _x: dy)


def test_a_rule_names_its_operands():
    with pytest.raises(TypeError, match=r"a rule names the operands that it needs, got \*all"):
        mg.Op("test_rule", lambda x: x * 2, lambda dy, *all: 2 * dy)


@pytest.mark.parametrize("definition", [lambda x: x, lambda x: x[::1], lambda x: x.reshape(-1)])
def test_a_result_shares_no_memory_with_its_operand(definition):
    op = mg.Op("test_same", definition, lambda dy, _y, _x: dy)
    w = mg.tensor(W, requires_grad=True)
    h = w * 1
    s, q = h * h, op(h.detach())
    q += 1
    s.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), 2 * W)
    np.testing.assert_array_equal(h.detach().numpy(), W)


@pytest.mark.parametrize("result", [[1.0, 2.0], 3.0, None])
def test_what_is_no_array_is_refused(result):
    op = mg.Op("test_kind", lambda x: result, lambda dy, _y, _x: dy)
    with pytest.raises(TypeError, match=r"test_kind: cannot be applied to .*: its definition returned .*, expected an"):
        op(mg.ones(2))


def test_an_operation_without_rules_takes_tensors():
    big = mg.Op("test_big", lambda x, limit=1: x > limit)
    assert big(mg.tensor(W, requires_grad=True)).tolist() == [False, True]
    assert big(mg.tensor(W, requires_grad=True), limit=0).tolist() == [True, True]
