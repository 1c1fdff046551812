"""Every way to change a tensor in place is noticed where its old value was saved."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.tensor.changes import (
    OTHER,
    SAVES_NOTHING,
    SAVES_OPERAND,
    SAVES_OUTPUT,
    START,
    add_to_element,
    imul,
    leaf,
    set_element,
    set_row,
)


def iadd(t):
    t += 1


def isub(t):
    t -= 1


def itruediv(t):
    t /= 2


def set_slice(t):
    t[:, 1:] = [[7], [8]]


def set_masked(t):
    t[t > 1] = 0


def set_all(t):
    t[...] = OTHER


def set_indexed(t):
    t[[0, 1], mg.tensor([1, 2])] = 7


def step_of_an_optimiser(t):
    t.grad = mg.ones_like(t)
    optim.SGD([t], lr=0.1).step()


def load_a_state(t):
    holder = nn.Module()
    holder.t = t if isinstance(t, nn.Parameter) else nn.Parameter(t)
    holder.load_state_dict({"t": np.ones(t.shape)})


CHANGES = {
    "+=": iadd,
    "-=": isub,
    "*=": imul,
    "/=": itruediv,
    "add_": lambda t: t.add_(1),
    "add_ of a tensor": lambda t: t.add_(mg.tensor(OTHER), alpha=0.5),
    "sub_": lambda t: t.sub_(1),
    "mul_": lambda t: t.mul_(3),
    "div_": lambda t: t.div_(3),
    "zero_": lambda t: t.zero_(),
    "fill_": lambda t: t.fill_(4),
    "copy_": lambda t: t.copy_(OTHER),
    "t[0, 0] =": set_element,
    "t[1] =": set_row,
    "t[:, 1:] =": set_slice,
    "t[mask] =": set_masked,
    "t[...] =": set_all,
    "t[lists] =": set_indexed,
    "t[0] +=": add_to_element,
    "optimiser": step_of_an_optimiser,
    "load_state_dict": load_a_state,
    "init": lambda t: nn.init.uniform_(t),
}

VIEWS = {
    "itself": lambda t: t,
    "detach": lambda t: t.detach(),
    "data": lambda t: t.data,
    "t[0]": lambda t: t[0],
    "t[:, 1:]": lambda t: t[:, 1:],
    "t[None]": lambda t: t[None],
    "t[...]": lambda t: t[...],
    "T": lambda t: t.T,
    "transpose": lambda t: t.transpose(0, 1),
    "permute": lambda t: t.permute(1, 0),
    "reshape": lambda t: t.reshape(-1),
    "view": lambda t: t.view(3, 2),
    "flatten": lambda t: t.flatten(),
    "unsqueeze": lambda t: t.unsqueeze(0),
    "squeeze": lambda t: t.unsqueeze(1).squeeze(),
    "a view of a view": lambda t: t.data.T[1:].reshape(2, 2)[0] if t.ndim == 2 else t,
    "iteration": lambda t: next(iter(t)),
    "copy.copy": lambda t: copy.copy(t.detach()),
    "as_tensor": lambda t: mg.as_tensor(t),
    "Parameter": lambda t: nn.Parameter(t),
    "data of another": lambda t: with_data(mg.zeros(2, 3, dtype=np.float64), t),
}


def with_data(t, other):
    t.data = other
    return t


REFUSED = r"(?s){place}, was changed in place after it was recorded.*Call backward before .*x\.clone\(\).*x = x \+ 1"


def gradient_of(function, array, create_graph=False):
    x = leaf(array)
    y = function(x)
    y.backward(np.cos(np.arange(y.numel())).reshape(y.shape), create_graph=create_graph)
    return x.grad.numpy()


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_operand_is_refused_if_it_was_saved(change, create_graph):
    x = leaf()
    loss = (x * x).sum()
    with mg.no_grad():
        CHANGES[change](x)
    assert not np.array_equal(x.numpy(), START)
    with pytest.raises(RuntimeError, match=REFUSED.format(place=r"mul: operand 0, \(2, 3\) float64")):
        loss.backward(create_graph=create_graph)


@pytest.mark.parametrize("view", VIEWS)
def test_a_change_through_a_view_is_noticed(view):
    x = leaf()
    loss = (x * x).sum()
    with mg.no_grad():
        VIEWS[view](x).mul_(2)
    assert not np.array_equal(x.numpy(), START)
    with pytest.raises(RuntimeError, match="mul: operand 0"):
        loss.backward()


@pytest.mark.parametrize("view", VIEWS)
def test_a_change_of_what_a_view_looks_at_is_noticed(view):
    x = leaf()
    seen = VIEWS[view](x)
    w = mg.tensor(np.full(seen.shape, 2.0), requires_grad=True)
    loss = (seen.detach() * w).sum()
    with mg.no_grad():
        x.mul_(2)
    with pytest.raises(RuntimeError, match="mul: operand 0"):
        loss.backward()


@pytest.mark.parametrize("name", SAVES_OPERAND)
def test_operations_that_save_their_operand_refuse(name):
    x = leaf()
    y = SAVES_OPERAND[name](x)
    with mg.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="was changed in place"):
        y.sum().backward()


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", SAVES_NOTHING)
def test_operations_that_save_nothing_allow_a_changed_operand(name, change, create_graph):
    function = SAVES_NOTHING[name]
    x = leaf()
    y = function(x)
    with mg.no_grad():
        CHANGES[change](x)
    x.grad = None
    y.backward(np.cos(np.arange(y.numel())).reshape(y.shape), create_graph=create_graph)
    np.testing.assert_array_equal(x.grad.numpy(), gradient_of(function, START))


@pytest.mark.parametrize("change", ["+=", "mul_", "zero_", "t[0, 0] =", "t[mask] ="])
@pytest.mark.parametrize("name", SAVES_OUTPUT)
def test_a_changed_output_is_refused_if_it_was_saved(name, change):
    x = leaf()
    y = SAVES_OUTPUT[name](x)
    with mg.no_grad():
        CHANGES[change](y)
    with pytest.raises(RuntimeError, match=REFUSED.format(place=f"{name}: its output")):
        y.sum().backward()


@pytest.mark.parametrize("name", SAVES_OUTPUT)
def test_operations_that_save_their_output_allow_a_changed_operand(name):
    x = leaf()
    y = SAVES_OUTPUT[name](x)
    with mg.no_grad():
        x.zero_()
    y.backward(np.cos(np.arange(6)).reshape(2, 3))
    np.testing.assert_array_equal(x.grad.numpy(), gradient_of(SAVES_OUTPUT[name], START))


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_constant_is_refused_too(change):
    x, constant = leaf(), mg.tensor(OTHER)
    loss = (x * constant).sum()
    with mg.no_grad():
        CHANGES[change](constant)
    with pytest.raises(RuntimeError, match=r"mul: operand 1, \(2, 3\) float64, was changed"):
        loss.backward()


@pytest.mark.parametrize("constant", [2.0, OTHER, np.float64(2)], ids=["number", "array", "NumPy number"])
def test_an_operand_behind_a_constant_is_named_rightly(constant):
    x = leaf()
    y = constant**x if isinstance(constant, float) else mg.pow(constant, x)
    with mg.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match=r"pow: operand 1, \(2, 3\) float64, was changed"):
        y.sum().backward()


def test_constants_are_changed_in_place_also_outside_no_grad():
    x, constant = leaf(), mg.tensor(OTHER)
    seen = constant[0]
    array = constant.array
    loss = (x * constant).sum()
    for name in ("+=", "*=", "zero_", "t[1] =", "copy_"):
        CHANGES[name](constant)
    assert constant.array is array
    assert seen.tolist() == OTHER[0].tolist()
    with pytest.raises(RuntimeError, match="mul: operand 1"):
        loss.backward()


def test_a_change_before_the_operation_is_no_problem():
    x = leaf()
    with mg.no_grad():
        x += 1
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * (START + 1))


def test_a_change_after_backward_is_no_problem():
    x = leaf()
    loss = (x * x).sum()
    loss.backward(retain_graph=True)
    with mg.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * START)


def test_a_change_of_another_part_of_the_graph_is_no_problem():
    x, other = leaf(), leaf(OTHER)
    loss = (x * x).sum() + (other * other).sum()
    with mg.no_grad():
        other += 1
    (dx,) = mg.grad(loss, x)
    np.testing.assert_array_equal(dx.numpy(), 2 * START)


def test_an_expanded_tensor_cannot_be_written_to():
    x = mg.tensor([1.0, 2.0])
    wide = x.expand(3, 2)
    for change in (iadd, CHANGES["zero_"], CHANGES["t[1] ="], CHANGES["fill_"]):
        with pytest.raises(ValueError, match=r"\(3, 2\) float32 cannot take .*read-only.*x\.clone\(\)"):
            change(wide)
    assert x.tolist() == [1.0, 2.0]
