"""Gradient checks of functions that reach modules and tensors outside their arguments, and of outputs that are cut."""

import functools
import types
import warnings

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.checks.reached import reached
from tests.helpers.inputs import leaf

CHECKS = [mg.gradcheck, mg.gradgradcheck]
ELSEWHERE = nn.BatchNorm1d(3).double()


def inputs():
    return leaf(np.random.default_rng(0).standard_normal((5, 3)))


def by_helper(x):
    return helper(x) * 2


def helper(x):
    return ELSEWHERE(x)


class Trainer:
    """An object of the user's that holds a model."""

    def __init__(self, model):
        self.parts = {"model": [model]}

    def loss(self, x):
        return self.parts["model"][0](x)


def ways(bn):
    """Functions that reach a module, each on a way of its own."""
    net, trainer = nn.Sequential(nn.Linear(3, 3, dtype="float64"), bn), Trainer(bn)
    space = types.SimpleNamespace(inner=types.SimpleNamespace(layer=bn))
    return {
        "closure": lambda x: bn(x),
        "of a net": lambda x: net(x),
        "nested function": lambda x: (lambda: bn(x))(),
        "default": lambda x, layer=bn: layer(x),
        "keyword": functools.partial(lambda x, layer: layer(x), layer=bn),
        "bound forward": bn.forward,
        "bound method": trainer.loss,
        "attributes": lambda x: space.inner.layer(x),
        "list": lambda x, layers=(bn,): layers[0](x),
        "decorated": mg.enable_grad(lambda x: bn(x)),
    }


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("way", ways(nn.BatchNorm1d(3)))
def test_a_module_that_a_function_reaches_keeps_its_statistics(way, check):
    bn = nn.BatchNorm1d(3).double()
    buffers = [(buffer, buffer.array, buffer.array.copy(), buffer.memory) for buffer in bn.buffers()]
    product = (inputs() * bn.running_mean).sum()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check(ways(bn)[way], inputs())
    for buffer, array, before, memory in buffers:
        assert buffer.array is array and buffer.memory is memory
        np.testing.assert_array_equal(array, before)
    product.backward()  # a graph over the statistics is as good as it was


def test_a_module_among_the_globals_keeps_its_statistics():
    before = ELSEWHERE.state_dict()
    assert mg.gradcheck(by_helper, inputs())
    for name, value in ELSEWHERE.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name].numpy())
    assert reached(by_helper)[0] == [ELSEWHERE]


def test_statistics_are_kept_after_an_error():
    bn = nn.BatchNorm1d(3).double()

    def fails(x):
        bn(x)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        mg.gradcheck(fails, inputs())
    assert bn.num_batches_tracked.item() == 0 and bn.running_mean.tolist() == [0, 0, 0]


def test_plain_tensors_of_a_closure_keep_their_values():
    mean, var = mg.zeros(3, dtype=np.float64), mg.ones(3, dtype=np.float64)
    assert mg.gradcheck(lambda x: F.batch_norm(x, mean, var, training=True), inputs())
    assert mean.tolist() == [0, 0, 0] and var.tolist() == [1, 1, 1]


def test_every_evaluation_starts_from_the_same_statistics():
    """Else the function would be another one at each step of the finite differences."""
    bn = nn.BatchNorm1d(3, momentum=0.5).double()

    def evaluated_then_trained(x):
        y = bn.eval()(x)
        bn.train()(x)
        return y * x

    assert mg.gradcheck(evaluated_then_trained, inputs())
    assert bn.num_batches_tracked.item() == 0


class Hidden:
    """Attributes by a way that nobody can see from outside."""

    def __init__(self, **values):
        self.read = values.__getitem__


def test_statistics_that_move_all_the_same_are_one_warning():
    hidden = Hidden(net=nn.Sequential(nn.Identity(), nn.BatchNorm1d(3).double()))
    with pytest.warns(UserWarning, match=r"changes the running statistics of 1 \(BatchNorm1d\)") as caught:
        assert mg.gradcheck(lambda x: hidden.read("net")(x), inputs())
    assert len(caught) == 1 and "gradcheck(module, x)" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_modules_in_evaluation_are_nothing_to_warn_of():
    hidden = Hidden(net=nn.BatchNorm1d(3).double().eval())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mg.gradcheck(lambda x: hidden.read("net")(x), inputs())


@pytest.mark.parametrize("make", [lambda: nn.BatchNorm1d(3), lambda: nn.BatchNorm1d(3, affine=False)])
def test_a_float32_module_in_a_function_gets_the_cure_of_the_check(make):
    bn, x = make(), mg.randn(5, 3).requires_grad_()
    with pytest.raises(
        TypeError, match=r"float64 copies of the inputs: check the module itself, gradcheck\(module, x\)"
    ):
        mg.gradcheck(lambda x: bn(x), x)
    assert bn.num_batches_tracked.item() == 0
    assert mg.gradcheck(bn, x)


def test_other_type_errors_reach_the_user_as_they_are():
    def fails(x):
        raise TypeError("mine")

    with pytest.raises(TypeError, match=r"^mine$"):
        mg.gradcheck(fails, mg.randn(3).requires_grad_())


# -- outputs that are cut from the graph ------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "number", "name"),
    [
        (lambda a, b: (a * b, a.detach() * 3), 1, "input 0"),
        (lambda a, b: (b.detach().exp(), a * b), 0, "input 1"),
        (lambda a, b: (a + b, a * 2, mg.tensor(b.detach().sum())), 2, "input 1"),
    ],
)
def test_an_output_that_moves_and_does_not_require_grad_is_named(function, number, name):
    x = [leaf(np.array([0.5, -1.0, 2.0])), leaf(np.array([1.5, 0.25, 3.0]))]
    with pytest.raises(mg.GradcheckError, match=rf"output {number}, .* moves with {name} but does not require grad"):
        mg.gradcheck(function, x)
    assert not mg.gradcheck(function, x, raise_exception=False)


def test_a_module_whose_second_output_is_cut_is_named_by_its_parameter():
    class Net(nn.Module):
        def __init__(self):
            self.fc = nn.Linear(2, 1)

        def forward(self, x):
            return x * 2, self.fc.weight.detach() * 3

    with pytest.raises(mg.GradcheckError, match=r"output 1, \(1, 2\), moves with parameter fc\.weight"):
        mg.gradcheck(Net(), mg.randn(3, 2))


@pytest.mark.parametrize(
    "function",
    [
        lambda a: (a * 2, mg.ones(3)),
        lambda a: (a * 2, a.argmax()),
        lambda a: (a * 2, (a > 0).float()),
        lambda a: (a * 2, mg.rand(2)),
        lambda a: (a * 2, mg.tensor([np.nan, 1.0])),
    ],
)
def test_outputs_that_do_not_move_need_no_gradient(function):
    assert mg.gradcheck(function, leaf(np.array([0.5, -1.0, 2.0])))


def test_a_function_made_by_exec_has_no_module():
    names: dict = {}
    exec("square = lambda x: x * x", names)
    assert names["square"].__module__ is None
    assert mg.gradcheck(names["square"], mg.ones(2, requires_grad=True))
