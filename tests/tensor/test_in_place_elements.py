"""Elements set by an index in a graph: values and derivatives, and what becomes of views of the memory."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.compile import capture
from tests.helpers.differences import check_derivatives
from tests.helpers.inputs import distinct
from tests.tensor.changes import START, leaf

CHANGES = {
    "number": lambda y, w: y.__setitem__(0, 5.0),
    "int": lambda y, w: y.__setitem__((1, 2), w[0]),
    "row": lambda y, w: y.__setitem__(1, w),
    "row of two axes": lambda y, w: y.__setitem__(1, w.reshape(1, 3)),
    "slice": lambda y, w: y.__setitem__((slice(None), slice(1, None)), w[:2]),
    "mask": lambda y, w: y.__setitem__(START > 1, w[0]),
    "mask of numbers": lambda y, w: y.__setitem__(START > 1.9, w[:2]),
    "lists": lambda y, w: y.__setitem__(([0, 1], [2, 0]), w[:2]),
    "ellipsis": lambda y, w: y.__setitem__(..., w),
    "None": lambda y, w: y.__setitem__(None, w),
    "twice the same": lambda y, w: y.__setitem__(([0, 0], [1, 1]), w[:2]),
    "array": lambda y, w: y.__setitem__(0, np.array([7.0, 8.0, 9.0])),
    "list": lambda y, w: y.__setitem__(0, [7, 8, 9]),
    "+=": lambda y, w: y.__setitem__(0, y[0].__iadd__(w)),
    "*= of lists": lambda y, w: y.__setitem__([0, 1], y[[0, 1]].__imul__(w)),
    "copy_": lambda y, w: y.copy_(w),
    "copy_ of a row": lambda y, w: y[0].copy_(w),
    "copy_ of an array": lambda y, w: y.copy_(START),
    "fill_": lambda y, w: y[:, 0].fill_(2.0),
    "zero_": lambda y, w: y.T[1].zero_(),
    "itself": lambda y, w: y.__setitem__(0, y[1] * w),
    "a view of itself": lambda y, w: y.__setitem__(0, y[1]),
}


def arrays_or_tensors(change):
    """``change`` of a computed tensor as a function of the leaves, of arrays the same by NumPy."""

    def function(x, w):
        y = x * 2.0
        change(y if isinstance(y, mg.Tensor) else y.view(Array), w)
        return y * y

    return function


class Array(np.ndarray):
    """NumPy's arrays with the methods of the tests."""

    def copy_(self, other):
        self[...] = other

    def fill_(self, value):
        self[...] = value

    def zero_(self):
        self[...] = 0


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", CHANGES)
def test_setting_elements_of_a_result_has_numpys_values_and_right_derivatives(name, order):
    check_derivatives(arrays_or_tensors(CHANGES[name]), distinct((2, 3), (3,)), order=order)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_constant_takes_elements_that_require_grad(dtype):
    w = mg.tensor(np.array([2.0, 3.0], dtype), requires_grad=True)
    buffer = mg.zeros(3, dtype=dtype)
    buffer[1] = w[0] * 2
    buffer[2] = w[1].double()
    assert (buffer.requires_grad, buffer.dtype, buffer.tolist()) == (True, dtype, [0, 4, 3])
    (buffer * buffer).sum().backward()
    assert (w.grad.dtype, w.grad.tolist()) == (dtype, [16, 6])


def test_a_recurrence_over_elements():
    """y[t] = w y[t - 1] from y[0] = x: the last is w ** 4 x, whose derivatives are known."""
    x, w = leaf(3.0), leaf(2.0)
    y = mg.zeros(5, dtype=np.float64) * x
    y[0] = x
    for t in range(1, 5):
        y[t] = y[t - 1] * w
    assert y.tolist() == [3, 6, 12, 24, 48]
    dx, dw = mg.grad(y[4], [x, w], create_graph=True)
    assert (dx.item(), dw.item()) == (16, 4 * 8 * 3)
    assert [g.item() for g in mg.grad(dw, [x, w])] == [4 * 8, 4 * 3 * 4 * 3]


def test_of_two_values_for_one_element_only_the_last_has_a_gradient():
    w = mg.tensor([4.0, 5.0], requires_grad=True)
    y = mg.zeros(3)
    y[[0, 0]] = w
    y.sum().backward()
    assert (y.tolist(), w.grad.tolist()) == ([5, 0, 0], [0, 1])


FOLLOWERS = {
    "row": (lambda y: y[0], True),
    "transposed": (lambda y: y.T, True),
    "reshaped": (lambda y: y.reshape(6), True),
    "of a view": (lambda y: y.T[1:][0], True),
    "detached": (lambda y: y.detach(), False),
    "a view detached": (lambda y: y[0].detach(), False),
    "a view of what is detached": (lambda y: y.detach()[1:], False),
    "copy.copy": (copy.copy, True),
}


@pytest.mark.parametrize("change", [lambda y, w: y.__imul__(w), lambda y, w: y.__setitem__((slice(None), 1), w[0])])
@pytest.mark.parametrize("name", FOLLOWERS)
def test_views_follow_a_recorded_change(name, change):
    function, stays_in_graph = FOLLOWERS[name]
    x, w = leaf(), leaf([2.0, 3.0, 4.0])
    y, expected = x * 1.0, START.copy()
    view = function(y)
    change(y, w)
    change(expected, np.array([2.0, 3.0, 4.0]))
    np.testing.assert_array_equal(y.detach().numpy(), expected)
    np.testing.assert_array_equal(view.detach().numpy(), function(mg.tensor(expected)).numpy())
    assert view.requires_grad == stays_in_graph and np.shares_memory(view.array, y.array)
    if stays_in_graph:
        twin = x * 1.0
        change(twin, w)
        again = function(twin)
        for one, other in zip(mg.grad((view * view).sum(), [x, w]), mg.grad((again * again).sum(), [x, w])):
            np.testing.assert_array_equal(one.numpy(), other.numpy())


