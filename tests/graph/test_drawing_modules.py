"""Drawing a module leaves it as it was."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.graph.parsed import MLP, parsed


class Restless(nn.Module):
    """Changes all it can in its forward pass."""

    def __init__(self):
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.5)
        self.steps = nn.Buffer(mg.zeros(2))
        self.total = nn.Buffer(mg.zeros(2))
        self.calls = 0

    def forward(self, x, scale=1.0):
        y = self.drop(self.norm(x)) * scale
        self.calls += 1
        self.steps += 1
        self.total = self.total + 1
        self.norm.weight.grad = None
        with mg.no_grad():
            self.norm.bias += 1
            if self.norm.bias.grad is not None:
                self.norm.bias.grad.zero_()
        self.eval()
        self.extra = y
        return {"y": y, "twice": [y * 2]}


def state_of(model):
    leaves = [*model.named_parameters(), *model.named_buffers()]
    tensors = {name: (t.tolist(), t.memory.changed, id(t), t.requires_grad) for name, t in leaves}
    gradients = {name: (id(t.grad), t.grad.tolist()) for name, t in leaves if t.grad is not None}
    attributes = [{name: v for name, v in vars(m).items() if isinstance(v, (bool, int))} for m in model.modules()]
    return tensors, gradients, attributes, [sorted(vars(m)) for m in model.modules()], mg.get_rng_state()


@pytest.mark.parametrize("recording", [True, False])
@pytest.mark.parametrize("model", [Restless, MLP])
def test_drawing_a_module_leaves_it_as_it_was(model, recording, x):
    model = model()
    for parameter in model.parameters():
        parameter.grad = mg.ones_like(parameter)
    before = state_of(model)
    with mg.set_grad_enabled(recording):
        picture = parsed(model, x)
        assert mg.is_grad_enabled() is recording
    assert state_of(model) == before
    assert picture.titles()["batch_norm"] == 1 and picture.titles()["input x"] == 1
    assert x.grad is None and not x.requires_grad


def test_drawing_a_module_that_fails_leaves_it_as_it_was(x):
    model = Restless()
    before = state_of(model)
    with pytest.raises(TypeError) as raised:
        mg.draw(model, x, object())
    (note,) = raised.value.__notes__
    assert note == "draw has called Restless with these inputs, which it fails on; the model is as it was."
    assert state_of(model) == before


def test_a_graph_recorded_before_a_drawing_can_go_backward_after_it(x):
    model = Restless()
    w = mg.ones(2, requires_grad=True)
    loss = (w * model.steps).sum() + model.norm(x).square().sum()
    expected = mg.grad(loss, [w, *model.norm.parameters()], retain_graph=True)
    mg.draw(model, x)
    loss.backward()
    found = [w.grad, *(parameter.grad for parameter in model.norm.parameters())]
    assert [dx.tolist() for dx in found] == [dx.tolist() for dx in expected]


def test_a_module_without_trained_parameters_is_drawn_too(net):
    net.requires_grad_(False)
    picture = parsed(net, np.ones((2, 4), np.float32))
    assert picture.titles()["input x"] == 1 and len(picture.clusters) == 3
    assert parsed(nn.Sequential(nn.Flatten()), mg.ones(2, 2, 2)).titles() == {"input": 1, "0: reshape": 1}


def test_several_outputs_are_all_drawn(x):
    picture = parsed(Restless(), x, 3.0)
    assert sum("peripheries=2" in box.look for box in picture.boxes.values()) == 2
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    picture = parsed([w.exp(), w.sum(), w])
    assert sum("peripheries=2" in box.look for box in picture.boxes.values()) == 2
    assert len(picture.boxes) == 3
    assert parsed(w, legend=True).titles()["leaf"] == 1


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (lambda net, x: (3,), TypeError, r"draw takes a tensor.*got 3"),
        (lambda net, x: ([],), TypeError, r"draw takes a tensor"),
        (lambda net, x: (net(x), x), TypeError, r"draw\(model, x\); got .* and 1 inputs"),
        (lambda net, x: (x,), ValueError, r"no graph to draw.*draw\(model, x\)"),
        (lambda net, x: (net(x).detach(),), ValueError, r"detached"),
        (lambda net, x: (net,), TypeError, r"draw\(model, \*inputs\): MLP.forward\(x\): missing .*'x'"),
        (lambda net, x: (net, x, x), TypeError, r"too many positional arguments"),
        (lambda net, x: (nn.Identity(), "text"), TypeError, r"returns some.*got Identity and 1 inputs"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_cure(net, x, arguments, error, message):
    with pytest.raises(error, match=message):
        mg.draw(*arguments(net, x))


def test_an_option_that_is_misspelt_is_named(net, x):
    with pytest.raises(TypeError, match=r"MLP.forward\(x\): .* keyword argument 'dept'\. Did you mean depth=\?"):
        mg.draw(net, x, dept=1)
    with pytest.raises(TypeError, match=r"1 inputs \(dept\)\. Did you mean depth=\?"):
        mg.draw(net(x), dept=1)
