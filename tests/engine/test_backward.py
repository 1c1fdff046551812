"""``backward``: where it starts, when a graph is freed, and what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.engine.leaves import leaf, values


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
