"""Applying an operation: operands, attributes and what it records."""

import weakref

import numpy as np
import pytest

import minigrad as mg
from tests.engine.leaves import leaf, values


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


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda x, y: mg.relu(input=x), lambda x, y: np.maximum(x, 0)),
        (lambda x, y: mg.add(x, other=y), np.add),
        (lambda x, y: mg.sub(other=y, input=x), np.subtract),
        (lambda x, y: mg.add(x, y, alpha=2), lambda x, y: x + 2 * y),
        (lambda x, y: mg.sub(x, y, alpha=-3), lambda x, y: x + 3 * y),
        (lambda x, y: mg.pow(x, exponent=2), lambda x, y: x**2),
        (lambda x, y: mg.where(condition=x > 0, input=x, other=y), lambda x, y: np.where(x > 0, x, y)),
        (lambda x, y: mg.softmax(input=x, dim=0), lambda x, y: np.exp(x) / np.exp(x).sum()),
        (lambda x, y: mg.sum(input=x, dim=0, keepdim=True), lambda x, y: x.sum(0, keepdims=True)),
        (lambda x, y: mg.reshape(input=x, shape=(-1,)), lambda x, y: x.reshape(-1)),
        (lambda x, y: x.permute(dims=(0,)), lambda x, y: x),
    ],
)
def test_operands_have_pytorchs_names(call, expected):
    x, y = np.array([1.0, -2.0]), np.array([3.0, 4.0])
    np.testing.assert_allclose(call(mg.tensor(x), mg.tensor(y)).numpy(), expected(x, y), rtol=1e-15)


@pytest.mark.parametrize("keyword", ["x1", "x", "dim"])
def test_an_unknown_keyword_is_a_type_error(keyword):
    for operands in ((), (mg.ones(2),)):
        with pytest.raises(TypeError, match=rf"^relu\(input\): .*'(input|{keyword})'\.$"):
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


def test_left_out_operands_have_forwards_defaults(make_op):
    def product(x, a=3.0, b=5.0):
        return x * a * b

    op = make_op("product", product, lambda dy, _y, _x, a, b: dy * a * b, None, None)
    for left_out, expected in (((), [15.0, 15.0]), ((7.0,), [35.0, 35.0]), ((7.0, 2.0), [14.0, 14.0])):
        x = leaf(1.0, 2.0)
        op(x, *left_out).sum().backward()
        assert x.grad.tolist() == expected
    refused = make_op("two", lambda a, b: a * b, None, None)
    with pytest.raises(TypeError, match=r"^two\(a, b\): missing a required argument: 'b'\.$"):
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


def test_attributes_that_are_left_out_have_the_definitions_defaults(make_op):
    op = make_op(
        "line",
        lambda x, slope=2.0, shift=1.0: x * slope + shift,
        lambda dy, _y, _x, slope, shift: dy * slope + 0 * shift,
    )
    calls = {(): (2, 1), (5.0,): (5, 1), (5.0, 3.0): (5, 3)}
    for args, (slope, shift) in calls.items():
        x = leaf(1.0, 2.0)
        y = op(x, *args)
        y.sum().backward()
        assert values(y, x.grad) == [[slope + shift, 2 * slope + shift], [slope, slope]]
        np.testing.assert_array_equal(op(np.array([1.0, 2.0]), *args), y.detach().numpy())
    for call in (lambda: op(x, 1.0, 2.0, 3.0), lambda: op(x, 1.0, slope=2.0), lambda: op(x, size=1), lambda: op()):
        with pytest.raises(TypeError, match=r"^line\(x, slope=2\.0, shift=1\.0\): "):
            call()


def test_attributes_that_are_numbers_become_pythons_own(make_op):
    seen = []

    def forward(x, factor, shift=0.5):
        seen.append((type(factor), type(shift)))
        return x * factor + shift

    op = make_op("scaled", forward, lambda dy, _y, _x, factor, shift: seen.append(type(factor)) or dy, numbers=True)
    x = leaf(1.0)
    for create_graph in (False, True):
        mg.grad(op(x, np.float64(2)).sum(), x, create_graph=create_graph)
        assert seen == [(float, float), float]
        seen.clear()
    op(np.ones(2, np.float32), factor=np.int8(3), shift=True)
    assert seen == [(int, int)]
    for wrong, text in (
        ("2", "str"),
        (None, "None"),
        (mg.tensor(2.0), r"\(\) float32"),
        (np.ones(2), r"\(2,\) float64"),
    ):
        with pytest.raises(TypeError, match=rf"^scaled: factor must be a number, got {text}\.$"):
            op(x, wrong)


@pytest.mark.parametrize("create_graph", [False, True])
def test_an_operation_that_widens_computes_float16_in_float32(make_op, create_graph):
    seen = []

    def rule(dy, y, x, _w, power):
        seen.append((dy.dtype, y.dtype, x.dtype, _w.shape))
        return dy * y / x * power

    op = make_op(
        "powers", lambda x, w, power=2: seen.append(x.dtype) or x**power / w, rule, None, widens=True, promotes=(0, 1)
    )
    for dtype, inside in ((np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float64)):
        x = mg.tensor(np.array([300.0, 2.0], dtype), requires_grad=True)
        y = op(x, np.array([300.0, 1.0], dtype))
        (dx,) = mg.grad(y.sum(), x, create_graph=create_graph)
        assert seen == [inside, (inside, inside, inside, (2,))]
        assert (y.dtype, dx.dtype) == (dtype, dtype)
        assert (y.tolist(), dx.tolist()) == ([300, 4], [2, 4])
        seen.clear()
