"""``backward`` and ``grad`` with PyTorch's arguments."""

import collections

import numpy as np
import pytest

import minigrad as mg
from tests.engine.leaves import leaf, values


def test_backward_of_several_tensors_adds_up():
    x = leaf(2.0, 3.0)
    mg.autograd.backward([(x * x).sum(), x * 5], [None, mg.tensor([1.0, 10.0], dtype=np.float64)])
    assert x.grad.tolist() == [4 + 5, 6 + 50]
    mg.autograd.backward((x.sum(),))
    assert x.grad.tolist() == [10, 57]
    mg.autograd.backward([])


@pytest.mark.parametrize(
    "given", [mg.tensor([1.0, 10.0]), [1.0, 10.0], [mg.tensor([1.0, 10.0])], np.array([1.0, 10.0])]
)
def test_the_gradient_of_one_tensor_may_be_in_a_list(given):
    x = leaf(2.0, 3.0)
    mg.autograd.backward(x * x, given)
    assert x.grad.tolist() == [4, 60]


@pytest.mark.parametrize("backward", [lambda y, **k: y.backward(**k), lambda y, **k: mg.autograd.backward(y, **k)])
def test_inputs_alone_get_gradients(backward):
    x, w = leaf(2.0, 3.0), leaf(4.0, 5.0)
    y = x * w
    for inputs in (w, [w], (z for z in [w]), {"w": w}):
        w.grad = None
        backward((y * y).sum(), inputs=inputs, retain_graph=True)
        assert values(x.grad, w.grad, y.grad) == [None, [2 * 4 * 4.0, 2 * 9 * 5.0], None]
    backward(y.sum(), inputs=[y, x])
    assert values(x.grad, w.grad, y.grad) == [[4, 5], [32.0, 90.0], [1, 1]]
    unused = leaf(1.0)
    backward(x.sum(), inputs=[unused])
    assert unused.grad is None and x.grad.tolist() == [4, 5]


def test_the_old_name_of_grad_tensors_warns():
    x = leaf(2.0)
    with pytest.warns(FutureWarning, match="grad_tensors"):
        mg.autograd.backward(x * x, grad_variables=mg.tensor([3.0]))
    assert x.grad.tolist() == [12]
    with pytest.raises(RuntimeError, match="pass only grad_tensors"):
        mg.autograd.backward(x * x, mg.tensor([3.0]), grad_variables=mg.tensor([3.0]))


def test_unused_inputs_are_zeros_if_that_is_asked_for():
    x, unused = leaf(2.0), mg.ones(2, 3, requires_grad=True)
    for arguments in ({"materialize_grads": True}, {"materialize_grads": True, "allow_unused": True}):
        dx, zeros = mg.grad(x * x, [x, unused], **arguments)
        assert dx.tolist() == [4] and (zeros.tolist(), zeros.dtype) == ([[0] * 3] * 2, np.float32)
    assert values(*mg.grad(x * x, [x, unused], allow_unused=True)) == [[4], None]


def test_a_dict_of_inputs_gives_a_dict():
    x, w = leaf(2.0), leaf(5.0)
    found = mg.grad(x * w, {"x": x, "w": w})
    assert {name: g.tolist() for name, g in found.items()} == {"x": [5], "w": [2]}


def test_an_input_twice_gets_gradients_of_their_own():
    x = leaf(2.0)
    one, other = mg.grad(x * x, [x, x])
    one.zero_()
    assert other.tolist() == [4]


def test_only_inputs_warns():
    x = leaf(2.0)
    with pytest.warns(FutureWarning, match="only_inputs=False has no effect"):
        assert values(*mg.grad(x * x, x, only_inputs=False)) == [[4]]


REFUSED = {
    "batched": (lambda x: mg.grad(x * x, x, is_grads_batched=True), NotImplementedError, "jacrev"),
    "materialize": (
        lambda x: mg.grad(x * x, x, allow_unused=False, materialize_grads=True), ValueError, "leave allow_unused out"
    ),
    "no inputs": (lambda x: mg.grad(x * x, []), RuntimeError, "grad: inputs is empty"),
    "no inputs of backward": (lambda x: (x * x).backward(inputs=[]), RuntimeError, "backward: inputs is empty"),
    "mapping": (lambda x: mg.grad(x * x, collections.ChainMap({"x": x})), TypeError, "or dict, got ChainMap"),
    "constant": (lambda x: (x * x).backward(inputs=[mg.ones(1)]), RuntimeError, "input 0, .* does not require grad"),
    "number": (lambda x: (x * x).backward(inputs=3), TypeError, "inputs must be a tensor or a sequence"),
    "unused": (lambda x: mg.grad(x * x, [x, leaf(1.0)]), RuntimeError, "input 1, .* not used .*materialize_grads=True"),
    "too few gradients": (
        lambda x: mg.autograd.backward([x.sum(), x.sum()], [None]), RuntimeError, "got 1 gradients for 2 outputs"
    ),
    "shape": (lambda x: (x * x).backward(mg.ones(2)), RuntimeError, r"\(2,\) has not the shape of the output, \(1,\)"),
    "output": (lambda x: mg.autograd.backward(3.0), TypeError, "outputs must be a tensor or a sequence"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_said(name):
    act, error, words = REFUSED[name]
    x = leaf(2.0)
    with pytest.raises(error, match=words) as caught:
        act(x)
    assert "\n" not in str(caught.value) and x.grad is None
