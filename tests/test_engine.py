"""The engine: the backward walk, who owns gradients, ``grad``, hooks, modes, messages and memory."""

import contextlib
import gc
import inspect
import sys
import threading
import traceback
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.engine.modes import current
from minigrad.engine.op import Op
from minigrad.engine.paths import reachable


def leaf(*values):
    """A float64 vector that requires grad."""
    return mg.tensor(np.array(values, np.float64), requires_grad=True)


def values(*tensors):
    return [None if t is None else t.tolist() for t in tensors]


@pytest.fixture
def make_op(monkeypatch):
    """Define operations for one test only."""
    monkeypatch.setattr(Op, "registry", dict(Op.registry))
    return Op


@pytest.fixture
def counted(make_op):
    """``x * 1``, and how often its rule was run."""
    calls = []

    def rule(dy, _y, _x):
        calls.append(dy.shape)
        return dy * 1.0

    return make_op("counted", lambda x: x * 1.0, rule), calls


@contextlib.contextmanager
def without_collector():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# -- the walk ------------------------------------------------------------------------------------


def test_a_long_chain_needs_no_recursion():
    length = 300_000
    assert sys.getrecursionlimit() < length / 100
    x = leaf(3.0)
    with without_collector():
        y = x
        for _ in range(length):
            y = y + 1.0
        y.backward()
        assert y.tolist() == [3.0 + length]
        assert x.grad.tolist() == [1.0]
        node = weakref.ref(y.node.inputs[0])
        del y
        assert node() is None


def test_a_long_chain_of_graph_gradients_needs_no_recursion():
    x = leaf(2.0)
    y = x
    for _ in range(10_000):
        y = y + x
    (dx,) = mg.grad(y * y, x, create_graph=True)
    (ddx,) = mg.grad(dx, x)
    assert values(dx, ddx) == [[2 * 10_001**2 * 2.0], [2 * 10_001**2]]


@pytest.mark.parametrize("program", [lambda x: x * 3, lambda x: x * x * x, lambda x: mg.exp(x * 2)])
def test_the_gradient_of_a_single_number_is_a_tensor(program):
    """NumPy makes numbers of 0-d arrays wherever it can."""
    x = mg.tensor(2.0, dtype=np.float64, requires_grad=True)
    h = 1e-6
    expected = (float(program(x.numpy() + h)) - float(program(x.numpy() - h))) / (2 * h)
    for times in (1, 2):
        program(x).backward()
        assert isinstance(x.grad, mg.Tensor) and x.grad.shape == ()
        assert x.grad.item() == pytest.approx(times * expected, rel=1e-6)
    x.grad = None
    program(x).backward()
    mg.optim.SGD([x], lr=0.5).step()
    assert x.item() == pytest.approx(2 - 0.5 * expected, rel=1e-6)


def test_shared_subexpressions_are_visited_once():
    x = leaf(1.0)
    y = x
    for _ in range(200):
        y = y + y
    y.backward()
    assert values(y, x.grad) == [[2.0**200], [2.0**200]]


def test_an_operand_with_a_default_may_be_left_out(make_op):
    op = make_op(
        "affine", lambda x, b=0.0: x * 2 + b, lambda dy, _y, _x, *_: dy * 2, lambda dy, _y, _x, b=0.0: dy + 0 * b
    )
    x, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    op(x).sum().backward()
    op(x, b).sum().backward()
    assert values(x.grad, b.grad) == [[4.0, 4.0], [1.0, 1.0]]


def test_an_operation_of_a_class_of_ones_own(make_op):
    class Loud(make_op):
        def __call__(self, *args):
            calls.append(len(args))
            return super().__call__(*args)

    calls = []
    op = Loud("loud", lambda x: x * 2, lambda dy, _y, _x: dy * 2)
    x = leaf(1.0, 2.0)
    op(x).sum().backward()
    assert calls == [1] and x.grad.tolist() == [2.0, 2.0] and x.node.op is None


@pytest.mark.parametrize("keyword", ["x1", "x", "dim"])
def test_operands_have_no_keywords(keyword):
    for operands in ((), (mg.ones(2),)):
        with pytest.raises(TypeError, match=rf"^relu\(\) got .* keyword argument.*'{keyword}'$"):
            mg.relu(*operands, **{keyword: mg.ones(2)})


def test_what_a_node_saved_is_freed_before_the_next_one_is_visited():
    x = leaf(1.0, 2.0)
    h = x * 1.0
    y = mg.exp(h)
    saved, seen = weakref.ref(y.array), []
    h.register_hook(lambda _: seen.append(saved()))
    loss = y.sum()
    del y
    assert saved() is not None
    loss.backward()
    assert seen == [None]


def test_forward_gets_arrays_and_python_numbers_for_attributes_too(make_op):
    seen = []

    def forward(x, *attributes):
        seen.append([type(attribute) for attribute in attributes])
        return x * 1

    op = make_op("seeing", forward, lambda dy, *_: dy)
    for x in (leaf(1.0), mg.ones(1)):
        y = op(x, np.float64(2), np.int64(3), mg.ones(2), 4, None)
        assert y.dtype == x.dtype
    assert seen == [[float, int, np.ndarray, int, type(None)]] * 2


