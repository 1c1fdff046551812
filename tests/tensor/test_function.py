"""Operations of one's own in PyTorch's form, ``autograd.Function``: values, gradients of any order, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.autograd import Function
from minigrad.compile import capture
from tests.helpers.differences import check_derivatives
from tests.helpers.inputs import distinct


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * dy


class Exp(Function):
    """Saves its output."""

    @staticmethod
    def forward(ctx, x):
        y = mg.exp(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, dy):
        (y,) = ctx.saved_tensors
        return dy * y


class ScaledProduct(Function):
    """Two tensors and a number; the form with ``setup_context``."""

    @staticmethod
    def forward(a, b, factor):
        return a * b * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        a, b, ctx.factor = inputs
        ctx.save_for_backward(a, b)

    @staticmethod
    def backward(ctx, dy):
        a, b = ctx.saved_tensors
        return (
            dy * b * ctx.factor if ctx.needs_input_grad[0] else None,
            dy * a * ctx.factor if ctx.needs_input_grad[1] else None,
            None,
        )


class SinAndCos(Function):
    """Several outputs, one of them saved, and one that is a constant."""

    @staticmethod
    def forward(ctx, x):
        s, c, sign = mg.sin(x), mg.cos(x), mg.sign(x)
        ctx.save_for_backward(s, c)
        ctx.mark_non_differentiable(sign)
        return s, c, sign

    @staticmethod
    def backward(ctx, ds, dc, dsign):
        s, c = ctx.saved_tensors
        assert not dsign.any()
        return ds * c - dc * s


def tensors(function):
    """A function that is given arrays or tensors, of tensors: of arrays its values alone are computed."""

    def call(*inputs):
        y = function(*[x if isinstance(x, mg.Tensor) else mg.tensor(x) for x in inputs])
        return y if any(isinstance(x, mg.Tensor) for x in inputs) else y.numpy()

    return call


CASES = {
    "cube": (tensors(Cube.apply), distinct((2, 3))),
    "exp": (tensors(Exp.apply), distinct((3,))),
    "product": (tensors(lambda a, b: ScaledProduct.apply(a, b, 2.0)), distinct((2, 3), (3,))),
    "sine and cosine": (tensors(lambda x: mg.mul(*SinAndCos.apply(x)[:2])), distinct((2, 2))),
    "one of two": (tensors(lambda x: SinAndCos.apply(x)[1] * 2), distinct((4,))),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_are_those_of_finite_differences(name, order):
    check_derivatives(*CASES[name], order=order)


def test_values_and_constants():
    x = mg.tensor([1.0, -2.0], requires_grad=True)
    s, c, sign = SinAndCos.apply(x)
    np.testing.assert_array_equal(s.detach().numpy(), np.sin(x.detach().numpy()))
    np.testing.assert_array_equal(c.detach().numpy(), np.cos(x.detach().numpy()))
    assert sign.tolist() == [1.0, -1.0] and not sign.requires_grad and s.requires_grad
    assert not Cube.apply(mg.tensor(2.0)).requires_grad
    with mg.no_grad():
        assert not Cube.apply(x).requires_grad


def test_a_number_and_a_constant_get_no_gradient():
    a, b = mg.tensor([1.0, 2.0], requires_grad=True), mg.tensor([3.0, 4.0])
    ScaledProduct.apply(a, b, 10.0).sum().backward()
    assert a.grad.tolist() == [30.0, 40.0] and b.grad is None


def test_the_second_backward_is_refused_and_the_graph_freed():
    x = mg.tensor([2.0], requires_grad=True)
    y = Cube.apply(x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.backward()


class Wrong(Function):
    returned = None

    @staticmethod
    def forward(ctx, x, n):
        return x * 2

    @staticmethod
    def backward(ctx, dy):
        return Wrong.returned


@pytest.mark.parametrize(
    ("returned", "error", "words"),
    [
        ((None,), RuntimeError, "1 gradients for 2 inputs"),
        ((mg.ones(2), None, mg.ones(2)), RuntimeError, "3 gradients for 2 inputs"),
        ((np.ones(2), None), TypeError, r"returned an array \(2,\) float64 for input 0"),
        ((mg.ones(3), None), RuntimeError, r"a gradient \(3,\) for an operand \(2,\)"),
    ],
)
def test_wrong_gradients_are_named(returned, error, words):
    Wrong.returned = returned
    with pytest.raises(error, match=words):
        Wrong.apply(mg.ones(2, requires_grad=True), 1).sum().backward()


def test_none_for_an_input_that_requires_grad_is_zero():
    Wrong.returned = (None, None)
    x = mg.ones(2, requires_grad=True)
    Wrong.apply(x, 1).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


def test_a_saved_tensor_that_was_changed_is_refused():
    x = mg.tensor([2.0], requires_grad=True)
    h = x * 1.0
    y = Cube.apply(h)
    with mg.no_grad():
        h += 1.0
    with pytest.raises(RuntimeError, match=r"Cube: a saved tensor .* was changed in place"):
        y.sum().backward()


@pytest.mark.parametrize("arguments", [(), (2.0,)])
def test_an_operation_of_ones_own_is_applied_not_made(arguments):
    for error in (TypeError, RuntimeError):
        with pytest.raises(error, match=r"Cube is applied, not made: write Cube\.apply\(x\)"):
            Cube(*arguments)


def test_arrays_are_called_so_where_tensors_are_expected():
    class OfArrays(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, dy):
            return dy.numpy() * 2

    x = mg.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match=r"backward returned an array \(2,\) float32 for input 0, expected a tensor"):
        OfArrays.apply(x).sum().backward()
    with pytest.raises(TypeError, match=r"expected tensors to differentiate by, got an array \(2,\) float64"):
        mg.autograd.functional.jacobian(mg.sin, np.ones(2))


def test_what_cannot_be_done_is_said():
    class Dirty(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)  # a leaf

    class Numbers(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)

    class Nothing(Function):
        @staticmethod
        def forward(ctx, x):
            return None

    x = mg.ones(2, requires_grad=True)
    cases = {
        Dirty: "is a leaf that requires grad",
        Numbers: "takes tensors",
        Nothing: "must return tensors",
        Function: "defines forward",
    }
    for function, words in cases.items():
        with pytest.raises((RuntimeError, TypeError, NotImplementedError), match=words):
            function.apply(x)


def test_it_is_drawn_and_checked():
    x = mg.tensor(np.array([1.0, 2.0]), requires_grad=True)
    assert "Cube" in mg.draw(Cube.apply(x).sum()).source
    assert mg.gradcheck(Cube.apply, x) and mg.gradgradcheck(Cube.apply, x)


class TwoDtypes(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2, x.double() * 3

    @staticmethod
    def backward(ctx, single, double):
        assert single.dtype == np.float32 and double.dtype == np.float64
        return 2 * single + 3 * double.float()


def test_outputs_keep_their_dtypes():
    x = mg.ones(2, requires_grad=True)
    single, double = TwoDtypes.apply(x)
    assert single.dtype == np.float32 and double.dtype == np.float64
    (single.double() + double).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [5, 5])


class Squared(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        return 2 * x * dy


def test_a_captured_step_with_a_function_equals_eager():
    def training():
        mg.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))
        optimizer = optim.Adam(model.parameters(), lr=0.1)

        def step(x):
            optimizer.zero_grad()
            loss = Squared.apply(model(x)).mean()
            loss.backward()
            optimizer.step()
            return loss

        return step, model, optimizer

    batches = np.random.default_rng(0).standard_normal((4, 8, 3)).astype(np.float32)
    eager, _, _ = training()
    step, *state = training()
    program, first = capture(step, mg.tensor(batches[0]), state=state)
    losses = [first, *(program.run(mg.tensor(batch)) for batch in batches[1:])]
    expected = [eager(mg.tensor(batch)).item() for batch in batches]
    np.testing.assert_allclose([loss.item() for loss in losses], expected, rtol=1e-5)
