"""The names of a program's values in source: those of the model, of the optimiser and of the step's arguments."""

from __future__ import annotations

import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile.naming import identifier, names_of


class Net(nn.Module):
    def __init__(self):
        self.fc1, self.bn1 = nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3)

    def forward(self, x):
        return self.bn1(self.fc1(x))


def test_names_are_those_of_the_model_and_of_the_arguments():
    net = Net()
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

    def step(x, batch):
        optimizer.zero_grad()
        (net(x) - batch["target"]).square().mean().backward()
        optimizer.step()

    compiled = mg.compile(step, backend="numpy")
    compiled(mg.randn(4, 2), {"target": mg.randn(4, 3)})
    names = list(names_of(compiled.program).values())
    assert names[:2] == ["x", "batch_target"] and len(set(names)) == len(names)
    assert {"fc1_weight", "bn1_running_mean", "bn1_weight_grad", "momentum_buffer"} <= set(names)
    assert all(name.isidentifier() for name in names)


@pytest.mark.parametrize(
    ("text", "name"), [("fc1.weight", "fc1_weight"), ("0.weight", "layer0_weight"), ("a of [0, 1]", "a_of_0_1")]
)
def test_a_name_is_an_identifier(text, name):
    assert identifier(text) == name


class Undeclared(optim.SGD):
    number_names = ()


@pytest.mark.parametrize(
    ("kind", "words"), [(optim.Adam, ["scaled_eps", "rate"]), (optim.ASGD, ["eta"]), (Undeclared, [])]
)
def test_numbers_of_an_optimiser_have_the_names_that_its_rule_declares(kind, words):
    parameter = nn.Parameter(mg.ones(2))
    optimizer = kind([parameter], lr=0.1)

    @mg.compile(backend="numpy")
    def step(x):
        optimizer.zero_grad()
        (parameter * x).sum().backward()
        optimizer.step()

    step(mg.ones(2))
    names = {line.split(" = ")[0] for line in step.source.splitlines()} | step.given.keys()
    assert names >= set(words)
    words_of_all = [word for each in (optim.Adam, optim.ASGD) for word in each.number_names]
    assert names.isdisjoint(set(words_of_all) - set(kind.number_names) - {"eps"})
