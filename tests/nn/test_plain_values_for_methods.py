"""Methods and attributes of all modules are not replaced by values that cannot do what they do."""

import functools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

VALUES = [3, 2.5, "cpu", None, True, np.ones(3), [1], {}, nn.ReLU()]


@pytest.mark.parametrize("value", VALUES, ids=str)
@pytest.mark.parametrize(
    "name", ["half", "modules", "to", "children", "forward", "_switch", "__call__", "_call_settings"]
)
def test_a_method_does_not_become_a_plain_value(name, value):
    net = nn.Linear(2, 2)
    with pytest.raises(
        TypeError, match=rf"Linear\.{name} is an? (method|attribute) of every module .*: choose another"
    ):
        setattr(net, name, value)
    assert net.half().eval().weight.dtype == np.float16


@pytest.mark.parametrize("value", VALUES[:4] + VALUES[5:], ids=str)
@pytest.mark.parametrize("name", ["modules", "half", "_shows"])
def test_a_class_attribute_does_not_hide_a_method(name, value):
    with pytest.raises(TypeError, match=rf"Net\.{name} is a method of every module .*: choose another name"):
        type("Net", (nn.Module,), {name: value})


@pytest.mark.parametrize("value", ["yes", 2, None])
def test_the_mode_is_true_or_false(value):
    with pytest.raises(TypeError, match=r"Linear\.training is the mode of every module"):
        nn.Linear(2, 2).training = value


def test_functions_and_descriptors_may_take_the_place_of_methods():
    class Net(nn.Module):
        width = 3
        half = functools.partialmethod(nn.Module.to, np.float16)
        extra_repr = staticmethod(lambda: "small")

        @property
        def children(self):
            return "none"

        def forward(self, x):
            return x

    net = Net()
    net.forward = functools.partial(mg.mul, 2.0)
    assert net(mg.ones(1)).tolist() == [2] and repr(net) == "Net(small)" and net.children == "none"
    net.width = 4
    assert net.half() is net and net.width == 4