def test_a_record_has_the_attributes_that_only_a_rule_asks_for(make_op):
    op = make_op("doubled", lambda x: x * 2, lambda dy, _y, _x, factor: dy * factor)
    x = leaf(1.0, 2.0)
    y = op.record(np.array([2.0, 4.0], np.float32), None, x, 2.0)
    y.sum().backward()
    assert y.tolist() == [2.0, 4.0] and x.grad.tolist() == [2.0, 2.0]


def test_a_traceback_shows_the_line_that_was_written_out():
    with pytest.raises(ValueError, match="cannot be applied") as refused:
        mg.ones(2) + mg.ones(3)
    assert "array = forward(a1, a2)" in "".join(traceback.format_exception(refused.value))


def test_left_out_operands_have_forwards_defaults(make_op):
    def product(x, a=3.0, b=5.0):
        return x * a * b

    op = make_op("product", product, lambda dy, _y, _x, a, b: dy * a * b, None, None)
    for left_out, expected in (((), [15.0, 15.0]), ((7.0,), [35.0, 35.0]), ((7.0, 2.0), [14.0, 14.0])):
        x = leaf(1.0, 2.0)
        op(x, *left_out).sum().backward()
        assert x.grad.tolist() == expected
    refused = make_op("two", lambda a, b: a * b, None, None)
    with pytest.raises(TypeError, match=r"^two takes 2 operands, got 1 argument\.$"):
        refused(x)


def test_a_left_out_operand_never_takes_the_default_of_an_attribute(make_op):
    op = make_op(
        "scaled", lambda x, w=None, eps=1e-5: (x if w is None else x * w) + eps,
        lambda dy, _y, _x, w, *_: dy if w is None else dy * w, lambda dy, _y, x, _w, *_: dy * x,
    )  # fmt: skip
    x = leaf(1.0, 2.0)
    y = op(x)
    y.sum().backward()
    assert values(y, x.grad) == [[1 + 1e-5, 2 + 1e-5], [1.0, 1.0]]


def test_a_numpy_number_is_a_python_number_to_the_derivative():
    dy = np.random.default_rng(0).standard_normal(50).astype(np.float32)
    gradients = []
    for factor in (0.1, np.float64(0.1)):
        x = mg.ones(50).requires_grad_()
        (x * factor).backward(mg.tensor(dy))
        gradients.append(x.grad.tolist())
    assert gradients[0] == gradients[1] == (dy * np.float32(0.1)).tolist()


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


# -- backward, once and again --------------------------------------------------------------------


def test_a_second_backward_is_refused():
    x = leaf(1.0, 2.0)
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match=r"sum: the graph was freed .*retain_graph=True"):
        loss.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_freed_part_of_a_new_graph_is_refused():
    x = leaf(1.0, 2.0)
    shared = x * x
    shared.sum().backward()
    with pytest.raises(RuntimeError, match=r"mul: the graph was freed"):
        shared.mean().backward()
    with pytest.raises(RuntimeError, match="freed"):
        mg.grad(shared.sum(), x)


def test_retain_graph_adds_up_exactly():
    x = leaf(0.1, 0.7)
    loss = (mg.exp(x) * x).sum()
    loss.backward(retain_graph=True)
    once = x.grad.numpy().copy()
    loss.backward(retain_graph=True)
    np.testing.assert_array_equal(x.grad.numpy(), 2 * once)
    loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * once + once)


def test_fused_rules_leave_what_they_use_as_it_was():
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)).double()
    x = mg.randn(5, 3, dtype=np.float64, requires_grad=True)
    loss = nn.functional.cross_entropy(net(x), mg.tensor([0, 1, 1, 0, 1]))
    leaves = [x, *net.parameters()]
    first = mg.grad(loss, leaves, retain_graph=True)
    second = mg.grad(loss, leaves)
    for a, b in zip(first, second):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_second_backward_does_not_meet_stale_gradients():
    x = leaf(1.0)
    y = x * 1.0
    y.backward(retain_graph=True)
    (y * 1.0).backward()
    assert x.grad.tolist() == [2.0]


def test_only_leaves_get_grad():
    x, constant = leaf(1.0), mg.tensor([2.0], dtype=np.float64)
    y = x * constant
    z = y * 3.0
    z.backward()
    assert values(x.grad, constant.grad, y.grad, z.grad) == [[6.0], None, None, None]


def test_backward_from_a_leaf():
    x = leaf(5.0)
    x.backward()
    x.backward(mg.tensor([2.0], dtype=np.float64))
    assert x.grad.tolist() == [3.0]