@pytest.mark.parametrize(
    "view", [lambda y: y[0], lambda y: y[:, ::-1], lambda y: y.T, lambda y: y.reshape(-1), lambda y: y.T[1:].T[1]]
)
@pytest.mark.parametrize("changed_first", [False, True])
def test_a_change_of_a_view_is_one_of_its_elements(view, changed_first):
    def function(x, w):
        y = x * 2.0
        if changed_first:
            y *= w[0]
        part, other = view(y), y[1:]
        part *= w[1]
        part += 1.0
        return y * y + (other * other * part.sum()).sum()

    for order in (1, 2):
        check_derivatives(function, distinct((2, 3), (3,)), order=order)


def test_a_change_of_a_view_whose_root_is_gone():
    x, w = leaf(), leaf([2.0, 3.0, 4.0])
    y = (x * 2).T
    row, column = y[1], y[:, 0]
    row *= w[:2]
    assert (row.tolist(), column.tolist()) == ([6, 6], [1, 6, 4])
    assert y.tolist() == [[1, 0.5], [6, 6], [4, 6]]
    (column.sum() + y.sum()).backward()
    assert w.grad.tolist() == [6, 2, 0]


def test_views_that_are_gone_are_no_matter():
    x = leaf()
    y = x * 2
    for view in (y[0], y.T, y.detach(), y.reshape(6), copy.copy(y)):
        assert view.numel()
    del view
    y += 1
    y[0] = 3.0
    np.testing.assert_array_equal(y.detach().numpy(), [[3, 3, 3], [1.5, 3, 7]])
    many = mg.zeros(10)
    for i in range(1000):
        many[i % 10 :].sum()
    assert len(many.memory.sharers) < 40


def test_what_was_computed_of_a_view_before_keeps_its_derivative():
    x = leaf()
    y = x * 2
    row = y[0]
    square = row * row
    y[0] = 1.0
    square.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[4.0, 12.0, 16.0], [0, 0, 0]])


def test_a_leaf_over_the_memory_of_a_result_stays_one():
    x = leaf()
    y = x * 2
    own = y.detach().requires_grad_()
    y += 1
    assert own.is_leaf and own.requires_grad and own.tolist() == y.tolist()


def test_a_swap_through_views_is_refused_in_a_graph_too():
    x = leaf()
    y = x * 1
    with pytest.raises(RuntimeError, match=r"overwritten after it was taken.*clone\(\)"):
        y[0], y[1] = y[1], y[0]
    y = x * 1
    y[0], y[1] = y[1].clone(), y[0].clone()
    np.testing.assert_array_equal(y.detach().numpy(), START[::-1])


def test_a_buffer_takes_no_graph():
    module = nn.Module()
    module.seen = nn.Buffer([0.0, 0.0, 0.0])
    w = mg.ones(3, requires_grad=True)
    for change in (lambda b: b.copy_(w), lambda b: b.__setitem__(0, w[0]), lambda b: b[1:].copy_(w[1:])):
        with pytest.raises(RuntimeError, match=r"a Buffer \(3,\) float32 cannot take a value that requires grad"):
            change(module.seen)
        assert module.seen.tolist() == [0, 0, 0]


def test_a_retained_gradient_is_that_of_the_changed_tensor():
    x = leaf()
    y = x * 2
    y.retain_grad()
    y[0] = 0.0
    (y * 3).sum().backward()
    np.testing.assert_array_equal(y.grad.numpy(), np.full((2, 3), 3.0))
    np.testing.assert_array_equal(x.grad.numpy(), [[0, 0, 0], [6, 6, 6]])


def test_a_captured_step_that_sets_elements_equals_eager():
    def make():
        mg.manual_seed(0)
        layer = nn.Linear(3, 2)

        def step(x):
            layer.weight.grad = layer.bias.grad = None
            out = mg.zeros(4, 3)
            out[:, 1:] = layer(x)
            out[0] *= 2
            out[1, 0] = out[2, 1] * out[3, 2]
            loss = (out * out).sum()
            loss.backward()
            with mg.no_grad():
                layer.weight -= 0.01 * layer.weight.grad
            return loss

        return step, layer

    batches = np.random.default_rng(0).standard_normal((3, 4, 3)).astype(np.float32)
    eager, _ = make()
    step, layer = make()
    program, first = capture(step, mg.tensor(batches[0]), state=[layer])
    found = [first.item(), *(program.run(mg.tensor(batch)).item() for batch in batches[1:])]
    np.testing.assert_allclose(found, [eager(mg.tensor(batch)).item() for batch in batches], rtol=1e-5)


def test_a_changed_tensor_keeps_its_order_in_memory():
    """So ``reshape`` gives views of it as before, whatever order the operation's result has."""

    def turned(x):
        return x.T.clone().T

    x = leaf()
    y = x * 1
    y._in_place(turned)
    flat = y.reshape(-1)
    flat[0] = 9.0
    assert y.tolist()[0][0] == 9
