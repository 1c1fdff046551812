"""Nodes as PyTorch's: names, next functions, hooks; hooks of accumulated gradients and of several tensors."""

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.autograd.graph import GradientEdge, Node, get_gradient_edge, register_multi_grad_hook
from tests.engine.leaves import leaf, values


def test_a_node_tells_its_name_and_what_it_was_computed_from():
    x = leaf(1.0, 2.0)
    y = mg.log_softmax(x * 2, 0)
    node = y.grad_fn
    assert isinstance(node, Node) and node.name() == "LogSoftmaxBackward0"
    ((product, number),) = node.next_functions
    assert (product.name(), number) == ("MulBackward0", 0)
    (of_x, _), constant = product.next_functions
    assert of_x.name() == "torch::autograd::AccumulateGrad" and of_x.variable is x and constant == (None, 0)
    assert of_x.next_functions == ()
    node.metadata["note"] = 3
    assert y.grad_fn.metadata == {"note": 3} and product.metadata == {}
    with pytest.raises(AttributeError, match="MulBackward0 has no variable"):
        product.variable  # noqa: B018


@pytest.mark.parametrize("create_graph", [False, True])
def test_hooks_of_nodes_see_and_replace_gradients(create_graph):
    x, w, seen = leaf(1.0, 2.0), leaf(3.0), []
    y = x * w
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(("hook", *values(*inputs, *outputs))))
    y.grad_fn.register_prehook(lambda outputs: (seen.append(("pre", *values(*outputs))), (outputs[0] * 10,))[1])
    y.register_hook(lambda g: seen.append(("tensor", g.tolist())))
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 2, inputs[1]))
    y.sum().backward(create_graph=create_graph)
    assert seen == [("tensor", [1, 1]), ("pre", [1, 1]), ("hook", [30, 30], [30], [10, 10])]
    assert values(x.grad, w.grad) == [[60, 60], [30]]


def test_a_constant_operand_has_no_gradient_in_a_hook():
    x, seen = leaf(1.0), []
    y = x * 2
    handle = y.grad_fn.register_hook(lambda inputs, outputs: seen.append(inputs[1]))
    y.backward(retain_graph=True)
    handle.remove()
    y.backward()
    assert seen == [None]


@pytest.mark.parametrize("wrong", [(mg.ones(3), None), (mg.ones(2),), (None, None), 3])
def test_what_a_hook_of_a_node_returns_is_checked(wrong):
    x = leaf(1.0, 2.0)
    y = x * 2
    y.grad_fn.register_hook(lambda inputs, outputs: wrong)
    with pytest.raises(
        RuntimeError, match=r"a hook on mul returned \(.*\), expected None or a tuple of 2: a tensor \(2,\)"
    ):
        y.sum().backward()


def test_hooks_of_a_leafs_node():
    x, seen = leaf(1.0), []
    node = (x * 2).grad_fn.next_functions[0][0]
    node.register_prehook(lambda outputs: (outputs[0] * 3,))
    node.register_hook(lambda inputs, outputs: seen.append((inputs, values(*outputs), values(x.grad))))
    (x * 2).backward()
    (x * 2).backward()
    assert seen == [((), [[6]], [[6]]), ((), [[12]], [[12]])]
    assert values(*mg.grad(x * 2, x)) == [[6]] and len(seen) == 2


def test_hooks_that_wait_for_the_gradient():
    x, seen = leaf(1.0), []
    first = x.register_post_accumulate_grad_hook(lambda leaf: seen.append((leaf is x, leaf.grad.tolist())))
    (x * 2).backward()
    (x * 2 + x).backward()
    mg.grad(x * 2, x)
    assert seen == [(True, [2]), (True, [5])]
    x.requires_grad_(False)
    x.requires_grad_(True)
    (x * 2).backward(inputs=[x])
    assert seen[2:] == [(True, [7])]
    first.remove()
    (x * 2).backward()
    assert len(seen) == 3