def test_gradients_have_the_dtype_of_their_tensor():
    half, single, double = (mg.tensor([1.5, 2.5], dtype=d, requires_grad=True) for d in ("f2", "f4", "f8"))
    (half * single * double).sum().backward()
    assert [t.grad.dtype for t in (half, single, double)] == [np.float16, np.float32, np.float64]
    np.testing.assert_allclose(single.grad.numpy(), [2.25, 6.25])


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("gradient", [mg.tensor([1.0, 2.0], dtype=np.float64), np.array([1.0, 2.0]), [1, 2]])
def test_the_gradient_argument_is_converted(gradient, create_graph):
    x = mg.tensor([3.0, 4.0], requires_grad=True)
    x.backward(gradient, create_graph=create_graph)
    (x * x).backward(gradient, create_graph=create_graph)
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == [1 + 6, 2 + 16]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: x.backward(), r"single value, got \(2,\) float64.*loss\.mean\(\)"),
        (lambda x: x.sum().backward(mg.ones(3)), r"gradient \(3,\) has not the shape of the output, \(\)"),
        (lambda x: x.detach().sum().backward(), r"does not require grad.*detached"),
        (lambda x: mg.grad(x.sum(), mg.ones(2)), r"input 0, \(2,\) float32, does not require grad.*requires_grad_"),
        (lambda x: mg.grad(x.sum(), [x, leaf(1.0)]), r"input 1, \(1,\) float64, was not used.*allow_unused=True"),
    ],
)
def test_what_cannot_be_differentiated_is_refused(call, words):
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=words):
        call(x)
    assert x.grad is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: mg.grad(x.sum(), [3.0]), r"inputs must be a tensor or a sequence of tensors, got 3\.0"),
        (lambda x: mg.grad(np.ones(2), x), r"outputs must be .* got np\.float64"),
        (lambda x: mg.grad(1.0, x), r"outputs must be .* got 1\.0"),
        (lambda x: mg.grad(x, x, gradient=1), "gradient"),
    ],
)
def test_what_is_no_tensor_is_refused(call, words):
    with pytest.raises(TypeError, match=words):
        call(leaf(1.0))


def test_an_empty_graph_has_empty_gradients():
    x = mg.zeros(0, 3, requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad.shape == (0, 3)


# -- who owns a gradient -------------------------------------------------------------------------

PROGRAMS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "clone": lambda a, b: a.clone() + b,
    "reshape": lambda a, b: (a.reshape(3, 2) + b.reshape(3, 2)).reshape(2, 3),
    "transpose": lambda a, b: a.T.T + b.T.T,
    "expand": lambda a, b: a.sum().expand(2, 3) + b.mean().expand(2, 3),
    "index": lambda a, b: mg.cat([a[:1], b[1:]]),
    "cat": lambda a, b: mg.cat([a, b])[1:3],
    "stack": lambda a, b: mg.stack([a, b])[1],
    "where": lambda a, b: mg.where(np.array([[True, False, True]] * 2), a, b),
    "maximum": lambda a, b: mg.maximum(a, b),
    "sum": lambda a, b: a.sum() + b.sum(dim=0) + mg.zeros(2, 3),
    "matmul": lambda a, b: a @ b.T @ np.ones((2, 3), a.dtype),
    "same twice": lambda a, b: a + a + b + b,
    "one is the output": lambda a, b: a,
}


