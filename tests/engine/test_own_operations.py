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


def test_an_example_ends_the_docstring():
    doc = """``2 x``

        Args:
            x: a tensor.
        """
    op = mg.Op("test_doc", lambda x: 2 * x, doc=doc, example="x = mg.ones(2)\ntwice(x) -> tensor([2., 2.])")
    expected = "``2 x``\n\nArgs:\n    x: a tensor.\n\n>>> x = mg.ones(2)\n>>> twice(x)\ntensor([2., 2.])"
    assert op.__doc__ == op.function.__doc__ == expected
    assert mg.Op("test_plain", lambda x: 2 * x, doc="``2 x``").__doc__ == "``2 x``"


def test_an_example_without_its_result_is_refused():
    with pytest.raises(ValueError, match=r"test_example: example must be 'CALL -> RESULT', got 'twice\(x\)'"):
        mg.Op("test_example", lambda x: 2 * x, example="twice(x)")