def test_an_optimiser_may_step_in_a_hook():
    def train(in_hooks):
        mg.manual_seed(0)
        net = nn.Linear(3, 2)
        optimizers = {p: optim.SGD([p], lr=0.1) for p in net.parameters()}

        def step(p):
            optimizers[p].step()
            p.grad = None

        if in_hooks:
            for p in net.parameters():
                p.register_post_accumulate_grad_hook(step)
        for _ in range(3):
            (net(mg.ones(4, 3)) ** 2).sum().backward()
            if not in_hooks:
                for p in net.parameters():
                    step(p)
        return values(*net.parameters())

    assert train(True) == train(False)


def test_a_hook_keeps_no_leaf_alive():
    x = leaf(1.0)
    x.register_post_accumulate_grad_hook(print)
    x.register_hook(print)
    gone = weakref.ref(x)
    gc.disable()
    try:
        del x
        assert gone() is None
    finally:
        gc.enable()


def test_handles_end_with_their_block():
    x = leaf(1.0)
    with x.register_hook(lambda g: g * 10) as handle, x.register_post_accumulate_grad_hook(lambda x: x.grad.add_(1)):
        (x * 2).backward()
    assert x.grad.tolist() == [21]
    handle.remove()
    (x * 2).backward()
    assert x.grad.tolist() == [23]


def test_hooks_are_refused_where_there_is_no_gradient():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="was computed: only leaves accumulate"):
        (x * 2).register_post_accumulate_grad_hook(print)
    with pytest.raises(RuntimeError, match="does not require grad"):
        mg.ones(1).register_post_accumulate_grad_hook(print)
    for register in (x.register_hook, x.register_post_accumulate_grad_hook, (x * 2).grad_fn.register_hook,
                     (x * 2).grad_fn.register_prehook):  # fmt: skip
        with pytest.raises(TypeError, match="a hook is a function, got 3"):
            register(3)


@pytest.mark.parametrize(
    "by", [lambda y, leaves: y.backward(), lambda y, leaves: mg.grad(y, leaves, allow_unused=True)]
)
def test_hooks_of_several_tensors(by):
    a, b, seen = leaf(1.0), leaf(2.0), []
    h = a * 2
    with register_multi_grad_hook([a, b, h], lambda found: seen.append(values(*found))):
        by(h + b * 3, [a, b])
        by(b * 3, [a, b])
        by(a * b, [a, b])
    by(a * b, [a, b])
    assert seen == [[[2], [3], [1]], [None, [3], None], [[2], [1], None]]


def test_the_first_gradient_of_several():
    a, b, seen = leaf(1.0), leaf(2.0), []
    with register_multi_grad_hook([a, b], seen.append, mode="any"):
        (a * 2 + b * 3).backward()
        (a * 5).backward()
    assert len(seen) == 2 and seen[0].tolist() in ([2], [3]) and seen[1].tolist() == [5]
    with pytest.raises(ValueError, match="'all' or 'any', got 'some'"):
        register_multi_grad_hook([a], print, mode="some")
    with pytest.raises(RuntimeError, match=r"tensor 1, .* does not require grad"):
        register_multi_grad_hook([a, mg.ones(1)], print)


def test_gradient_edges_stand_for_tensors():
    x = leaf(2.0, 3.0)
    y = x * x
    edge, of_x = get_gradient_edge(y), get_gradient_edge(x)
    assert isinstance(edge, GradientEdge) and edge.node is y.grad_fn and edge.output_nr == 0
    assert values(*mg.grad((y * y).sum(), [edge, of_x], retain_graph=True)) == [[8, 18], [32, 108]]
    del y
    assert values(*mg.grad(edge, x, mg.ones(2), retain_graph=True)) == [[4, 6]]
    with pytest.raises(RuntimeError, match=r"needs a single value, got \(2,\) float64"):
        mg.autograd.backward(edge)
    mg.autograd.backward(edge, [[1.0, 10.0]], inputs=[of_x])
    np.testing.assert_array_equal(x.grad.numpy(), [4, 60])
    with pytest.raises(RuntimeError, match="get_gradient_edge needs a tensor that requires"):
        get_gradient_edge(mg.ones(2))