def assert_private(tensors, others):
    """No tensor's memory is writable for another one, or is that of one of the arrays."""
    arrays = [t.array for t in tensors]
    for i, array in enumerate(arrays):
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in [*arrays[:i], *others])


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_share_memory_with_nothing(name, create_graph):
    a, b = leaf(*range(6)).detach().reshape(2, 3).clone(), mg.ones(2, 3, dtype=np.float64)
    a.requires_grad_(), b.requires_grad_()
    y = PROGRAMS[name](a, b)
    saved = [s for node in reachable([y.node]) for s in node.saved or () if isinstance(s, np.ndarray)]
    given = mg.tensor(np.arange(6.0).reshape(2, 3))
    y.backward(given, retain_graph=True, create_graph=create_graph)
    grads = [t.grad for t in (a, b) if t.grad is not None]
    assert_private(grads, [a.array, b.array, y.array, given.array, *saved])
    before = [g.numpy().copy() for g in grads]
    y.backward(given, create_graph=create_graph)
    for grad, once in zip((t.grad for t in (a, b) if t.grad is not None), before):
        np.testing.assert_array_equal(grad.numpy(), 2 * once)
    np.testing.assert_array_equal(given.numpy(), np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_grad_returns_shares_memory_with_nothing(name, create_graph):
    a, b = mg.randn(2, 3, requires_grad=True), mg.randn(2, 3, requires_grad=True)
    y = PROGRAMS[name](a, b)
    given = mg.ones_like(y)
    inputs = [a, y, b, a, y]
    found = mg.grad(y, inputs, given, create_graph=create_graph, allow_unused=True)
    found = [g for g in found if g is not None]
    assert len(set(map(id, found))) == len(found)
    assert_private(found, [a.array, b.array, y.array, given.array])


def test_changing_one_gradient_changes_no_other():
    a, b = leaf(1.0), leaf(2.0)
    (a + b).backward(create_graph=True)
    with mg.no_grad():
        a.grad.zero_()
    assert values(a.grad, b.grad) == [[0.0], [1.0]]


def test_accumulation_goes_into_the_same_grad():
    x = leaf(1.0)
    (x * 2).backward()
    held = x.grad
    (x * 3).backward()
    assert x.grad is held
    assert held.tolist() == [5.0]


def test_a_gradient_in_use_is_not_changed_unnoticed():
    x, w = leaf(1.0), leaf(2.0)
    (x * 2).backward()
    later = w * x.grad
    (x * 3).backward()
    with pytest.raises(RuntimeError, match=r"mul: operand 1, .*changed in place"):
        later.backward()


def test_a_graph_gradient_is_added_to_as_a_graph():
    x = leaf(3.0)
    (x * x).backward(create_graph=True)
    (x * x * x).backward(create_graph=True)
    assert x.grad.requires_grad
    (d2,) = mg.grad(x.grad, x)
    assert values(x.grad, d2) == [[6 + 27.0], [2 + 18.0]]
    held = x.grad
    (x * 1.0).backward()
    assert values(x.grad, held) == [[34.0], [33.0]]


def test_grad_must_fit_its_tensor():
    x = leaf(1.0, 2.0)
    x.grad = mg.zeros(2, dtype=np.float64)
    x.grad = None
    for wrong in (mg.zeros(2), mg.zeros(3, dtype=np.float64), 1.0, np.zeros(2)):
        with pytest.raises(TypeError, match=r"grad must be None or a tensor \(2,\) float64"):
            x.grad = wrong


def test_a_leaf_frozen_for_a_while_still_gets_its_gradient():
    x, frozen = leaf(1.0), leaf(2.0)
    y = x * frozen
    for t in (x, frozen):
        t.requires_grad_(False)
    x.requires_grad_(True)
    y.backward()
    assert values(x.grad, frozen.grad) == [[2.0], None]


# -- grad ------------------------------------------------------------------------------------------


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
    with pytest.raises(ValueError, match="got 2 grad_outputs for 1 outputs"):
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


def test_rules_of_operands_nobody_asks_for_are_not_run(make_op):
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


ANALYTIC = {
    "x**4": (lambda x: x**4, [lambda x: 4 * x**3, lambda x: 12 * x**2, lambda x: 24 * x]),
    "exp": (mg.exp, [np.exp, np.exp, np.exp]),
    "sin": (mg.sin, [np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)]),
    "log": (mg.log, [lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3]),
    "1/x": (lambda x: 1 / x, [lambda x: -1 / x**2, lambda x: 2 / x**3, lambda x: -6 / x**4]),
    "sqrt": (mg.sqrt, [lambda x: x**-0.5 / 2, lambda x: -(x**-1.5) / 4, lambda x: 3 * x**-2.5 / 8]),
    "x*exp(x)": (lambda x: x * mg.exp(x), [lambda x, k=k: (x + k) * np.exp(x) for k in (1, 2, 3)]),
    "sigmoid": (
        mg.sigmoid,
        [
            lambda x: (s := 1 / (1 + np.exp(-x))) * (1 - s),
            lambda x: (s := 1 / (1 + np.exp(-x))) * (1 - s) * (1 - 2 * s),
            lambda x: (s := 1 / (1 + np.exp(-x))) * (1 - s) * (1 - 6 * s + 6 * s * s),
        ],
    ),
}


@pytest.mark.parametrize("name", ANALYTIC)
def test_derivatives_to_third_order(name):
    function, derivatives = ANALYTIC[name]
    x = leaf(0.3, 0.8, 1.7)
    y = function(x)
    for derivative in derivatives:
        (y,) = mg.grad(y.sum(), x, create_graph=True)
        np.testing.assert_allclose(y.numpy(), derivative(x.numpy()), rtol=1e-12)


def test_mixed_second_derivatives():
    x, y = leaf(2.0), leaf(3.0)
    f = x * x * y + y**3
    dx, dy = mg.grad(f, [x, y], create_graph=True)
    assert values(*mg.grad(dx, [x, y], retain_graph=True)) == [[6.0], [4.0]]
    assert values(*mg.grad(dy, [x, y])) == [[4.0], [18.0]]


def test_a_gradient_penalty_trains_through_the_gradient():
    w, x = leaf(2.0), leaf(3.0)
    (dx,) = mg.grad(w * w * x, x, create_graph=True)
    ((dx - 1) ** 2).backward()
    assert w.grad.tolist() == [2 * (4 - 1) * 2 * 2.0]


def test_without_create_graph_a_gradient_is_a_constant():
    x = leaf(3.0)
    (dx,) = mg.grad(x**3, x)
    assert not dx.requires_grad
    assert dx.grad_fn is None


def test_create_graph_records_also_under_no_grad():
    x = leaf(3.0)
    y = x**3
    with mg.no_grad():
        (dx,) = mg.grad(y, x, create_graph=True)
    assert values(*mg.grad(dx, x)) == [[18.0]]
    y = x**3
    with mg.no_grad():
        y.backward(create_graph=True)
    assert values(*mg.grad(x.grad, x)) == [[18.0]]


def test_what_a_hook_computes_is_recorded_only_with_create_graph():
    x, recorded = leaf(3.0), []
    x.register_hook(lambda g: recorded.append((g * x).requires_grad))
    (x * 1).backward()
    (x * 1).backward(create_graph=True)
    assert recorded == [False, True]


# -- hooks and retained gradients ----------------------------------------------------------------


