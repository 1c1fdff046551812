"""``functional_call``: a module as a function of its parameters and buffers."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.func import functional_call


class Tied(nn.Module):
    """One parameter under two names, one in a list."""

    def __init__(self):
        self.a = nn.Parameter([2.0])
        self.b = self.a
        self.rest = [nn.Parameter([1.0])]

    def forward(self, x, scale=1.0):
        return (self.a * x + self.b + self.rest[0]) * scale


def values(module):
    return {name: value.tolist() for name, value in [*module.named_parameters(), *module.named_buffers()]}


def test_given_tensors_take_the_place_of_parameters_for_the_call():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1, bias=False))
    before, x = values(net), mg.tensor([[1.0, -2.0]])
    weight = mg.tensor([[3.0, 4.0]], requires_grad=True)
    expected = net[:2](x) @ weight.T
    y = functional_call(net, {"2.weight": weight}, x)
    assert y.tolist() == expected.tolist() and values(net) == before
    y.sum().backward()
    assert weight.grad.tolist() == net[:2](x).tolist()
    assert net[2].weight.grad is None and net[2].weight.requires_grad and net[0].weight.grad is not None


def test_a_failed_call_leaves_the_module_as_it_was():
    net = nn.Linear(2, 1)
    before = values(net)
    with pytest.raises(ValueError, match="linear"):
        functional_call(net, {"weight": mg.zeros(1, 3)}, mg.ones(1, 2))
    assert values(net) == before


def test_running_statistics_go_to_the_given_buffers():
    bn = nn.BatchNorm1d(2)
    before, x = values(bn), mg.randn(8, 2)
    given = {"running_mean": mg.zeros(2), "running_var": mg.ones(2)}
    y = functional_call(bn, given, x)
    assert {**values(bn), "num_batches_tracked": 0} == before
    twin = nn.BatchNorm1d(2)
    np.testing.assert_array_equal(y.detach().numpy(), twin(x).detach().numpy())
    for name, value in given.items():
        np.testing.assert_array_equal(value.numpy(), getattr(twin, name).numpy())
        assert value.tolist() != before[name]


def test_arguments():
    net, x = Tied(), mg.tensor([10.0])
    zero = {"rest.0": mg.zeros(1)}
    for args, kwargs in (((x,), None), (x, None), ((x,), {"scale": 1.0}), (None, {"x": x})):
        assert functional_call(net, zero, args, kwargs).tolist() == [22]
    assert functional_call(net, [zero, {"a": mg.ones(1)}], (x, 2.0)).tolist() == [22]


def test_shared_parameters_are_replaced_together():
    net, x = Tied(), mg.tensor([10.0])
    for name in ("a", "b"):
        assert functional_call(net, {name: mg.ones(1)}, x).tolist() == [12]
    one = mg.ones(1)
    assert functional_call(net, {"a": one, "b": one}, x, tie_weights=False).tolist() == [12]
    with pytest.raises(ValueError, match="b is a shared parameter: give one tensor"):
        functional_call(net, {"a": mg.ones(1), "b": mg.zeros(1)}, x)
    with pytest.raises(RuntimeError, match="a is the same parameter as b: tie_weights=False cannot"):
        functional_call(net, {"a": mg.ones(1)}, x, tie_weights=False)


def test_names_are_checked_if_strict():
    net, x = nn.Linear(1, 1), mg.ones(1, 1)
    assert functional_call(net, {"typo": mg.ones(1)}, x).tolist() == net(x).tolist()
    with pytest.raises(RuntimeError, match="Linear: unexpected names typo and missing names bias, weight"):
        functional_call(net, {"typo": mg.ones(1)}, x, strict=True)
    assert functional_call(Tied(), {"a": mg.ones(1), "rest.0": mg.ones(1)}, x[0], strict=True).tolist() == [3]


def test_a_parameter_that_is_returned_is_the_given_tensor():
    class Itself(nn.Module):
        def __init__(self):
            self.w = nn.Parameter([1.0])

        def forward(self):
            return self.w, {"w": self.w}, [self.w * 2]

    given = mg.tensor([5.0], requires_grad=True)
    w, named, (double,) = functional_call(Itself(), {"w": given})
    assert w is given and named["w"] is given and double.tolist() == [10]


def test_what_the_call_puts_in_a_buffers_place_goes_with_the_call():
    class Counts(nn.Module):
        def __init__(self):
            self.n = nn.Buffer([0.0])

        def forward(self, x):
            self.n = self.n + 1
            return x

    net = Counts()
    buffer = net.n
    functional_call(net, {"n": mg.zeros(1)}, mg.ones(1))
    assert net.n is buffer and net.n.tolist() == [0]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (3, ValueError, "expected a dict of tensors or a sequence of dicts, got 3"),
        ({"weight": 3.0}, TypeError, "weight must be a tensor, got 3.0"),
        ([{"weight": mg.ones(1, 1)}, {"weight": mg.ones(1, 1)}], ValueError, "weight is in several"),
    ],
)
def test_what_cannot_be_done_is_said(given, error, words):
    with pytest.raises(error, match=words):
        functional_call(nn.Linear(1, 1), given, mg.ones(1, 1))
