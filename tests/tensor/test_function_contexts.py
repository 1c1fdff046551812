"""What ``ctx`` of an ``autograd.Function`` can be told: which gradients come, what is dirty, what is final."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd.function import Function, FunctionCtx, once_differentiable


class Several(Function):
    """Two outputs that vary, a constant one and a number."""

    seen: ClassVar[list] = []
    materializes = True

    @staticmethod
    def forward(ctx, x):
        assert isinstance(ctx, FunctionCtx)
        ctx.set_materialize_grads(Several.materializes)
        sign = mg.sign(x)
        ctx.mark_non_differentiable(sign)
        return x * 2, sign, x.double() * 3, 5

    @staticmethod
    def backward(ctx, *gradients):
        Several.seen.append([None if g is None else (g.tolist(), g.dtype.name) for g in gradients])
        first, _, third, _ = gradients
        return (0 if first is None else first * 2) + (0 if third is None else (third * 3).float())


@pytest.mark.parametrize("materializes", [True, False])
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("chosen", [(0,), (2,), (0, 2)])
def test_there_is_a_gradient_for_each_output(materializes, create_graph, chosen):
    Several.seen, Several.materializes = [], materializes
    x = mg.ones(2, requires_grad=True)
    outputs = Several.apply(x)
    assert outputs[3] == 5 and not outputs[1].requires_grad
    sum(outputs[i].sum().double() for i in chosen).backward(create_graph=create_graph)
    absent = [([0.0, 0.0], name) if materializes else None for name in ("float32", "float32", "float64")]
    came = {0: ([1.0, 1.0], "float32"), 2: ([1.0, 1.0], "float64")}
    assert Several.seen == [[came[i] if i in chosen else absent[i] for i in range(3)] + [None]]
    np.testing.assert_array_equal(
        x.grad.detach().numpy(), [(2.0 if 0 in chosen else 0) + (3.0 if 2 in chosen else 0)] * 2
    )


class Exp(Function):
    """In place, and saved."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        x.copy_(mg.exp(x))
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx, dy):
        return dy * ctx.saved_tensors[0]


def test_a_dirty_input_becomes_the_result():
    x = mg.tensor([0.5, 1.0], dtype=np.float64, requires_grad=True)
    y = x * 1
    z = Exp.apply(y)
    assert z is y and y.grad_fn.name() == "ExpBackward" and y.grad_fn.output() is y
    np.testing.assert_allclose(y.detach().numpy(), np.exp([0.5, 1.0]))
    (dx,) = mg.grad(y.sum(), x, create_graph=True)
    (ddx,) = mg.grad(dx.sum(), x)
    np.testing.assert_allclose([dx.tolist(), ddx.tolist()], [np.exp([0.5, 1.0])] * 2)
    constant = mg.zeros(2)
    assert Exp.apply(constant) is constant and constant.tolist() == [1, 1]


def test_what_saved_the_value_before_is_refused():
    x = mg.ones(2, requires_grad=True)
    y = x * 1
    square = (y * y).sum()
    Exp.apply(y)
    with pytest.raises(RuntimeError, match=r"mul: operand 0, .* was changed in place"):
        square.backward()
    z = Exp.apply(x * 1)
    with mg.no_grad():
        z += 1
    with pytest.raises(RuntimeError, match=r"Exp: a saved tensor .* was changed in place"):
        z.sum().backward()


def test_a_dirty_input_that_cannot_follow_is_refused_before_it_changes():
    x = mg.ones(2, requires_grad=True)
    y = x * 1
    view = y[:1]
    for tensor, words in ((x, "is a leaf that requires grad"), (y, "shares its memory"), (view, "shares its memory")):
        with pytest.raises(RuntimeError, match=rf"Exp: .* {words}"):
            Exp.apply(tensor)
        assert tensor.tolist() == [1] * len(tensor)

    class Other(Exp):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x * 2

    with pytest.raises(RuntimeError, match="Other: forward must return the inputs that it marks as dirty"):
        Other.apply(x * 1)


def test_an_input_that_is_returned_as_it_is_becomes_another_tensor():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x

        @staticmethod
        def backward(ctx, dy):
            return dy * 2 * ctx.saved_tensors[0]

    x = mg.tensor([3.0], requires_grad=True)
    y = Same.apply(x)
    assert y is not x and y.tolist() == [3] and not np.shares_memory(x.array, y.array)
    (dx,) = mg.grad(y, x, create_graph=True)
    assert (dx.tolist(), mg.grad(dx, x)[0].tolist()) == ([6], [2])


class Once(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        assert not mg.is_grad_enabled()
        return 2 * dy * ctx.saved_tensors[0]


def test_once_differentiable_refuses_the_second_derivative():
    x = mg.tensor([3.0], requires_grad=True)
    Once.apply(x).backward()
    assert x.grad.tolist() == [6]
    (dx,) = mg.grad(Once.apply(x) + x * x, x, create_graph=True)
    assert dx.tolist() == [12]
    with pytest.raises(RuntimeError, match="trying to differentiate twice"):
        mg.grad(dx, x)
    w = mg.ones(1, requires_grad=True)
    (dx,) = mg.grad(Once.apply(x) * w, x, create_graph=True)
    with pytest.raises(RuntimeError, match="trying to differentiate twice"):
        mg.grad(dx, w)


def test_arguments_may_be_given_by_name():
    class Scaled(Function):
        @staticmethod
        def forward(ctx, x, factor=2.0, offset=0.0):
            ctx.factor = factor
            return x * factor + offset

        @staticmethod
        def backward(ctx, dy):
            return dy * ctx.factor, None, None

    x = mg.ones(2, requires_grad=True)
    Scaled.apply(x, offset=1.0, factor=3.0).sum().backward()
    assert x.grad.tolist() == [3, 3]
    with pytest.raises(TypeError, match="factr"):
        Scaled.apply(x, factr=1.0)