@pytest.mark.parametrize("create_graph", [False, True])
def test_hooks_run_in_order_and_replace(create_graph):
    x = leaf(1.0, 2.0)
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(("first", g.tolist())))
    y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: seen.append(("last", g.tolist())))
    x.register_hook(lambda g: g + 1)
    y.sum().backward(create_graph=create_graph)
    assert seen == [("first", [1.0, 1.0]), ("last", [10.0, 10.0])]
    assert x.grad.tolist() == [31.0, 31.0]


def test_a_hook_sees_the_whole_gradient_once():
    x = leaf(2.0)
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * y + y).backward()
    assert seen == [[5.0]]


def test_hooks_of_graph_gradients_can_be_differentiated():
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    (dx,) = mg.grad(y * 3, x, create_graph=True)
    assert dx.tolist() == [3 * 2 * 2 * 2.0]
    assert values(*mg.grad(dx, x)) == [[3 * 2 * 2 * 2.0]]


def test_removed_hooks_do_not_run():
    x = leaf(1.0)
    seen = []

    def hook(g):
        seen.append(g.tolist())

    handles = [x.register_hook(hook), x.register_hook(hook)]
    handles[0].remove()
    handles[0].remove()
    (x * 2).backward()
    assert seen == [[2.0]]
    handles[1].remove()
    (x * 2).backward()
    assert len(seen) == 1


def test_a_hook_may_remove_itself():
    x = leaf(1.0)
    seen = []

    def once(g):
        seen.append(g.tolist())
        handle.remove()

    handle = x.register_hook(once)
    x.register_hook(lambda g: seen.append("other"))
    (x * 2).backward()
    (x * 2).backward()
    assert seen == [[2.0], "other", "other"]


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_hook_that_changes_its_gradient_changes_no_other(create_graph):
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)

    def double(g):
        with mg.no_grad():
            g.mul_(2)

    a.register_hook(double)
    given = mg.tensor([1.0, 10.0], dtype=np.float64)
    (a + b).backward(given, create_graph=create_graph)
    assert values(a.grad, b.grad, given) == [[2.0, 20.0], [1.0, 10.0], [1.0, 10.0]]


@pytest.mark.parametrize("hooked", [0, 1])
def test_a_hook_on_a_result_changes_no_gradient_that_waits(hooked):
    leaves = [leaf(1.0, 2.0), leaf(3.0, 4.0)]
    results = [x * 1 for x in leaves]
    results[hooked].register_hook(lambda g: g.mul_(2))
    (results[0] + results[1]).backward(mg.tensor([1.0, 10.0], dtype=np.float64))
    assert values(leaves[hooked].grad, leaves[1 - hooked].grad) == [[2.0, 20.0], [1.0, 10.0]]


def test_what_a_hook_keeps_does_not_change_later():
    x = leaf(1.0)
    kept = []
    x.register_hook(kept.append)
    (x * 2).backward()
    (x * 3).backward()
    assert values(*kept, x.grad) == [[2.0], [3.0], [5.0]]
    assert_private([x.grad], [k.array for k in kept])


@pytest.mark.parametrize("on", [lambda x: x, lambda x: x * 1], ids=["leaf", "result"])
def test_what_a_hook_changes_does_not_spoil_the_gradients_own_graph(on):
    """The rule of sqrt saves the gradient it returns; what is done to it under no_grad is not differentiated."""
    x = leaf(1.0, 4.0)
    z = on(x)

    def double(g):
        with mg.no_grad():
            g.mul_(2)

    z.register_hook(double)
    z.sqrt().sum().backward(create_graph=True)
    first, x.grad = x.grad, None
    assert first.tolist() == [1.0, 0.5]
    first.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [-0.25 * 2, -0.03125 * 2])


def test_what_a_hook_keeps_is_not_the_retained_gradient():
    x, kept = leaf(1.0), []
    y = x * 2
    y.retain_grad()
    y.register_hook(kept.append)
    (y * 3 + y * 4).sum().backward()
    assert values(*kept, y.grad, x.grad) == [[7.0], [7.0], [14.0]]
    assert_private([y.grad, x.grad], [k.array for k in kept])


def test_a_hook_keeps_the_dtype():
    x = mg.tensor([1.0], requires_grad=True)
    x.register_hook(lambda g: g.double() * 2)
    (x * 3).backward()
    assert (x.grad.dtype, x.grad.tolist()) == (np.float32, [6.0])


@pytest.mark.parametrize("wrong", [1.0, np.ones(2), mg.ones(3)])
def test_a_hook_that_returns_something_else_is_refused(wrong):
    x = leaf(1.0, 2.0)
    y = x * 2
    y.register_hook(lambda g: wrong)
    with pytest.raises(RuntimeError, match=r"a hook on mul returned .*, expected a tensor \(2,\) or None"):
        y.sum().backward()


def test_constants_take_no_hooks():
    with pytest.raises(RuntimeError, match="does not require grad"):
        mg.ones(2).register_hook(print)
    with pytest.raises(RuntimeError, match="does not require grad"):
        mg.ones(2).retain_grad()


