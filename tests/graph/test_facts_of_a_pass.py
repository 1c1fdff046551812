"""What a picture says of a pass is what was so when it was made, whatever has happened since; the rest is of now."""

import copy
import pickle
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from tests.graph.parsed import MLP, parsed


def batch():
    return mg.tensor(np.random.default_rng(1).normal(size=(16, 4)).astype(np.float32))


class Net(nn.Module):
    """A layer for each setting that may change."""

    def __init__(self):
        self.fc = nn.Linear(4, 4)
        self.bn = nn.BatchNorm1d(4, momentum=0.2, eps=1e-3)
        self.average = nn.BatchNorm1d(4, momentum=None)
        self.drop = nn.Dropout(0.25)
        self.power = Power(2)

    def forward(self, x):
        return self.power(self.drop(self.average(self.bn(self.fc(x)))))


class Power(nn.Module):
    """Of a user: its settings are of a number, a text and None."""

    def __init__(self, exponent):
        self.exponent, self.note, self.bound = exponent, "plain", None
        self.factor = nn.Parameter(mg.ones(1))

    def extra_repr(self):
        return f"exponent={self.exponent}, note={self.note}, bound={self.bound}"

    def forward(self, x):
        return x**self.exponent * self.factor


def nothing(net, optimizer):
    pass


def evaluated(net, optimizer):
    net.eval()


def frozen(net, optimizer):
    net.bn.freeze()
    net.average.eval().freeze()


def settings_changed(net, optimizer):
    net.bn.momentum, net.bn.eps, net.average.momentum, net.drop.p = 0.9, 0.1, 0.3, 0.75
    net.power.exponent, net.power.note, net.power.bound = 7, "other", [1]


def settings_changed_twice(net, optimizer):
    settings_changed(net, optimizer)
    net.bn.momentum, net.drop.p, net.power.bound = None, 0.1, 3.0


def trained_on(net, optimizer):
    for _ in range(3):
        optimizer.zero_grad()
        net(batch()).square().mean().backward()
        optimizer.step()


def parameters_frozen(net, optimizer):
    net.requires_grad_(False)


def loaded(net, optimizer):
    net.load_state_dict({name: value + 1 for name, value in net.state_dict().items()})


def called_otherwise(net, optimizer):
    with net.evaluating(), mg.no_grad():
        net(batch() + 3)


CHANGES = [
    nothing, evaluated, frozen, settings_changed, settings_changed_twice, trained_on, parameters_frozen, loaded,
    called_otherwise,
]  # fmt: skip


def of_the_pass(source):
    """A picture without what is read when it is drawn: values of leaves, gradients, and what is called ``now``."""
    source = re.sub(r" \(now [^()]*(\([^()]*\))?[^()]*\)|, now [\d,]+|backward: [\w ,]+", "", source)
    shown = re.sub(r"<TR><TD[^>]*>(\|grad\||values |scaled)[^<]*</TD></TR>", "", source)
    return re.sub(r'( WIDTH="\d+")|(\) (int64|float32) = [^<]*)', "", shown)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("training", [True, False])
def test_the_picture_of_a_pass_does_not_depend_on_what_happened_after_it(change, training):
    mg.manual_seed(0)
    net = Net().train(training)
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    net(batch())
    output = net(batch())
    at_once = mg.draw(output).source
    assert " now" not in at_once
    change(net, optimizer)
    later = mg.draw(output).source
    assert of_the_pass(later) == of_the_pass(at_once)
    for text in ("BatchNorm1d(4, eps=0.001, momentum=0.2)", "momentum=None", "Power(2, note=plain)"):
        assert text in later
    assert ("+1 to 2" in later) is training
    assert "p=0.25" in later or not training


def test_what_has_changed_since_is_called_now():
    mg.manual_seed(0)
    net = Net()
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    loss = net(batch()).square().mean()
    loss.backward()
    assert " now" not in mg.draw(loss, model=net).source
    trained_on(net, optimizer)
    picture = parsed(loss, model=net)
    assert picture.box("bn.num_batches_tracked").lines == ["() int64 = 4 now"]
    low, high = net.bn.running_mean.min().item(), net.bn.running_mean.max().item()
    assert picture.box("bn.running_mean").lines[1] == f"values now in [{low:.3g}, {high:.3g}]"
    factor, rms = net.power.factor.item(), abs(net.power.factor.grad.item())
    assert picture.box("power.factor").lines == [f"(1,) float32 = {factor:.4g} now", f"|grad| now rms {rms:.2g}"]
    assert picture.box("input").lines == ["(16, 4) float32"]


