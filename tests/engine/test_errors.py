"""Errors of operations name operation, operands and module."""

import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.checks.cases import is_minigrads
from minigrad.engine.op import Op
from tests.engine.leaves import Wrong, leaf, values

MESSAGES = [
    (lambda x: x + mg.ones(4), ValueError, r"add{place}: cannot be applied to \(2, 3\) float64 and \(4,\) float32"),
    (lambda x: x * np.ones(4), ValueError, r"mul{place}: cannot be applied to \(2, 3\) float64 and \(4,\) float64"),
    (lambda x: x + "a", TypeError, r"add{place}: cannot be applied to \(2, 3\) float64 and str"),
    (lambda x: x * None, TypeError, r"mul{place}: cannot be applied to \(2, 3\) float64 and None"),
    (lambda x: x[5], IndexError, r"getitem{place}: cannot be applied to \(2, 3\) float64: index 5 is out of bounds"),
    (lambda x: x.reshape(4, 2), ValueError, r"reshape{place}: cannot be applied to \(2, 3\) float64"),
    (lambda x: ~x, TypeError, "invert"),
]


@pytest.mark.parametrize(("function", "kind", "words"), MESSAGES)
def test_errors_name_operation_operands_and_module(function, kind, words):
    x = leaf(*range(6)).reshape(2, 3)
    with pytest.raises(kind, match=words.format(place="")):
        function(x)
    net = nn.Sequential(nn.Identity(), nn.Sequential(Wrong(function)))
    with pytest.raises(kind, match=words.format(place=r" in 1\.0 \(Wrong\)")):
        net(x)


def test_too_many_operands_are_refused_and_nothing_is_overwritten():
    a, b, c = mg.ones(2), mg.ones(2), mg.zeros(2)
    with pytest.raises(TypeError, match=r"maximum\(input, other\): too many positional arguments"):
        mg.maximum(a, b, c)
    with pytest.raises(TypeError):
        mg.exp(a, c)
    with pytest.raises(TypeError):
        mg.exp(a, out=c)
    assert c.tolist() == [0.0, 0.0]


def test_an_operand_without_derivative_is_refused_when_it_is_asked_for(make_op):
    op = make_op("first", lambda a, b: a * 1.0, lambda dy, _y, _a, _b: dy, None)
    x, y = leaf(1.0), leaf(2.0)
    assert values(*mg.grad(op(x, y), x)) == [[1.0]]
    with pytest.raises(RuntimeError, match=r"first has no derivative with respect to operand 1: .*detach"):
        op(x, y).backward()


def test_a_leaf_belongs_to_no_call():
    class Noisy(nn.Module):
        def forward(self, x):
            self.noise = mg.ones(2).requires_grad_()
            return x * self.noise

    model = Noisy()
    y = model(mg.ones(2))
    assert model.noise.node.scope is None and str(y.node.scope) == "Noisy"


def test_after_an_error_the_scope_is_left():
    with pytest.raises(ValueError, match=r"1\.0 \(Wrong\)"):
        nn.Sequential(nn.Identity(), nn.Sequential(Wrong(MESSAGES[0][0])))(leaf(*range(6)).reshape(2, 3))
    with pytest.raises(ValueError, match=r"^add: cannot"):
        mg.ones(2) + mg.ones(3)


def test_a_computed_tensor_cannot_stop_requiring_grad():
    y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match=r"only a leaf .*detach"):
        y.requires_grad = False
    assert y.requires_grad_() is y


def test_operations_describe_themselves():
    assert mg.exp.__doc__.splitlines()[:2] == ["``exp(x)``", ""]
    assert mg.exp.__name__ == "exp"
    assert str(inspect.signature(mg.maximum)) == "(input, other)"
    assert str(inspect.signature(mg.exp)) == "(input)"
    for op in filter(is_minigrads, Op.registry.values()):
        assert op.__doc__, op.name


WRONG_RULES = {
    "transposed": (lambda x: x @ np.ones((4, 6)), lambda dy, _y, _x: np.ones((4, 6)) @ dy.T, (4, 3)),
    "too small": (lambda x: x.sum(0), lambda dy, _y, _x: dy, (4,)),
}


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_rule_that_returns_another_shape_is_refused(name, make_op):
    forward, rule, shape = WRONG_RULES[name]
    op = make_op("wrong", forward, rule)
    x = mg.tensor(np.ones((3, 4)), requires_grad=True)
    with pytest.raises(RuntimeError) as raised:
        op(x).sum().backward()
    assert str(raised.value) == f"wrong: its derivative returned a gradient {shape} for an operand (3, 4)."
    assert x.grad is None