@pytest.mark.parametrize("create_graph", [False, True])
def test_retain_grad(create_graph):
    x = leaf(2.0)
    y = x * x
    y.retain_grad()
    y.retain_grad()
    x.retain_grad()
    z = y * 3
    z.backward(retain_graph=True, create_graph=create_graph)
    assert values(x.grad, y.grad, z.grad) == [[12.0], [3.0], None]
    z.backward(create_graph=create_graph)
    assert values(x.grad, y.grad) == [[24.0], [6.0]]
    assert_private([x.grad, y.grad], [x.array, y.array])


def test_retained_is_what_hooks_made_of_it():
    x = leaf(2.0)
    y = x * x
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    (y * 3).backward()
    assert values(x.grad, y.grad) == [[120.0], [30.0]]


def test_grad_retains_nothing():
    x = leaf(2.0)
    y = x * x
    y.retain_grad()
    mg.grad(y * 3, x)
    assert y.grad is None


def test_a_backward_inside_a_hook():
    x, w = leaf(2.0), leaf(5.0)

    @mg.enable_grad
    def hook(g):
        (w * w).backward()

    x.register_hook(hook)
    (x * x).backward()
    assert values(x.grad, w.grad) == [[4.0], [10.0]]


# -- modes ---------------------------------------------------------------------------------------


def test_modes_nest_and_end():
    assert mg.is_grad_enabled()
    with mg.no_grad():
        assert not mg.is_grad_enabled()
        with mg.enable_grad():
            assert mg.is_grad_enabled()
            with mg.set_grad_enabled(False):
                assert not mg.is_grad_enabled()
            assert mg.is_grad_enabled()
        assert not mg.is_grad_enabled()
        with mg.no_grad():
            pass
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()


def test_one_block_object_may_be_entered_again():
    block = mg.no_grad()
    for _ in range(2):
        with block, block:
            assert not mg.is_grad_enabled()
        assert mg.is_grad_enabled()


@pytest.mark.parametrize("block", [mg.no_grad, lambda: mg.set_grad_enabled(False), mg.detect_anomaly])
def test_modes_end_with_an_exception(block):
    before = current()
    with pytest.raises(ZeroDivisionError), block():
        assert (current().recording, current().anomaly) != (before.recording, before.anomaly)
        1 / 0  # noqa: B018
    assert (current().recording, current().anomaly) == (before.recording, before.anomaly)


def test_a_failed_backward_leaves_the_modes_as_they_were():
    x = leaf(1.0)
    y = x * 2
    y.backward()
    with mg.no_grad():
        with pytest.raises(RuntimeError):
            y.backward(create_graph=True)
        assert not mg.is_grad_enabled()
    with pytest.raises(RuntimeError):
        y.backward()
    assert mg.is_grad_enabled()


def test_set_grad_enabled_called_alone_holds():
    try:
        mg.set_grad_enabled(False)
        assert not (leaf(1.0) * 2).requires_grad
        with mg.set_grad_enabled(True):
            assert (leaf(1.0) * 2).requires_grad
        assert not mg.is_grad_enabled()
    finally:
        mg.set_grad_enabled(True)
    assert (leaf(1.0) * 2).requires_grad


def test_under_no_grad_nothing_is_recorded():
    x = leaf(1.0)
    with mg.no_grad():
        y = x * 2
        made = mg.tensor([1.0], requires_grad=True)
    assert not y.requires_grad
    assert y.is_leaf
    assert made.requires_grad
    assert (made * y).requires_grad


DECORATORS = {
    "no_grad()": (mg.no_grad(), False),
    "no_grad": (mg.no_grad, False),
    "enable_grad()": (mg.enable_grad(), True),
    "enable_grad": (mg.enable_grad, True),
}


@pytest.mark.parametrize("outside", [True, False])
@pytest.mark.parametrize("name", DECORATORS)
def test_modes_decorate_functions(name, outside):
    decorator, inside = DECORATORS[name]

    @decorator
    def function(depth, *, flag):
        """Says what mode it ran in."""
        assert flag
        return [mg.is_grad_enabled()] + (function(depth - 1, flag=True) if depth else [])

    assert (function.__name__, function.__doc__) == ("function", "Says what mode it ran in.")
    with mg.set_grad_enabled(outside):
        assert function(2, flag=True) == [inside] * 3
        assert mg.is_grad_enabled() == outside


def test_set_grad_enabled_decorates_without_switching():
    @mg.set_grad_enabled(False)
    def function():
        return mg.is_grad_enabled()

    assert mg.is_grad_enabled()
    assert function() is False
    assert mg.is_grad_enabled()


def test_a_mode_decorates_methods():
    class Model:
        @mg.no_grad
        def predict(self, x):
            return x * 2

    assert not Model().predict(leaf(1.0)).requires_grad


@pytest.mark.parametrize("mode", [mg.no_grad, mg.enable_grad, mg.detect_anomaly])
def test_modes_take_no_values(mode):
    with pytest.raises(TypeError, match=f"{mode.__name__} decorates a function, got False"):
        mode(False)