def test_the_header_says_the_modes_of_the_calls_and_those_of_now():
    net = MLP()
    output = net(batch())
    assert "   mode=train   " in parsed(output).header
    net.bn1.eval()
    assert "   mode=train (now mixed (4 of 5 modules in train))   " in parsed(output).header
    net.eval()
    assert "   mode=train (now eval)   " in parsed(output).header
    assert "   mode=eval   " in parsed(net(batch())).header
    net.train()
    assert "   mode=train   " in parsed(output).header
    both = net(batch()) + net.eval()(batch())
    assert "   mode=mixed (5 of 10 calls in train) (now eval)   " in parsed(both).header


def test_a_single_output_is_a_loss_if_a_loss_made_it_or_backward_began_there():
    one = mg.tensor([[3.0]], requires_grad=True)
    assert "   output=3   " in parsed(nn.Identity(), one).header
    assert "   loss=4   " in parsed(F.mse_loss(one, mg.ones(1, 1))).header
    squares = (one * 2).square().sum()
    assert "   output=36   " in parsed(squares).header
    squares.backward()
    assert "   loss=36   " in parsed(squares).header


def test_the_header_says_that_a_loss_is_of_now():
    loss = F.mse_loss(mg.ones(2, requires_grad=True) * 3, mg.ones(2))
    assert "   loss=4   " in parsed(loss).header
    loss.detach().fill_(7.0)
    assert "   loss=7 now   " in parsed(loss).header


def test_the_header_says_what_was_trained_and_what_is_now():
    net = MLP()
    net.fc2.requires_grad_(False)
    output = net(batch())
    net.requires_grad_(True).fc1.requires_grad_(False)
    assert "74 parameters (56 trainable, now 34)" in parsed(output).header


def test_a_forward_pass_that_changes_its_settings_is_drawn_with_those_it_found():
    class Counting(nn.Module):
        def __init__(self):
            self.calls, self.weight = 0, nn.Parameter(mg.ones(2))

        def extra_repr(self):
            return f"calls={self.calls}"

        def forward(self, x):
            self.calls += 1
            return x * self.weight + 1

    net = nn.Sequential(Counting())
    y = net(net(mg.ones(2)))
    titles = [title for title, _, _ in parsed(y).clusters.values()]
    assert titles == [
        "Sequential #1", "0 #1: Counting(calls=0)", "Sequential #2", "0 #2: Counting(calls=1)"
    ]  # fmt: skip
    assert "Counting(calls=2)" in mg.draw(net, mg.ones(2)).source and net[0].calls == 2


def test_a_setting_of_another_kind_takes_the_place_of_a_plain_one():
    net = nn.Sequential(Power(2))
    for bound in (1.5, [1, 2], None, (3,), 2.5):
        net[0].bound = bound
        assert f"Power(2, note=plain{f', bound={bound}' * (bound is not None)})" in mg.draw(net(mg.ones(2, 2))).source


@pytest.mark.parametrize("twin", [copy.deepcopy, copy.copy, lambda net: pickle.loads(pickle.dumps(net))])
def test_settings_of_copies_are_their_own(twin):
    net = Net().eval()
    net.bn.momentum = 0.3
    other = twin(net)
    output = other(batch())
    net.train()
    if twin is not copy.copy:  # which shares the layers
        net.bn.momentum = 0.4
        assert "mode=eval   " in parsed(output).header
    assert "momentum=0.3)" in mg.draw(output).source


def test_an_old_graph_keeps_no_tensor_that_was_an_attribute():
    class Remembering(nn.Module):
        def forward(self, x):
            self.last = x * 2
            return self.last

    net = Remembering()
    old = net(mg.ones(2, requires_grad=True))
    assert set(old.node.scope.settings.values) == {"training"}


# -- a pass of its own ---------------------------------------------------------------------------


def test_a_picture_of_a_model_says_that_its_pass_is_none_that_was_taken():
    net = MLP()
    for _ in range(3):
        net(batch())
    picture = parsed(net, batch())
    assert picture.header.splitlines()[1] == "of a pass of its own, not of a step that was taken"
    assert picture.box("bn1.num_batches_tracked").lines == ["() int64 = 3"]
    assert {label for _, _, label in picture.arrows("dashed")} == {"writes 0.1", "+1"}
    assert "of its own" not in mg.draw(net(batch())).source
    assert mg.draw(net, batch()).to_mermaid().count("of a pass of its own") == 1
    assert "\n" not in repr(mg.draw(net, batch()))
