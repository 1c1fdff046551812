"""Calling a module: forward, hooks and errors."""

import threading

import pytest

import minigrad as mg
from minigrad import nn
from tests.nn.nets import Net


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Module has no forward: define forward"):
        nn.Module()(1)


def test_forward_gets_all_arguments():
    class Takes(nn.Module):
        def forward(self, *args, **kwargs):
            return args, kwargs

    assert Takes()(1, 2, key=3) == ((1, 2), {"key": 3})


@pytest.mark.parametrize("layer", [nn.Sigmoid, nn.Tanh, nn.Module])
def test_layers_without_settings_take_none(layer):
    with pytest.raises(TypeError, match="unexpected keyword argument 'slope'"):
        layer(slope=1)
    with pytest.raises(TypeError, match="positional argument"):
        layer(1)


@pytest.mark.parametrize(
    ("spoil", "path"),
    [
        (lambda m: setattr(m, "stem", nn.Linear(5, 8)), r"linear in stem \(Linear\): .* expected input \(\.\.\., 5\)"),
        (lambda m: m.blocks.__setitem__(1, nn.BatchNorm1d(9)), r"in blocks\.1 \(BatchNorm1d\)"),
        (lambda m: setattr(m.blocks[0], "bn", nn.BatchNorm1d(9)), r"in blocks\.0\.bn \(BatchNorm1d\)"),
        (lambda m: m.net.__setitem__(2, nn.BatchNorm1d(9)), r"in net\.2 \(BatchNorm1d\): expected 9 channels"),
    ],
)
def test_errors_name_the_module(x, spoil, path):
    model = Net()
    spoil(model)
    with pytest.raises(ValueError, match=path):
        model(x)
    with pytest.raises(ValueError, match=r"linear: .* expected input") as caught:
        nn.functional.linear(x, mg.ones(2, 3))
    assert " in " not in str(caught.value).split(":")[0]  # the call is over, also after the error


def test_calls_in_threads_do_not_see_each_other():
    inside, leave, messages = threading.Event(), threading.Event(), []

    class Waits(nn.Module):
        def forward(self):
            inside.set()
            assert leave.wait(10)

    thread = threading.Thread(target=Waits())
    thread.start()
    assert inside.wait(10)
    try:
        nn.Linear(2, 2)(mg.ones(1, 3))
    except ValueError as error:
        messages.append(str(error))
    leave.set()
    thread.join()
    assert messages[0].startswith("linear in Linear: ")