def test_a_decorated_generator_switches_only_while_it_runs():
    log = []

    @mg.no_grad()
    def generator():
        try:
            while True:
                sent = yield mg.is_grad_enabled()
                log.append((sent, mg.is_grad_enabled()))
                if sent == "end":
                    return "result"
        except KeyError:
            log.append(("thrown", mg.is_grad_enabled()))
            yield "caught"
        finally:
            log.append(("closed", mg.is_grad_enabled()))

    steps = generator()
    assert next(steps) is False
    assert mg.is_grad_enabled()
    assert steps.send("hello") is False
    with pytest.raises(StopIteration) as end:
        steps.send("end")
    assert end.value.value == "result"
    steps = generator()
    next(steps)
    assert steps.throw(KeyError("x")) == "caught"
    steps.close()
    assert log == [("hello", False), ("end", False), ("closed", False), ("thrown", False), ("closed", False)]
    assert mg.is_grad_enabled()


def test_modes_are_per_thread():
    inside, seen = threading.Barrier(2), {}

    def other():
        seen["fresh thread"] = mg.is_grad_enabled()
        inside.wait(10)
        seen["while the other is in no_grad"] = mg.is_grad_enabled()
        with mg.no_grad():
            inside.wait(10)
            inside.wait(10)

    thread = threading.Thread(target=other)
    with mg.no_grad():
        thread.start()
        inside.wait(10)
        inside.wait(10)
    here = mg.is_grad_enabled()
    inside.wait(10)
    thread.join(10)
    assert here
    assert seen == {"fresh thread": True, "while the other is in no_grad": True}


def test_threads_train_side_by_side():
    def train(seed, results):
        x = leaf(float(seed))
        for _ in range(200):
            y = x
            for _ in range(5):
                y = y * x
            x.grad = None
            y.backward()
        results[seed] = x.grad.tolist()

    results = {}
    threads = [threading.Thread(target=train, args=(seed, results)) for seed in (1, 2, 3)]
    for worker in threads:
        worker.start()
    for worker in threads:
        worker.join(30)
    assert results == {seed: [6.0 * seed**5] for seed in (1, 2, 3)}


# -- anomalies and messages ----------------------------------------------------------------------


class Inner(nn.Module):
    """A layer whose derivative is NaN at 0."""

    def forward(self, x):
        return mg.sqrt(x) * 0.0


class Outer(nn.Module):
    def __init__(self):
        self.layers = [nn.Identity(), Inner()]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


@pytest.mark.parametrize("create_graph", [False, True])
def test_an_anomaly_is_traced_to_operation_module_and_line(create_graph):
    x = leaf(0.0, 1.0)
    line = inspect.getsourcelines(Inner.forward)[1] + 1
    where = rf"sqrt in layers\.1 \(Inner\), called at {__file__}:{line}: its derivative returned NaN"
    with np.errstate(all="ignore"), mg.detect_anomaly():
        net = Outer()
        loss = net(x).sum()
        with pytest.raises(RuntimeError, match=where):
            loss.backward(create_graph=create_graph)
    assert x.grad is None


def test_what_was_recorded_under_anomaly_detection_is_traced_by_any_backward():
    x = leaf(0.0, 1.0)
    with np.errstate(all="ignore"):
        with mg.detect_anomaly():
            loss = Outer()(x).sum()
        with pytest.raises(RuntimeError, match=rf"sqrt in .*, called at {__file__}:\d+: its derivative returned NaN"):
            loss.backward()


def test_an_error_in_a_module_that_is_gone():
    y = nn.Sequential(Wrong(lambda x: x * x))(leaf(1.0))
    y.backward()
    with pytest.raises(RuntimeError, match="mul in a module that is gone: the graph was freed"):
        y.backward()


def test_without_anomaly_detection_nan_passes():
    x = leaf(0.0, 1.0)
    with np.errstate(all="ignore"):
        Outer()(x).sum().backward()
    assert np.isnan(x.grad.numpy()).tolist() == [True, False]


def test_nan_that_comes_from_outside_is_no_anomaly():
    x = leaf(1.0, 2.0)
    with mg.detect_anomaly():
        (x * 2).backward(mg.tensor([np.nan, 1.0], dtype=np.float64))
    assert np.isnan(x.grad.numpy()).tolist() == [True, False]


def test_anomaly_detection_names_the_line_of_other_errors():
    x = leaf(1.0)
    with mg.detect_anomaly():
        y = x * x
        line = inspect.currentframe().f_lineno - 1
    y.backward()
    with pytest.raises(RuntimeError, match=rf"mul, called at {__file__}:{line}: the graph was freed"):
        y.backward()


class Wrong(nn.Module):
    """Calls an operation that cannot be applied."""

    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return self.function(x)


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
    with pytest.raises(TypeError, match="maximum takes 2 operands, got 3 arguments"):
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


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.bool_])
def test_only_floats_require_grad(dtype):
    words = f"only floating point tensors can require grad, got .* {np.dtype(dtype)}.*float"
    with pytest.raises(RuntimeError, match=words):
        mg.tensor([1, 0], dtype=dtype, requires_grad=True)
    t = mg.tensor([1, 0], dtype=dtype)
    for ask in (lambda: t.requires_grad_(), lambda: setattr(t, "requires_grad", True)):
        with pytest.raises(RuntimeError, match=words):
            ask()
    assert not t.requires_grad
    assert t.requires_grad_(False) is t


