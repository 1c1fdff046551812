"""In-place changes: right for everybody who looks at the tensor, or refused; never silently wrong."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

START = np.array([[0.5, 1.5, 2.0], [0.25, 1.0, 3.0]])
OTHER = np.array([[2.0, 0.5, 1.0], [1.5, 4.0, 0.25]])


def leaf(array=START):
    return mg.tensor(array, requires_grad=True)


# -- every way to change a tensor without recording it ---------------------------------------------


def iadd(t):
    t += 1


def isub(t):
    t -= 1


def imul(t):
    t *= 2


def itruediv(t):
    t /= 2


def set_element(t):
    t[0, 0] = 7


def set_row(t):
    t[1] = mg.tensor([7.0, 8.0, 9.0])


def set_slice(t):
    t[:, 1:] = [[7], [8]]


def set_masked(t):
    t[t > 1] = 0


def set_all(t):
    t[...] = OTHER


def set_indexed(t):
    t[[0, 1], mg.tensor([1, 2])] = 7


def adopted(tensor):
    """The tensor, which a parameter looks at, too."""
    mg.nn.Parameter(tensor, requires_grad=False)
    return tensor


def add_to_element(t):
    t[0] += 1


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


SAVES_OPERAND = {
    "mul": lambda x: x * x,
    "div": lambda x: 1 / x / x,
    "pow": lambda x: x**2,
    "square": mg.square,
    "log": mg.log,
    "sin": mg.sin,
    "matmul": lambda x: x @ x.T,
    "linear": lambda x: nn.functional.linear(x, mg.tensor(OTHER), None) * x.sum(1, keepdim=True),
    "maximum": lambda x: mg.maximum(x, OTHER),
    "var": lambda x: x.var(0),
    "amax": lambda x: x.amax(1),
    "clamp": lambda x: x.clamp(0.3, 2.5),
    "mse_loss": lambda x: nn.functional.mse_loss(x, mg.tensor(OTHER)),
    "batch_norm": lambda x: mg.ops.batch_norm(x, training=True),
}
SAVES_NOTHING = {
    "add": lambda x: x + 1,
    "sub": lambda x: 1 - x,
    "neg": lambda x: -x,
    "divide": lambda x: x / 4.0,
    "sum": lambda x: x.sum(0),
    "mean": lambda x: x.mean(),
    "reshape": lambda x: x.reshape(3, 2),
    "index": lambda x: x[:, 1],
    "cat": lambda x: mg.cat([x, x]),
    "clone": lambda x: x.clone(),
    "cast": lambda x: x.float(),
    "where": lambda x: mg.where(START > 1, x, 0.0),
}
SAVES_OUTPUT = {
    "exp": mg.exp,
    "tanh": mg.tanh,
    "sigmoid": mg.sigmoid,
    "sqrt": mg.sqrt,
    "reciprocal": mg.reciprocal,
    "relu": mg.relu,
    "softmax": lambda x: x.softmax(1),
    "log_softmax": lambda x: x.log_softmax(1),
}

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
def test_operations_that_save_nothing_do_not_mind(name, change, create_graph):
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
def test_operations_that_save_their_output_do_not_mind_a_changed_operand(name):
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


# -- what second derivatives see -----------------------------------------------------------------


def test_a_change_between_the_first_and_the_second_derivative_is_refused():
    x = leaf()
    y = mg.exp(x)
    seen = y.detach()
    total = y.sum()
    del y
    (dx,) = mg.grad(total, x, create_graph=True)
    seen.zero_()
    with pytest.raises(RuntimeError, match="was changed in place"):
        mg.grad(dx.sum(), x)


def test_a_change_of_what_only_the_second_derivative_needs_is_refused():
    x, u, constant = leaf(), leaf(OTHER), mg.tensor(OTHER)
    seen = constant.detach()
    y = (x * constant) * mg.exp(u)
    constant.data = mg.tensor(START)
    (dx,) = mg.grad(y.sum(), x, create_graph=True)
    seen.zero_()
    with pytest.raises(RuntimeError, match=r"mul: operand 1, .* was changed in place"):
        mg.grad(dx.sum(), u)


@pytest.mark.parametrize("create_graph", [False, True])
def test_new_data_is_another_array(create_graph):
    x, constant = leaf(), mg.tensor(OTHER)
    y = x * x * constant
    x.data = mg.tensor(OTHER)
    constant.data = mg.tensor(START)
    (dx,) = mg.grad(y.sum(), x, create_graph=create_graph)
    np.testing.assert_array_equal(dx.numpy(), 2 * START * OTHER)
    if create_graph:
        (ddx,) = mg.grad(dx.sum(), x)
        np.testing.assert_array_equal(ddx.numpy(), 2 * OTHER)


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_constant_that_becomes_part_of_the_graph_was_none(create_graph):
    x, rebound, trained = leaf(), mg.tensor(OTHER), mg.tensor(OTHER)
    y = (x * rebound + x * trained).sum()
    rebound += x
    trained.requires_grad_()
    dx, dt = mg.grad(y, [x, trained], create_graph=create_graph, allow_unused=True)
    np.testing.assert_array_equal(dx.numpy(), 2 * OTHER)
    assert dt is None
    assert not dx.requires_grad


@pytest.mark.parametrize(
    ("wrong", "requires_grad"),
    [(np.zeros((3, 2)), True), (np.zeros((3, 2)), False), (np.zeros((2, 3), np.float32), True)],
)
def test_new_data_must_fit(wrong, requires_grad):
    x = mg.tensor(START, requires_grad=requires_grad)
    with pytest.raises(ValueError, match=r"data keeps its shape, and its dtype .*\(2, 3\) float64, got"):
        x.data = mg.tensor(wrong)
    np.testing.assert_array_equal(x.numpy(), START)


# -- in-place operations that are recorded -------------------------------------------------------


def chain_add(y, x):
    y += 1
    y += x
    return y


def chain_sub(y, x):
    y -= x * 2
    y.sub_(x, alpha=3)
    return y


def chain_mul(y, x):
    y *= x
    y.mul_(2.5)
    return y


def chain_div(y, x):
    y /= x + 1
    y.div_(4)
    return y


def with_itself(y, x):
    y += y
    y *= y
    y /= y + 1
    return y


def mixed(y, x):
    y.add_(x, alpha=-0.5)
    y *= mg.exp(y)
    y -= OTHER
    y += [1.0, 2.0, 3.0]
    return y


def broadcast(y, x):
    y += x[0]
    y *= x.sum()
    return y


def used_before(y, x):
    square = y * y
    y += 1
    return square * y


def used_before_and_saved_by_output(y, x):
    e = mg.exp(y)
    kept = e * 1.0
    e *= 2
    y -= 1
    return e * kept * y


def out_of_place(function):
    """The twin of a function above, whose changes are replaced by new tensors."""
    twins = {
        chain_add: lambda y, x: y + 1 + x,
        chain_sub: lambda y, x: y - x * 2 - 3 * x,
        chain_mul: lambda y, x: y * x * 2.5,
        chain_div: lambda y, x: y / (x + 1) / 4,
        with_itself: lambda y, x: (2 * y) ** 2 / ((2 * y) ** 2 + 1),
        mixed: lambda y, x: (z := y - 0.5 * x) * mg.exp(z) - OTHER + mg.tensor([1.0, 2.0, 3.0]),
        broadcast: lambda y, x: (y + x[0]) * x.sum(),
        used_before: lambda y, x: y * y * (y + 1),
        used_before_and_saved_by_output: lambda y, x: 2 * mg.exp(y) * mg.exp(y) * (y - 1),
    }
    return twins[function]


RECORDED = [
    chain_add, chain_sub, chain_mul, chain_div, with_itself, mixed, broadcast, used_before,
    used_before_and_saved_by_output,
]  # fmt: skip


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("function", RECORDED)
def test_recorded_changes_equal_their_twin_out_of_place(function, create_graph):
    found = []
    for version in (function, out_of_place(function)):
        x = leaf()
        y = version(mg.sin(x), x)
        (dx,) = mg.grad((y * OTHER).sum(), x, create_graph=create_graph)
        found.append([y, dx])
        if create_graph:
            found[-1] += mg.grad((dx * dx).sum(), x)
    for one, other in zip(*found):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-12)


def test_another_name_of_a_changed_tensor_sees_the_change():
    x = leaf()
    y = x * 2
    z = y
    y += x
    assert z is y
    np.testing.assert_array_equal(z.numpy(), 3 * START)
    (z * z).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 18 * START)


def test_a_constant_takes_a_value_that_requires_grad():
    x, total = leaf(), mg.zeros(2, 3, dtype=np.float64)
    for _ in range(3):
        total += x * x
    assert total.requires_grad
    total.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 6 * START)


def test_a_recorded_change_makes_the_tensor_a_result():
    x = leaf()
    y = x * 2
    y += 1
    assert y.grad_fn.op.name == "add"
    assert y.grad_fn.output() is y
    (dy,) = mg.grad((y * y).sum(), y)
    np.testing.assert_array_equal(dy.numpy(), 2 * (2 * START + 1))


def test_a_change_after_a_recorded_change_is_noticed():
    x, w = leaf(), leaf(OTHER)
    y = x * 1.0
    y /= w
    with mg.no_grad():
        y += 1
    with pytest.raises(RuntimeError, match="div: its output, was changed in place"):
        y.sum().backward()


def test_a_change_after_a_recorded_change_leaves_the_older_value():
    x = leaf()
    y = x * 2
    square = y * y
    y += 1
    with mg.no_grad():
        y.zero_()
    square.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 8 * START)


def test_a_retained_gradient_is_that_of_the_changed_tensor():
    x = leaf()
    y = x * 2
    y.retain_grad()
    y *= 5
    (y * 3).sum().backward()
    np.testing.assert_array_equal(y.grad.numpy(), np.full((2, 3), 3.0))
    np.testing.assert_array_equal(x.grad.numpy(), np.full((2, 3), 30.0))


def test_hooks_stay_with_the_value_they_were_put_on():
    x = leaf()
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y *= 5
    y.sum().backward()
    assert seen == [[[5.0] * 3] * 2]


REFUSALS = [
    ("leaf", lambda x: x.add_(1), r"add in place: \(2, 3\) float64 is a leaf that requires grad.*no_grad\(\)"),
    ("leaf operator", lambda x: imul(x), r"mul in place: .* is a leaf"),
    ("setting", lambda x: set_element(x), r"setting elements: .* requires grad.*not recorded.*mg\.where"),
    ("setting a result", lambda x: set_row(x * 2), "setting elements: .* requires grad"),
    ("zero_", lambda x: x.zero_(), "zero_: .* requires grad"),
    ("fill_", lambda x: (x * 1).fill_(1), "fill_: .* requires grad"),
    ("copy_", lambda x: mg.zeros(2, 3).copy_(x), "copy_: .* the value requires grad"),
    ("element of a constant", lambda x: mg.zeros(2, 3).__setitem__(0, x[0]), "setting elements"),
    ("view", lambda x: (x * 2)[0].add_(1), r"add in place: \(3,\) float64 shares its memory.*x\.clone\(\)"),
    ("element by +=", lambda x: add_to_element(x * 2), "shares its memory"),
    ("view of a leaf", lambda x: x.T.mul_(2), "shares its memory"),
    ("tensor in a parameter", lambda x: adopted(mg.zeros(2, 3)).add_(x), "shares its memory"),
    ("constant view", lambda x: mg.zeros(2, 3).reshape(6).add_(x.reshape(6)), "shares its memory"),
    ("a constant with a copy", lambda x: (c := mg.zeros(2, 3), copy.copy(c), c.add_(x)), "shares its memory"),
    ("the caller's array", lambda x: mg.from_numpy(np.ones((2, 3))).add_(x), "shares its memory with another"),
    ("shape", lambda x: (x[0] * 2).add_(x), r"\(3,\) float64 cannot become \(2, 3\) float64"),
    ("dtype", lambda x: mg.ones(2, 3).add_(x), r"\(2, 3\) float32 cannot become \(2, 3\) float64"),
    ("integers", lambda x: mg.arange(3).add_(x[0]), "int64 cannot become"),
]


@pytest.mark.parametrize(("change", "words"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS])
def test_what_cannot_be_recorded_is_refused(change, words):
    x = leaf()
    with pytest.raises(RuntimeError, match=words):
        change(x)
    np.testing.assert_array_equal(x.numpy(), START)


@pytest.mark.parametrize("share", [lambda y: y.detach(), lambda y: y.data, lambda y: y[0], lambda y: y.reshape(-1)])
def test_a_result_others_look_at_is_not_changed_under_them(share):
    x = leaf()
    y = x * 2
    seen = share(y)
    with pytest.raises(RuntimeError, match="shares its memory"):
        y += 1
    assert np.shares_memory(seen.array, y.array)
    (y * y).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 8 * START)


@pytest.mark.parametrize("index", [[1, 0], np.array([[True, False, True]] * 2), (slice(None), [2, 0])])
def test_an_index_that_copies_may_be_changed(index):
    x = leaf()
    y = x[index]
    y *= 2
    with mg.no_grad():
        x[index].zero_()
    np.testing.assert_array_equal(x.numpy(), START)
    y.sum().backward()
    expected = np.zeros((2, 3))
    expected[index] = 2
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@pytest.mark.parametrize("name", [*SAVES_OPERAND, *SAVES_OUTPUT, *SAVES_NOTHING])
def test_only_views_share_the_memory_of_their_operand(name):
    x = leaf()
    y = {**SAVES_OPERAND, **SAVES_OUTPUT, **SAVES_NOTHING}[name](x)
    assert np.shares_memory(x.array, y.array) == (y.memory is x.memory) == (name in ("reshape", "index"))


def test_a_refused_change_changes_nothing():
    for t, change in [
        (mg.arange(3), lambda t: t.add_(1.5)),
        (mg.arange(3), lambda t: t.div_(2)),
        (mg.zeros(3), lambda t: t.add_(mg.ones(2, 3))),
        (mg.zeros(3), lambda t: t.add_("a")),
        (mg.zeros(3), lambda t: t.copy_(mg.ones(4))),
        (mg.zeros(3), lambda t: t.fill_(None)),
        (mg.zeros(3), lambda t: t.fill_("3")),
        (mg.zeros(3), lambda t: t.__setitem__(0, 1j)),
        (mg.zeros(3), lambda t: t.__setitem__(slice(2), [1.0, 2.0, 3.0])),
    ]:
        before = t.tolist()
        with pytest.raises((TypeError, ValueError), match=r"\(3,\) (int64|float32) cannot take "):
            change(t)
        assert t.tolist() == before


# -- training loops ------------------------------------------------------------------------------


def test_a_parameter_is_updated_in_place_under_no_grad():
    p = nn.Parameter(START.copy())
    array, other_name = p.array, p
    (p * p).sum().backward()
    with mg.no_grad():
        p -= 0.1 * p.grad
    assert other_name is p
    assert p.array is array
    assert p.is_leaf
    assert p.requires_grad
    np.testing.assert_allclose(p.numpy(), START - 0.1 * 2 * START)


def test_an_update_between_forward_and_backward_is_refused():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    x = mg.ones(5, 3)
    net(x).sum().backward()
    late = net(x).sum()
    optimizer.step()
    with pytest.raises(
        RuntimeError, match=r"linear in 2 \(Linear\): operand 1, \(2, 4\) float32, was changed in place"
    ):
        late.backward()


def test_running_sums_do_not_hold_the_graph():
    x, total = leaf(), mg.zeros(())
    for _ in range(3):
        total += (x * x).sum().item()
    assert not total.requires_grad
    assert total.item() == pytest.approx(3 * np.sum(START**2))


# -- constants of the caller ---------------------------------------------------------------------

TAKES_CONSTANT = {
    "mul": lambda x, c: x * c,
    "rmul": lambda x, c: c * x,
    "div": lambda x, c: x / c,
    "rdiv": lambda x, c: c / x,
    "pow": lambda x, c: x**c,
    "maximum": mg.maximum,
    "where": lambda x, c: mg.where(c, x, 0.0),
    "ufunc": lambda x, c: np.multiply(c, x),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("kind", ["array", "list"])
@pytest.mark.parametrize("name", TAKES_CONSTANT)
def test_an_array_or_list_of_the_caller_may_change_after_the_operation(name, kind, create_graph):
    if (name, kind) in (("rmul", "array"), ("rdiv", "array"), ("ufunc", "list")):
        kind = "array"
    given = OTHER.copy() if kind == "array" else OTHER.tolist()
    x, twin = leaf(), leaf()
    y = TAKES_CONSTANT[name](x, given)
    expected = TAKES_CONSTANT[name](twin, mg.tensor(OTHER))
    given[0][0] = given[1][1] = 0.0
    expected.sum().backward()
    y.sum().backward(create_graph=create_graph)
    np.testing.assert_allclose(x.grad.numpy(), twin.grad.numpy(), rtol=1e-6)


TARGETS = {
    "mse_loss": (nn.functional.mse_loss, OTHER),
    "l1_loss": (nn.functional.l1_loss, OTHER),
    "binary_cross_entropy": (lambda x, t: nn.functional.binary_cross_entropy(x / 4, t), OTHER / 4),
    "cross_entropy": (nn.functional.cross_entropy, np.array([0, 2])),
    "cross_entropy of probabilities": (nn.functional.cross_entropy, OTHER / OTHER.sum(1, keepdims=True)),
    "nll_loss": (nn.functional.nll_loss, np.array([0, 2])),
    "linear": (lambda x, w: mg.square(nn.functional.linear(x, w)).sum(), OTHER),
    "matmul": (lambda x, w: mg.square(x @ w).sum(), OTHER.T),
    "matmul from the left": (lambda x, w: mg.square(mg.matmul(w, x)).sum(), OTHER.T),
    "batch_norm": (lambda x, w: mg.sin(mg.ops.batch_norm(x, w[0], w[1])).sum(), OTHER),
    "cat": (lambda x, c: mg.square(mg.cat([c, x])).sum(), OTHER),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", TARGETS)
def test_targets_and_weights_of_the_caller_may_change_too(name, create_graph):
    function, constant = TARGETS[name]
    found = []
    for change in (False, True):
        x, given = leaf(), constant.copy()
        loss = function(x, given)
        if change:
            given[...] = given[::-1].copy()
        loss.backward(create_graph=create_graph)
        found.append(x.grad.numpy())
    np.testing.assert_array_equal(*found)
    assert np.any(found[0])


def test_indices_of_the_caller_may_change_after_the_operation():
    x = leaf()
    rows, mask = np.array([1, 1]), np.array([True, False])
    y = x[rows].sum() + x[mask].sum()
    rows[...], mask[...] = 0, True
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[1.0] * 3, [2.0] * 3])


def test_a_gradient_argument_may_change_after_backward():
    x = leaf()
    given = np.ones((2, 3))
    y = x * 1.0
    y.backward(given, retain_graph=True)
    given[...] = 100
    np.testing.assert_array_equal(x.grad.numpy(), np.ones((2, 3)))


def test_numpy_views_cannot_be_written_to():
    x = leaf()
    for view in (x.numpy(), np.asarray(x.detach()), x.detach().numpy()):
        with pytest.raises(ValueError, match="read-only"):
            view[0, 0] = 1
    changed = np.array(x.detach())
    changed[...] = 0
    np.testing.assert_array_equal(x.numpy(), START)


def test_powers_and_masks_change_the_tensor_itself():
    p = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    same = p
    with mg.no_grad():
        p **= 2
        p.pow_(2)
    assert same is p and p.tolist() == [1, 16, 81]
    mask = mg.tensor([True, True, False])
    same = mask
    mask &= mg.tensor([True, False, False])
    assert same is mask and mask.tolist() == [True, False, False]
    mask |= mg.tensor([False, False, True])
    assert same is mask and mask.tolist() == [True, False, True]


def test_a_recorded_power_in_place_has_the_gradient_of_the_power():
    x = mg.tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
    y = x * 1
    y **= 3
    y.sum().backward()
    assert x.grad.tolist() == [3, 12, 27]