def test_a_computed_tensor_cannot_stop_requiring_grad():
    y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match=r"only a leaf .*detach"):
        y.requires_grad = False
    assert y.requires_grad_() is y


def test_operations_describe_themselves():
    assert mg.exp.__doc__ == "``exp(x)``"
    assert mg.exp.__name__ == "exp"
    assert str(inspect.signature(mg.where)) == "(condition, a, b, /)"
    assert str(inspect.signature(mg.exp)) == "(x, /)"
    for op in Op.registry.values():
        assert op.__doc__, op.name


# -- memory --------------------------------------------------------------------------------------


class Keeps(nn.Module):
    """A module that stores what it computes, and its input."""

    def __init__(self):
        self.inner = nn.Linear(2, 2)
        self.norm = nn.BatchNorm1d(2)

    def forward(self, x):
        self.seen = x
        self.made = self.norm(self.inner(x))
        return self.made


def train_step(net, x):
    return (net(x) ** 2).sum()


def graph_step():
    x = leaf(1.0, 2.0)
    loss = (mg.exp(x) * x).sum()
    (dx,) = mg.grad(loss, x, create_graph=True)
    (ddx,) = mg.grad(dx.sum(), x, create_graph=True)
    return [x, loss, dx, ddx]


def graph_in_grad():
    x = leaf(1.0, 2.0)
    loss = (mg.exp(x) * x).sum()
    loss.backward(create_graph=True)
    return [x, loss, x.grad]


def hooked():
    x = leaf(1.0, 2.0)
    y = mg.exp(x)
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    y.sum().backward()
    return [x, y, y.grad]


def rebound():
    x = leaf(1.0, 2.0)
    y = x * 2
    y += x
    y *= y
    y.sum().backward(retain_graph=True)
    return [x, y]


def refused():
    x = leaf(1.0, 2.0)
    y = x * x
    y.sum().backward()
    with contextlib.suppress(RuntimeError):
        y.sum().backward()
    return [x, y]


def stored():
    net = Keeps()
    x = mg.randn(3, 2, requires_grad=True)
    loss = train_step(net, x)
    loss.backward()
    train_step(net, net(x))
    return [net, x, loss]


def plain():
    x = leaf(1.0, 2.0)
    y = mg.where(x > 1, x, x[0]) @ x
    return [x, y, mg.stack([x, x]).T.reshape(-1)]


@pytest.mark.parametrize("program", [plain, graph_step, graph_in_grad, hooked, rebound, refused, stored])
def test_a_dropped_graph_is_freed_at_once(program):
    with without_collector():
        held = program()
        roots = [t.node for t in held if isinstance(t, mg.Tensor) and t.node]
        if isinstance(held[0], Keeps):
            roots.append(held[0].made.node)
        watched = [weakref.ref(node) for node in reachable(roots)]
        watched += [weakref.ref(t.array) for t in held if isinstance(t, mg.Tensor)]
        assert len(watched) >= 4
        del roots
        held.clear()
        assert [ref() for ref in watched if ref() is not None] == []


def test_backward_frees_what_was_saved_as_it_walks():
    x = leaf(1.0, 2.0)
    hidden = mg.exp(x)
    loss = (hidden * hidden).sum()
    array = weakref.ref(hidden.array)
    del hidden
    assert array() is not None
    loss.backward()
    assert array() is None


def test_arrays_no_derivative_needs_are_not_kept():
    x = leaf(1.0, 2.0)
    hidden = x + 1
    loss = (hidden + 2).sum()
    array = weakref.ref(hidden.array)
    del hidden
    assert array() is None
    loss.backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_module_dies_with_its_last_reference_though_its_graph_lives():
    with without_collector():
        net = Keeps()
        loss = train_step(net, mg.randn(3, 2))
        module = weakref.ref(net)
        del net
        assert module() is None
        loss.backward()


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


def test_undoing_broadcasting_sums_float16_exactly():
    b = mg.zeros(2, dtype=np.float16, requires_grad=True)
    (mg.ones(5000, 2, dtype=np.float16) + b).sum().backward()
    assert values(b.grad) == [[5000, 5000]] and b.grad.dtype == np.float16


def test_a_hook_is_freed_with_its_graph():
    class Callable:
        def __call__(self, gradient):
            return None

    hook = Callable()
    alive = weakref.ref(hook)
    with without_collector():
        y = leaf(1.0) * 2
        y.register_hook(hook)
        del hook, y
        assert alive() is None


def test_a_reused_switch_restores_what_was_there_before_each_use():
    switch = mg.set_grad_enabled(False)
    with switch:
        pass
    assert mg.is_grad_enabled()
    with mg.no_grad():
        with switch:
            assert not mg.is_grad_enabled()
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()


def test_anomalies_are_found_in_a_graph_that_was_recorded_before():
    x = leaf(0.0)
    y = (mg.sqrt(x) * 0).sum()
    with np.errstate(all="ignore"), mg.detect_anomaly(), pytest.raises(RuntimeError, match=r"sqrt: .* returned NaN"):
        y.backward()
